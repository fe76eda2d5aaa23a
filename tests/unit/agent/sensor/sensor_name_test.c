/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"

/* Last component first, as the kernel side writes it. */
static const struct weir_name home = {.bytes = 8, .text = "li\0home"};

static void assert_joined(const char *path, const char *expected)
{
	char joined[512];

	sensor_name_join(&home, path, joined, sizeof(joined));
	assert_string_equal(joined, expected);
}

static void a_relative_path_starts_in_the_callers_folder(void **state)
{
	(void)state;
	assert_joined("a.csv", "/home/li/a.csv");
	assert_joined("./a.csv", "/home/li/a.csv");
	assert_joined("/srv/a.csv", "/srv/a.csv");
}

static void dots_are_taken_out(void **state)
{
	(void)state;
	assert_joined("../li/Nextcloud/./a.csv", "/home/li/Nextcloud/a.csv");
	assert_joined("x/../../a.csv", "/home/a.csv");
	assert_joined("../../../../etc/a", "/etc/a");
	assert_joined("/..", "/");
	assert_joined("/a//b/", "/a/b");
	assert_joined(".../..a/b..", "/home/li/.../..a/b..");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relative_path_starts_in_the_callers_folder),
		cmocka_unit_test(dots_are_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
