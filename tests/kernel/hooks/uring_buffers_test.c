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

static uint64_t when_sent_to_chat(struct kernel_fixture *fixture, const char *act)
{
	char target[32];

	snprintf(target, sizeof(target), "127.0.0.2:%d", TRANSFERS_CHAT_PORT);
	return ring_story_act(fixture, act, target);
}

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

static void of_each_message_received_by_one_request_its_data_is_counted(void **state)
{
	(void)state;
	check_received("multishot-message", SENSOR_OBJECT_UNIX, "io_uring RECVMSG multishot");
}

static void each_completion_of_one_read_is_counted(void **state)
{
	(void)state;
	check_received("multishot-read", SENSOR_OBJECT_PIPE, "io_uring READ_MULTISHOT");
}

/* By MSG_RING a ring gets completions that are nobody's. */
static void a_forged_completion_hides_none_of_those_that_follow(void **state)
{
	(void)state;
	check_received("forged", SENSOR_OBJECT_UNIX,
		       "io_uring RECV multishot, MSG_RING of its name");
}

/* Which of several requests it is that one completion is of, the kernel does not tell. */
static void what_one_of_several_alike_brings_is_followed_and_said(void **state)
{
	struct kernel_fixture *fixture;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	kernel_fixture_add_actor(fixture, "thief");
	assert_int_equal(ring_story_act(fixture, "alike", "out"), CHUNK);
	assert_int_equal(kernel_fixture_written(fixture, "out"), CHUNK);
	assert_int_equal(ring_story_count_gaps(fixture), 1);
	coverage_note("io_uring RECV multishot, several of one name", COVERAGE_LABEL);
	kernel_fixture_stop(fixture);
}

static void check_sent(const char *act, const char *what)
{
	struct kernel_fixture *fixture;

	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	assert_int_equal(when_sent_to_chat(fixture, act), 3 * CHUNK);
	assert_int_equal(kernel_fixture_sum(fixture, true, 0, TRANSFERS_CHAT_PORT).bytes,
			 3 * CHUNK);
	coverage_note(what, COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

static void each_completion_of_a_bundle_is_counted(void **state)
{
	(void)state;
	check_sent("bundle", "io_uring SEND of a bundle of buffers");
}

static void each_datagram_of_a_bundle_is_counted_by_whom_it_is_for(void **state)
{
	(void)state;
	check_sent("bundle-datagrams", "io_uring SEND of a bundle (unconnected UDP)");
}

/* Nothing tells how much it was: but that it was. */
static void a_silent_send_of_a_chosen_buffer_is_said(void **state)
{
	struct kernel_fixture *fixture;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	assert_int_equal(when_sent_to_chat(fixture, "silent-buffer"), CHUNK);
	assert_int_equal(ring_story_count_gaps(fixture), 1);
	coverage_note("io_uring SEND of a chosen buffer with CQE_SKIP (said)", COVERAGE_GAP);
	kernel_fixture_stop(fixture);
}

static void a_silent_send_of_several_buffers_is_estimated(void **state)
{
	struct kernel_fixture *fixture;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	assert_int_equal(when_sent_to_chat(fixture, "silent-vectors"), CHUNK);
	assert_int_equal(kernel_fixture_sum(fixture, true, 0, TRANSFERS_CHAT_PORT).bytes, CHUNK);
	coverage_note("io_uring SEND of several buffers with CQE_SKIP", COVERAGE_LABEL);
	kernel_fixture_stop(fixture);
}

static void a_file_passed_from_ring_to_ring_is_followed_into_a_pipe(void **state)
{
	(void)state;
	ring_story_check_follows("message-spliced", "io_uring SPLICE from a fixed file");
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
		cmocka_unit_test(of_each_message_received_by_one_request_its_data_is_counted),
		cmocka_unit_test(each_completion_of_one_read_is_counted),
		cmocka_unit_test(a_forged_completion_hides_none_of_those_that_follow),
		cmocka_unit_test(what_one_of_several_alike_brings_is_followed_and_said),
		cmocka_unit_test(each_completion_of_a_bundle_is_counted),
		cmocka_unit_test(each_datagram_of_a_bundle_is_counted_by_whom_it_is_for),
		cmocka_unit_test(a_silent_send_of_a_chosen_buffer_is_said),
		cmocka_unit_test(a_silent_send_of_several_buffers_is_estimated),
		cmocka_unit_test(a_file_passed_from_ring_to_ring_is_followed_into_a_pipe),
		cmocka_unit_test(what_a_ring_copies_between_pipes_is_counted),
		cmocka_unit_test(a_command_to_a_socket_is_said),
	};

	if (argc > 1 && strcmp(argv[1], "ring") == 0)
		return ring_acts_main(argc, argv);
	return cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
