/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy_parse.h"
#include "policy/policy_problems.h"

struct draft_fixture {
	struct policy_draft draft;
	struct policy_problems problems;
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct draft_fixture));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	struct draft_fixture *fixture = *state;

	policy_draft_done(&fixture->draft);
	policy_problems_done(&fixture->problems);
	free(fixture);
	return 0;
}

static void when_text_is_read(struct draft_fixture *fixture, const char *file, const char *text)
{
	assert_int_equal(
		policy_parse_text(&fixture->draft, file, text, strlen(text), &fixture->problems),
		0);
}

static void then_value_is(struct draft_fixture *fixture, size_t section, const char *key,
			  const char *value, const char *file, unsigned int line)
{
	const struct policy_entry *entry;

	assert_true(section < fixture->draft.n_sections);
	entry = policy_section_find(&fixture->draft.sections[section], key);
	assert_non_null(entry);
	assert_string_equal(entry->value, value);
	assert_string_equal(entry->file, file);
	assert_int_equal(entry->line, line);
}

static void then_problem_is(struct draft_fixture *fixture, size_t i, unsigned int line,
			    const char *words)
{
	assert_true(i < fixture->problems.n_items);
	assert_int_equal(fixture->problems.items[i].line, line);
	assert_non_null(strstr(fixture->problems.items[i].message, words));
}

static void each_value_knows_its_line(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "f",
			  "\xEF\xBB\xBF# remark\r\n"
			  "[crm \"main one\"] ; remark\r\n"
			  "\r\n"
			  "host=crm.test ; remark\r\n"
			  "; remark\r\n"
			  "  port  =  443  \r\n"
			  "   tls = yes");
	assert_int_equal(fixture->problems.n_items, 0);
	assert_int_equal(fixture->draft.n_sections, 1);
	assert_string_equal(fixture->draft.sections[0].name, "main one");
	assert_int_equal(fixture->draft.sections[0].line, 2);
	then_value_is(fixture, 0, "host", "crm.test", "f", 4);
	then_value_is(fixture, 0, "port", "443", "f", 6);
	then_value_is(fixture, 0, "tls", "yes", "f", 7);
}

static void a_list_goes_on_in_indented_lines(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "f",
			  "[crm \"m\"]\nhost = a.test,\n  fd00::1,\n\n\t10.0.0.1\nport = 1\n");
	assert_int_equal(fixture->problems.n_items, 0);
	then_value_is(fixture, 0, "host", "a.test,,fd00::1,,10.0.0.1", "f", 2);
	then_value_is(fixture, 0, "port", "1", "f", 6);
}

static void a_later_file_adds_to_a_section_and_replaces_its_values(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "a", "[crm \"m\"]\nhost = a.test\nport = 1\n[crm \"n\"]\n");
	when_text_is_read(fixture, "b", "\n[crm \"m\"]\nport = 2\n  ,3\ntls = no\n");
	assert_int_equal(fixture->draft.n_sections, 2);
	then_value_is(fixture, 0, "host", "a.test", "a", 2);
	then_value_is(fixture, 0, "port", "2,,3", "b", 3);
	then_value_is(fixture, 0, "tls", "no", "b", 5);
}

static void a_section_without_keys_is_still_there(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "f", "[class \"a\"]\n[class \"b\"]\n[people]");
	assert_int_equal(fixture->problems.n_items, 0);
	assert_int_equal(fixture->draft.n_sections, 3);
}

static void crooked_headings_are_told(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "f",
			  "[crm]\n[crm \"\"]\n[people \"x\"]\n[crm \"m]\n[crm \"m\"\n"
			  "[crm \"m\"] host = a\n[]\n[crm m]\n[zebra \"m\"]\n");
	assert_int_equal(fixture->draft.n_sections, 0);
	assert_int_equal(fixture->problems.n_items, 9);
	then_problem_is(fixture, 0, 1, "needs a name");
	then_problem_is(fixture, 1, 2, "needs a name");
	then_problem_is(fixture, 2, 3, "takes no name");
	for (unsigned int i = 3; i < 8; i++)
		then_problem_is(fixture, i, i + 1, "not a section");
	then_problem_is(fixture, 8, 9, "sections are class, crm");
}

