/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../support/cli_story.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "collector/store/store.h"

static void incidents_are_a_table(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_incidents, "--data", story->dir, "--lang", "en", NULL);
	assert_int_equal(story->status, 0);
	assert_int_equal(cli_story_lines(story->out), 2);
	assert_non_null(strstr(story->out, "critical"));
	assert_non_null(strstr(story->out, "P-0123456789"));
	assert_non_null(strstr(story->out, "shop"));
	assert_non_null(strstr(story->out, "60 estimated"));
}

static void incidents_are_a_table_in_chinese_too(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_incidents, "--data", story->dir, "--lang", "zh", NULL);
	assert_int_equal(story->status, 0);
	assert_int_equal(cli_story_lines(story->out), 2);
	assert_non_null(strstr(story->out, "编号  严重度     分数  最近时间"));
	assert_non_null(strstr(story->out, "60 估计"));
}

static void incidents_as_json_have_the_documented_keys(void **state)
{
	static const char *const keys[] = {"id",      "severity", "score",   "detectors",
					   "persons", "sources",  "sinks",   "bytes_out",
					   "records", "first_ns", "last_ns", "explanation"};
	struct cli_story *story = *state;
	json_t *list, *incident;

	cli_story_when_called(story, cli_incidents, "--data", story->dir, "--json", NULL);
	assert_int_equal(story->status, 0);
	list = json_loads(story->out, 0, NULL);
	assert_int_equal(json_array_size(list), 1);
	incident = json_array_get(list, 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_non_null(json_object_get(incident, keys[i]));
	assert_int_equal(json_integer_value(json_object_get(incident, "id")), story->incident);
	json_decref(list);
}

static void show_speaks_english_and_chinese(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_show, "--data", story->dir, "--lang", "en", "1", NULL);
	assert_int_equal(story->status, 0);
	assert_non_null(strstr(story->out, "labelled data went out"));
	cli_story_when_called(story, cli_show, "--data", story->dir, "--lang", "zh", "1", NULL);
	assert_int_equal(story->status, 0);
	assert_non_null(strstr(story->out, "敏感数据流出"));
}

static void an_unknown_incident_is_one_line(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_show, "--data", story->dir, "77", NULL);
	cli_story_then_one_line_says(story, "no incident 77");
	cli_story_when_called(story, cli_replay, "--data", story->dir, "--incident", "77", NULL);
	cli_story_then_one_line_says(story, "no incident 77");
}

static void a_missing_store_is_one_line(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_incidents, "--data", "/nonexistent", NULL);
	cli_story_then_one_line_says(story, "no store in /nonexistent/collector");
	cli_story_when_called(story, cli_show, "--data", "/nonexistent", "1", NULL);
	cli_story_then_one_line_says(story, "no store in /nonexistent/collector");
	cli_story_when_called(story, cli_replay, "--data", "/nonexistent", NULL);
	cli_story_then_one_line_says(story, "no store in /nonexistent/collector");
}

static void a_damaged_document_is_one_line(void **state)
{
	struct cli_story *story = *state;
	_cleanup_free_ char *dir = cli_story_path(story, "collector");
	_cleanup_(store_freep) struct store *store = NULL;
	struct store_incident damaged = {.key = (char *)"other", .document = (char *)"{ no"};

	assert_int_equal(store_open(dir, false, &store), 0);
	assert_int_equal(store_put_incident(store, &damaged), 0);
	cli_story_when_called(story, cli_show, "--data", story->dir, "2", NULL);
	cli_story_then_one_line_says(story, "incident 2");
	/* and the others are listed all the same */
	cli_story_when_called(story, cli_incidents, "--data", story->dir, NULL);
	assert_int_equal(story->status, 1);
	assert_int_equal(cli_story_lines(story->err), 1);
	assert_int_equal(cli_story_lines(story->out), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLI_STORY_TEST(incidents_are_a_table),
		CLI_STORY_TEST(incidents_are_a_table_in_chinese_too),
		CLI_STORY_TEST(incidents_as_json_have_the_documented_keys),
		CLI_STORY_TEST(show_speaks_english_and_chinese),
		CLI_STORY_TEST(an_unknown_incident_is_one_line),
		CLI_STORY_TEST(a_missing_store_is_one_line),
		CLI_STORY_TEST(a_damaged_document_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
