/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "cli/options.h"

#define S 1000000000ull

static void numbers_are_whole_and_positive(void **state)
{
	static const char *const wrong[] = {
		"", "0", "-1", "+1", " 1", "1 ", "1x", "0x10", "18446744073709551616"};
	uint64_t number = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(options_parse_number(wrong[i], &number), -EINVAL);
	assert_int_equal(number, 7);
	assert_int_equal(options_parse_number("42", &number), 0);
	assert_int_equal(number, 42);
}

static void assert_time(const char *text, uint64_t expected_s)
{
	uint64_t time_ns = 0;

	assert_int_equal(options_parse_time(text, &time_ns), 0);
	assert_int_equal(time_ns, expected_s * S);
}

static void times_are_local_or_seconds(void **state)
{
	(void)state;
	setenv("TZ", "Asia/Shanghai", 1);
	tzset();
	assert_time("2020-07-12", 1594483200);
	assert_time("2020-07-12 14:23", 1594534980);
	assert_time("2020-07-12T14:23", 1594534980);
	assert_time("2020-07-12 14:23:11", 1594534991);
	assert_time("2020-07-12T14:23:11", 1594534991);
	assert_time("@1594534991", 1594534991);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",    "yesterday", "2020-13-01",           "2020-07-12 25:00", "@",
		"@-5", "12:00",     "2020-07-12 14:23:11x", "@99999999999",     "2020-02-30"};
	uint64_t time_ns = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(options_parse_time(wrong[i], &time_ns), -EINVAL);
	assert_int_equal(time_ns, 7);
}

static void speeds_are_finite_and_not_negative(void **state)
{
	static const char *const wrong[] = {"", "-1", "nan", "inf", "1e999", "fast", "2xx", "x"};
	double speed = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(options_parse_speed(wrong[i], &speed), -EINVAL);
	assert_true(speed == 7);
	assert_int_equal(options_parse_speed("0", &speed), 0);
	assert_true(speed == 0);
	assert_int_equal(options_parse_speed("0.5", &speed), 0);
	assert_true(speed == 0.5);
	assert_int_equal(options_parse_speed("100x", &speed), 0);
	assert_true(speed == 100);
}

static void the_language_comes_from_the_environment_in_the_order_of_the_c_library(void **state)
{
	struct options options;

	(void)state;
	unsetenv("LC_ALL");
	unsetenv("LC_MESSAGES");
	setenv("LANG", "zh_CN.UTF-8", 1);
	options_init(&options);
	assert_string_equal(options.lang, "zh_CN.UTF-8");
	setenv("LC_ALL", "en_GB.UTF-8", 1);
	options_init(&options);
	assert_string_equal(options.lang, "en_GB.UTF-8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_whole_and_positive),
		cmocka_unit_test(times_are_local_or_seconds),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(speeds_are_finite_and_not_negative),
		cmocka_unit_test(
			the_language_comes_from_the_environment_in_the_order_of_the_c_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