static void keys_of_an_unknown_section_are_not_told_as_well(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "f", "[crmm \"m\"]\nhots = a\n[crm \"m\"]\nhots = a\n");
	assert_int_equal(fixture->problems.n_items, 2);
	then_problem_is(fixture, 0, 1, "did you mean \"crm\"?");
	then_problem_is(fixture, 1, 4, "did you mean \"host\"?");
}

static void a_far_fetched_key_gets_the_list_of_known_ones(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "f", "[crm \"m\"]\nzzzzzz = a\n   more of it\n");
	assert_int_equal(fixture->problems.n_items, 1);
	then_problem_is(fixture, 0, 2, "known: host, port, class, tls");
}

static void a_key_before_any_section_is_told(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "f", "host = a\n");
	assert_int_equal(fixture->problems.n_items, 1);
	then_problem_is(fixture, 0, 1, "before any section");
}

static void a_line_too_long_is_told_and_the_rest_is_read(void **state)
{
	struct draft_fixture *fixture = *state;
	char text[1024] = "[crm \"m\"]\nhost = ";

	memset(text + strlen(text), 'a', 600);
	strcat(text, "\nport = 1\n");
	when_text_is_read(fixture, "f", text);
	assert_int_equal(fixture->problems.n_items, 1);
	then_problem_is(fixture, 0, 2, "a line of 607 bytes");
	then_value_is(fixture, 0, "port", "1", "f", 3);
}

static void a_nul_byte_is_told_at_its_line(void **state)
{
	struct draft_fixture *fixture = *state;
	const char text[] = "[crm \"m\"]\nho\0st = a\nport = 1\n";

	assert_int_equal(
		policy_parse_text(&fixture->draft, "f", text, sizeof(text) - 1, &fixture->problems),
		0);
	assert_int_equal(fixture->problems.n_items, 1);
	then_problem_is(fixture, 0, 2, "NUL");
	then_value_is(fixture, 0, "port", "1", "f", 3);
}

static void problems_are_bounded_and_say_so(void **state)
{
	struct draft_fixture *fixture = *state;
	char text[1024];

	memset(text, 'x', sizeof(text));
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = '\n';
	text[sizeof(text) - 1] = '\0';
	when_text_is_read(fixture, "f", text);
	assert_int_equal(fixture->problems.n_items, POLICY_MAX_PROBLEMS + 1);
	then_problem_is(fixture, POLICY_MAX_PROBLEMS, POLICY_MAX_PROBLEMS + 1, "not listed");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	struct draft_fixture *fixture = *state;

	when_text_is_read(fixture, "f", "[crm \"m\"]\n\x1b[31mho = a\n");
	assert_int_equal(fixture->problems.n_items, 1);
	assert_null(strchr(fixture->problems.items[0].message, '\x1b'));
}

static void the_nearest_name_is_the_one_meant(void **state)
{
	const char *const names[] = {"folder", "class", "host", "port"};

	(void)state;
	assert_string_equal(policy_problems_nearest("hots", names, 4), "host");
	assert_string_equal(policy_problems_nearest("prot", names, 4), "port");
	assert_string_equal(policy_problems_nearest("folders", names, 4), "folder");
	assert_null(policy_problems_nearest("executable", names, 4));
	assert_null(policy_problems_nearest("", names, 4));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_value_knows_its_line),
		TEST(a_list_goes_on_in_indented_lines),
		TEST(a_later_file_adds_to_a_section_and_replaces_its_values),
		TEST(a_section_without_keys_is_still_there),
		TEST(crooked_headings_are_told),
		TEST(keys_of_an_unknown_section_are_not_told_as_well),
		TEST(a_far_fetched_key_gets_the_list_of_known_ones),
		TEST(a_key_before_any_section_is_told),
		TEST(a_line_too_long_is_told_and_the_rest_is_read),
		TEST(a_nul_byte_is_told_at_its_line),
		TEST(problems_are_bounded_and_say_so),
		TEST(control_characters_do_not_reach_the_terminal),
		TEST(the_nearest_name_is_the_one_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
