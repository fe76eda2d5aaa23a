/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Races that a sensor at system call entry and exit could lose: a reader who has the byte before
 * the writer's call is over, descriptors that are swapped during a call, and handlers that
 * preempt each other.
 */
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

#include "kernel/flooder.h"
#include "kernel/flooding.h"
#include "kernel/perf_links.h"
#include "kernel/racer.h"
#include "kernel/tables.h"

#define SPARSE_BYTES (1ll << 32) /* more than anybody reads in single bytes */

static int given_a_sensor(void **state)
{
	*state = kernel_fixture_start(NULL);
	return 0;
}

/* Nothing is swept while readers come and go: what each moved stays in the table. */
static int given_a_sensor_with_many_flows(void **state)
{
	const struct kernel_options options = {.flows_max = 1u << 18};

	*state = kernel_fixture_start(&options);
	return 0;
}

static int stop_sensor(void **state)
{
	kernel_fixture_stop(*state);
	return 0;
}

static struct racer_result run(struct kernel_fixture *fixture, char **arguments)
{
	struct racer_result result;
	int output, status;
	pid_t pid = kernel_fixture_spawn(fixture, arguments, &output);

	assert_int_equal(read(output, &result, sizeof(result)), sizeof(result));
	close(output);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(kernel_fixture_counts(fixture).losses.programs_missed, 0);
	assert_int_equal(kernel_fixture_counts(fixture).losses.flows_full, 0);
	return result;
}

static void seconds_to(char text[static 16])
{
	snprintf(text, 16, "%u", flooding_seconds());
}

/*
 * A reader that the sensor takes for unlabelled would show as bytes that are missing: of what it
 * read, and of what it wrote on. The result, which the employee writes to a pipe, is counted too.
 */
static void nothing_that_a_fresh_reader_gets_from_a_writer_escapes(void **state)
{
	char seconds[16], out[128], reader[128];
	char *arguments[] = {"racer", "hammer", seconds, (char *)kernel_fixture_source(*state),
			     out,     reader,   NULL};
	struct racer_result result;
	uint64_t bytes, in, copied;

	seconds_to(seconds);
	kernel_fixture_add_actor(*state, "reader");
	snprintf(out, sizeof(out), "%s/out", kernel_fixture_folder(*state));
	snprintf(reader, sizeof(reader), "%s/reader", kernel_fixture_folder(*state));
	result = run(*state, arguments);
	bytes = result.rounds * RACER_ROUND_BYTES;
	in = kernel_fixture_sum(*state, false, 0, 0).bytes - 1;
	copied = kernel_fixture_sum(*state, true, 0, 0).bytes - bytes - sizeof(result);
	print_message("# %llu readers of %llu bytes: %lld reads and %lld writes escaped\n",
		      (unsigned long long)result.rounds, (unsigned long long)bytes,
		      (long long)(bytes - in), (long long)(bytes - copied));
	assert_true(result.rounds > 0);
	assert_int_equal(in, bytes);
	assert_int_equal(copied, bytes);
}

static void make_sparse(const char *source, const char *suffix)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s%s", source, suffix);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, SPARSE_BYTES), 0);
	close(fd);
}

/* What the pipes, or the pipe and the event, are counted with; B_FACTOR 0: nothing rests in B. */
static void check_waiting(struct kernel_fixture *fixture, const char *kind, uint64_t b_factor)
{
	char seconds[16];
	char *arguments[] = {"racer",      "wait", seconds, (char *)kernel_fixture_source(fixture),
			     (char *)kind, NULL};
	uint64_t in[RACER_FILES], out[RACER_FILES];
	struct racer_result result;

	seconds_to(seconds);
	result = run(fixture, arguments);
	for (int file = RACER_IN_A; file <= RACER_IN_B; file++) {
		in[file] = kernel_fixture_bytes(fixture, false, &result.inode[file]);
		out[file] = kernel_fixture_bytes(fixture, true, &result.inode[file]);
		print_message("# %s: moved %llu, counted in %llu, out %llu\n",
			      file == RACER_IN_A ? "pipe" : kind,
			      (unsigned long long)result.bytes[file], (unsigned long long)in[file],
			      (unsigned long long)out[file]);
	}
	assert_true(result.bytes[RACER_IN_A] > 0);
	assert_int_equal(in[RACER_IN_A], result.bytes[RACER_IN_A]);
	assert_int_equal(out[RACER_IN_A], result.bytes[RACER_IN_A]);
	assert_int_equal(in[RACER_IN_B], result.bytes[RACER_IN_B] * b_factor);
	assert_int_equal(out[RACER_IN_B], result.bytes[RACER_IN_B] * b_factor);
}

