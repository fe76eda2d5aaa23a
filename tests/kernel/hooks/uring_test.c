/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/perf_links.h"
#include "kernel/ring.h"
#include "kernel/ring_acts.h"
#include "kernel/ring_story.h"
#include "kernel/transfers.h"

#define CHUNK 3000

static void check_all_requests(const struct kernel_options *options)
{
	static const int thread_counts[] = {1, 2, 8};
	struct kernel_fixture *fixture;
	int seed = (int)time(NULL);

	ring_story_need_rings();
	fixture = kernel_fixture_start(options);
	print_message("# seed %d\n", seed);
	for (const struct actor_call *call = actor_ring_calls; call->name; call++) {
		if (!ring_has_operation(call->operation)) {
			print_message("# without %s, which this kernel has not\n", call->name);
			continue;
		}
		for (size_t i = 0; i < 3; i++)
			transfers_check(fixture, call, thread_counts[i], seed + (int)i);
		coverage_note(call->name, COVERAGE_EXACT);
	}
	kernel_fixture_stop(fixture);
}

static void flows_equal_what_every_request_moved(void **state)
{
	(void)state;
	check_all_requests(NULL);
}

static void flows_equal_it_by_perf_tracepoints(void **state)
{
	const struct kernel_options options = {.use_perf = true};

	(void)state;
	perf_links_need();
	check_all_requests(&options);
}

static void a_linked_write_carries_what_its_read_brought(void **state)
{
	(void)state;
	ring_story_check_follows("linked", "io_uring READ linked to WRITE");
}

static void a_file_opened_by_a_ring_is_watched(void **state)
{
	(void)state;
	ring_story_check_follows("open", "io_uring OPENAT");
}

static void a_file_opened_into_a_ring_is_watched(void **state)
{
	(void)state;
	ring_story_check_follows("open-fixed", "io_uring OPENAT of a fixed file");
}

static void a_file_installed_from_a_ring_is_watched(void **state)
{
	(void)state;
	ring_story_check_follows("install", "io_uring FIXED_FD_INSTALL");
}

static void a_file_passed_from_ring_to_ring_is_followed(void **state)
{
	(void)state;
	ring_story_check_follows("message", "io_uring MSG_RING of a file");
}

