/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

#define SECOND_NS UINT64_C(1000000000)

static const char property[] = "policy.property", pan[] = "pan.test", list[] = "/home/~/out.csv";
static const struct story_app client = {21, "/usr/bin/curl"};
static const struct story_app nc = {31, "/usr/bin/nc"};

/* What the agent says of a file: so many numbers from the first on, in so many bytes, as they were
 * last changed at a time. */
static struct event *given_scan(struct story *story, uint64_t ino, uint64_t first, size_t n,
				uint64_t size)
{
	static const struct story_app nobody = {0, NULL};
	struct event *event = story_event(story, EVENT_RECORDS, nobody, story_file(ino, list));
	uint64_t fingerprints[1000];

	assert_true(n <= 1000);
	for (size_t i = 0; i < n; i++)
		fingerprints[i] = first + i;
	event->certainty = n > 0 ? EVENT_CERTAINTY_EXACT : EVENT_CERTAINTY_UNKNOWN;
	event->content_ns = story->now_ns - 20 * SECOND_NS;
	event->size_bytes = size;
	assert_int_equal(event_add_label(event, property), 0);
	if (n > 0)
		assert_int_equal(event_add_count(event, "policy-number", n, fingerprints, n), 0);
	return event;
}

/* The agent's own events are nobody's. */
static void when_it_is_scanned(struct story *story, struct event *event)
{
	const char *person = story->person;

	story->person = NULL;
	story_sends(story, event);
	story->person = person;
	story->now_ns += SECOND_NS;
}

static void when_a_file_is_made(struct story *story, uint64_t ino, uint64_t size)
{
	story_looks_up(story, client, 3, 41);
	story_writes(story, client, story_file(ino, list), property, NULL, size);
	story_waits(story, 30 * SECOND_NS);
}

static void when_it_goes_out(struct story *story, uint64_t app, uint64_t ino, uint64_t in_bytes,
			     uint64_t out_bytes)
{
	struct story_app sender = {app, "/usr/bin/nc"};

	story_reads(story, sender, story_file(ino, list), property, NULL, in_bytes);
	story_writes(story, sender, story_peer(4000 + app, pan), property, NULL, out_bytes);
}

static void assert_records(struct story *story, uint64_t records, enum event_certainty certainty)
{
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);

	assert_int_equal(incident->records_certainty, certainty);
	assert_int_equal(incident->records, records);
}

static void records_of_a_file_that_left_are_exact(void **state)
{
	struct story *story = *state;
	uint64_t id;

	when_a_file_is_made(story, 7, 500);
	when_it_goes_out(story, 31, 7, 500, 500);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
	/* Told some time after it left. */
	story_waits(story, 15 * SECOND_NS);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	id = story->seq;
	assert_records(story, 12, EVENT_CERTAINTY_EXACT);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_int_equal(incident->n_counts, 1);
	assert_string_equal(incident->counts[0].record, "policy-number");
	assert_int_equal(incident->counts[0].n_records, 12);
	assert_true(incident_ids_contain(&incident->events, id));
	assert_non_null(strstr(incident->addends[0].reason, "12 records (exact), to pan.test"));
	assert_non_null(strstr(incident->addends[0].reason_zh, "共 12 条记录（精确）"));
	/* Lookups stay what they are. */
	assert_int_equal(incident->sources[0].records, 40);
	assert_int_equal(incident->sources[0].certainty, EVENT_CERTAINTY_ESTIMATED);
}

static void a_look_before_it_left_counts_as_well(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	when_it_goes_out(story, 31, 7, 500, 500);
	assert_records(story, 12, EVENT_CERTAINTY_EXACT);
}

static void the_same_records_to_one_recipient_count_once(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	when_it_goes_out(story, 31, 7, 500, 500);
	when_it_goes_out(story, 32, 7, 500, 500);
	/* Another file with eight of the twelve, and three more. */
	story_writes(story, client, story_file(8, list), property, NULL, 400);
	story_waits(story, 30 * SECOND_NS);
	when_it_is_scanned(story, given_scan(story, 8, 5, 11, 400));
	when_it_goes_out(story, 33, 8, 400, 400);
	assert_records(story, 15, EVENT_CERTAINTY_EXACT);
}

static void a_file_nobody_could_read_leaves_the_estimate(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 0, 0, 500));
	when_it_goes_out(story, 31, 7, 500, 500);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_int_equal(incident->n_counts, 0);
}

static void of_one_file_counted_and_one_not_nothing_is_exact(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	when_it_goes_out(story, 31, 7, 500, 500);
	when_it_goes_out(story, 32, 9, 100, 100);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
}

static void part_of_a_file_is_not_all_of_its_records(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	when_it_goes_out(story, 31, 7, 250, 900);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
}

static void fewer_bytes_than_were_read_may_be_fewer_records(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	when_it_goes_out(story, 31, 7, 500, 499);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
}

static void what_else_the_sender_read_may_have_left_too(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	story_reads(story, nc, story_pipe(77), property, NULL, 300);
	when_it_goes_out(story, nc.id, 7, 500, 800);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
}

static void a_sender_that_asks_the_crm_itself_is_estimated(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	story_looks_up(story, nc, 5, 3);
	when_it_goes_out(story, nc.id, 7, 500, 1500);
	assert_records(story, 42, EVENT_CERTAINTY_ESTIMATED);
}

