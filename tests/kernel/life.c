/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/life.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static void copy_executable(const char *from, const char *to)
{
	char buffer[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(out, buffer, (size_t)n), n);
	close(in);
	close(out);
}

static int begin(void **state, const struct kernel_options *options)
{
	struct life *life = calloc(1, sizeof(*life));
	char pin_dir[96];
	const char *folder;

	life->fixture = kernel_fixture_start(options);
	folder = kernel_fixture_folder(life->fixture);
	snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/%s", strrchr(folder, '/') + 1);
	life->tables = tables_open(pin_dir);
	life->stage = puppet_stage_open();
	for (int i = 0; i < 2; i++) {
		snprintf(life->executables[i], PUPPET_PATH_BYTES, "%s/app%d", folder, i);
		copy_executable("/proc/self/exe", life->executables[i]);
	}
	*state = life;
	return 0;
}

int life_begin(void **state)
{
	return begin(state, NULL);
}

int life_begin_by_perf(void **state)
{
	return begin(state, &(const struct kernel_options){.use_perf = true});
}

int life_end(void **state)
{
	struct life *life = *state;

	puppet_stage_close(life->stage);
	tables_close(life->tables);
	kernel_fixture_stop(life->fixture);
	free(life);
	return 0;
}

long life_call(struct life *life, uint32_t puppet, const long call[7])
{
	return puppet_call(life->stage, puppet, call[0], &call[1]);
}

static long open_in(struct life *life, uint32_t puppet, const char *path, int flags)
{
	char *copy = life->stage->puppets[puppet].paths[0];
	long fd;

	snprintf(copy, PUPPET_PATH_BYTES, "%s", path);
	fd = LIFE_CALL(life, puppet, SYS_openat, AT_FDCWD, (long)copy, flags, 0644);
	assert_true(fd >= 0);
	return fd;
}

long life_open_plain(struct life *life, uint32_t puppet, const char *name)
{
	char path[PUPPET_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", kernel_fixture_folder(life->fixture), name);
	return open_in(life, puppet, path, O_RDWR | O_CREAT);
}

long life_open_source(struct life *life, uint32_t puppet)
{
	return open_in(life, puppet, kernel_fixture_source(life->fixture), O_RDONLY);
}

void life_read_source(struct life *life, uint32_t puppet)
{
	long fd = life_open_source(life, puppet), data = (long)life->stage->puppets[puppet].data;

	assert_int_equal(LIFE_CALL(life, puppet, SYS_pread64, fd, data, 100, 0), 100);
	LIFE_CALL(life, puppet, SYS_close, fd);
}

uint64_t life_labels_of_pid(struct life *life, pid_t pid)
{
	uint64_t id = tables_app_of(life->tables, pid);
	struct weir_app app;

	assert_true(id != 0 && tables_read_app(life->tables, id, &app));
	return app.labels;
}

uint64_t life_labels_of(struct life *life, uint32_t puppet)
{
	return life_labels_of_pid(life, life->stage->puppets[puppet].pid);
}

uint64_t life_labels_of_file(struct life *life, const char *name)
{
	uint64_t labels = 0, ino = kernel_fixture_ino(life->fixture, name);
	size_t n;
	struct tables_object *all = tables_read_objects(life->tables, &n);

	for (size_t i = 0; i < n; i++)
		if (all[i].key.ino == ino)
			labels |= all[i].value.labels;
	free(all);
	return labels;
}
