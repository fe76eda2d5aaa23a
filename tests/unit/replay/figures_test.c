/* SPDX-License-Identifier: GPL-2.0-only */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "replay/figures.h"

static void assert_bytes(uint64_t bytes, const char *expected)
{
	char text[FIGURES_SIZE];

	figures_format_bytes(bytes, text);
	assert_string_equal(text, expected);
}

static void bytes_are_exact_below_a_kibibyte_and_rounded_above(void **state)
{
	(void)state;
	assert_bytes(0, "0 B");
	assert_bytes(1023, "1023 B");
	assert_bytes(1024, "1.0 KiB");
	assert_bytes(1536, "1.5 KiB");
	assert_bytes(24536678, "23.4 MiB");
	assert_bytes(UINT64_MAX, "16.0 EiB");
}

static void a_rounded_figure_never_reads_1024(void **state)
{
	(void)state;
	assert_bytes((1 << 20) - 1, "1.0 MiB");
	assert_bytes((1 << 30) - 1, "1.0 GiB");
}

static void times_are_local_with_milliseconds(void **state)
{
	char text[FIGURES_SIZE];

	(void)state;
	setenv("TZ", "Asia/Shanghai", 1);
	tzset();
	figures_format_time(1594534991482999999ull, text);
	assert_string_equal(text, "2020-07-12 14:23:11.482");
}

static void a_time_beyond_the_calendar_is_still_text(void **state)
{
	char text[FIGURES_SIZE];

	(void)state;
	figures_format_time(UINT64_MAX, text);
	assert_true(text[0] != '\0');
}

static void assert_duration(uint64_t duration_ns, const char *expected)
{
	char text[FIGURES_SIZE];

	figures_format_duration(duration_ns, text);
	assert_string_equal(text, expected);
}

static void durations_have_two_units(void **state)
{
	(void)state;
	assert_duration(1590000000, "1.5 s");
	assert_duration(123ull * 1000000000, "2 min 3 s");
	assert_duration(3725ull * 1000000000, "1 h 2 min");
	assert_duration(273600ull * 1000000000, "3 d 4 h");
}

static void chinese_takes_two_columns_a_character(void **state)
{
	(void)state;
	assert_int_equal(figures_width("abc"), 3);
	assert_int_equal(figures_width("客户.csv"), 8);
	/* e and a combining acute accent */
	assert_int_equal(figures_width("e\xcc\x81"), 1);
}

static void assert_escaped(const char *text, const char *expected)
{
	_cleanup_free_ char *escaped = figures_escape(text);

	assert_non_null(escaped);
	assert_string_equal(escaped, expected);
	assert_int_equal(figures_width(text), figures_width(expected));
}

static void no_control_code_reaches_the_terminal(void **state)
{
	(void)state;
	assert_escaped("a\033[2Jb\n", "a\\x1b[2Jb\\x0a");
	/* C1 control CSI in UTF-8 */
	assert_escaped("\xc2\x9b", "\\xc2\\x9b");
	/* right-to-left override: photo<RLO>gnp.exe reads photoexe.png */
	assert_escaped("photo\xe2\x80\xaegnp.exe", "photo\\xe2\\x80\\xaegnp.exe");
	assert_escaped("zero\xe2\x80\x8bwidth", "zero\\xe2\\x80\\x8bwidth");
}

static void broken_utf8_is_escaped_byte_by_byte(void **state)
{
	(void)state;
	assert_escaped("\xff", "\\xff");
	assert_escaped("ok\xe5\xae", "ok\\xe5\\xae");
	assert_escaped("\xe5"
		       "a",
		       "\\xe5"
		       "a");
	assert_escaped("客户", "客户");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_exact_below_a_kibibyte_and_rounded_above),
		cmocka_unit_test(a_rounded_figure_never_reads_1024),
		cmocka_unit_test(times_are_local_with_milliseconds),
		cmocka_unit_test(a_time_beyond_the_calendar_is_still_text),
		cmocka_unit_test(durations_have_two_units),
		cmocka_unit_test(chinese_takes_two_columns_a_character),
		cmocka_unit_test(no_control_code_reaches_the_terminal),
		cmocka_unit_test(broken_utf8_is_escaped_byte_by_byte),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
