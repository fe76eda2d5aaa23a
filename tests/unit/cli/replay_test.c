/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../support/cli_story.h"
#include "base/cleanup.h"
#include "cli/cli.h"

static void then_the_seqs_are(const struct cli_story *story, const char *expected)
{
	char seqs[64] = "";
	const char *line = story->out;

	while (*line) {
		const char *end = strchr(line, '\n');
		json_t *event = json_loadb(line, (size_t)(end - line), 0, NULL);

		assert_non_null(event);
		snprintf(seqs + strlen(seqs), sizeof(seqs) - strlen(seqs), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(json_object_get(event, "seq")));
		json_decref(event);
		line = end + 1;
	}
	assert_string_equal(seqs, expected);
}

static void the_timeline_is_in_the_order_of_time(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_replay, "--data", story->dir, "--format", "jsonl", NULL);
	assert_int_equal(story->status, 0);
	then_the_seqs_are(story, "1423");
	cli_story_when_called(story, cli_replay, "--data", story->dir, NULL);
	assert_int_equal(cli_story_lines(story->out), 4);
	/* the third report of 1000 bytes in all added 700 */
	assert_non_null(strstr(story->out, "700 B"));
}

static void the_timeline_can_be_narrowed(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_replay, "--data", story->dir, "--format", "jsonl",
			      "--incident", "1", NULL);
	then_the_seqs_are(story, "12");
	cli_story_when_called(story, cli_replay, "--data", story->dir, "--format", "jsonl",
			      "--person", "P-9876543210", NULL);
	then_the_seqs_are(story, "4");
	cli_story_when_called(story, cli_replay, "--data", story->dir, "--format", "jsonl",
			      "--from", "2020-07-12 12:00:01", "--to", "2020-07-12 12:00:02", NULL);
	then_the_seqs_are(story, "42");
	cli_story_when_called(story, cli_replay, "--data", story->dir, "--format", "jsonl",
			      "--agent", "desk-8", NULL);
	then_the_seqs_are(story, "");
}

static void a_paced_replay_takes_its_time(void **state)
{
	struct cli_story *story = *state;
	struct timespec begin, end;
	double took_s;

	/* three seconds of events at thirty times their pace */
	clock_gettime(CLOCK_MONOTONIC, &begin);
	cli_story_when_called(story, cli_replay, "--data", story->dir, "--speed", "30", NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	took_s = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	assert_int_equal(story->status, 0);
	assert_true(took_s >= 0.1);
}

/* A signal that came early: however late the replay looks, it must see it. */
static int replay_with_a_pending_signal(int argc, char **argv)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	raise(SIGINT);
	alarm(20);
	return cli_replay(argc, argv);
}

static void a_signal_ends_a_wait_between_two_lines(void **state)
{
	struct cli_story *story = *state;

	/* when the second event is due in a quarter of an hour */
	cli_story_when_called(story, replay_with_a_pending_signal, "--data", story->dir, "--speed",
			      "0.001", NULL);
	assert_int_equal(story->status, 128 + SIGINT);
	assert_int_equal(cli_story_lines(story->out), 1);
	assert_string_equal(story->err, "");
}

static void wrong_usage_exits_with_2(void **state)
{
	struct cli_story *story = *state;

	cli_story_when_called(story, cli_show, "--data", story->dir, NULL);
	assert_int_equal(story->status, 2);
	cli_story_when_called(story, cli_show, "--data", story->dir, "one", NULL);
	assert_int_equal(story->status, 2);
	cli_story_when_called(story, cli_replay, "--data", story->dir, "--format", "xml", NULL);
	assert_int_equal(story->status, 2);
	assert_non_null(strstr(story->err, "text or jsonl"));
	cli_story_when_called(story, cli_replay, "--data", story->dir, "--speed", "-1", NULL);
	assert_int_equal(story->status, 2);
	cli_story_when_called(story, cli_incidents, "--lang", "fr", NULL);
	assert_int_equal(story->status, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CLI_STORY_TEST(the_timeline_is_in_the_order_of_time),
		CLI_STORY_TEST(the_timeline_can_be_narrowed),
		CLI_STORY_TEST(a_paced_replay_takes_its_time),
		CLI_STORY_TEST(a_signal_ends_a_wait_between_two_lines),
		CLI_STORY_TEST(wrong_usage_exits_with_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
