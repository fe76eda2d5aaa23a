/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_table.h"
#include "base/cleanup.h"
#include "policy/policy_shape.h"

static struct policy_table *given_table(const char *first, const char *second)
{
	struct policy_shape shapes[2];
	struct policy_table *table = NULL;
	const char *why;

	assert_int_equal(policy_shape_parse(first, &shapes[0], &why), 0);
	if (second)
		assert_int_equal(policy_shape_parse(second, &shapes[1], &why), 0);
	assert_int_equal(policy_table_new(shapes, second ? 2 : 1, &table), 0);
	return table;
}

static size_t match(const struct policy_table *table, const char *text)
{
	return policy_table_match(table, (const uint8_t *)text, strlen(text), NULL);
}

static void a_number_of_fixed_length_is_found(void **state)
{
	_cleanup_(policy_table_freep) struct policy_table *table = given_table("P20\\d{8}", NULL);

	(void)state;
	assert_int_equal(match(table, "P2020123456"), 11);
	assert_int_equal(match(table, "P20201234567"), 11);
	assert_int_equal(match(table, "P202012345"), 0);
	assert_int_equal(match(table, "P2120123456"), 0);
	assert_int_equal(match(table, ""), 0);
	assert_true(policy_table_may_begin(table, 'P'));
	assert_false(policy_table_may_begin(table, '2'));
}

static void repetitions_take_as_much_as_they_can(void **state)
{
	_cleanup_(policy_table_freep) struct policy_table *range = given_table("\\d{3,5}", NULL);
	_cleanup_(policy_table_freep) struct policy_table *more = given_table("ab+c?d", NULL);
	_cleanup_(policy_table_freep) struct policy_table *none = given_table("x[0-9]{0,2}y", NULL);

	(void)state;
	assert_int_equal(match(range, "12"), 0);
	assert_int_equal(match(range, "123x"), 3);
	assert_int_equal(match(range, "1234567"), 5);
	assert_int_equal(match(more, "abbbbbbbbbbcd"), 13);
	assert_int_equal(match(more, "abd"), 3);
	assert_int_equal(match(more, "ad"), 0);
	assert_int_equal(match(none, "xy"), 2);
	assert_int_equal(match(none, "x12y"), 4);
	assert_int_equal(match(none, "x123y"), 0);
}

/* What a class takes, the sign behind it may want: all ways are followed at once. */
static void an_ambiguous_shape_finds_the_longest(void **state)
{
	_cleanup_(policy_table_freep) struct policy_table *table =
		given_table("[a-z.]+@[a-z.]+\\.[a-z]{2,4}", NULL);

	(void)state;
	assert_int_equal(match(table, "li.wei@mail.corp.cn"), 19);
	assert_int_equal(match(table, "li@a.b"), 0);
	assert_int_equal(match(table, "li@a.bc.t"), 7);
}

static void several_shapes_share_a_table(void **state)
{
	_cleanup_(policy_table_freep) struct policy_table *table =
		given_table("1[3-9]\\d{9}", "\\+?86[ -]?1[3-9]\\d{9}");

	(void)state;
	assert_int_equal(match(table, "13900001234"), 11);
	assert_int_equal(match(table, "+86 13900001234"), 15);
	assert_int_equal(match(table, "8613900001234"), 13);
	assert_int_equal(match(table, "12900001234"), 0);
}

static int before_a_comma(const uint8_t *data, size_t size, size_t at)
{
	return at < size && data[at] == ',';
}

static void what_may_follow_is_asked_for_every_end(void **state)
{
	_cleanup_(policy_table_freep) struct policy_table *table = given_table("\\d{3,5}", NULL);
	static const uint8_t text[] = "123,45";

	(void)state;
	assert_int_equal(policy_table_match(table, text, 6, before_a_comma), 3);
	assert_int_equal(policy_table_match(table, text + 1, 2, before_a_comma), 0);
}

static void a_shape_that_explodes_is_refused(void **state)
{
	struct policy_shape shape;
	struct policy_table *table = NULL;
	const char *why;

	(void)state;
	assert_int_equal(policy_shape_parse("[ab]{1,60}a[ab]{30}a[ab]{20}", &shape, &why), 0);
	assert_int_equal(policy_table_new(&shape, 1, &table), -E2BIG);
	assert_null(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_of_fixed_length_is_found),
		cmocka_unit_test(repetitions_take_as_much_as_they_can),
		cmocka_unit_test(an_ambiguous_shape_finds_the_longest),
		cmocka_unit_test(several_shapes_share_a_table),
		cmocka_unit_test(what_may_follow_is_asked_for_every_end),
		cmocka_unit_test(a_shape_that_explodes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
