/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/ring.h"
#include "kernel/ring_act.h"
#include "kernel/ring_acts.h"
#include "kernel/ring_story.h"
#include "kernel/transfers.h"

#define CHUNK RING_ACT_BYTES

/* An act that gets three messages, and what was counted of them. */
static void check_received(const char *act, enum sensor_object_kind kind, const char *what)
{
	struct kernel_fixture *fixture;

	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	assert_int_equal(ring_story_act(fixture, act, "none"), 3 * CHUNK - 3);
	assert_int_equal(ring_story_sum(fixture, kind, false), 3 * CHUNK - 3);
	assert_int_equal(ring_story_count_gaps(fixture), 0);
	coverage_note(what, COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

static void each_completion_of_one_receive_is_counted(void **state)
{
	(void)state;
	check_received("multishot", SENSOR_OBJECT_UNIX, "io_uring RECV multishot");
}

static void each_completion_of_one_read_is_counted(void **state)
{
	(void)state;
	check_received("multishot-read", SENSOR_OBJECT_PIPE, "io_uring READ_MULTISHOT");
}

static void what_a_ring_copies_between_pipes_is_counted(void **state)
{
	struct kernel_fixture *fixture;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	assert_int_equal(ring_story_act(fixture, "tee", "fifo"), CHUNK);
	assert_int_equal(ring_story_sum(fixture, SENSOR_OBJECT_PIPE, false), CHUNK);
	assert_int_equal(kernel_fixture_written(fixture, "fifo"), CHUNK);
	coverage_note("io_uring TEE", COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

static void a_command_to_a_socket_is_said(void **state)
{
	struct kernel_fixture *fixture;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	ring_story_act(fixture, "command", "none");
	assert_int_equal(ring_story_count_gaps(fixture), 1);
	coverage_note("io_uring URING_CMD (said)", COVERAGE_GAP);
	kernel_fixture_stop(fixture);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_completion_of_one_receive_is_counted),
		cmocka_unit_test(each_completion_of_one_read_is_counted),
		cmocka_unit_test(what_a_ring_copies_between_pipes_is_counted),
		cmocka_unit_test(a_command_to_a_socket_is_said),
	};

	if (argc > 1 && strcmp(argv[1], "ring") == 0)
		return ring_acts_main(argc, argv);
	return cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
