/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/nameser.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/names/asked.h"
#include "agent/names/question.h"

#define ALICE 1001
#define BOB 1002
#define SECOND_NS 1000000000ull
#define WINDOW_NS (3600 * SECOND_NS)

/* What a visit told, added up. */
struct told {
	uint64_t apps, asked, message_bytes;
	struct event_questions sum;
	bool is_cut;
};

static int given_nothing_asked(void **state)
{
	const struct asked_limits limits = {
		.names_min = 10, .bytes_min = 20, .window_ns = WINDOW_NS};

	return asked_new(&limits, (struct asked **)state);
}

static int clean_up(void **state)
{
	asked_free(*state);
	return 0;
}

static void ask(struct asked *asked, uint32_t who, uint64_t app, const char *below,
		const char *domain, uint64_t now_ns)
{
	struct question question = {
		.below_bytes = strlen(below), .longest_bytes = strlen(below), .type = ns_t_txt};
	struct asked_app *part;

	question.name_bytes = (size_t)snprintf((char *)question.name, sizeof(question.name),
					       "%s.%s", below, domain);
	snprintf(question.domain, sizeof(question.domain), "%s", domain);
	assert_int_equal(asked_take(asked, who, app, &question, 60, now_ns, &part), 0);
	assert_int_equal(part->id, app);
}

/* n different names from a number on, so many letters long. */
static void ask_many(struct asked *asked, uint32_t who, uint64_t app, size_t n, size_t from,
		     size_t letters, uint64_t now_ns)
{
	char below[64];

	for (size_t i = from; i < from + n; i++) {
		memset(below, 'x', letters);
		snprintf(below + letters - 6, 7, "%06zu", i);
		ask(asked, who, app, below, "leak.test", now_ns);
	}
}

static void add(void *userdata, const struct asked_app *app, bool is_cut)
{
	struct told *told = userdata;

	told->apps++;
	told->asked += app->asked;
	told->message_bytes += app->message_bytes;
	told->sum.names += app->questions.names;
	told->sum.name_bytes += app->questions.name_bytes;
	told->sum.text += app->questions.text;
	if (app->questions.longest_bytes > told->sum.longest_bytes)
		told->sum.longest_bytes = app->questions.longest_bytes;
	told->is_cut = is_cut;
}

static struct told visit(struct asked *asked)
{
	struct told told = {};

	asked_visit(asked, add, &told);
	return told;
}

static void few_names_are_nobodys_business(void **state)
{
	ask_many(*state, ALICE, 1, 9, 0, 30, 0);
	ask_many(*state, ALICE, 1, 9, 0, 30, 0);
	assert_int_equal(visit(*state).apps, 0);
}

static void short_names_are_nobodys_business(void **state)
{
	ask_many(*state, ALICE, 1, 200, 0, 19, 0);
	assert_int_equal(visit(*state).apps, 0);
}

static void many_long_names_below_one_domain_are_told(void **state)
{
	struct told told;

	ask_many(*state, ALICE, 1, 200, 0, 40, 0);
	told = visit(*state);
	assert_int_equal(told.apps, 1);
	assert_int_equal(told.asked, 200);
	assert_int_equal(told.message_bytes, 200 * 60);
	assert_int_equal(told.sum.names, 200);
	assert_int_equal(told.sum.name_bytes, 200 * 40);
	assert_int_equal(told.sum.text, 200);
	assert_int_equal(told.sum.longest_bytes, 40);
	assert_false(told.is_cut);
}

static void what_was_told_is_told_again_when_there_is_more(void **state)
{
	ask_many(*state, ALICE, 1, 20, 0, 40, 0);
	assert_int_equal(visit(*state).asked, 20);
	assert_int_equal(visit(*state).apps, 0);
	ask_many(*state, ALICE, 1, 1, 100, 40, 0);
	assert_int_equal(visit(*state).asked, 21);
	asked_visit_again(*state);
	assert_int_equal(visit(*state).asked, 21);
}

static void many_programs_that_ask_once_add_up(void **state)
{
	struct told told;

	for (uint64_t app = 1; app <= 200; app++)
		ask_many(*state, ALICE, app, 1, app, 40, 0);
	told = visit(*state);
	assert_int_equal(told.apps, 200);
	assert_int_equal(told.sum.names, 200);
}

static void a_name_is_counted_once_whoever_asks_for_it(void **state)
{
	struct told told;

	ask_many(*state, ALICE, 1, 10, 0, 40, 0);
	ask_many(*state, ALICE, 2, 10, 0, 40, 0);
	told = visit(*state);
	assert_int_equal(told.asked, 20);
	assert_int_equal(told.sum.names, 10);
	assert_int_equal(told.sum.name_bytes, 400);
}