static void of_two_files_to_two_recipients_nobody_knows_which_went_where(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	story_writes(story, client, story_file(8, list), property, NULL, 400);
	story_waits(story, 30 * SECOND_NS);
	when_it_is_scanned(story, given_scan(story, 8, 50, 10, 400));
	story_reads(story, nc, story_file(8, list), property, NULL, 400);
	when_it_goes_out(story, nc.id, 7, 500, 900);
	assert_records(story, 22, EVENT_CERTAINTY_EXACT);
	story_writes(story, nc, story_peer(6000, "im.test"), property, NULL, 400);
	story_writes(story, nc, story_peer(4000 + nc.id, pan), property, NULL, 900);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
}

static void a_file_that_was_written_anew_is_what_it_was_when_it_was_read(void **state)
{
	struct story *story = *state;
	struct event *gone;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	when_it_goes_out(story, 31, 7, 500, 500);
	assert_records(story, 12, EVENT_CERTAINTY_EXACT);
	/* A week of it: other rows under the same name, sent as well. */
	story_waits(story, 24 * STORY_HOUR_NS);
	story_writes(story, client, story_file(7, list), property, NULL, 700);
	story_waits(story, 30 * SECOND_NS);
	when_it_goes_out(story, 32, 7, 700, 700);
	when_it_is_scanned(story, given_scan(story, 7, 100, 20, 700));
	assert_records(story, 32, EVENT_CERTAINTY_EXACT);
	/* And once more, removed before anybody could look. */
	story_waits(story, 24 * STORY_HOUR_NS);
	story_reads(story, (struct story_app){33, "/usr/bin/nc"}, story_file(7, list), property,
		    NULL, 700);
	gone = given_scan(story, 7, 0, 0, 0);
	gone->content_ns = 0;
	gone->time_ns = story->now_ns - SECOND_NS;
	story_writes(story, (struct story_app){33, "/usr/bin/nc"}, story_peer(4033, pan), property,
		     NULL, 700);
	when_it_is_scanned(story, gone);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
}

static void of_an_export_whose_lookups_nobody_saw_the_count_is_all_there_is(void **state)
{
	struct story *story = *state;
	struct story_place export = story_file(9, "/srv/crm-exports/all.xlsx");
	struct event *event;

	story_reads(story, nc, export, property, NULL, 3000);
	story_writes(story, nc, story_peer(4001, pan), property, NULL, 3000);
	assert_records(story, 0, EVENT_CERTAINTY_UNKNOWN);
	story_waits(story, 30 * SECOND_NS);
	event = given_scan(story, 9, 1, 300, 3000);
	event->content_ns = STORY_START_NS - STORY_HOUR_NS;
	when_it_is_scanned(story, event);
	assert_records(story, 300, EVENT_CERTAINTY_EXACT);
	/* Of what is counted in part only it is said that it is an estimate. */
	story_reads(story, nc, story_pipe(77), property, NULL, 300);
	story_writes(story, nc, story_peer(4001, pan), property, NULL, 300);
	assert_records(story, 300, EVENT_CERTAINTY_ESTIMATED);
}

static void a_list_too_long_for_its_event_is_exact_alone(void **state)
{
	struct story *story = *state;
	struct event *event;

	when_a_file_is_made(story, 7, 90000);
	event = given_scan(story, 7, 0, 0, 90000);
	event->certainty = EVENT_CERTAINTY_EXACT;
	assert_int_equal(event_add_count(event, "policy-number", 9000, NULL, 0), 0);
	when_it_is_scanned(story, event);
	when_it_goes_out(story, 31, 7, 90000, 90000);
	assert_records(story, 9000, EVENT_CERTAINTY_EXACT);
	story_writes(story, client, story_file(8, list), property, NULL, 400);
	story_waits(story, 30 * SECOND_NS);
	when_it_is_scanned(story, given_scan(story, 8, 5, 11, 400));
	when_it_goes_out(story, 33, 8, 400, 400);
	assert_records(story, 40, EVENT_CERTAINTY_ESTIMATED);
}

static void the_count_is_the_same_after_a_restart(void **state)
{
	struct story *story = *state;

	when_a_file_is_made(story, 7, 500);
	when_it_is_scanned(story, given_scan(story, 7, 1, 12, 500));
	when_it_goes_out(story, 31, 7, 500, 500);
	story_recomputes(story);
	assert_records(story, 12, EVENT_CERTAINTY_EXACT);
	assert_int_equal(story_count_incidents(story), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(records_of_a_file_that_left_are_exact),
		STORY_TEST(a_look_before_it_left_counts_as_well),
		STORY_TEST(the_same_records_to_one_recipient_count_once),
		STORY_TEST(a_file_nobody_could_read_leaves_the_estimate),
		STORY_TEST(of_one_file_counted_and_one_not_nothing_is_exact),
		STORY_TEST(part_of_a_file_is_not_all_of_its_records),
		STORY_TEST(fewer_bytes_than_were_read_may_be_fewer_records),
		STORY_TEST(what_else_the_sender_read_may_have_left_too),
		STORY_TEST(a_sender_that_asks_the_crm_itself_is_estimated),
		STORY_TEST(of_two_files_to_two_recipients_nobody_knows_which_went_where),
		STORY_TEST(a_file_that_was_written_anew_is_what_it_was_when_it_was_read),
		STORY_TEST(of_an_export_whose_lookups_nobody_saw_the_count_is_all_there_is),
		STORY_TEST(a_list_too_long_for_its_event_is_exact_alone),
		STORY_TEST(the_count_is_the_same_after_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