static void check_crm_connection(const char *act, const char *what)
{
	struct kernel_fixture *fixture;
	char target[32];

	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	snprintf(target, sizeof(target), "127.0.0.1:%d", TRANSFERS_CRM_PORT);
	assert_int_equal(ring_story_act(fixture, act, target), CHUNK);
	assert_int_equal(kernel_fixture_sum(fixture, false, 0, TRANSFERS_CRM_PORT).bytes, CHUNK);
	coverage_note(what, COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

static void a_crm_connection_made_by_a_ring_is_counted(void **state)
{
	(void)state;
	check_crm_connection("connect", "io_uring CONNECT");
}

static void a_crm_connection_made_by_a_message_is_counted(void **state)
{
	(void)state;
	check_crm_connection("asks", "io_uring SENDMSG with MSG_FASTOPEN");
}

/* An act that sends so many bytes to each of two ports. */
static void check_destinations(const char *act, uint64_t first, uint64_t second)
{
	struct kernel_fixture *fixture;
	char target[32];

	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	snprintf(target, sizeof(target), "127.0.0.2:%d", TRANSFERS_CHAT_PORT);
	assert_int_equal(ring_story_act(fixture, act, target), first + second);
	assert_int_equal(kernel_fixture_sum(fixture, true, 0, TRANSFERS_CHAT_PORT).bytes, first);
	assert_int_equal(kernel_fixture_sum(fixture, true, 0, TRANSFERS_CHAT_PORT + 1).bytes,
			 second);
	kernel_fixture_stop(fixture);
}

static void a_message_is_counted_by_whom_it_is_for(void **state)
{
	(void)state;
	check_destinations("datagrams", CHUNK, CHUNK - 1);
	coverage_note("io_uring SENDMSG (unconnected UDP)", COVERAGE_EXACT);
}

static void a_send_is_counted_by_whom_it_is_for(void **state)
{
	(void)state;
	check_destinations("sends", CHUNK, CHUNK - 1);
	coverage_note("io_uring SEND (unconnected UDP)", COVERAGE_EXACT);
}

static void whom_a_message_is_for_is_what_stood_there_at_submission(void **state)
{
	(void)state;
	check_destinations("changed", CHUNK, 0);
}

/* Followed, or the timeline says that they were not. */
static void datagrams_to_a_name_are_counted_or_said(void **state)
{
	struct kernel_fixture *fixture;
	uint64_t moved, counted, n_said;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	moved = ring_story_act(fixture, "letters", "none");
	counted = ring_story_sum(fixture, SENSOR_OBJECT_UNIX, false);
	n_said = ring_story_count_gaps(fixture);
	assert_int_equal(moved, 2 * CHUNK - 1);
	if (n_said == 0)
		assert_int_equal(counted, moved);
	coverage_note("io_uring SENDMSG to a unix socket's name",
		      n_said ? COVERAGE_GAP : COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

static void a_write_that_completes_in_silence_is_estimated(void **state)
{
	struct kernel_fixture *fixture;
	const struct sensor_flow *flows;
	bool is_estimated = false;
	uint64_t ino;
	size_t n;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	assert_int_equal(ring_story_act(fixture, "silent", "out"), CHUNK);
	assert_int_equal(kernel_fixture_written(fixture, "out"), CHUNK);
	ino = kernel_fixture_ino(fixture, "out");
	flows = kernel_fixture_flows(fixture, &n);
	for (size_t i = 0; i < n; i++)
		is_estimated |= flows[i].object.ino == ino && flows[i].is_estimated;
	assert_true(is_estimated);
	coverage_note("io_uring with CQE_SKIP", COVERAGE_LABEL);
	kernel_fixture_stop(fixture);
}

/* Either each completion was counted, or the timeline says that some were not. */
static void completions_that_find_no_room_are_counted_or_said(void **state)
{
	struct kernel_fixture *fixture;
	uint64_t moved, counted, n_said;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	moved = ring_story_act(fixture, "overflow", "out");
	counted = kernel_fixture_written(fixture, "out");
	n_said = ring_story_count_gaps(fixture);
	assert_int_equal(counted + n_said * CHUNK, moved);
	coverage_note("io_uring completions beyond the queue",
		      n_said ? COVERAGE_LABEL : COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

static void rings_of_the_innocent_leave_no_flow(void **state)
{
	struct kernel_fixture *fixture;
	char path[160], text[256];
	char *arguments[] = {"actor", "io_uring WRITE", "2", "1", path, path, NULL};
	FILE *plain;
	int output;
	pid_t pid;

	(void)state;
	ring_story_need_rings();
	fixture = kernel_fixture_start(NULL);
	snprintf(path, sizeof(path), "%s/plain", kernel_fixture_folder(fixture));
	plain = fopen(path, "we");
	assert_non_null(plain);
	fputs("x", plain);
	fclose(plain);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_count_flows(fixture), 0);
	assert_int_equal(kernel_fixture_counts(fixture).edges_rung, 0);
	kernel_fixture_stop(fixture);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_equal_what_every_request_moved),
		cmocka_unit_test(flows_equal_it_by_perf_tracepoints),
		cmocka_unit_test(a_linked_write_carries_what_its_read_brought),
		cmocka_unit_test(a_file_opened_by_a_ring_is_watched),
		cmocka_unit_test(a_file_opened_into_a_ring_is_watched),
		cmocka_unit_test(a_file_installed_from_a_ring_is_watched),
		cmocka_unit_test(a_file_passed_from_ring_to_ring_is_followed),
		cmocka_unit_test(a_crm_connection_made_by_a_ring_is_counted),
		cmocka_unit_test(a_crm_connection_made_by_a_message_is_counted),
		cmocka_unit_test(a_message_is_counted_by_whom_it_is_for),
		cmocka_unit_test(a_send_is_counted_by_whom_it_is_for),
		cmocka_unit_test(whom_a_message_is_for_is_what_stood_there_at_submission),
		cmocka_unit_test(datagrams_to_a_name_are_counted_or_said),
		cmocka_unit_test(a_write_that_completes_in_silence_is_estimated),
		cmocka_unit_test(completions_that_find_no_room_are_counted_or_said),
		cmocka_unit_test(rings_of_the_innocent_leave_no_flow),
	};

	if (argc > 1 && strcmp(argv[1], "ring") == 0)
		return ring_acts_main(argc, argv);
	if (argc > 1)
		return actor_main(argc, argv);
	return cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
