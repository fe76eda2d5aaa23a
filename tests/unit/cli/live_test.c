/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/live.h"
#include "collector/incidents/incident.h"
#include "collector/store/store.h"
#include "event/event.h"

#define READ_BYTES (1 << 17)

struct story {
	struct live live;
	int read_fd;
	char text[READ_BYTES];
};

static int set_up(void **state)
{
	struct story *story = calloc(1, sizeof(*story));
	int fds[2];

	assert_non_null(story);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	story->read_fd = fds[0];
	assert_int_equal(fcntl(story->read_fd, F_SETFL, O_NONBLOCK), 0);
	story->live.stream = fdopen(fds[1], "w");
	assert_non_null(story->live.stream);
	*state = story;
	return 0;
}

static int tear_down(void **state)
{
	struct story *story = *state;

	if (story->read_fd >= 0)
		close(story->read_fd);
	fclose(story->live.stream);
	free(story);
	return 0;
}

static void show_kind(struct story *story, uint64_t id, enum event_kind kind)
{
	struct event event = {.kind = kind, .time_ns = 1};
	struct store_record record = {.id = id, .event = &event};

	live_show_records(&story->live, &record, 1);
}

static size_t lines_shown(struct story *story)
{
	ssize_t n = read(story->read_fd, story->text, sizeof(story->text) - 1);
	size_t lines = 0;

	story->text[n > 0 ? n : 0] = '\0';
	for (const char *c = story->text; *c; c++)
		lines += *c == '\n';
	return lines;
}

static void edges_egress_and_gaps_are_shown(void **state)
{
	struct story *story = *state;

	show_kind(story, 1, EVENT_EDGE);
	show_kind(story, 2, EVENT_EGRESS);
	show_kind(story, 3, EVENT_AGENT_GAP);
	show_kind(story, 4, EVENT_LOSS);
	assert_int_equal(lines_shown(story), 4);
}

static void everything_else_is_for_the_replay(void **state)
{
	struct story *story = *state;

	show_kind(story, 1, EVENT_FLOW);
	show_kind(story, 2, EVENT_CRM_ACCESS);
	show_kind(story, 3, EVENT_POLICY);
	assert_int_equal(lines_shown(story), 0);
}

static void what_was_stored_before_is_not_shown_again(void **state)
{
	struct story *story = *state;

	show_kind(story, 0, EVENT_EGRESS);
	assert_int_equal(lines_shown(story), 0);
}

static void an_incident_is_shown_when_its_score_changes(void **state)
{
	struct story *story = *state;
	struct incident *incident = incident_new();

	incident->id = 3;
	incident->score = 40;
	live_show_incident(&story->live, incident);
	live_show_incident(&story->live, incident);
	assert_int_equal(lines_shown(story), 1);
	incident->score = 90;
	live_show_incident(&story->live, incident);
	assert_int_equal(lines_shown(story), 1);
	incident_free(incident);
}

static void an_estimate_is_corrected_when_it_is_counted(void **state)
{
	struct story *story = *state;
	struct incident *incident = incident_new();

	incident->id = 3;
	incident->records = 58;
	incident->records_certainty = EVENT_CERTAINTY_ESTIMATED;
	live_show_incident(&story->live, incident);
	assert_int_equal(lines_shown(story), 1);
	assert_non_null(strstr(story->text, "58 records (estimated)"));
	/* when the estimate grows, that is no news */
	incident->records = 60;
	live_show_incident(&story->live, incident);
	assert_int_equal(lines_shown(story), 0);
	/* when it is counted, that is, once */
	incident->records_certainty = EVENT_CERTAINTY_EXACT;
	live_show_incident(&story->live, incident);
	live_show_incident(&story->live, incident);
	assert_int_equal(lines_shown(story), 1);
	assert_non_null(strstr(story->text, "60 records (exact)"));
	/* and so is another count */
	incident->records = 75;
	live_show_incident(&story->live, incident);
	assert_int_equal(lines_shown(story), 1);
	incident_free(incident);
}

static void a_reader_that_sleeps_holds_nobody_up(void **state)
{
	struct story *story = *state;
	size_t n = 0, shown;

	/* when more is told than any pipe holds */
	alarm(20);
	while (n < 20000) {
		show_kind(story, ++n, EVENT_EGRESS);
	}
	alarm(0);
	assert_true(story->live.left_out > 0);
	shown = lines_shown(story);
	assert_int_equal(shown + story->live.left_out, n);

	/* then the next line says how much is missing */
	show_kind(story, ++n, EVENT_EGRESS);
	assert_int_equal(lines_shown(story), 2);
	assert_non_null(strstr(story->text, "lines left out"));
	assert_int_equal(story->live.left_out, 0);
}

static void a_reader_that_is_gone_holds_nobody_up(void **state)
{
	struct story *story = *state;

	signal(SIGPIPE, SIG_IGN);
	close(story->read_fd);
	story->read_fd = -1;
	show_kind(story, 1, EVENT_EGRESS);
	show_kind(story, 2, EVENT_EGRESS);
	assert_int_equal(story->live.left_out, 2);
}

#define STORY_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(edges_egress_and_gaps_are_shown),
		STORY_TEST(everything_else_is_for_the_replay),
		STORY_TEST(what_was_stored_before_is_not_shown_again),
		STORY_TEST(an_incident_is_shown_when_its_score_changes),
		STORY_TEST(an_estimate_is_corrected_when_it_is_counted),
		STORY_TEST(a_reader_that_sleeps_holds_nobody_up),
		STORY_TEST(a_reader_that_is_gone_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
