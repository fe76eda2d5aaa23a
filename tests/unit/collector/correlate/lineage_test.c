/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage.h"
#include "support/incident_story.h"

#define SECOND_NS UINT64_C(1000000000)

static const char property[] = "policy.property";
static const struct story_app python = {11, "/usr/bin/python3"};
static const struct story_app curl = {12, "/usr/bin/curl"};

/* rows -> copy 1 -> copy 2 ... -> sent; a copy has the inode 1000 + its number. */
static void given_a_chain_of_copies(struct story *story, uint64_t n_copies)
{
	story_looks_up(story, python, 50, 11);
	story_writes(story, python, story_file(1000, "/tmp/0"), property, NULL, 100);
	for (uint64_t i = 1; i <= n_copies; i++) {
		struct story_app cp = {100 + i, "/usr/bin/cp"};
		char from[32], to[32];

		snprintf(from, sizeof(from), "/tmp/%llu", (unsigned long long)(i - 1));
		snprintf(to, sizeof(to), "/tmp/%llu", (unsigned long long)i);
		story_reads(story, cp, story_file(999 + i, from), property, NULL, 100);
		story_writes(story, cp, story_file(1000 + i, to), property, NULL, 100);
	}
	story_reads(story, curl, story_file(1000 + n_copies, "/tmp/last"), property, NULL, 100);
	story_writes(story, curl, story_peer(5, "pan.test"), property, NULL, 100);
}

static struct lineage *when_walked(struct story *story, const struct lineage_limits *limits)
{
	const struct store_query query = {.kinds = 1u << EVENT_EGRESS};
	struct store_cursor *cursor = NULL;
	struct store_record *record = NULL;
	struct lineage *lineage = NULL;

	assert_int_equal(lineage_new(limits, &lineage), 0);
	assert_int_equal(store_query(story->store, &query, &cursor), 0);
	while (store_cursor_next(cursor, &record) == 1) {
		assert_int_equal(lineage_add_egress(lineage, record), 0);
		store_record_free(record);
	}
	store_cursor_free(cursor);
	assert_int_equal(lineage_walk(lineage, story->store), 0);
	return lineage;
}

static bool reaches_the_crm(const struct lineage *lineage)
{
	for (size_t i = 0; i < lineage->n_flows; i++)
		if (lineage->flows[i].is_crm)
			return true;
	return false;
}

static void a_chain_within_the_limits_is_followed_to_its_source(void **state)
{
	const struct lineage_limits limits = LINEAGE_DEFAULT_LIMITS;

	given_a_chain_of_copies(*state, 10);
	_cleanup_(lineage_freep) struct lineage *lineage = when_walked(*state, &limits);
	assert_true(reaches_the_crm(lineage));
	assert_int_equal(lineage->n_cut, 0);
	assert_int_equal(lineage->n_apps, 12);
	assert_int_equal(lineage->n_objects, 11);
}

static void the_depth_is_bounded_and_what_was_cut_is_counted(void **state)
{
	struct lineage_limits limits = LINEAGE_DEFAULT_LIMITS;

	given_a_chain_of_copies(*state, 10);
	limits.max_depth = 5;
	_cleanup_(lineage_freep) struct lineage *lineage = when_walked(*state, &limits);
	assert_false(reaches_the_crm(lineage));
	assert_int_equal(lineage->n_apps, 6);
	assert_true(lineage->n_cut > 0);
}

static void nodes_visits_and_reports_are_bounded_and_counted(void **state)
{
	struct lineage_limits few_nodes = LINEAGE_DEFAULT_LIMITS, few_visits = few_nodes,
			      few_reports = few_nodes;

	given_a_chain_of_copies(*state, 10);
	few_nodes.max_nodes = 7;
	_cleanup_(lineage_freep) struct lineage *nodes = when_walked(*state, &few_nodes);
	assert_int_equal(nodes->n_apps + nodes->n_objects, 7);
	assert_true(nodes->n_cut > 0);
	few_visits.max_visits = 3;
	_cleanup_(lineage_freep) struct lineage *visits = when_walked(*state, &few_visits);
	assert_true(visits->n_cut > 0);
	assert_false(reaches_the_crm(visits));
	few_reports.max_reports = 4;
	_cleanup_(lineage_freep) struct lineage *reports = when_walked(*state, &few_reports);
	assert_int_equal(reports->n_reports, 4);
	assert_true(reports->n_cut_reports > 0);
	assert_true(reaches_the_crm(reports));
}

static void an_incident_says_what_its_lineage_left_out(void **state)
{
	struct story *story = *state;
	_cleanup_free_ char *text = NULL;

	given_a_chain_of_copies(story, 40);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_true(incident->n_cut_lineage > 0);
	assert_int_equal(incident->records_certainty, EVENT_CERTAINTY_UNKNOWN);
	assert_int_equal(incident_explain(incident, "en", &text), 0);
	assert_non_null(strstr(text, "were not followed"));
	assert_non_null(strstr(text, "cannot be traced"));
}

