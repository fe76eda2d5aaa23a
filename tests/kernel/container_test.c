/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Containers: apps in them go by the pids of the host and say which cgroup they are of, and
 * labels know no border between a container and the host.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"
#include "kernel/container.h"
#include "kernel/coverage.h"
#include "kernel/kernel_fixture.h"
#include "kernel/tables.h"
#include "support/cgroup_fixture.h"

#define SOURCE_BYTES 1048576

struct scene {
	struct kernel_fixture *kernel;
	struct tables *tables;
	struct cgroup_fixture cgroup;
	char actor[128];
	char *source;
};

/* ---- the scene --------------------------------------------------------------- */

static char *pin_dir_of(struct kernel_fixture *fixture, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "/sys/fs/bpf/%s",
		 strrchr(kernel_fixture_folder(fixture), '/') + 1);
	return ret_path;
}

static void open_tables(struct scene *scene)
{
	char path[160];

	scene->tables = tables_open(pin_dir_of(scene->kernel, path, sizeof(path)));
}

static int given_a_sensor(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	*state = scene;
	scene->kernel = kernel_fixture_start(NULL);
	scene->source = (char *)kernel_fixture_source(scene->kernel);
	snprintf(scene->actor, sizeof(scene->actor), "%s/actor",
		 kernel_fixture_folder(scene->kernel));
	open_tables(scene);
	return 0;
}

static int stop_sensor(void **state)
{
	struct scene *scene = *state;

	tables_close(scene->tables);
	kernel_fixture_stop(scene->kernel);
	cgroup_fixture_close(&scene->cgroup);
	free(scene);
	return 0;
}

