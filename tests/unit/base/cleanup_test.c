/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"

static int given_open_file(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void a_descriptor_is_closed_where_its_scope_ends(void **state)
{
	int seen;

	(void)state;
	{
		_cleanup_close_ int fd = given_open_file();

		seen = fd;
		assert_true(is_open(seen));
	}
	assert_false(is_open(seen));
}

static void closing_keeps_the_error_that_the_caller_returns(void **state)
{
	(void)state;
	errno = ENOSPC;
	{
		_cleanup_close_ int fd = 1000000;

		(void)fd;
	}
	assert_int_equal(errno, ENOSPC);
}

static void a_taken_descriptor_outlives_its_scope(void **state)
{
	int taken;

	(void)state;
	{
		_cleanup_close_ int fd = given_open_file();

		taken = TAKE_FD(fd);
		assert_int_equal(fd, -1);
	}
	assert_true(is_open(taken));
	close(taken);
}

static void a_taken_pointer_leaves_null_behind(void **state)
{
	char *owner = malloc(1);
	char *first = owner;
	_cleanup_free_ char *taken = TAKE(owner);

	(void)state;
	assert_null(owner);
	assert_ptr_equal(taken, first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_is_closed_where_its_scope_ends),
		cmocka_unit_test(closing_keeps_the_error_that_the_caller_returns),
		cmocka_unit_test(a_taken_descriptor_outlives_its_scope),
		cmocka_unit_test(a_taken_pointer_leaves_null_behind),
	};

	return cmocka_run_group_tests_name("base/cleanup", tests, NULL, NULL);
}
