/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An agent of another ABI version takes over: it copies what is pinned into tables of its own
 * layout, and so does the one of this version when it comes back.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "kernel/kernel_fixture.h"
#include "kernel/perf_links.h"
#include "kernel/successor.h"
#include "abi.h"

#define SOURCE_BYTES 1048576

struct migration {
	struct kernel_fixture *fixture;
	struct successor next;
	bool use_perf;
};

static int given_a_sensor(void **state)
{
	static struct migration migration;

	migration = (struct migration){.fixture = kernel_fixture_start(NULL)};
	*state = &migration;
	return 0;
}

static void given_a_sensor_by_perf(void **state)
{
	static struct migration migration;
	const struct kernel_options options = {.use_perf = true};

	perf_links_need();
	migration = (struct migration){.fixture = kernel_fixture_start(&options), .use_perf = true};
	*state = &migration;
}

static int stop_sensor(void **state)
{
	struct migration *migration = *state;

	if (migration)
		kernel_fixture_stop(migration->fixture);
	return 0;
}

static void change_version(struct migration *migration)
{
	struct sensor_start start;

	kernel_fixture_kill_sensor(migration->fixture);
	successor_start(&migration->next, "grown", kernel_fixture_folder(migration->fixture),
			migration->use_perf);
	start = successor_wait(&migration->next);
	assert_int_equal(start.takeover, SENSOR_MIGRATED);
	assert_false(start.is_resumed);
	assert_int_equal(start.agent_seen_ns, 1); /* a gap begins where the agent was killed */
}

static void change_back(struct migration *migration)
{
	successor_kill(&migration->next);
	kernel_fixture_restart_sensor(migration->fixture);
	assert_int_equal(kernel_fixture_start_info(migration->fixture).takeover, SENSOR_MIGRATED);
	assert_int_equal(kernel_fixture_start_info(migration->fixture).entries_left, 0);
}

static void assert_successor_knows(struct migration *migration, const char *name, uint64_t bytes)
{
	assert_int_equal(successor_bytes(&migration->next, true,
					 kernel_fixture_ino(migration->fixture, name)),
			 bytes);
}

static void assert_known(struct migration *migration, const char *name, uint64_t bytes)
{
	assert_int_equal(kernel_fixture_written(migration->fixture, name), bytes);
	assert_true(kernel_fixture_is_of_class(migration->fixture, name, "customer"));
}

static void wait_for(struct migration *migration, const char *name)
{
	char script[128];

	snprintf(script, sizeof(script), "while [ ! -e $DIR/%s ]; do sleep 0.05; done", name);
	kernel_fixture_shell(migration->fixture, script);
}

static void let_go_on(struct migration *migration, const char *name)
{
	char script[64];

	snprintf(script, sizeof(script), ": >$DIR/%s", name);
	kernel_fixture_shell(migration->fixture, script);
}

static void bytes_that_nobody_swept_are_told_by_the_next_version(void **state)
{
	struct migration *migration = *state;

	kernel_fixture_shell(migration->fixture, "cat $SRC > $DIR/first");
	change_version(migration);
	assert_successor_knows(migration, "first", SOURCE_BYTES);
	kernel_fixture_shell(migration->fixture, "head -c 1000 $SRC > $DIR/second");
	change_back(migration);
	assert_known(migration, "first", SOURCE_BYTES);
	assert_known(migration, "second", 1000);
}

static void a_file_keeps_its_label(void **state)
{
	struct migration *migration = *state;

	kernel_fixture_shell(migration->fixture, "cat $SRC > $DIR/first");
	change_version(migration);
	kernel_fixture_shell(migration->fixture, "cat $DIR/first > $DIR/second");
	assert_successor_knows(migration, "second", SOURCE_BYTES);
	change_back(migration);
	kernel_fixture_shell(migration->fixture, "cat $DIR/second > $DIR/third");
	assert_known(migration, "second", SOURCE_BYTES);
	assert_known(migration, "third", SOURCE_BYTES);
}

/* Its holder has read nothing from it, and is no app with a label. */
static void a_pipe_keeps_its_label(void **state)
{
	static const char holder[] =
		"mkfifo $DIR/pipe; exec 3<>$DIR/pipe; head -c 3000 $SRC >&3; : >$DIR/ready\n"
		"while [ -d $DIR ] && [ ! -e $DIR/go ]; do sleep 0.05; done\n"
		"head -c 1000 <&3 >$DIR/second; : >$DIR/ready-again\n"
		"while [ -d $DIR ] && [ ! -e $DIR/go-again ]; do sleep 0.05; done\n"
		"head -c 1000 <&3 >$DIR/third\n";
	struct migration *migration = *state;
	char text[256];
	int output;
	pid_t pid = kernel_fixture_spawn_shell(migration->fixture, holder, &output);

	wait_for(migration, "ready");
	change_version(migration);
	let_go_on(migration, "go");
	wait_for(migration, "ready-again");
	assert_successor_knows(migration, "second", 1000);
	change_back(migration);
	let_go_on(migration, "go-again");
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_known(migration, "second", 1000);
	assert_known(migration, "third", 1000);
}

