/* SPDX-License-Identifier: GPL-2.0-only */

/* Records that were read on their way: in a pipe, or in what a sender wrote. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

#define PIPE 77
#define CONNECTION 4001

static const char property[] = "policy.property", pan[] = "pan.test";
static const struct story_app python = {21, "/usr/bin/python3"};
static const struct story_app sender = {31, "/usr/bin/curl"};

/* What the agent says of what an app wrote: so many numbers from the first on, since it was told
 * last, and how many bytes there were by then. */
static void when_it_is_read(struct story *story, struct story_app app, struct story_place place,
			    uint64_t first, size_t n, uint64_t size, enum event_certainty certainty)
{
	struct event *event = story_event(story, EVENT_RECORDS, app, place);
	uint64_t fingerprints[100];

	assert_true(n <= 100);
	for (size_t i = 0; i < n; i++)
		fingerprints[i] = first + i;
	event->direction = EVENT_DIRECTION_OUT;
	event->certainty = certainty;
	event->size_bytes = size;
	assert_int_equal(event_add_label(event, property), 0);
	if (n > 0)
		assert_int_equal(event_add_count(event, "policy-number", n, fingerprints, n), 0);
	story_sends(story, event);
	story_waits(story, 1000000000);
}

static void given_twenty_lookups(struct story *story)
{
	story_looks_up(story, python, 3, 21);
}

static void when_it_goes_through_a_pipe(struct story *story, uint64_t bytes)
{
	story_writes(story, python, story_pipe(PIPE), property, NULL, bytes);
	story_reads(story, sender, story_pipe(PIPE), property, NULL, bytes);
}

static void when_it_leaves(struct story *story, uint64_t connection, uint64_t bytes)
{
	story_writes(story, sender, story_peer(connection, pan), property, NULL, bytes);
}

static void check_records(struct story *story, uint64_t records, enum event_certainty certainty)
{
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);

	assert_int_equal(incident->records_certainty, certainty);
	assert_int_equal(incident->records, records);
}

static void what_was_read_as_it_was_sent_is_exact_whatever_the_sender_had_read(void **state)
{
	struct story *story = *state;

	given_twenty_lookups(story);
	when_it_goes_through_a_pipe(story, 900);
	when_it_leaves(story, CONNECTION, 1200);
	check_records(story, 20, EVENT_CERTAINTY_ESTIMATED);
	when_it_is_read(story, sender, story_peer(CONNECTION, pan), 1, 12, 1200,
			EVENT_CERTAINTY_EXACT);
	check_records(story, 12, EVENT_CERTAINTY_EXACT);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_int_equal(incident->n_counts, 1);
	assert_int_equal(incident->counts[0].n_records, 12);
}

static void what_is_told_piece_by_piece_adds_up(void **state)
{
	struct story *story = *state;
	struct story_place peer = story_peer(CONNECTION, pan);

	given_twenty_lookups(story);
	when_it_goes_through_a_pipe(story, 900);
	when_it_leaves(story, CONNECTION, 1200);
	when_it_is_read(story, sender, peer, 1, 12, 700, EVENT_CERTAINTY_ESTIMATED);
	check_records(story, 20, EVENT_CERTAINTY_ESTIMATED);
	when_it_is_read(story, sender, peer, 11, 8, 1200, EVENT_CERTAINTY_EXACT);
	check_records(story, 18, EVENT_CERTAINTY_EXACT);
	/* Nothing new, but more bytes than were said before. */
	when_it_is_read(story, sender, peer, 0, 0, 1200, EVENT_CERTAINTY_EXACT);
	check_records(story, 18, EVENT_CERTAINTY_EXACT);
}

static void what_left_behind_the_count_is_not_counted(void **state)
{
	struct story *story = *state;

	given_twenty_lookups(story);
	when_it_goes_through_a_pipe(story, 900);
	when_it_leaves(story, CONNECTION, 1200);
	when_it_is_read(story, sender, story_peer(CONNECTION, pan), 1, 12, 1100,
			EVENT_CERTAINTY_EXACT);
	check_records(story, 20, EVENT_CERTAINTY_ESTIMATED);
}

static void each_connection_must_have_been_read(void **state)
{
	struct story *story = *state;

	given_twenty_lookups(story);
	when_it_goes_through_a_pipe(story, 900);
	when_it_leaves(story, CONNECTION, 1200);
	when_it_leaves(story, CONNECTION + 1, 300);
	when_it_is_read(story, sender, story_peer(CONNECTION, pan), 1, 12, 1200,
			EVENT_CERTAINTY_EXACT);
	check_records(story, 20, EVENT_CERTAINTY_ESTIMATED);
	when_it_is_read(story, sender, story_peer(CONNECTION + 1, pan), 10, 5, 300,
			EVENT_CERTAINTY_EXACT);
	check_records(story, 14, EVENT_CERTAINTY_EXACT);
}

static void records_of_a_pipe_that_was_read_to_the_end_are_exact(void **state)
{
	struct story *story = *state;

	given_twenty_lookups(story);
	when_it_goes_through_a_pipe(story, 900);
	when_it_is_read(story, python, story_pipe(PIPE), 1, 12, 900, EVENT_CERTAINTY_EXACT);
	when_it_leaves(story, CONNECTION, 1200);
	check_records(story, 12, EVENT_CERTAINTY_EXACT);
}

/* Somebody else has put something in that was not read, or has taken something out. */
static void of_a_pipe_with_more_or_less_than_was_read_nothing_is_exact(void **state)
{
	struct story *story = *state;

	given_twenty_lookups(story);
	when_it_goes_through_a_pipe(story, 900);
	when_it_is_read(story, python, story_pipe(PIPE), 1, 12, 800, EVENT_CERTAINTY_EXACT);
	when_it_leaves(story, CONNECTION, 1200);
	check_records(story, 20, EVENT_CERTAINTY_ESTIMATED);
}

static void the_count_is_the_same_after_a_restart(void **state)
{
	struct story *story = *state;

	given_twenty_lookups(story);
	when_it_goes_through_a_pipe(story, 900);
	when_it_leaves(story, CONNECTION, 1200);
	when_it_is_read(story, sender, story_peer(CONNECTION, pan), 1, 12, 1200,
			EVENT_CERTAINTY_EXACT);
	story_recomputes(story);
	check_records(story, 12, EVENT_CERTAINTY_EXACT);
	assert_int_equal(story_count_incidents(story), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(what_was_read_as_it_was_sent_is_exact_whatever_the_sender_had_read),
		STORY_TEST(what_is_told_piece_by_piece_adds_up),
		STORY_TEST(what_left_behind_the_count_is_not_counted),
		STORY_TEST(each_connection_must_have_been_read),
		STORY_TEST(records_of_a_pipe_that_was_read_to_the_end_are_exact),
		STORY_TEST(of_a_pipe_with_more_or_less_than_was_read_nothing_is_exact),
		STORY_TEST(the_count_is_the_same_after_a_restart),
	};

	return cmocka_run_group_tests_name("episode streams", tests, NULL, NULL);
}
