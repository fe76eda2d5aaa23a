/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

#define SECOND_NS UINT64_C(1000000000)

static const char property[] = "policy.property", pan[] = "pan.test";
static const struct story_app client = {21, "/usr/bin/curl"};
static const struct story_app zip = {22, "/usr/bin/zip"}, nc = {31, "/usr/bin/nc"};

/* What the agent finds in a file: so many different numbers in so many bytes. */
static void when_it_is_scanned(struct story *story, struct story_place file, size_t n,
			       uint64_t bytes)
{
	struct event *event = story_event(story, EVENT_RECORDS, (struct story_app){0, NULL}, file);
	const char *person = story->person;
	uint64_t fingerprints[1000];

	for (size_t i = 0; i < n; i++)
		fingerprints[i] = file.ino * 10000 + i;
	event->content_ns = story->now_ns - 80 * SECOND_NS;
	event->size_bytes = bytes;
	assert_int_equal(event_add_label(event, property), 0);
	assert_int_equal(event_add_count(event, "policy-number", n, fingerprints, n), 0);
	story->person = NULL;
	story_sends(story, event);
	story->person = person;
	story->now_ns += SECOND_NS;
}

static void when_it_goes_out(struct story *story, uint64_t app, struct story_place file,
			     const char *recipient, uint64_t bytes)
{
	struct story_app sender = {app, "/usr/bin/nc"};

	story_reads(story, sender, file, property, NULL, bytes);
	story_writes(story, sender, story_peer(4000 + app, recipient), property, NULL, bytes);
	story_waits(story, 30 * SECOND_NS);
}

static struct story_place given_a_file(struct story *story, uint64_t n, bool is_packed,
				       uint64_t bytes)
{
	struct story_place list = story_file(100 + n, "/home/~/list.csv");
	struct story_place archive = story_file(200 + n, "/home/~/list.zip");

	story_looks_up(story, client, 5000 + n, 4);
	story_writes(story, client, list, property, NULL, bytes);
	if (is_packed) {
		story_reads(story, zip, list, property, NULL, bytes);
		story_writes(story, zip, archive, property, NULL, bytes);
	}
	story_waits(story, 30 * SECOND_NS);
	return is_packed ? archive : list;
}

/* The nth upload that is counted, to somebody of its own. */
static void given_counted(struct story *story, uint64_t n, bool is_packed, size_t n_records,
			  uint64_t bytes)
{
	struct story_place file = given_a_file(story, n, is_packed, bytes);
	char recipient[32];

	snprintf(recipient, sizeof(recipient), "203.0.113.%u", (unsigned int)n);
	when_it_is_scanned(story, file, n_records, bytes);
	when_it_goes_out(story, 40 + n, file, recipient, bytes);
}

static void given_three_counted_at_50_bytes(struct story *story)
{
	given_counted(story, 1, false, 10, 500);
	given_counted(story, 2, false, 20, 1000);
	given_counted(story, 3, false, 12, 600);
}

static void when_an_export_leaves(struct story *story, uint64_t bytes)
{
	when_it_goes_out(story, nc.id, story_file(9, "/srv/crm-exports/all.db"), pan, bytes);
}

static void assert_records(struct story *story, uint64_t records, enum event_certainty certainty)
{
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);

	assert_int_equal(incident->records_certainty, certainty);
	assert_int_equal(incident->records, records);
}

static void assert_says(const struct incident *incident, const char *lang, const char *words,
			bool does)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(incident_explain(incident, lang, &text), 0);
	if (!strstr(text, words) == does)
		fail_msg("\"%s\" is %sin: %s", words, does ? "not " : "", text);
}