/* It has the data in its memory, and nothing labelled open. */
static void an_app_keeps_its_label(void **state)
{
	static const char reader[] =
		"read -r row <$SRC || :; : >$DIR/ready\n"
		"while [ -d $DIR ] && [ ! -e $DIR/go ]; do sleep 0.05; done\n"
		"echo 1234567 >$DIR/second; : >$DIR/ready-again\n"
		"while [ -d $DIR ] && [ ! -e $DIR/go-again ]; do sleep 0.05; done\n"
		"echo 123 >$DIR/third\n";
	struct migration *migration = *state;
	char text[256];
	int output;
	pid_t pid = kernel_fixture_spawn_shell(migration->fixture, reader, &output);

	wait_for(migration, "ready");
	change_version(migration);
	let_go_on(migration, "go");
	wait_for(migration, "ready-again");
	assert_successor_knows(migration, "second", 8);
	change_back(migration);
	let_go_on(migration, "go-again");
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_known(migration, "second", 8);
	assert_known(migration, "third", 4);
}

/* Nobody has a label who had none, and the gate closes again when those end who have one. */
static void who_had_no_label_gets_none(void **state)
{
	struct migration *migration = *state;

	kernel_fixture_shell(migration->fixture, "cat $SRC > $DIR/first; echo 1 > $DIR/plain");
	change_version(migration);
	kernel_fixture_shell(migration->fixture, "cat $DIR/plain > $DIR/second");
	assert_successor_knows(migration, "second", 0);
	change_back(migration);
	kernel_fixture_shell(migration->fixture, "cat $DIR/plain > $DIR/third");
	assert_int_equal(kernel_fixture_written(migration->fixture, "third"), 0);
	assert_int_equal(sensor_walk(kernel_fixture_sensor(migration->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(migration->fixture).hot_apps, 0);
	assert_int_equal(kernel_fixture_counts(migration->fixture).objects, 2); /* source, first */
}

static void what_was_there_is_known_by_perf_tracepoints_too(void **state)
{
	given_a_sensor_by_perf(state);
	a_file_keeps_its_label(state);
}

static void pin_path(struct kernel_fixture *fixture, const char *name, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "/sys/fs/bpf/%s/%s",
		 strrchr(kernel_fixture_folder(fixture), '/') + 1, name);
}

/* As an agent leaves it that is killed when it has detached the hooks and not copied all. */
static void a_migration_that_was_cut_short_is_finished_by_the_next_agent(void **state)
{
	struct migration *migration = *state;
	struct dirent *entry;
	char path[160];
	DIR *dir;

	kernel_fixture_shell(migration->fixture, "cat $SRC > $DIR/first");
	kernel_fixture_kill_sensor(migration->fixture);
	pin_path(migration->fixture, "", path, sizeof(path));
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, "link_", 5) == 0)
			assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
	closedir(dir);
	kernel_fixture_restart_sensor(migration->fixture);
	assert_int_equal(kernel_fixture_start_info(migration->fixture).takeover, SENSOR_MIGRATED);
	kernel_fixture_shell(migration->fixture, "cat $DIR/first > $DIR/second");
	assert_known(migration, "first", SOURCE_BYTES);
	assert_known(migration, "second", SOURCE_BYTES);
}

/* Another key, and so other entries: how many is known, and the rest lives on. */
static void entries_of_a_table_with_another_key_are_counted_as_left(void **state)
{
	struct migration *migration = *state;
	struct sensor_start start;
	char path[160];
	int fd;

	kernel_fixture_shell(migration->fixture, "cat $SRC > $DIR/first");
	kernel_fixture_kill_sensor(migration->fixture);
	pin_path(migration->fixture, "clipboards", path, sizeof(path));
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "clipboards", sizeof(uint32_t),
			    sizeof(struct weir_clipboard), 16, NULL);
	assert_true(fd >= 0);
	for (uint32_t key = 1; key <= 2; key++)
		assert_int_equal(bpf_map_update_elem(fd, &key, &(struct weir_clipboard){}, BPF_ANY),
				 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
	kernel_fixture_restart_sensor(migration->fixture);
	start = kernel_fixture_start_info(migration->fixture);
	assert_int_equal(start.takeover, SENSOR_MIGRATED);
	assert_int_equal(start.entries_left, 2);
	assert_known(migration, "first", SOURCE_BYTES);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, given_a_sensor, stop_sensor)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(bytes_that_nobody_swept_are_told_by_the_next_version),
		STORY(a_file_keeps_its_label),
		STORY(a_pipe_keeps_its_label),
		STORY(an_app_keeps_its_label),
		STORY(who_had_no_label_gets_none),
		cmocka_unit_test_teardown(what_was_there_is_known_by_perf_tracepoints_too,
					  stop_sensor),
		STORY(a_migration_that_was_cut_short_is_finished_by_the_next_agent),
		STORY(entries_of_a_table_with_another_key_are_counted_as_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
