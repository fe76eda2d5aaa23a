/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/correlate/lineage.h"
#include "collector/correlate/lookup_pace.h"

#define MS UINT64_C(1000000)
#define MAX 100

static struct event desk_1 = {.agent = (char *)"desk-1"}, desk_2 = {.agent = (char *)"desk-2"};
static const struct lineage_flow mine = {.event = &desk_1, .person = (char *)"P-1"};
static const struct lineage_flow hers = {.event = &desk_1, .person = (char *)"P-2"};
static const struct lineage_flow elsewhere = {.event = &desk_2, .person = (char *)"P-1"};

struct pace {
	struct lookup lookups[MAX];
	struct lookup_list list;
	uint64_t now_ns;
};

static void looks_up(struct pace *pace, const struct lineage_flow *flow, uint64_t after_ms)
{
	assert_true(pace->list.n_items < MAX);
	pace->now_ns += after_ms * MS;
	pace->lookups[pace->list.n_items++] =
		(struct lookup){.time_ns = pace->now_ns, .flow = flow, .is_timed = true};
	pace->list.items = pace->lookups;
}

static void the_longest_fast_run_is_found(void **state)
{
	struct pace pace = {};
	struct lookup_run run;

	(void)state;
	for (int i = 0; i < 5; i++)
		looks_up(&pace, &mine, 100);
	looks_up(&pace, &mine, 9000);
	for (int i = 0; i < 9; i++)
		looks_up(&pace, &mine, 100);
	looks_up(&pace, &mine, 9000);
	run = lookup_pace_fastest(&pace.list, 4, 300 * MS);
	assert_int_equal(run.first, 5);
	assert_int_equal(run.n_lookups, 10);
	assert_int_equal(run.span_ns, 900 * MS);
	assert_int_equal(lookup_pace_fastest(&pace.list, 4, 299 * MS).n_lookups, 0);
	assert_int_equal(lookup_pace_fastest(&pace.list, 11, 1000 * MS).n_lookups, 0);
}

static void a_run_is_one_persons_on_one_host(void **state)
{
	struct pace pace = {};

	(void)state;
	for (int i = 0; i < 5; i++)
		looks_up(&pace, &mine, 100);
	for (int i = 0; i < 5; i++)
		looks_up(&pace, &hers, 100);
	for (int i = 0; i < 5; i++)
		looks_up(&pace, &elsewhere, 100);
	assert_int_equal(lookup_pace_fastest(&pace.list, 5, 400 * MS).n_lookups, 5);
	assert_int_equal(lookup_pace_fastest(&pace.list, 6, 9000 * MS).n_lookups, 0);
}

static void regular_is_what_varies_little(void **state)
{
	struct pace pace = {};
	struct lookup_run run;

	(void)state;
	for (int i = 0; i < 21; i++)
		looks_up(&pace, &mine, i % 3 == 0 ? 1000 : i % 3 == 1 ? 920 : 1080);
	run = lookup_pace_most_regular(&pace.list, 21, 1000 * MS, 0.081);
	assert_int_equal(run.n_lookups, 21);
	assert_true(run.variation > 0.079 && run.variation < 0.081);
	assert_int_equal(lookup_pace_most_regular(&pace.list, 21, 1000 * MS, 0.079).n_lookups, 0);
	assert_int_equal(lookup_pace_most_regular(&pace.list, 21, 999 * MS, 0.5).n_lookups, 0);
}

static void a_loop_may_stumble_now_and_then(void **state)
{
	struct pace pace = {};

	(void)state;
	for (int i = 0; i < 21; i++)
		looks_up(&pace, &mine, i % 5 == 1 ? 3000 : 1000);
	assert_int_equal(lookup_pace_most_regular(&pace.list, 21, 1000 * MS, 0.01).n_lookups, 21);
	/* Two of five is no stumbling. */
	pace = (struct pace){};
	for (int i = 0; i < 21; i++)
		looks_up(&pace, &mine, i % 5 < 2 ? 3000 : 1000);
	assert_int_equal(lookup_pace_most_regular(&pace.list, 21, 1000 * MS, 0.5).n_lookups, 0);
}

static void a_time_that_was_shared_out_is_no_rhythm(void **state)
{
	struct pace pace = {};

	(void)state;
	for (int i = 0; i < 10; i++)
		looks_up(&pace, &mine, 1000);
	assert_int_equal(lookup_pace_most_regular(&pace.list, 6, 1000 * MS, 0).n_lookups, 10);
	pace.lookups[5].is_timed = false;
	assert_int_equal(lookup_pace_most_regular(&pace.list, 6, 1000 * MS, 0).n_lookups, 0);
	assert_int_equal(lookup_pace_most_regular(&pace.list, 5, 1000 * MS, 0).n_lookups, 5);
	assert_int_equal(lookup_pace_fastest(&pace.list, 10, 9000 * MS).n_lookups, 10);
}

static void of_nothing_there_is_no_run(void **state)
{
	const struct lookup_list none = {};

	(void)state;
	assert_int_equal(lookup_pace_fastest(&none, 3, UINT64_MAX).n_lookups, 0);
	assert_int_equal(lookup_pace_most_regular(&none, 3, 1, 1).n_lookups, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_fast_run_is_found),
		cmocka_unit_test(a_run_is_one_persons_on_one_host),
		cmocka_unit_test(regular_is_what_varies_little),
		cmocka_unit_test(a_loop_may_stumble_now_and_then),
		cmocka_unit_test(a_time_that_was_shared_out_is_no_rhythm),
		cmocka_unit_test(of_nothing_there_is_no_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
