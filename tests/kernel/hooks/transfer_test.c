/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/perf_links.h"
#include "kernel/transfers.h"

static void check_all_calls(const struct kernel_options *options)
{
	static const int thread_counts[] = {1, 2, 8};
	struct kernel_fixture *fixture = kernel_fixture_start(options);
	int seed = (int)time(NULL);

	print_message("# seed %d\n", seed);
	for (const struct actor_call *call = actor_calls; call->name; call++) {
		for (size_t i = 0; i < 3; i++)
			transfers_check(fixture, call, thread_counts[i], seed + (int)i);
		transfers_note_exact(call);
	}
	kernel_fixture_stop(fixture);
}

static void flows_equal_what_every_call_returned(void **state)
{
	(void)state;
	check_all_calls(NULL);
}

static void flows_are_exact_with_a_ring_of_one_page(void **state)
{
	const struct kernel_options options = {.ring_bytes = 4096};

	(void)state;
	check_all_calls(&options);
}

static void flows_are_exact_by_perf_tracepoints(void **state)
{
	const struct kernel_options options = {.use_perf = true};

	(void)state;
	perf_links_need();
	check_all_calls(&options);
}

static void a_full_flow_table_keeps_the_bytes_in_the_overflow(void **state)
{
	const struct kernel_options options = {.flows_max = 1};
	const struct actor_call *call = actor_find_call("write");
	struct kernel_fixture *fixture = kernel_fixture_start(&options);
	struct transfers_moved moved = transfers_move(fixture, call, 2, 1);
	struct sensor_counts counts;

	(void)state;
	assert_int_equal(transfers_count(fixture, call, &moved).bytes, 0);
	counts = kernel_fixture_counts(fixture);
	assert_true(counts.losses.flows_full > 0);
	/* The one flow that fitted is the read; standard output is in the overflow, too. */
	assert_true(counts.losses.overflow_out_bytes >= moved.bytes);
	assert_true(counts.losses.overflow_out_bytes < moved.bytes + 128);
	kernel_fixture_stop(fixture);
}

static void unlabelled_activity_leaves_no_flow(void **state)
{
	struct kernel_fixture *fixture = kernel_fixture_start(NULL);
	char path[160], text[256];
	char *arguments[] = {"actor", "write", "2", "1", path, path, NULL};
	struct sensor_counts counts;
	int output;
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "%s/plain", kernel_fixture_folder(fixture));
	output = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_int_equal(write(output, "x", 1), 1);
	close(output);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	counts = kernel_fixture_counts(fixture);
	assert_int_equal(kernel_fixture_count_flows(fixture), 0);
	assert_int_equal(counts.edges_rung, 0);
	kernel_fixture_stop(fixture);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_equal_what_every_call_returned),
		cmocka_unit_test(flows_are_exact_with_a_ring_of_one_page),
		cmocka_unit_test(flows_are_exact_by_perf_tracepoints),
		cmocka_unit_test(a_full_flow_table_keeps_the_bytes_in_the_overflow),
		cmocka_unit_test(unlabelled_activity_leaves_no_flow),
	};

	if (argc > 1)
		return actor_main(argc, argv);
	return cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
