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
#include "base/file.h"
#include "cli/cli.h"

static void no_status_is_one_line(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_status, "--data", story->dir, NULL);
	cli_story_then_one_line_says(story, "no status in");
}

static void given_both_statuses(struct cli_story *story)
{
	_cleanup_free_ char *agent = cli_story_path(story, "agent");

	assert_int_equal(file_make_dirs(agent, 0700), 0);
	cli_story_write(
		story, "agent/state.json",
		"{\"time_ns\": 1594526400000000000, \"spool_bytes\": 1536, \"stages\": [{\"name\": "
		"\"sensor\", \"in\": 12, \"out\": 8, \"waiting\": 1, \"dropped\": 1}, "
		"{\"name\": \"spool\", \"in\": 9, \"out\": 7, \"waiting\": 1, \"dropped\": 1}], "
		"\"coverage\": "
		"[{\"channel\": \"io_uring\", \"coverage\": \"none\", \"why\": \"the tracepoint "
		"is not there\"}]}");
	cli_story_write(
		story, "collector/status.json",
		"{\"time_ns\": 1594526400000000000, \"last_error\": null, \"store\": {\"events\": "
		"4}}");
}

static void status_shows_stages_figures_and_coverage(void **state)
{
	struct cli_story *story = *state;

	given_both_statuses(story);
	cli_story_when_called(story, cli_status, "--data", story->dir, NULL);
	assert_int_equal(story->status, 0);
	assert_non_null(strstr(story->out, "weir run is not running"));
	assert_non_null(strstr(story->out, "sensor                           12           8"
					   "           1           1  2 not accounted for\n"));
	assert_non_null(strstr(story->out, "spool                             9           7"
					   "           1           1\n"));
	assert_non_null(strstr(story->out, "1.5 KiB"));
	assert_non_null(strstr(story->out, "store events"));
	assert_non_null(strstr(story->out, "the tracepoint is not there"));
	assert_non_null(strstr(story->out, "it is not running"));
}

static void status_as_json_carries_both_files(void **state)
{
	struct cli_story *story = *state;
	json_t *status;

	given_both_statuses(story);
	cli_story_when_called(story, cli_status, "--data", story->dir, "--json", NULL);
	status = json_loads(story->out, 0, NULL);
	assert_non_null(status);
	assert_true(json_is_false(json_object_get(status, "running")));
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(status, "agent"), "spool_bytes")),
			 1536);
	assert_true(json_is_object(json_object_get(status, "collector")));
	json_decref(status);
}

static void a_damaged_status_is_named_and_the_other_shown(void **state)
{
	struct cli_story *story = *state;

	given_both_statuses(story);
	cli_story_write(story, "agent/state.json", "{\n\"time_ns\": ");
	cli_story_when_called(story, cli_status, "--data", story->dir, NULL);
	assert_int_equal(story->status, 1);
	assert_int_equal(cli_story_lines(story->err), 1);
	assert_non_null(strstr(story->err, "agent/state.json:2"));
	assert_non_null(strstr(story->out, "store events"));
}

static void coverage_alone_is_the_table_alone(void **state)
{
	struct cli_story *story = *state;

	given_both_statuses(story);
	cli_story_when_called(story, cli_status, "--data", story->dir, "--coverage", NULL);
	assert_int_equal(story->status, 0);
	assert_int_equal(cli_story_lines(story->out), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLI_STORY_TEST(no_status_is_one_line),
		CLI_STORY_TEST(status_shows_stages_figures_and_coverage),
		CLI_STORY_TEST(status_as_json_carries_both_files),
		CLI_STORY_TEST(a_damaged_status_is_named_and_the_other_shown),
		CLI_STORY_TEST(coverage_alone_is_the_table_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