static void need_container(pid_t pid)
{
	if (pid > 0)
		return;
	print_message("# SKIP this kernel makes no such namespaces: %s\n", strerror(-pid));
	skip();
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct weir_app app_of(const struct scene *scene, pid_t pid)
{
	uint64_t id = tables_app_of(scene->tables, pid);
	struct weir_app app = {};

	assert_int_not_equal(id, 0);
	assert_true(tables_read_app(scene->tables, id, &app));
	return app;
}

/* An actor that stays in a container of that cgroup. */
static pid_t given_an_app_in_a_container(struct scene *scene)
{
	char *arguments[] = {scene->actor, "stay", CONTAINER_NONE, NULL};
	const struct container container = {.cgroup = scene->cgroup.path};
	int own_pid;
	pid_t pid = container_start(&container, arguments, &own_pid);

	need_container(pid);
	assert_int_equal(own_pid, 1);
	return pid;
}

/* ---- who is who -------------------------------------------------------------- */

static void an_app_in_a_container_keeps_host_pids_and_its_cgroup(void **state)
{
	struct scene *scene = *state;
	struct weir_app app, outside = app_of(scene, getpid());
	pid_t pid;

	cgroup_fixture_open(&scene->cgroup);
	pid = given_an_app_in_a_container(scene);
	app = app_of(scene, pid);
	end(pid);
	assert_int_equal(app.pid, pid);
	assert_int_equal(app.cgroup_id, scene->cgroup.id);
	assert_int_equal(app.login_uid, outside.login_uid);
	assert_int_not_equal(outside.cgroup_id, 0);
	assert_int_not_equal(outside.cgroup_id, app.cgroup_id);
}

static void an_app_in_a_container_that_is_older_than_the_sensor_does_so_too(void **state)
{
	struct scene *scene = *state;
	struct weir_app app;
	pid_t pid;

	cgroup_fixture_open(&scene->cgroup);
	kernel_fixture_remove_sensor(scene->kernel);
	pid = given_an_app_in_a_container(scene);
	kernel_fixture_restart_sensor(scene->kernel);
	tables_close(scene->tables);
	open_tables(scene);
	app = app_of(scene, pid);
	end(pid);
	assert_int_equal(app.pid, pid);
	assert_int_equal(app.cgroup_id, scene->cgroup.id);
}

struct told {
	uint64_t cgroup_id;
	unsigned int n;
};

static void on_app_labelled(void *userdata, const struct sensor_app *app)
{
	struct told *told = userdata;

	told->n += app->cgroup_id == told->cgroup_id;
}

/* What has rung is read, and no table. */
static unsigned int count_labelled(struct sensor *sensor, uint64_t cgroup_id)
{
	const struct sensor_handler handler = sensor->handler;
	struct told told = {.cgroup_id = cgroup_id};

	sensor->handler =
		(struct sensor_handler){.app_labelled = on_app_labelled, .userdata = &told};
	ring_buffer__consume(sensor->ring);
	sensor->handler = handler;
	return told.n;
}

/* While its container is there, and what that is called can be asked. */
static void the_agent_hears_of_a_labelled_app_before_it_sweeps(void **state)
{
	struct scene *scene = *state;
	char *arguments[] = {scene->actor, "stay", scene->source, NULL};
	const struct container container = {.cgroup = scene->cgroup.path};
	unsigned int n;
	int own_pid;
	pid_t pid;

	cgroup_fixture_open(&scene->cgroup);
	pid = container_start(&container, arguments, &own_pid);
	need_container(pid);
	n = count_labelled(kernel_fixture_sensor(scene->kernel), scene->cgroup.id);
	end(pid);
	assert_int_equal(n, 1);
}

struct launched {
	struct weir_app outside, inside;
};

/* The actor starts itself in a container, and that reads the source. */
static struct launched
when_a_program_starts_itself_in_a_container(struct scene *scene, char *cgroup, const char *moved_to)
{
	char *arguments[] = {"actor", "launch", cgroup, scene->source, NULL};
	struct launched launched;
	pid_t outside, inside;
	int output;

	outside = kernel_fixture_spawn(scene->kernel, arguments, &output);
	assert_int_equal(container_read_number(output), outside);
	if (moved_to)
		assert_int_equal(cgroup_fixture_move(moved_to, outside), 0);
	assert_int_equal(kill(outside, SIGUSR1), 0);
	inside = container_read_number(output);
	close(output);
	if (inside > 0) {
		launched.outside = app_of(scene, outside);
		launched.inside = app_of(scene, inside);
	}
	end(outside);
	need_container(inside);
	return launched;
}

static void the_same_program_inside_and_outside_a_container_are_two_apps(void **state)
{
	struct scene *scene = *state;
	struct launched two;

	cgroup_fixture_open(&scene->cgroup);
	two = when_a_program_starts_itself_in_a_container(scene, scene->cgroup.path, NULL);
	assert_int_not_equal(two.inside.id, two.outside.id);
	assert_int_equal(two.inside.parent_id, two.outside.id);
	assert_int_equal(two.inside.cgroup_id, scene->cgroup.id);
	assert_int_not_equal(two.outside.cgroup_id, scene->cgroup.id);
	/* What is read in there is not known out here. */
	assert_int_not_equal(two.inside.labels, 0);
	assert_int_equal(two.outside.labels, 0);
}

/* As browsers make for their helpers. */
static void a_sandbox_without_a_cgroup_of_its_own_is_of_its_app(void **state)
{
	struct launched one =
		when_a_program_starts_itself_in_a_container(*state, CONTAINER_NONE, NULL);

	assert_int_equal(one.inside.id, one.outside.id);
	assert_int_not_equal(one.outside.labels, 0);
}

/* As desktops do: the program runs already when it is put into a scope. */
static void a_program_that_is_moved_after_its_start_is_one_app_with_its_helpers(void **state)
{
	struct scene *scene = *state;
	struct launched one;

	cgroup_fixture_open(&scene->cgroup);
	one = when_a_program_starts_itself_in_a_container(scene, CONTAINER_NONE,
							  scene->cgroup.path);
	assert_int_equal(one.inside.id, one.outside.id);
	assert_int_equal(one.outside.cgroup_id, app_of(scene, getpid()).cgroup_id);
}

/* ---- across the border ------------------------------------------------------- */

static void act_in_a_container(struct scene *scene, const char *script, int output_fd)
{
	char *arguments[] = {"/bin/sh", "-ec", (char *)script, NULL};
	char from[160], to[160];
	const struct container container = {
		.cgroup = scene->cgroup.path, .from = from, .to = to, .output_fd = output_fd};
	int status;
	pid_t pid;

	snprintf(from, sizeof(from), "%s/export", kernel_fixture_folder(scene->kernel));
	snprintf(to, sizeof(to), "%s/volume", kernel_fixture_folder(scene->kernel));
	setenv("DIR", kernel_fixture_folder(scene->kernel), 1);
	pid = container_spawn(&container, arguments);
	need_container(pid);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The export folder is what is mounted in there; out here, the mount point is empty. */
static void given_a_volume(struct scene *scene)
{
	cgroup_fixture_open(&scene->cgroup);
	kernel_fixture_shell(scene->kernel, "mkdir $DIR/volume");
}

static void labels_cross_from_a_container_to_the_host_by_a_file(void **state)
{
	struct scene *scene = *state;

	given_a_volume(scene);
	act_in_a_container(scene, "cat $DIR/volume/source.csv > $DIR/taken", -1);
	kernel_fixture_shell(scene->kernel, "! test -e $DIR/volume/source.csv;"
					    "cat $DIR/taken > $DIR/copy");
	assert_int_equal(kernel_fixture_written(scene->kernel, "taken"), SOURCE_BYTES);
	assert_int_equal(kernel_fixture_written(scene->kernel, "copy"), SOURCE_BYTES);
	coverage_note("file that a container and the host share by a bind mount", COVERAGE_EXACT);
}

static void labels_cross_from_the_host_to_a_container_by_a_file(void **state)
{
	struct scene *scene = *state;

	given_a_volume(scene);
	kernel_fixture_shell(scene->kernel, "cat $SRC > $DIR/given");
	act_in_a_container(scene, "cat $DIR/given > $DIR/inside", -1);
	assert_int_equal(kernel_fixture_written(scene->kernel, "inside"), SOURCE_BYTES);
}

static void labels_cross_from_a_container_to_the_host_by_a_pipe(void **state)
{
	struct scene *scene = *state;
	char script[64], text[64];
	int ends[2], output;
	pid_t host;

	given_a_volume(scene);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
	snprintf(script, sizeof(script), "cat /proc/self/fd/%d > $DIR/piped", ends[0]);
	host = kernel_fixture_spawn_shell(scene->kernel, script, &output);
	close(ends[0]);
	act_in_a_container(scene, "cat $DIR/volume/source.csv", ends[1]);
	close(ends[1]);
	kernel_fixture_wait(host, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_written(scene->kernel, "piped"), SOURCE_BYTES);
	coverage_note("pipe from a container to the host", COVERAGE_EXACT);
}

static void the_innocent_in_a_container_stay_unlabelled(void **state)
{
	struct scene *scene = *state;

	given_a_volume(scene);
	act_in_a_container(scene,
			   "cat $DIR/volume/source.csv > $DIR/taken;"
			   "head -c 5000 /etc/services > $DIR/plain",
			   -1);
	assert_int_equal(kernel_fixture_written(scene->kernel, "taken"), SOURCE_BYTES);
	assert_int_equal(kernel_fixture_written(scene->kernel, "plain"), 0);
}

int main(int argc, char **argv)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_sensor, stop_sensor)
	const struct CMUnitTest tests[] = {
		STORY(an_app_in_a_container_keeps_host_pids_and_its_cgroup),
		STORY(an_app_in_a_container_that_is_older_than_the_sensor_does_so_too),
		STORY(the_agent_hears_of_a_labelled_app_before_it_sweeps),
		STORY(the_same_program_inside_and_outside_a_container_are_two_apps),
		STORY(a_sandbox_without_a_cgroup_of_its_own_is_of_its_app),
		STORY(a_program_that_is_moved_after_its_start_is_one_app_with_its_helpers),
		STORY(labels_cross_from_a_container_to_the_host_by_a_file),
		STORY(labels_cross_from_the_host_to_a_container_by_a_file),
		STORY(labels_cross_from_a_container_to_the_host_by_a_pipe),
		STORY(the_innocent_in_a_container_stay_unlabelled),
	};

	if (argc > 1)
		return container_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
