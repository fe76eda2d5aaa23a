/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/perf_links.h"
#include "kernel/transfers.h"

static void need_32_bit_calls(void)
{
	if (actor_compat_is_there())
		return;
	print_message("# skip: this kernel takes no 32-bit calls (CONFIG_IA32_EMULATION)\n");
	skip();
}

static void check_all_calls(const struct kernel_options *options, const int thread_counts[2])
{
	struct kernel_fixture *fixture = kernel_fixture_start(options);
	int seed = (int)time(NULL);

	print_message("# seed %d\n", seed);
	for (const struct actor_call *call = actor_compat_calls; call->name; call++) {
		for (size_t i = 0; i < 2 && thread_counts[i]; i++)
			transfers_check(fixture, call, thread_counts[i], seed + (int)i);
		transfers_note_exact(call);
	}
	assert_int_equal(kernel_fixture_counts(fixture).losses.unknown_calls, 0);
	kernel_fixture_stop(fixture);
}

static void flows_equal_what_every_32_bit_call_of_a_64_bit_program_returned(void **state)
{
	(void)state;
	need_32_bit_calls();
	check_all_calls(NULL, (const int[]){1, 8});
}

static void they_do_by_perf_tracepoints(void **state)
{
	const struct kernel_options options = {.use_perf = true};

	(void)state;
	need_32_bit_calls();
	perf_links_need();
	check_all_calls(&options, (const int[]){2, 0});
}

/* Who it came from is not known then, if no call before told it. */
static void arguments_that_are_overwritten_by_what_is_received_lose_no_byte(void **state)
{
	const struct actor_call *call = actor_compat_overwriting_calls;
	struct kernel_fixture *fixture;

	(void)state;
	need_32_bit_calls();
	fixture = kernel_fixture_start(NULL);
	for (int threads = 1; threads <= 4; threads += 3) {
		struct transfers_moved moved = transfers_move(fixture, call, threads, threads);

		assert_true(moved.bytes > 0);
		assert_int_equal(kernel_fixture_sum(fixture, false, moved.ino, 0).bytes,
				 moved.bytes);
	}
	kernel_fixture_stop(fixture);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_equal_what_every_32_bit_call_of_a_64_bit_program_returned),
		cmocka_unit_test(arguments_that_are_overwritten_by_what_is_received_lose_no_byte),
		cmocka_unit_test(they_do_by_perf_tracepoints),
	};

	if (argc > 1)
		return actor_main(argc, argv);
	return cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
