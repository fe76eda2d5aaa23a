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

static struct weir_name given_bytes(const char *text, size_t bytes)
{
	struct weir_name name = {.bytes = (uint16_t)bytes};

	memcpy(name.text, text, bytes < sizeof(name.text) ? bytes : sizeof(name.text));
	return name;
}

static void check_host(const char *text, size_t bytes, const char *expected)
{
	struct weir_name name = given_bytes(text, bytes);
	char host[WEIR_NAME_BYTES + 1] = "before";

	assert_int_equal(sensor_name_host(&name, host, sizeof(host)), *expected != '\0');
	assert_string_equal(host, expected);
}

static void a_host_is_told_in_lower_case(void **state)
{
	(void)state;
	check_host("Pan.TEST", 8, "pan.test");
	check_host("10.77.0.50", 10, "10.77.0.50");
	check_host("a_b-c.example", 13, "a_b-c.example");
}

static void what_no_host_is_called_is_not_told(void **state)
{
	(void)state;
	check_host("", 0, "");
	check_host("pan test", 8, "");
	check_host("pan\0test", 8, "");
	check_host("\xe5\xbc\xa0.test", 8, "");
	check_host("\033[2J", 4, "");
}

/* The record is the kernel's: its length is checked, not believed. */
static void a_length_beyond_the_record_is_no_host(void **state)
{
	static const char text[WEIR_NAME_BYTES] = "pan.test";
	struct weir_name name = given_bytes(text, sizeof(text));
	char host[8] = "before";

	(void)state;
	name.bytes = UINT16_MAX;
	assert_false(sensor_name_host(&name, host, sizeof(host)));
	assert_string_equal(host, "");
	name.bytes = sizeof(host);
	assert_false(sensor_name_host(&name, host, sizeof(host)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relative_path_starts_in_the_callers_folder),
		cmocka_unit_test(dots_are_taken_out),
		cmocka_unit_test(a_host_is_told_in_lower_case),
		cmocka_unit_test(what_no_host_is_called_is_not_told),
		cmocka_unit_test(a_length_beyond_the_record_is_no_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
