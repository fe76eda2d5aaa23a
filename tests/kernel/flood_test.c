/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of one byte, back to back on two processors, with a ring of one page: what
 * the tables count is what the calls returned, whether the agent runs, is stopped or
 * is killed again and again. The test's executable copy is the employee who floods.
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

#include "base/clock.h"
#include "kernel/flooder.h"
#include "kernel/flooding.h"
#include "kernel/perf_links.h"

#define KILLS 20
#define SWEEP_US 20000
#define DYING_US 60000
#define BRIEFLY_US 100000 /* stopped again and again, beside the long stop */

/* ---- the agent in a process of its own -------------------------------------- */

/* Takes over what is pinned and sweeps until it is killed. */
static void start_agent(struct flooding *flooding)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	flooding->agent = fork();
	assert_true(flooding->agent >= 0);
	if (flooding->agent == 0) {
		kernel_fixture_restart_sensor(flooding->fixture);
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;) {
			kernel_fixture_count_flows(flooding->fixture);
			usleep(SWEEP_US);
		}
	}
	close(ends[1]);
	flooding->up = ends[0];
}

static void wait_until_up(struct flooding *flooding)
{
	char one;

	assert_int_equal(read(flooding->up, &one, 1), 1);
}

static void kill_agent(struct flooding *flooding)
{
	int status;

	close(flooding->up);
	assert_int_equal(kill(flooding->agent, SIGKILL), 0);
	assert_int_equal(waitpid(flooding->agent, &status, 0), flooding->agent);
	flooding->agent = 0;
	assert_true(WIFSIGNALED(status)); /* it lived until then */
}

/* Nobody empties the ring meanwhile. */
static void stop_agent_for(struct flooding *flooding, uint64_t us)
{
	assert_int_equal(kill(flooding->agent, SIGSTOP), 0);
	usleep((useconds_t)us);
	assert_int_equal(kill(flooding->agent, SIGCONT), 0);
}

static void put_an_agent_in_charge(struct flooding *flooding)
{
	kernel_fixture_kill_sensor(flooding->fixture);
	start_agent(flooding);
	wait_until_up(flooding);
}

static void take_over(struct flooding *flooding)
{
	kernel_fixture_restart_sensor(flooding->fixture);
	assert_true(kernel_fixture_start_info(flooding->fixture).is_resumed);
}

/* ---- the stories ------------------------------------------------------------ */

static void a_flood_by_two_threads_is_counted_to_the_byte(void **state)
{
	flooding_start(*state, "threads", false, flooding_seconds());
	flooding_check(*state);
}

static void a_flood_by_two_processes_is_counted_to_the_byte(void **state)
{
	flooding_start(*state, "processes", false, flooding_seconds());
	flooding_check(*state);
}

/* Beside an agent that sweeps all the time: its calls into the tables must not hide others. */
static void a_flood_through_perf_tracepoints_is_counted_to_the_byte(void **state)
{
	struct flooding *flooding = *state;

	perf_links_need();
	flooding_start(flooding, "threads", true, flooding_seconds());
	put_an_agent_in_charge(flooding);
	while (clock_boottime_ns() < flooding->end_ns)
		usleep(BRIEFLY_US);
	kill_agent(flooding);
	take_over(flooding);
	flooding_check(flooding);
}

static void a_flood_is_exact_while_the_agent_is_stopped_a_third_of_the_time(void **state)
{
	struct flooding *flooding = *state;
	uint64_t third_us = flooding_seconds() * 1000000ull / 3, briefly_us = 0;

	flooding_start(flooding, "threads", false, flooding_seconds());
	put_an_agent_in_charge(flooding);
	stop_agent_for(flooding, third_us);
	while (clock_boottime_ns() < flooding->end_ns) {
		usleep(BRIEFLY_US);
		stop_agent_for(flooding, BRIEFLY_US);
		briefly_us += BRIEFLY_US;
	}
	kill_agent(flooding);
	take_over(flooding);
	print_message("# stopped for %llu ms on end, then again and again for %llu ms in all\n",
		      (unsigned long long)third_us / 1000, (unsigned long long)briefly_us / 1000);
	assert_true(kernel_fixture_counts(flooding->fixture).losses.ring_full > 0);
	flooding_check(flooding);
}

/* Half of them die while they come up. */
static void live_and_die(struct flooding *flooding, bool is_dying_young, uint64_t due_ns)
{
	uint64_t now_ns;

	start_agent(flooding);
	if (is_dying_young) {
		usleep((useconds_t)(rand() % DYING_US));
		kill_agent(flooding);
	} else {
		wait_until_up(flooding);
	}
	now_ns = clock_boottime_ns();
	if (now_ns < due_ns)
		usleep((useconds_t)((due_ns - now_ns) / 1000));
	if (!is_dying_young)
		kill_agent(flooding);
}

static void a_flood_is_exact_while_the_agent_is_killed_and_comes_back(void **state)
{
	struct flooding *flooding = *state;
	uint64_t step_ns = flooding_seconds() * 1000000000ull / (KILLS + 2), start_ns;

	/* A busy machine may need longer for twenty starts, and an emulated one much longer. */
	flooding_start(flooding, "threads", false, flooding_seconds() * 60);
	kernel_fixture_kill_sensor(flooding->fixture);
	start_ns = clock_boottime_ns();
	for (uint64_t kills = 0; kills < KILLS; kills++)
		live_and_die(flooding, kills % 2, start_ns + (kills + 1) * step_ns);
	print_message("# killed %d times in %llu ms\n", KILLS,
		      (unsigned long long)(clock_boottime_ns() - start_ns) / 1000000);
	assert_int_equal(waitpid(flooding->employee, NULL, WNOHANG), 0); /* all under the flood */
	assert_int_equal(kill(flooding->employee, SIGTERM), 0);
	take_over(flooding);
	flooding_check(flooding);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, flooding_prepare, flooding_clean_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_flood_by_two_threads_is_counted_to_the_byte),
		STORY(a_flood_by_two_processes_is_counted_to_the_byte),
		STORY(a_flood_through_perf_tracepoints_is_counted_to_the_byte),
		STORY(a_flood_is_exact_while_the_agent_is_stopped_a_third_of_the_time),
		STORY(a_flood_is_exact_while_the_agent_is_killed_and_comes_back),
	};

	if (argc == 5)
		return flooder_main(argv);
	print_message("# each flood lasts %u s (WEIR_FLOOD_SECONDS)\n", flooding_seconds());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
