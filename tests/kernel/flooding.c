/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/flooding.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kernel/flooder.h"

#define SECONDS_DEFAULT 5
#define RING_BYTES 4096
#define BEGUN_MS 60000

unsigned int flooding_seconds(void)
{
	const char *text = getenv("WEIR_FLOOD_SECONDS");

	return text && atoi(text) > 0 ? (unsigned int)atoi(text) : SECONDS_DEFAULT;
}

int flooding_prepare(void **state)
{
	*state = calloc(1, sizeof(struct flooding));
	return *state ? 0 : -1;
}

static void end_process(pid_t pid)
{
	if (pid > 0 && kill(pid, SIGKILL) == 0)
		waitpid(pid, NULL, 0);
}

int flooding_clean_up(void **state)
{
	struct flooding *flooding = *state;

	end_process(flooding->agent);
	end_process(flooding->employee);
	if (flooding->fixture)
		kernel_fixture_stop(flooding->fixture);
	free(flooding);
	return 0;
}

/* From then on it can be asked to end, and what happens to the sensor happens under it. */
static void wait_until_it_floods(const char *target)
{
	struct stat info = {};

	for (int i = 0; i < BEGUN_MS && (stat(target, &info) < 0 || info.st_size == 0); i++)
		usleep(1000);
	assert_true(info.st_size > 0);
}

void flooding_start(struct flooding *flooding, const char *kind, bool use_perf,
		    unsigned int seconds_max)
{
	const struct kernel_options options = {.ring_bytes = RING_BYTES, .use_perf = use_perf};
	char seconds[16], target[160];
	char *arguments[] = {"flood", (char *)kind, seconds, NULL, target, NULL};

	flooding->fixture = kernel_fixture_start(&options);
	arguments[3] = (char *)kernel_fixture_source(flooding->fixture);
	snprintf(seconds, sizeof(seconds), "%u", seconds_max);
	snprintf(target, sizeof(target), "%s/flooded", kernel_fixture_folder(flooding->fixture));
	flooding->end_ns = clock_boottime_ns() + flooding_seconds() * 1000000000ull;
	flooding->employee = kernel_fixture_spawn(flooding->fixture, arguments, &flooding->output);
	wait_until_it_floods(target);
}

static void check_medium(struct kernel_fixture *fixture, const struct flooder_moved *moved,
			 int medium)
{
	static const char *const names[] = {"source", "file", "pipe", "socket"};
	uint64_t in = kernel_fixture_bytes(fixture, false, &moved->inode[medium]);
	uint64_t out = kernel_fixture_bytes(fixture, true, &moved->inode[medium]);

	print_message("# %s: moved in %llu, out %llu; counted in %llu, out %llu\n", names[medium],
		      (unsigned long long)moved->in[medium], (unsigned long long)moved->out[medium],
		      (unsigned long long)in, (unsigned long long)out);
	assert_int_equal(in, moved->in[medium]);
	assert_int_equal(out, moved->out[medium]);
	assert_true(in + out > 0);
}

/*
 * All that the flows hold: no byte is counted twice or elsewhere. The result itself, which the
 * employee wrote to a pipe, is among them; that this test read it is not: what the sensor's own
 * process reads is nobody's access.
 */
static void check_totals(struct kernel_fixture *fixture, const struct flooder_moved *moved)
{
	uint64_t in = 0, out = sizeof(*moved) + moved->scattered_out;

	for (int medium = 0; medium < FLOODER_MEDIA; medium++) {
		in += moved->in[medium];
		out += moved->out[medium];
	}
	assert_true(moved->scattered_out > 0);
	assert_int_equal(kernel_fixture_sum(fixture, false, 0, 0).bytes, in);
	assert_int_equal(kernel_fixture_sum(fixture, true, 0, 0).bytes, out);
}

static void check_losses(struct kernel_fixture *fixture)
{
	struct sensor_counts counts = kernel_fixture_counts(fixture);

	print_message("# ring of %d bytes: %llu edges, %llu more did not fit\n", RING_BYTES,
		      (unsigned long long)(counts.edges_rung - counts.losses.ring_full),
		      (unsigned long long)counts.losses.ring_full);
	assert_int_equal(counts.losses.programs_missed, 0);
	assert_int_equal(counts.losses.inflight_full, 0);
	assert_int_equal(counts.losses.flows_full, 0);
	assert_int_equal(counts.losses.objects_full, 0);
}

void flooding_check(struct flooding *flooding)
{
	struct flooder_moved moved;
	int status;

	assert_int_equal(read(flooding->output, &moved, sizeof(moved)), sizeof(moved));
	close(flooding->output);
	assert_int_equal(waitpid(flooding->employee, &status, 0), flooding->employee);
	flooding->employee = 0;
	assert_int_equal(status, 0);
	print_message("# %llu calls, %s\n", (unsigned long long)moved.calls,
		      kernel_fixture_start_info(flooding->fixture).attach_mode);
	for (int medium = 0; medium < FLOODER_MEDIA; medium++)
		check_medium(flooding->fixture, &moved, medium);
	check_totals(flooding->fixture, &moved);
	check_losses(flooding->fixture);
}
