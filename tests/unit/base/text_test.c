/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"

static void a_copy_is_ones_own(void **state)
{
	char text[] = "im.test";
	_cleanup_free_ char *copy = NULL;

	(void)state;
	assert_int_equal(text_copy(text, &copy), 0);
	text[0] = '\0';
	assert_string_equal(copy, "im.test");
}

static void nothing_stays_nothing_and_an_empty_text_is_one(void **state)
{
	_cleanup_free_ char *copy = NULL;
	char *none = (char *)"untouched";

	(void)state;
	assert_int_equal(text_copy(NULL, &none), 0);
	assert_null(none);
	assert_int_equal(text_copy("", &copy), 0);
	assert_string_equal(copy, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_ones_own),
		cmocka_unit_test(nothing_stays_nothing_and_an_empty_text_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
