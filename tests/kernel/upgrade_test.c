/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another build takes over while data moves: its programs take the place of the old ones in the
 * same hooks and go on with the same tables.
 */
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

#include "base/clock.h"
#include "kernel/flooder.h"
#include "kernel/flooding.h"
#include "kernel/perf_links.h"
#include "kernel/successor.h"

#define UPGRADES_DEFAULT 5 /* there and back again; WEIR_UPGRADES says otherwise */
#define DYING_US 150000
#define SECONDS_MAX 900 /* for a busy machine, or an emulated one; it is ended before */
#define SOURCE_BYTES 1048576

static int upgrades(void)
{
	const char *text = getenv("WEIR_UPGRADES");

	return text && atoi(text) > 0 ? atoi(text) : UPGRADES_DEFAULT;
}

static void restart(struct kernel_fixture *fixture, enum sensor_takeover takeover)
{
	kernel_fixture_restart_sensor(fixture);
	assert_int_equal(kernel_fixture_start_info(fixture).takeover, takeover);
}

static void upgrade(struct kernel_fixture *fixture, bool use_perf, struct successor *successor)
{
	struct sensor_start start;

	kernel_fixture_kill_sensor(fixture);
	successor_start(successor, "shallow", kernel_fixture_folder(fixture), use_perf);
	start = successor_wait(successor);
	assert_int_equal(start.takeover, SENSOR_UPGRADED);
	assert_int_equal(start.agent_seen_ns, 1); /* a gap begins where the agent was killed */
}

/* ---- one upgrade ------------------------------------------------------------ */

static int given_a_sensor(void **state)
{
	struct flooding *flooding;

	if (flooding_prepare(state) < 0)
		return -1;
	flooding = *state;
	flooding->fixture = kernel_fixture_start(NULL);
	return 0;
}

static void labels_and_counters_live_through_an_upgrade(void **state)
{
	struct kernel_fixture *fixture = ((struct flooding *)*state)->fixture;
	struct successor next;

	kernel_fixture_shell(fixture, "cat $SRC > $DIR/before");
	upgrade(fixture, false, &next);
	kernel_fixture_shell(fixture, "cat $DIR/before > $DIR/after");
	assert_int_equal(successor_bytes(&next, true, kernel_fixture_ino(fixture, "before")),
			 SOURCE_BYTES);
	assert_int_equal(successor_bytes(&next, true, kernel_fixture_ino(fixture, "after")),
			 SOURCE_BYTES);
	successor_kill(&next);
	restart(fixture, SENSOR_UPGRADED);
	assert_int_equal(kernel_fixture_written(fixture, "after"), SOURCE_BYTES);
	assert_true(kernel_fixture_is_of_class(fixture, "after", "customer"));
}

/* The other build does not look for export folders more than two levels up. */
static void after_an_upgrade_the_new_programs_run_and_no_others(void **state)
{
	struct kernel_fixture *fixture = ((struct flooding *)*state)->fixture;
	uint64_t programs = kernel_fixture_counts(fixture).programs;
	struct successor next;

	/* Moved there, because a file that is made in the folder is labelled as it is opened. */
	kernel_fixture_shell(fixture, "mkdir -p $DIR/export/1/2/3; cd $DIR; echo 1 > a; echo 1 > b;"
				      "echo 1 > c; mv a b c export/1/2/3;"
				      "cat $DIR/export/1/2/3/a > $DIR/read-by-the-first");
	assert_int_equal(kernel_fixture_written(fixture, "read-by-the-first"), 2);
	upgrade(fixture, false, &next);
	kernel_fixture_shell(fixture, "cat $DIR/export/1/2/3/b > $DIR/read-by-the-next;"
				      "cat $SRC > $DIR/not-so-deep");
	assert_int_equal(
		successor_bytes(&next, true, kernel_fixture_ino(fixture, "read-by-the-next")), 0);
	assert_int_equal(successor_bytes(&next, true, kernel_fixture_ino(fixture, "not-so-deep")),
			 SOURCE_BYTES);
	successor_kill(&next);
	restart(fixture, SENSOR_UPGRADED);
	kernel_fixture_shell(fixture, "cat $DIR/export/1/2/3/c > $DIR/read-by-the-first-again");
	assert_int_equal(kernel_fixture_written(fixture, "read-by-the-first-again"), 2);
	assert_int_equal(kernel_fixture_counts(fixture).programs, programs);
}

