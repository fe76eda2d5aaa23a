/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

static const char property[] = "policy.property";
static const struct story_app python = {11, "/usr/bin/python3"}, cp = {12, "/usr/bin/cp"};
static const struct story_app rm = {13, "/usr/bin/rm"}, im = {14, "/usr/bin/im-client"};

static struct story_place rows(void)
{
	return story_file(1, "/home/~/out.csv");
}

static struct story_place staged(void)
{
	return story_file(2, "/home/~/staged.csv");
}

static void given_rows_that_were_staged(struct story *story)
{
	story_looks_up(story, python, 50, 11);
	story_writes(story, python, rows(), property, NULL, 5000);
	story_reads(story, cp, rows(), property, NULL, 5000);
	story_writes(story, cp, staged(), property, NULL, 5000);
}

static void when_the_staged_copy_is_sent(struct story *story)
{
	story_reads(story, im, staged(), property, NULL, 5000);
	story_writes(story, im, story_peer(4, "pan.test"), property, NULL, 5000);
}

static void a_copy_removed_after_it_was_sent_is_clean_up(void **state)
{
	struct story *story = *state;

	given_rows_that_were_staged(story);
	when_the_staged_copy_is_sent(story);
	story_removes(story, rm, staged(), EVENT_FILE_UNLINK);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "clean_up"), 20);
	assert_true(story_has_attack(incident, "T1070.004"));
	assert_int_equal(incident->score, 60);
	assert_int_equal(story->n_raised, 1);
	assert_non_null(strstr(incident->addends[1].reason, "staged.csv"));
	assert_non_null(strstr(incident->addends[1].reason, "rm"));
}

static void the_first_copy_and_an_emptied_one_count_as_well(void **state)
{
	struct story *story = *state;

	given_rows_that_were_staged(story);
	when_the_staged_copy_is_sent(story);
	story_removes(story, rm, rows(), EVENT_FILE_TRUNCATE);
	story_removes(story, rm, staged(), EVENT_FILE_UNLINK);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "clean_up"), 20);
	assert_non_null(strstr(incident->addends[1].reason, "2 file(s)"));
}

static void what_was_removed_before_the_egress_is_ordinary_work(void **state)
{
	struct story *story = *state;

	given_rows_that_were_staged(story);
	story_removes(story, rm, rows(), EVENT_FILE_UNLINK);
	when_the_staged_copy_is_sent(story);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "clean_up"), 0);
}

static void a_file_removed_between_its_reading_and_the_egress_is_not_counted(void **state)
{
	struct story *story = *state;

	given_rows_that_were_staged(story);
	story_reads(story, im, staged(), property, NULL, 5000);
	story_removes(story, rm, staged(), EVENT_FILE_UNLINK);
	story_writes(story, im, story_peer(4, "pan.test"), property, NULL, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "clean_up"), 0);
}

static void each_file_is_held_against_its_own_egress(void **state)
{
	struct story *story = *state;
	struct story_place next = story_file(30, "/tmp/next.csv"),
			   last = story_file(31, "/tmp/l.csv");

	given_rows_that_were_staged(story);
	when_the_staged_copy_is_sent(story);
	/* A second file is moved over, after the first egress and before its own. */
	story_writes(story, python, next, property, NULL, 100);
	story_reads(story, cp, next, property, NULL, 100);
	story_writes(story, cp, last, property, NULL, 100);
	story_removes(story, rm, next, EVENT_FILE_UNLINK);
	story_reads(story, im, last, property, NULL, 100);
	story_writes(story, im, story_peer(5, "pan.test"), property, NULL, 100);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->bytes_out, 5100);
	assert_int_equal(story_points(incident, "clean_up"), 0);
}

static void a_chatty_messenger_does_not_make_moving_a_file_clean_up(void **state)
{
	struct story *story = *state;
	struct story_place moved = story_file(31, "/mnt/out.csv"), peer = story_peer(4, "pan.test");
	struct event *event;

	given_rows_that_were_staged(story);
	when_the_staged_copy_is_sent(story);
	story_writes(story, python, story_file(30, "/tmp/out.csv"), property, NULL, 100);
	story_reads(story, cp, story_file(30, "/tmp/out.csv"), property, NULL, 100);
	story_writes(story, cp, moved, property, NULL, 100);
	story_removes(story, rm, story_file(30, "/tmp/out.csv"), EVENT_FILE_UNLINK);
	story_reads(story, im, moved, property, NULL, 100);
	/* One report on the connection that has been open all the time, chatter and file in one. */
	event = story_event(story, EVENT_EGRESS, im, peer);
	event->direction = EVENT_DIRECTION_OUT;
	event->flow_first_ns = STORY_START_NS;
	event->bytes_total = 5200;
	assert_int_equal(event_add_label(event, property), 0);
	story_sends(story, event);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "clean_up"), 0);
	story_removes(story, rm, moved, EVENT_FILE_UNLINK);
	_cleanup_(incident_freep) struct incident *after = story_incident(story, "pan.test");
	assert_int_equal(story_points(after, "clean_up"), 20);
}

static void after_the_window_a_removal_is_no_clean_up(void **state)
{
	struct story *story = *state;

	given_rows_that_were_staged(story);
	when_the_staged_copy_is_sent(story);
	story_waits(story, 25 * STORY_HOUR_NS);
	story_removes(story, rm, staged(), EVENT_FILE_UNLINK);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "clean_up"), 0);
	story_given_policy(story, "[detect \"clean_up\"]\nwindow_hours = 48\nweight = 7\n");
	story_recomputes(story);
	_cleanup_(incident_freep) struct incident *wider = story_incident(story, "pan.test");
	assert_int_equal(story_points(wider, "clean_up"), 7);
}

static void other_files_may_be_removed(void **state)
{
	struct story *story = *state;

	given_rows_that_were_staged(story);
	when_the_staged_copy_is_sent(story);
	story_removes(story, rm, story_file(77, "/home/~/other.csv"), EVENT_FILE_UNLINK);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "clean_up"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(a_copy_removed_after_it_was_sent_is_clean_up),
		STORY_TEST(the_first_copy_and_an_emptied_one_count_as_well),
		STORY_TEST(what_was_removed_before_the_egress_is_ordinary_work),
		STORY_TEST(a_file_removed_between_its_reading_and_the_egress_is_not_counted),
		STORY_TEST(each_file_is_held_against_its_own_egress),
		STORY_TEST(a_chatty_messenger_does_not_make_moving_a_file_clean_up),
		STORY_TEST(after_the_window_a_removal_is_no_clean_up),
		STORY_TEST(other_files_may_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