static void what_was_written_after_the_read_did_not_go_out(void **state)
{
	struct story *story = *state;
	struct story_app later = {70, "/usr/bin/vim"};

	given_a_chain_of_copies(story, 1);
	story_waits(story, 60000000000);
	story_looks_up(story, later, 51, 100);
	story_writes(story, later, story_file(1001, "/tmp/1"), property, NULL, 100);
	story_waits(story, 60000000000);
	story_writes(story, curl, story_peer(5, "pan.test"), property, NULL, 100);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->records, 10);
	for (size_t i = 0; i < incident->n_lineage; i++)
		assert_string_not_equal(incident->lineage[i].exe, "/usr/bin/vim");
}

static void lookups_after_the_rows_were_written_are_not_counted(void **state)
{
	struct story *story = *state;

	given_a_chain_of_copies(story, 0);
	story_waits(story, 60000000000);
	story_looks_up(story, python, 51, 100);
	story_waits(story, 60000000000);
	story_writes(story, curl, story_peer(6, "pan.test"), property, NULL, 100);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->bytes_out, 200);
	assert_int_equal(incident->records, 10);
}

/* The agent looked at the connection after the rows had gone out, and these were still to come. */
static void lookups_on_an_old_connection_after_the_rows_went_out_are_not_counted(void **state)
{
	struct story *story = *state;
	uint64_t first_ns = story->now_ns + 2 * SECOND_NS; /* of what comes in: see send_flow() */
	struct event *event;

	given_a_chain_of_copies(story, 0);
	story_waits(story, 60 * SECOND_NS);
	event = story_event(story, EVENT_CRM_ACCESS, python, story_crm(50));
	event->direction = EVENT_DIRECTION_IN;
	event->flow_first_ns = first_ns;
	event->bytes_total = 900000;
	event->calls_total = 2;
	event->turns_total = 111;
	event->since_ns = story->now_ns - SECOND_NS;
	event->since_calls = 1;
	assert_int_equal(event_add_label(event, property), 0);
	story_sends(story, event);
	story_recomputes(story);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->records, 10);
}

static void a_loop_of_files_ends(void **state)
{
	struct story *story = *state;
	struct story_app a = {70, "/usr/bin/a"}, b = {71, "/usr/bin/b"};
	struct story_place x = story_file(1, "/tmp/x"), y = story_file(2, "/tmp/y");

	story_looks_up(story, a, 50, 11);
	for (int i = 0; i < 20; i++) {
		story_writes(story, a, x, property, NULL, 100);
		story_reads(story, b, x, property, NULL, 100);
		story_writes(story, b, y, property, NULL, 100);
		story_reads(story, a, y, property, NULL, 100);
	}
	story_writes(story, a, story_peer(5, "pan.test"), property, NULL, 100);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->records, 10);
	assert_int_equal(incident->n_cut_lineage, 0);
}

static void an_app_met_again_later_is_walked_further_and_counted_once(void **state)
{
	struct story *story = *state;
	struct story_app early = {70, "/usr/bin/cp"}, late = {71, "/usr/bin/cp"};
	struct story_place x = story_file(1, "/tmp/x"), y = story_file(2, "/tmp/y");
	struct story_place z = story_file(3, "/tmp/z");

	/* curl reads x from python at once, and y from python by one more copy, after more lookups.
	 */
	story_looks_up(story, python, 50, 11);
	story_writes(story, python, x, property, NULL, 100);
	story_looks_up(story, python, 51, 21);
	story_writes(story, python, y, property, NULL, 100);
	story_reads(story, early, y, property, NULL, 100);
	story_writes(story, early, z, property, NULL, 100);
	story_reads(story, late, z, property, NULL, 100);
	story_writes(story, late, story_file(4, "/tmp/w"), property, NULL, 100);
	story_reads(story, curl, x, property, NULL, 100);
	story_reads(story, curl, story_file(4, "/tmp/w"), property, NULL, 100);
	story_writes(story, curl, story_peer(5, "pan.test"), property, NULL, 200);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->records, 30);
	for (size_t i = 0; i < incident->n_lineage; i++)
		if (incident->lineage[i].role == EVENT_ROLE_CRM &&
		    incident->lineage[i].direction == EVENT_DIRECTION_IN)
			assert_true(incident->lineage[i].bytes == 3300 ||
				    incident->lineage[i].bytes == 6300);
}

static void pipes_and_loopback_sockets_are_passed_through(void **state)
{
	struct story *story = *state;
	struct story_app base64 = {70, "/usr/bin/base64"}, proxy = {71, "/usr/bin/socat"};
	struct story_place loopback = story_peer(900, "127.0.0.1");

	loopback.role = EVENT_ROLE_LOCAL;
	story_looks_up(story, python, 50, 11);
	story_writes(story, python, story_pipe(800), property, NULL, 100);
	story_reads(story, base64, story_pipe(800), property, NULL, 100);
	story_writes(story, base64, loopback, property, NULL, 140);
	story_reads(story, proxy, loopback, property, NULL, 140);
	story_writes(story, proxy, story_peer(5, "pan.test"), property, NULL, 140);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->records, 10);
	assert_int_equal(story_points(incident, "obfuscation"), 20);
}

