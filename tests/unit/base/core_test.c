/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/core.h"
#include "support/transport_fixture.h"

/* Whether the kernel dumps a process that crashes in DIR, and has allowed itself any size. */
static bool is_dumped(const char *dir, int (*forbid)(void))
{
	const struct rlimit any = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (chdir(dir) < 0 || setrlimit(RLIMIT_CORE, &any) < 0 || (forbid && forbid() < 0))
			_exit(1);
		signal(SIGSEGV, SIG_DFL);
		raise(SIGSEGV);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		skip(); /* somebody has limited this test already */
	assert_true(WIFSIGNALED(status));
	return WCOREDUMP(status);
}

static void a_process_that_forbade_it_is_not_dumped_when_it_crashes(void **state)
{
	if (!is_dumped(*state, NULL))
		skip(); /* nobody is, here */
	assert_false(is_dumped(*state, core_forbid));
}

/* As a helper that reads cores from a pipe would, where the limit does not count. */
static void nor_is_it_by_a_helper_that_takes_no_limit(void **state)
{
	struct rlimit limit;
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(core_forbid() == 0 && prctl(PR_GET_DUMPABLE) == 0 &&
				      getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0
			      ? 0
			      : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int set_up(void **state)
{
	*state = transport_make_dir();
	return 0;
}

static int tear_down(void **state)
{
	transport_remove_dir(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_process_that_forbade_it_is_not_dumped_when_it_crashes, set_up, tear_down),
		cmocka_unit_test(nor_is_it_by_a_helper_that_takes_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