static void a_call_that_waits_stays_with_the_object_it_began_on(void **state)
{
	check_waiting(*state, "pipe", 1);
}

static void a_call_that_began_on_nothing_stays_with_nothing(void **state)
{
	check_waiting(*state, "event", 0);
}

static void killed_threads_leave_nothing_behind(void **state)
{
	char *arguments[] = {"racer", "block", (char *)kernel_fixture_source(*state), NULL};
	struct tables *tables;
	char pin_dir[96];
	size_t left;

	snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/%s",
		 strrchr(kernel_fixture_folder(*state), '/') + 1);
	tables = tables_open(pin_dir);
	for (int i = 0; i < 20; i++) {
		int output, status;
		pid_t pid = kernel_fixture_spawn(*state, arguments, &output);

		close(output);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	left = tables_count(tables, "inflight");
	tables_close(tables);
	assert_int_equal(left, 0);
}

/*
 * Between the tracepoint at entry and the kernel's own look at the descriptor there are a few
 * hundred nanoseconds, in which a swap sends a call elsewhere: so which of two objects it was is
 * exact only where the kernel asks the sensor about the object itself. That it was counted is
 * exact everywhere.
 */
static bool is_told_the_object(struct kernel_fixture *fixture)
{
	const struct sensor_start start = kernel_fixture_start_info(fixture);
	bool is_told = strcmp(start.lsm_bpf, "attached") == 0;

	print_message("# lsm of bpf is %s: %s\n", start.lsm_bpf,
		      is_told ? "each object is held against what it moved"
			      : "only the sum of both objects is exact");
	return is_told;
}

static void no_byte_is_lost_while_descriptors_are_swapped(void **state)
{
	bool is_exact = is_told_the_object(*state);
	char seconds[16];
	char *arguments[] = {"racer",
			     "swap",
			     seconds,
			     (char *)kernel_fixture_source(*state),
			     (char *)kernel_fixture_folder(*state),
			     NULL};
	uint64_t counted[RACER_FILES], *moved;
	struct racer_result result;

	seconds_to(seconds);
	make_sparse(arguments[3], "-a");
	make_sparse(arguments[3], "-b");
	result = run(*state, arguments);
	moved = result.bytes;
	for (int file = 0; file < RACER_FILES; file++) {
		bool is_out = file == RACER_OUT_A || file == RACER_OUT_B;

		counted[file] = kernel_fixture_bytes(*state, is_out, &result.inode[file]);
		print_message("# %s %c: moved %llu, counted %llu\n", is_out ? "out" : "in",
			      file % 2 ? 'b' : 'a', (unsigned long long)moved[file],
			      (unsigned long long)counted[file]);
		assert_true(counted[file] > 0);
		if (is_exact)
			assert_int_equal(counted[file], moved[file]);
	}
	print_message("# %llu swaps\n", (unsigned long long)result.swaps);
	assert_int_equal(counted[RACER_OUT_A] + counted[RACER_OUT_B],
			 moved[RACER_OUT_A] + moved[RACER_OUT_B]);
	assert_int_equal(counted[RACER_IN_A] + counted[RACER_IN_B],
			 moved[RACER_IN_A] + moved[RACER_IN_B]);
}

static void handlers_that_preempt_each_other_count_every_byte(void **state)
{
	flooding_start(*state, "classes", false, flooding_seconds());
	flooding_check(*state);
}

static void perf_handlers_that_preempt_each_other_count_every_byte(void **state)
{
	perf_links_need();
	flooding_start(*state, "classes", true, flooding_seconds());
	flooding_check(*state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_that_a_fresh_reader_gets_from_a_writer_escapes,
			given_a_sensor_with_many_flows, stop_sensor),
		cmocka_unit_test_setup_teardown(a_call_that_waits_stays_with_the_object_it_began_on,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(a_call_that_began_on_nothing_stays_with_nothing,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(killed_threads_leave_nothing_behind, given_a_sensor,
						stop_sensor),
		cmocka_unit_test_setup_teardown(no_byte_is_lost_while_descriptors_are_swapped,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(handlers_that_preempt_each_other_count_every_byte,
						flooding_prepare, flooding_clean_up),
		cmocka_unit_test_setup_teardown(
			perf_handlers_that_preempt_each_other_count_every_byte, flooding_prepare,
			flooding_clean_up),
	};

	if (argc > 1 && strcmp(argv[0], "flood") == 0)
		return flooder_main(argv);
	if (argc > 1 && strcmp(argv[0], "racer") == 0)
		return racer_main(argc, argv);
	print_message("# each race lasts %u s (WEIR_FLOOD_SECONDS)\n", flooding_seconds());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
