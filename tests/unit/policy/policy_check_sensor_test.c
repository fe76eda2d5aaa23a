/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/policy_fixture.h"

/* Four lines. */
#define SOURCE "[class \"a\"]\n[crm \"main\"]\nhost = 10.0.0.1\nclass = a\n"

static void then_problem_is(struct policy_fixture *fixture, unsigned int line, const char *words)
{
	assert_int_equal(fixture->result, -EINVAL);
	policy_fixture_assert_problem(fixture, "policy.conf", line, words);
	assert_int_equal(fixture->problems.n_items, 1);
}

static void then_limits_are(struct policy_fixture *fixture, uint32_t max_hops,
			    uint32_t arguments_min_bytes)
{
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_sensor(fixture->policy)->max_hops, max_hops);
	assert_int_equal(policy_sensor(fixture->policy)->arguments_min_bytes, arguments_min_bytes);
}

static void how_far_labels_go_is_the_policys(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[sensor]\nmax_hops = 6\narguments_min_bytes = 2048\n");
	then_limits_are(fixture, 6, 2048);
	policy_fixture_load(fixture, SOURCE "[sensor]\narguments_min_bytes = 0\n");
	then_limits_are(fixture, 32, 0);
	policy_fixture_load(fixture,
			    SOURCE "[sensor]\nmax_hops = 1000\narguments_min_bytes = 2097152\n");
	then_limits_are(fixture, 1000, 2097152);
}

static void what_the_policy_leaves_open_is_built_in(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE);
	then_limits_are(fixture, 32, 512);
	policy_fixture_load(fixture, SOURCE "[sensor]\nmax_hops = 6\n[sensor]\nmax_hops =\n");
	then_limits_are(fixture, 32, 512);
}

static void a_number_out_of_range_is_told_with_the_range(void **state)
{
	static const char *const hops[] = {"0", "1001", "-1", "eight", "4294967297"};
	static const char *const bytes[] = {"-1", "2097153", "512 bytes", "4294967808"};
	struct policy_fixture *fixture = *state;
	char text[256], words[128];

	for (size_t i = 0; i < sizeof(hops) / sizeof(hops[0]); i++) {
		snprintf(text, sizeof(text), SOURCE "[sensor]\nmax_hops = %s\n", hops[i]);
		snprintf(words, sizeof(words), "max_hops = %s is no number from 1 to 1000",
			 hops[i]);
		policy_fixture_load(fixture, text);
		then_problem_is(fixture, 6, words);
	}
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		snprintf(text, sizeof(text), SOURCE "[sensor]\n\narguments_min_bytes = %s\n",
			 bytes[i]);
		snprintf(words, sizeof(words),
			 "arguments_min_bytes = %s is no number from 0 to 2097152", bytes[i]);
		policy_fixture_load(fixture, text);
		then_problem_is(fixture, 7, words);
	}
}

static void what_is_misspelt_is_told_with_the_word_that_is_meant(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[sensor]\nmax_hop = 6\n");
	then_problem_is(fixture, 6,
			"unknown key \"max_hop\" in [sensor], did you mean \"max_hops\"?");
	policy_fixture_load(fixture, SOURCE "[sensor]\nring_bytes = 6\n");
	then_problem_is(fixture, 6, "known: max_hops, arguments_min_bytes");
	policy_fixture_load(fixture, SOURCE "[sensro]\n");
	then_problem_is(fixture, 5, "did you mean \"sensor\"?");
	policy_fixture_load(fixture, SOURCE "[labels]\n");
	then_problem_is(fixture, 5, "record, sensor, people and detect");
	policy_fixture_load(fixture, SOURCE "[sensor \"x\"]\n");
	then_problem_is(fixture, 5, "[sensor] takes no name");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, policy_fixture_setup, policy_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(how_far_labels_go_is_the_policys),
		TEST(what_the_policy_leaves_open_is_built_in),
		TEST(a_number_out_of_range_is_told_with_the_range),
		TEST(what_is_misspelt_is_told_with_the_word_that_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
