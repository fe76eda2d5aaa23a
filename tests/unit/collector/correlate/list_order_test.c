/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/correlate/list_order.h"

#define N(list) (sizeof(list) / sizeof((list)[0]))

static const uint64_t list[] = {50, 10, 40, 20, UINT64_MAX};

#define assert_order(answer, both, in_order)                                                       \
	do {                                                                                       \
		struct list_order order = {77, 77};                                                \
		assert_int_equal(list_order_compare(list, N(list), answer, N(answer), &order), 0); \
		assert_int_equal(order.n_both, both);                                              \
		assert_int_equal(order.n_in_order, in_order);                                      \
	} while (0)

static void a_list_that_comes_back_is_whole_and_in_order(void **state)
{
	const uint64_t same[] = {50, 10, 40, 20, UINT64_MAX};

	(void)state;
	assert_order(same, 5, 5);
}

static void what_stands_between_does_not_disturb(void **state)
{
	const uint64_t more[] = {7, 50, 8, 10, 9, 40, 20, 6, UINT64_MAX, 5};

	(void)state;
	assert_order(more, 5, 5);
}

static void part_of_a_list_is_counted_and_may_be_in_order(void **state)
{
	const uint64_t part[] = {10, 20}, none[] = {1, 2, 3};

	(void)state;
	assert_order(part, 2, 2);
	assert_order(none, 0, 0);
}

static void one_record_that_was_moved_leaves_the_others_in_order(void **state)
{
	const uint64_t moved[] = {UINT64_MAX, 50, 10, 40, 20};

	(void)state;
	assert_order(moved, 5, 4);
}

static void a_list_that_was_turned_round_is_in_no_order(void **state)
{
	const uint64_t round[] = {UINT64_MAX, 20, 40, 10, 50};

	(void)state;
	assert_order(round, 5, 1);
}

static void a_repeat_counts_at_its_first_place(void **state)
{
	const uint64_t twice[] = {50, 10, 50, 40, 10, 20, UINT64_MAX};
	const uint64_t repeating[] = {1, 2, 1, 3}, answer[] = {1, 2, 3};
	struct list_order order;

	(void)state;
	assert_order(twice, 5, 5);
	assert_int_equal(list_order_compare(repeating, 4, answer, 3, &order), 0);
	assert_int_equal(order.n_both, 3);
	assert_int_equal(order.n_in_order, 3);
}

static void nothing_is_in_nothing(void **state)
{
	struct list_order order;

	(void)state;
	assert_int_equal(list_order_compare(NULL, 0, list, N(list), &order), 0);
	assert_int_equal(order.n_both, 0);
	assert_int_equal(list_order_compare(list, N(list), NULL, 0, &order), 0);
	assert_int_equal(order.n_both, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_that_comes_back_is_whole_and_in_order),
		cmocka_unit_test(what_stands_between_does_not_disturb),
		cmocka_unit_test(part_of_a_list_is_counted_and_may_be_in_order),
		cmocka_unit_test(one_record_that_was_moved_leaves_the_others_in_order),
		cmocka_unit_test(a_list_that_was_turned_round_is_in_no_order),
		cmocka_unit_test(a_repeat_counts_at_its_first_place),
		cmocka_unit_test(nothing_is_in_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
