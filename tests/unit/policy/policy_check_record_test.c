/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/policy_fixture.h"

#define SOURCE                           \
	"[class \"a\"]\n[class \"b\"]\n" \
	"[crm \"main\"]\nhost = 10.0.0.1\nclass = a, b\n" /* five lines */

#define STORY(test) \
	cmocka_unit_test_setup_teardown(test, policy_fixture_setup, policy_fixture_teardown)

static void then_only_problem_is(struct policy_fixture *fixture, unsigned int line,
				 const char *words)
{
	assert_int_equal(fixture->result, -EINVAL);
	policy_fixture_assert_problem(fixture, "policy.conf", line, words);
	assert_int_equal(fixture->problems.n_items, 1);
}

static void records_have_a_kind_or_a_pattern_and_classes(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_record *records;

	policy_fixture_load(fixture, SOURCE
			    "[record \"number\"]\npattern = P20\\d{8}\nclass = b\n"
			    "title = policies\ntitle_zh = 保单\n"
			    "[record \"phone\"]\nkind = mobile\nclass = a, b\n"
			    "[record \"id\"]\nkind = resident_id\nclass = a\n"
			    "[record \"mail\"]\nkind = email\nclass = a\n"
			    "[record \"card\"]\nkind = bank_card\nclass = a\n"
			    "[record \"list\"]\nkind = pattern\npattern = L\\d{5,9}\nclass = a\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_records(fixture->policy, &records), 6);
	assert_string_equal(records[0].name, "number");
	assert_int_equal(records[0].kind, POLICY_RECORD_PATTERN);
	assert_string_equal(records[0].pattern, "P20\\d{8}");
	assert_int_equal(records[0].labels, 2);
	assert_string_equal(records[0].title, "policies");
	assert_string_equal(records[0].title_zh, "保单");
	assert_int_equal(records[1].kind, POLICY_RECORD_MOBILE);
	assert_int_equal(records[1].labels, 3);
	assert_string_equal(records[1].title, "mobile numbers");
	assert_string_equal(records[1].title_zh, "手机号码");
	assert_int_equal(records[2].kind, POLICY_RECORD_RESIDENT_ID);
	assert_int_equal(records[3].kind, POLICY_RECORD_EMAIL);
	assert_int_equal(records[4].kind, POLICY_RECORD_BANK_CARD);
	/* The comma of a repetition divides no list. */
	assert_string_equal(records[5].pattern, "L\\d{5,9}");
	assert_string_equal(records[5].title, "");
}

static void a_policy_without_records_counts_none(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_record *records;

	policy_fixture_load(fixture, SOURCE);
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_records(fixture->policy, &records), 0);
}

static void a_wrong_pattern_is_told_at_its_line(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[record \"r\"]\nclass = a\npattern = P20.*\n");
	then_only_problem_is(fixture, 8, "pattern \"P20.*\": there are no groups");
}

static void a_pattern_that_fits_almost_anything_is_refused(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[record \"r\"]\nclass = a\npattern = \\d{3,9}\n");
	then_only_problem_is(fixture, 8, "fits texts of 3 bytes; one of fewer than 6");
}

static void a_pattern_that_can_be_read_in_too_many_ways_is_refused(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[record \"r\"]\nclass = a\n"
					    "pattern = [ab]{1,60}a[ab]{30}a[ab]{20}\n");
	then_only_problem_is(fixture, 8, "can be read in too many ways");
}

static void a_record_by_nothing_is_told_what_it_needs(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[record \"r\"]\nclass = a\n");
	then_only_problem_is(fixture, 6, "needs a kind, as in kind = mobile, or a pattern");
}

static void a_kind_of_its_own_takes_no_pattern(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    SOURCE "[record \"r\"]\nclass = a\nkind = email\npattern = P\\d{9}\n");
	then_only_problem_is(fixture, 9, "kind = email brings its own pattern");
}

static void an_unknown_kind_is_told_with_the_nearest(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[record \"r\"]\nclass = a\nkind = mobil\n");
	then_only_problem_is(fixture, 8, "did you mean \"mobile\"?");
}

static void a_record_needs_a_class_that_there_is(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[record \"r\"]\nkind = mobile\n");
	then_only_problem_is(fixture, 6, "needs \"class\"");
	policy_fixture_load(fixture, SOURCE "[record \"r\"]\nkind = mobile\nclass = c\n");
	then_only_problem_is(fixture, 8, "not defined");
}

static void there_are_sixteen_at_most(void **state)
{
	struct policy_fixture *fixture = *state;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fputs(SOURCE, out);
	for (int i = 0; i < 17; i++)
		fprintf(out, "[record \"r%d\"]\nkind = mobile\nclass = a\n", i);
	fclose(out);
	policy_fixture_load(fixture, text);
	then_only_problem_is(fixture, 6 + 16 * 3, "one more than the 16 records");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(records_have_a_kind_or_a_pattern_and_classes),
		STORY(a_policy_without_records_counts_none),
		STORY(a_wrong_pattern_is_told_at_its_line),
		STORY(a_pattern_that_fits_almost_anything_is_refused),
		STORY(a_pattern_that_can_be_read_in_too_many_ways_is_refused),
		STORY(a_record_by_nothing_is_told_what_it_needs),
		STORY(a_kind_of_its_own_takes_no_pattern),
		STORY(an_unknown_kind_is_told_with_the_nearest),
		STORY(a_record_needs_a_class_that_there_is),
		STORY(there_are_sixteen_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
