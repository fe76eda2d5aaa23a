/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/scene.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void must(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "scene: %s\n", what);
	exit(1);
}

const char *scene_path(const struct scene *scene, const char *name)
{
	static char path[PUPPET_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", kernel_fixture_folder(scene->fixture), name);
	return path;
}

void scene_start(const struct scene *scene, uint32_t who, const char *name)
{
	kernel_fixture_add_actor(scene->fixture, name);
	puppet_start(scene->stage, who, scene_path(scene, name));
}

int scene_set(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	must(scene, "no memory");
	scene->stage = puppet_stage_open();
	scene->fixture = kernel_fixture_start(NULL);
	scene_start(scene, CLERK, "clerk");
	scene_start(scene, THIEF, "thief");
	*state = scene;
	return 0;
}

int scene_strike(void **state)
{
	struct scene *scene = *state;

	puppet_end(scene->stage, THIEF);
	puppet_end(scene->stage, CLERK);
	kernel_fixture_stop(scene->fixture);
	puppet_stage_close(scene->stage);
	free(scene);
	return 0;
}

pid_t scene_pid(const struct scene *scene, uint32_t who)
{
	return scene->stage->puppets[who].pid;
}

char *scene_data(const struct scene *scene, uint32_t who)
{
	return scene->stage->puppets[who].data;
}

int scene_open(const struct scene *scene, uint32_t who, const char *path, int flags)
{
	struct puppet *puppet = &scene->stage->puppets[who];
	long fd;

	snprintf(puppet->paths[0], sizeof(puppet->paths[0]), "%s", path);
	fd = SCENE_CALL(scene, who, SYS_openat, AT_FDCWD, (long)puppet->paths[0], flags, 0644);
	must(fd >= 0, path);
	return (int)fd;
}

void scene_read_source(const struct scene *scene, uint32_t who)
{
	int fd = scene_open(scene, who, kernel_fixture_source(scene->fixture), O_RDONLY);
	long n = SCENE_CALL(scene, who, SYS_read, fd, (long)scene_data(scene, who), SCENE_BYTES);

	must(n == SCENE_BYTES, "read of the source");
}

uint64_t scene_labelled_bytes(const struct scene *scene, uint32_t who, const char *name)
{
	int fd = scene_open(scene, who, scene_path(scene, name), O_CREAT | O_WRONLY | O_TRUNC);
	long n = SCENE_CALL(scene, who, SYS_write, fd, (long)scene_data(scene, who),
			    SCENE_TRACE_BYTES);

	must(n == SCENE_TRACE_BYTES, "write");
	return kernel_fixture_written(scene->fixture, name);
}

void scene_write(const struct scene *scene, uint32_t who, const char *name, int flags)
{
	int fd = scene_open(scene, who, scene_path(scene, name), flags);
	long n = SCENE_CALL(scene, who, SYS_write, fd, (long)scene_data(scene, who), SCENE_BYTES);

	must(n == SCENE_BYTES, name);
	SCENE_CALL(scene, who, SYS_close, fd);
}

bool scene_is_labelled(const struct scene *scene, const char *name, const char *trace)
{
	uint64_t bytes;
	long n;
	int fd;

	scene_start(scene, SECOND, "second");
	fd = scene_open(scene, SECOND, scene_path(scene, name), O_RDONLY);
	n = SCENE_CALL(scene, SECOND, SYS_read, fd, (long)scene_data(scene, SECOND), 100);
	must(n > 0, name);
	bytes = scene_labelled_bytes(scene, SECOND, trace);
	puppet_end(scene->stage, SECOND);
	return bytes > 0;
}

int scene_make_file(const struct scene *scene, uint32_t who, const char *name)
{
	int fd = scene_open(scene, who, scene_path(scene, name), O_CREAT | O_RDWR);

	must(SCENE_CALL(scene, who, SYS_ftruncate, fd, SCENE_FILE_BYTES) == 0, "ftruncate");
	return fd;
}

uint64_t scene_passed_bytes(const struct scene *scene, bool is_out, bool is_estimated)
{
	uint64_t bytes = 0;
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);

	for (size_t i = 0; i < n; i++) {
		if (flows[i].object.kind != SENSOR_OBJECT_APP || flows[i].is_out != is_out)
			continue;
		must(flows[i].is_estimated == is_estimated, "passed bytes of the other kind");
		must(flows[i].object.ino != flows[i].app_id, "an app passed bytes to itself");
		bytes += flows[i].bytes;
	}
	return bytes;
}

uint64_t scene_gaps(const struct scene *scene, const char *name)
{
	const struct sensor_flow *flows;
	uint64_t gaps = 0;
	size_t n;

	flows = kernel_fixture_flows(scene->fixture, &n);
	for (size_t i = 0; i < n; i++) {
		const char *what = flows[i].object.kind == SENSOR_OBJECT_GAP
					   ? sensor_gap_name(flows[i].object.ino)
					   : NULL;

		if (what && strcmp(what, name) == 0)
			gaps++;
	}
	return gaps;
}