static void what_nobody_could_count_is_estimated_by_its_bytes(void **state)
{
	struct story *story = *state;

	given_three_counted_at_50_bytes(story);
	when_an_export_leaves(story, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_int_equal(incident->records, 100);
	assert_int_equal(incident->records_certainty, EVENT_CERTAINTY_ESTIMATED);
	assert_int_equal(incident->n_counts, 0);
	assert_true(incident->by_bytes.is_answer);
	assert_false(incident->by_bytes.is_floor);
	assert_int_equal(incident->by_bytes.bytes_per_record, 50);
	assert_int_equal(incident->by_bytes.n_samples, 3);
	assert_int_equal(incident->by_bytes.received, 0);
	assert_says(incident, "en",
		    "how many records it held is unknown. What left could not be counted: if all "
		    "of it is such data, it was about 100 record(s) (estimated from 5,000 bytes at "
		    "50 bytes a record, the median of 3 exact counts of the same classes before "
		    "it).",
		    true);
	assert_says(incident, "zh",
		    "发出的记录无法逐条清点，若全部为此类数据，约 100 条记录（由 5,000 字节推算，每"
		    "条记录约 50 字节，取此前 3 次同类数据精确清点的中位数）。",
		    true);
}

static void programs_get_the_estimate_with_what_it_rests_on(void **state)
{
	struct story *story = *state;
	json_t *json, *by;

	given_three_counted_at_50_bytes(story);
	when_an_export_leaves(story, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	_cleanup_(incident_freep) struct incident *counted = story_incident(story, "203.0.113.1");
	json = incident_to_json(incident, "en");
	by = json_object_get(json, "by_bytes");
	assert_int_equal(json_integer_value(json_object_get(by, "records")), 100);
	assert_int_equal(json_integer_value(json_object_get(by, "bytes_per_record")), 50);
	assert_int_equal(json_integer_value(json_object_get(by, "samples")), 3);
	assert_true(json_is_true(json_object_get(by, "is_answer")));
	json_decref(json);
	json = incident_to_json(counted, "en");
	assert_true(json_is_null(json_object_get(json, "by_bytes")));
	json_decref(json);
}

static void two_counts_are_too_few(void **state)
{
	struct story *story = *state;

	given_counted(story, 1, false, 10, 500);
	given_counted(story, 2, false, 20, 1000);
	when_an_export_leaves(story, 5000);
	assert_records(story, 0, EVENT_CERTAINTY_UNKNOWN);
}

static void one_odd_count_among_others_changes_nothing(void **state)
{
	struct story *story = *state;

	given_counted(story, 4, false, 1, 90000);
	given_three_counted_at_50_bytes(story);
	given_counted(story, 5, false, 900, 900);
	when_an_export_leaves(story, 5000);
	assert_records(story, 100, EVENT_CERTAINTY_ESTIMATED);
}

static void it_is_no_more_than_was_looked_up(void **state)
{
	struct story *story = *state;

	given_three_counted_at_50_bytes(story);
	story_looks_up(story, nc, 6000, 9);
	story_writes(story, nc, story_peer(4001, pan), property, NULL, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_int_equal(incident->records, 8);
	assert_int_equal(incident->by_bytes.records, 8);
	assert_int_equal(incident->by_bytes.received, 8);
	assert_false(incident->by_bytes.is_answer);
	assert_says(incident, "en", "By the size", false);
}

static void beside_more_lookups_it_says_how_many_it_would_be(void **state)
{
	struct story *story = *state;

	given_three_counted_at_50_bytes(story);
	story_looks_up(story, nc, 6000, 41);
	story_writes(story, nc, story_peer(4001, pan), property, NULL, 500);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_int_equal(incident->records, 40);
	assert_int_equal(incident->records_certainty, EVENT_CERTAINTY_ESTIMATED);
	assert_int_equal(incident->by_bytes.records, 10);
	assert_says(incident, "en",
		    "By the size of what left it would be about 10 record(s) (estimated from 500 "
		    "bytes at 50 bytes a record",
		    true);
	assert_says(incident, "zh", "另按发出的大小推算，约 10 条记录（由 500 字节推算", true);
}

static void of_what_was_packed_there_may_be_more(void **state)
{
	struct story *story = *state;

	given_three_counted_at_50_bytes(story);
	story_reads(story, zip, story_file(9, "/srv/crm-exports/all.csv"), property, NULL, 9000);
	story_writes(story, zip, story_file(10, "/home/~/all.zip"), property, NULL, 2000);
	when_it_goes_out(story, nc.id, story_file(10, "/home/~/all.zip"), pan, 2000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_int_equal(incident->records, 40);
	assert_true(incident->by_bytes.is_floor);
	assert_says(incident, "en", "those were not packed and this was, so it may be more).",
		    true);
	assert_says(incident, "zh", "本次经过压缩或加密，实际可能更多）。", true);
}

static void what_was_packed_is_held_against_what_was_packed(void **state)
{
	static const struct story_app other_zip = {23, "/usr/bin/zip"};
	struct story *story = *state;

	given_three_counted_at_50_bytes(story);
	for (uint64_t i = 6; i < 9; i++)
		given_counted(story, i, true, 20, 200);
	story_reads(story, other_zip, story_file(9, "/srv/crm-exports/all.csv"), property, NULL,
		    9000);
	story_writes(story, other_zip, story_file(10, "/home/~/all.zip"), property, NULL, 2000);
	when_it_goes_out(story, nc.id, story_file(10, "/home/~/all.zip"), pan, 2000);
	assert_records(story, 200, EVENT_CERTAINTY_ESTIMATED);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_false(incident->by_bytes.is_floor);
}

static void it_is_no_more_than_the_export_held(void **state)
{
	struct story *story = *state;

	given_three_counted_at_50_bytes(story);
	when_it_is_scanned(story, story_file(9, "/srv/crm-exports/all.csv"), 30, 1500);
	story_reads(story, zip, story_file(9, "/srv/crm-exports/all.csv"), property, NULL, 1500);
	story_writes(story, zip, story_file(10, "/home/~/all.zip"), property, NULL, 2000);
	when_it_goes_out(story, nc.id, story_file(10, "/home/~/all.zip"), pan, 2000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);
	assert_int_equal(incident->records, 30);
	assert_true(incident->by_bytes.is_answer);
	assert_says(incident, "en", "its size would hold more, but no more than 30 had come in",
		    true);
	assert_says(incident, "zh", "此前取得的不超过 30 条", true);
}

static void data_of_another_class_says_nothing_of_it(void **state)
{
	struct story *story = *state;
	static const char other[] = "hr.staff";

	story_given_policy(story, "[class \"hr.staff\"]\ncategory = other\n"
				  "[export \"hr\"]\nfolder = /srv/hr\nclass = hr.staff\n");
	given_three_counted_at_50_bytes(story);
	story_reads(story, nc, story_file(9, "/home/~/staff.db"), other, NULL, 5000);
	story_writes(story, nc, story_peer(4001, pan), other, NULL, 5000);
	assert_records(story, 0, EVENT_CERTAINTY_UNKNOWN);
}

static void a_count_that_comes_late_is_counted_in(void **state)
{
	struct story *story = *state;
	struct story_place file;

	given_counted(story, 1, false, 10, 500);
	given_counted(story, 2, false, 20, 1000);
	file = given_a_file(story, 3, false, 600);
	when_it_goes_out(story, 43, file, "203.0.113.3", 600);
	when_an_export_leaves(story, 5000);
	assert_records(story, 0, EVENT_CERTAINTY_UNKNOWN);
	when_it_is_scanned(story, file, 12, 600);
	assert_records(story, 100, EVENT_CERTAINTY_ESTIMATED);
}

static void computed_anew_it_is_the_same(void **state)
{
	struct story *story = *state;

	given_three_counted_at_50_bytes(story);
	when_an_export_leaves(story, 5000);
	story_restarts(story);
	assert_records(story, 100, EVENT_CERTAINTY_ESTIMATED);
	story_recomputes(story);
	assert_records(story, 100, EVENT_CERTAINTY_ESTIMATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(what_nobody_could_count_is_estimated_by_its_bytes),
		STORY_TEST(programs_get_the_estimate_with_what_it_rests_on),
		STORY_TEST(two_counts_are_too_few),
		STORY_TEST(one_odd_count_among_others_changes_nothing),
		STORY_TEST(it_is_no_more_than_was_looked_up),
		STORY_TEST(beside_more_lookups_it_says_how_many_it_would_be),
		STORY_TEST(of_what_was_packed_there_may_be_more),
		STORY_TEST(what_was_packed_is_held_against_what_was_packed),
		STORY_TEST(it_is_no_more_than_the_export_held),
		STORY_TEST(data_of_another_class_says_nothing_of_it),
		STORY_TEST(a_count_that_comes_late_is_counted_in),
		STORY_TEST(computed_anew_it_is_the_same),
	};

	return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