/* As a browser's processes among each other. The steps of one moment are stored at once. */
static void a_browser_s_talk_with_itself_is_looked_up_at_once(void **state)
{
	struct lineage_limits limits = LINEAGE_DEFAULT_LIMITS;
	struct story *story = *state;
	struct story_app browser = {70, "/usr/lib/chromium/chromium"};

	story->is_held = true;
	story_looks_up(story, browser, 50, 11);
	for (uint64_t i = 0; i < 600; i++) {
		story_writes(story, browser, story_pipe(1000 + i), property, NULL, 100);
		story_reads(story, browser, story_pipe(1000 + i), property, NULL, 100);
	}
	story_writes(story, browser, story_peer(5, "pan.test"), property, NULL, 100);
	/* The egress' app, its objects, and the app again, which held what they did for longer. */
	limits.max_visits = 8;
	_cleanup_(lineage_freep) struct lineage *lineage = when_walked(story, &limits);
	assert_int_equal(lineage->n_cut, 0);
	assert_int_equal(lineage->n_objects, 600);
	assert_true(reaches_the_crm(lineage));
	for (size_t i = 0; i < lineage->n_flows; i++)
		assert_int_equal(lineage_is_inner(lineage, &lineage->flows[i]),
				 lineage->flows[i].event->object.kind == EVENT_OBJECT_PIPE);
}

static void one_inode_number_of_two_disks_is_two_files(void **state)
{
	struct story *story = *state;
	struct story_app thief = {70, "/usr/bin/cp"}, neighbour = {71, "/usr/bin/vim"};
	struct story_place ours = story_file(1, "/home/~/a"), other = story_file(1, "/mnt/b");
	struct event *event;

	story_looks_up(story, thief, 50, 11);
	story_writes(story, thief, ours, property, NULL, 100);
	event = story_event(story, EVENT_FLOW, neighbour, other);
	event->object.dev = 9 << 20;
	event->direction = EVENT_DIRECTION_OUT;
	event->bytes_total = 100;
	assert_int_equal(event_add_label(event, property), 0);
	story_sends(story, event);
	story_reads(story, curl, ours, property, NULL, 100);
	story_writes(story, curl, story_peer(5, "pan.test"), property, NULL, 100);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->records, 10);
	for (size_t i = 0; i < incident->n_lineage; i++)
		assert_string_not_equal(incident->lineage[i].exe, "/usr/bin/vim");
}

static void export_files_are_sources_whose_records_are_unknown(void **state)
{
	struct story *story = *state;
	struct story_place file = story_file(1, "/srv/crm-exports/may.csv");

	story_reads(story, curl, file, property, NULL, 9000);
	story_writes(story, curl, story_peer(5, "pan.test"), property, NULL, 9000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->n_sources, 1);
	assert_string_equal(incident->sources[0].name, "crm-exports");
	assert_string_equal(incident->sources[0].kind, "export");
	assert_int_equal(incident->records_certainty, EVENT_CERTAINTY_UNKNOWN);
	assert_int_equal(incident->bytes_out, 9000);
}

static void the_same_numbers_on_another_boot_are_somebody_else(void **state)
{
	assert_true(lineage_hash_app("a", "b", 1) != lineage_hash_app("a", "c", 1));
	assert_true(lineage_hash_app("a", "b", 1) != lineage_hash_app("b", "b", 1));
	/* A file outlives the boot, a pipe does not. */
	assert_true(lineage_hash_object("a", "b", EVENT_OBJECT_FILE, 1, 2, 3) ==
		    lineage_hash_object("a", "c", EVENT_OBJECT_FILE, 1, 2, 3));
	assert_true(lineage_hash_object("a", "b", EVENT_OBJECT_PIPE, 1, 2, 3) !=
		    lineage_hash_object("a", "c", EVENT_OBJECT_PIPE, 1, 2, 3));
	assert_true(lineage_hash_object("a", "b", EVENT_OBJECT_FILE, 1, 2, 3) !=
		    lineage_hash_object("a", "b", EVENT_OBJECT_FILE, 1, 2, 4));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(a_chain_within_the_limits_is_followed_to_its_source),
		STORY_TEST(the_depth_is_bounded_and_what_was_cut_is_counted),
		STORY_TEST(nodes_visits_and_reports_are_bounded_and_counted),
		STORY_TEST(an_incident_says_what_its_lineage_left_out),
		STORY_TEST(what_was_written_after_the_read_did_not_go_out),
		STORY_TEST(lookups_after_the_rows_were_written_are_not_counted),
		STORY_TEST(lookups_on_an_old_connection_after_the_rows_went_out_are_not_counted),
		STORY_TEST(a_loop_of_files_ends),
		STORY_TEST(an_app_met_again_later_is_walked_further_and_counted_once),
		STORY_TEST(pipes_and_loopback_sockets_are_passed_through),
		STORY_TEST(a_browser_s_talk_with_itself_is_looked_up_at_once),
		STORY_TEST(one_inode_number_of_two_disks_is_two_files),
		STORY_TEST(export_files_are_sources_whose_records_are_unknown),
		cmocka_unit_test(the_same_numbers_on_another_boot_are_somebody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
