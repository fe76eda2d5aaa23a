/* SPDX-License-Identifier: GPL-2.0-only */

/* Fork, exec and exit: whose a process is, also when nothing but its birth can tell, and when the
 * kernel skipped the program that should have seen it. */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/life.h"
#include "kernel/perf_links.h"

enum {
	WORKER, /* puppets */
	OTHER,
};

/* Makes no call that tells whose it is. It must not outlive a test that failed. */
static void stand_still(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

/* Only the child's birth can tell whose it is. */
static pid_t clone_still(uint64_t flags)
{
	struct clone_args arguments = {.flags = flags, .exit_signal = SIGCHLD};
	pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (pid == 0)
		stand_still();
	return pid;
}

/* CLONE_PARENT: the grandchild is a child of this process, and not its maker's. */
static pid_t clone_beside(void)
{
	struct clone_args arguments = {.flags = CLONE_PARENT};
	pid_t pid = 0, maker;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	maker = fork();
	if (maker == 0) {
		pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
		if (pid == 0)
			stand_still();
		_exit(write(ends[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
	}
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	assert_int_equal(waitpid(maker, NULL, 0), maker);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void children_that_make_no_call_belong_to_the_app_of_their_parent(void **state)
{
	struct life *life = *state;
	uint64_t own = tables_app_of(life->tables, getpid());
	const pid_t children[] = {clone_still(0), clone_still(CLONE_NEWPID), clone_beside()};

	assert_true(own != 0);
	for (size_t i = 0; i < sizeof(children) / sizeof(children[0]); i++) {
		assert_true(children[i] > 0);
		assert_int_equal(tables_app_of(life->tables, children[i]), own);
		kill(children[i], SIGKILL);
		assert_int_equal(waitpid(children[i], NULL, __WALL), children[i]);
		assert_int_equal(tables_app_of(life->tables, children[i]), 0);
	}
}

struct blindness {
	char hooks[3][32];
	int programs[3];
};

static struct blindness go_blind(const struct life *life)
{
	const char *const events[] = {"fork", "exec", "exit_task"};
	struct blindness blindness;
	struct sensor_start start;

	sensor_describe_start(kernel_fixture_sensor(life->fixture), &start);
	for (int i = 0; i < 3; i++) {
		snprintf(blindness.hooks[i], sizeof(blindness.hooks[i]), "%s_%s", events[i],
			 strcmp(start.attach_mode, "perf") == 0 ? "perf" : "btf");
		blindness.programs[i] = tables_take_program(life->tables, blindness.hooks[i]);
	}
	return blindness;
}

static void see_again(const struct life *life, const struct blindness *blindness)
{
	for (int i = 0; i < 3; i++)
		tables_put_program(life->tables, blindness->hooks[i], blindness->programs[i]);
}

/* As when the kernel skips a program: it may, and says only how often. */
static void a_birth_an_exec_and_a_death_that_were_missed_are_made_up_for(void **state)
{
	struct life *life = *state;
	pid_t ended = clone_still(0), born;
	uint64_t own = tables_app_of(life->tables, getpid());
	struct blindness blindness;

	puppet_start(life->stage, WORKER, life->executables[0]);
	life_read_source(life, WORKER);
	puppet_fork(life->stage, WORKER, OTHER);
	blindness = go_blind(life);
	born = clone_still(0);
	puppet_exec(life->stage, OTHER, life->executables[1]);
	kill(ended, SIGKILL);
	assert_int_equal(waitpid(ended, NULL, 0), ended);
	see_again(life, &blindness);
	assert_int_equal(tables_app_of(life->tables, ended), own);
	assert_int_equal(tables_app_of(life->tables, born), 0);
	assert_true(life_labels_of(life, OTHER) != 0);
	assert_int_equal(sensor_mend(kernel_fixture_sensor(life->fixture)), 0);
	assert_int_equal(tables_app_of(life->tables, ended), 0);
	assert_int_equal(tables_app_of(life->tables, born), own);
	assert_int_equal(life_labels_of(life, OTHER), 0);
	kill(born, SIGKILL);
	assert_int_equal(waitpid(born, NULL, 0), born);
	puppet_end(life->stage, OTHER);
	puppet_end(life->stage, WORKER);
	assert_int_equal(tables_count_empty_apps(life->tables), 0);
}

static void they_do_by_perf_tracepoints(void **state)
{
	perf_links_need();
	life_begin_by_perf(state);
	children_that_make_no_call_belong_to_the_app_of_their_parent(state);
	life_end(state);
}

static void it_is_so_by_perf_tracepoints(void **state)
{
	perf_links_need();
	life_begin_by_perf(state);
	a_birth_an_exec_and_a_death_that_were_missed_are_made_up_for(state);
	life_end(state);
}

int main(int argc, char **argv)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, life_begin, life_end)
	const struct CMUnitTest tests[] = {
		STORY(children_that_make_no_call_belong_to_the_app_of_their_parent),
		cmocka_unit_test(they_do_by_perf_tracepoints),
		STORY(a_birth_an_exec_and_a_death_that_were_missed_are_made_up_for),
		cmocka_unit_test(it_is_so_by_perf_tracepoints),
	};
	int status = puppet_main(argc, argv);

	return status >= 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