static void what_two_people_ask_does_not_add_up(void **state)
{
	ask_many(*state, ALICE, 1, 9, 0, 40, 0);
	ask_many(*state, BOB, 2, 9, 50, 40, 0);
	assert_int_equal(visit(*state).apps, 0);
}

static void what_is_asked_over_a_longer_time_does_not_add_up(void **state)
{
	for (size_t i = 0; i < 100; i++)
		ask_many(*state, ALICE, 1, 1, i, 40, i * WINDOW_NS / 5);
	assert_int_equal(visit(*state).apps, 0);
}

/* One name of a day ago takes nothing of what is asked now along. */
static void what_is_asked_across_the_end_of_a_window_adds_up(void **state)
{
	struct told told;

	ask_many(*state, ALICE, 1, 1, 0, 40, 0);
	ask_many(*state, ALICE, 2, 6, 10, 40, WINDOW_NS - SECOND_NS);
	ask_many(*state, ALICE, 2, 6, 20, 40, WINDOW_NS + WINDOW_NS / 4);
	told = visit(*state);
	assert_int_equal(told.apps, 1);
	assert_int_equal(told.sum.names, 12);
	assert_false(told.is_cut);
}

static void there_is_an_end_to_names_and_it_is_said(void **state)
{
	struct told told;

	ask_many(*state, ALICE, 1, 5000, 0, 40, 0);
	told = visit(*state);
	assert_int_equal(told.asked, 5000);
	assert_int_equal(told.sum.names, 4096);
	assert_true(told.is_cut);
}

static void ask_for_many_domains(struct asked *asked)
{
	char domain[64];

	for (uint64_t i = 0; i < 2000; i++) {
		snprintf(domain, sizeof(domain), "shop-%u.test", (unsigned int)i);
		ask(asked, ALICE, 1, "www", domain, i);
	}
}

static void domains_that_are_not_asked_for_any_more_give_way(void **state)
{
	struct asked_counts counts;

	ask_for_many_domains(*state);
	asked_count(*state, &counts);
	assert_int_equal(counts.domains, 512);
	assert_int_equal(counts.forgotten, 2000 - 512);
	assert_int_equal(counts.taken, 2000);
}

/* What went before the domain was told, and had to make room, is counted as lost. */
static void of_too_many_programs_the_oldest_give_way(void **state)
{
	struct asked_counts counts;

	for (uint64_t app = 1; app <= 1100; app++)
		ask(*state, ALICE, app, "www", "shop.test", 0);
	asked_count(*state, &counts);
	assert_int_equal(counts.dropped, 1100 - 1024);
	assert_int_equal(counts.taken, 1024);
}

static void what_was_asked_before_it_gave_way_is_missing_and_it_is_said(void **state)
{
	struct told told;

	ask_many(*state, ALICE, 1, 9, 0, 40, 0);
	ask_for_many_domains(*state);
	ask_many(*state, ALICE, 1, 20, 10, 40, WINDOW_NS - SECOND_NS);
	told = visit(*state);
	assert_int_equal(told.sum.names, 20);
	assert_true(told.is_cut);
}

static void what_gave_way_long_ago_is_not_missing(void **state)
{
	ask_for_many_domains(*state);
	ask_many(*state, ALICE, 1, 20, 10, 40, WINDOW_NS + SECOND_NS);
	assert_false(visit(*state).is_cut);
}

static void what_programs_asked_that_gave_way_is_missing_and_it_is_said(void **state)
{
	for (uint64_t app = 1; app <= 1100; app++)
		ask_many(*state, ALICE, app, 1, app, 40, 0);
	assert_true(visit(*state).is_cut);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, given_nothing_asked, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(few_names_are_nobodys_business),
		TEST(short_names_are_nobodys_business),
		TEST(many_long_names_below_one_domain_are_told),
		TEST(what_was_told_is_told_again_when_there_is_more),
		TEST(many_programs_that_ask_once_add_up),
		TEST(a_name_is_counted_once_whoever_asks_for_it),
		TEST(what_two_people_ask_does_not_add_up),
		TEST(what_is_asked_over_a_longer_time_does_not_add_up),
		TEST(what_is_asked_across_the_end_of_a_window_adds_up),
		TEST(there_is_an_end_to_names_and_it_is_said),
		TEST(domains_that_are_not_asked_for_any_more_give_way),
		TEST(of_too_many_programs_the_oldest_give_way),
		TEST(what_was_asked_before_it_gave_way_is_missing_and_it_is_said),
		TEST(what_gave_way_long_ago_is_not_missing),
		TEST(what_programs_asked_that_gave_way_is_missing_and_it_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