/* Its executable is another file than its predecessor's, and it runs before it can say so. */
static void the_new_agent_carries_no_labels_on(void **state)
{
	struct kernel_fixture *fixture = ((struct flooding *)*state)->fixture;
	struct successor next;
	uint64_t ino;

	upgrade(fixture, false, &next);
	successor_read_and_write(&next);
	ino = kernel_fixture_ino(fixture, SUCCESSOR_WRITES);
	assert_int_equal(successor_bytes(&next, true, ino), 0);
	kernel_fixture_shell(fixture, "cat $SRC > $DIR/others");
	assert_int_equal(successor_bytes(&next, true, kernel_fixture_ino(fixture, "others")),
			 SOURCE_BYTES);
	successor_kill(&next);
}

static void a_restart_of_the_same_build_changes_no_programs(void **state)
{
	struct kernel_fixture *fixture = ((struct flooding *)*state)->fixture;

	kernel_fixture_kill_sensor(fixture);
	restart(fixture, SENSOR_RESUMED);
}

/* ---- upgrades under a flood ------------------------------------------------- */

static void flood_through_upgrades(struct flooding *flooding, bool use_perf)
{
	struct successor next;

	flooding_start(flooding, "threads", use_perf, SECONDS_MAX);
	for (int i = 0; i < upgrades(); i++) {
		upgrade(flooding->fixture, use_perf, &next);
		successor_kill(&next);
		restart(flooding->fixture, SENSOR_UPGRADED);
	}
	assert_int_equal(waitpid(flooding->employee, NULL, WNOHANG), 0); /* all under the flood */
	assert_int_equal(kill(flooding->employee, SIGTERM), 0);
	print_message("# %d upgrades under the flood\n", 2 * upgrades());
	flooding_check(flooding);
}

static void a_flood_is_counted_to_the_byte_through_upgrades(void **state)
{
	flood_through_upgrades(*state, false);
}

static void a_flood_is_counted_to_the_byte_through_upgrades_of_perf_tracepoints(void **state)
{
	perf_links_need();
	flood_through_upgrades(*state, true);
}

/* Killed while they come up, with one hook's program exchanged and the next one's not. */
static void a_flood_is_counted_to_the_byte_when_upgrades_are_cut_short(void **state)
{
	struct flooding *flooding = *state;
	struct successor next;

	flooding_start(flooding, "threads", false, SECONDS_MAX);
	kernel_fixture_kill_sensor(flooding->fixture);
	for (int i = 0; i < 2 * upgrades(); i++) {
		successor_start(&next, "shallow", kernel_fixture_folder(flooding->fixture), false);
		usleep((useconds_t)(rand() % DYING_US));
		successor_kill(&next);
	}
	assert_int_equal(waitpid(flooding->employee, NULL, WNOHANG), 0);
	assert_int_equal(kill(flooding->employee, SIGTERM), 0);
	kernel_fixture_restart_sensor(flooding->fixture);
	assert_true(kernel_fixture_start_info(flooding->fixture).is_resumed);
	flooding_check(flooding);
}

#define STORY(name, prepare) cmocka_unit_test_setup_teardown(name, prepare, flooding_clean_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(labels_and_counters_live_through_an_upgrade, given_a_sensor),
		STORY(after_an_upgrade_the_new_programs_run_and_no_others, given_a_sensor),
		STORY(the_new_agent_carries_no_labels_on, given_a_sensor),
		STORY(a_restart_of_the_same_build_changes_no_programs, given_a_sensor),
		STORY(a_flood_is_counted_to_the_byte_through_upgrades, flooding_prepare),
		STORY(a_flood_is_counted_to_the_byte_through_upgrades_of_perf_tracepoints,
		      flooding_prepare),
		STORY(a_flood_is_counted_to_the_byte_when_upgrades_are_cut_short, flooding_prepare),
	};

	if (argc == 5)
		return flooder_main(argv);
	if (argc == 4 && strcmp(argv[1], "successor") == 0)
		return successor_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
