/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

static const struct story_app crm_client = {21, "/usr/bin/curl"};
static const struct story_app cp = {22, "/usr/bin/cp"};
static const struct story_app sender = {25, "/usr/bin/curl"};
static const char property[] = "policy.property";

/* A lookup into a file and the file to a peer. */
static void when_a_file_goes_to(struct story *story, const char *peer, uint64_t base)
{
	struct story_app client = {base, "/usr/bin/curl"}, nc = {base + 1, "/usr/bin/nc"};
	struct story_place out = story_file(base + 2, "/home/~/out.csv");

	story_looks_up(story, client, base + 3, 5);
	story_writes(story, client, out, property, NULL, 500);
	story_reads(story, nc, out, property, NULL, 500);
	story_writes(story, nc, story_peer(base + 4, peer), property, NULL, 500);
}

static void labelled_bytes_into_a_sink_make_one_incident(void **state)
{
	struct story *story = *state;

	when_a_file_goes_to(story, "pan.test", 1);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_count_incidents(story), 1);
	assert_int_equal(incident->score, 40);
	assert_int_equal(incident->severity, INCIDENT_MEDIUM);
	assert_int_equal(incident->bytes_out, 500);
	assert_int_equal(incident->bytes_certainty, EVENT_CERTAINTY_EXACT);
	assert_int_equal(incident->records, 4);
	assert_int_equal(incident->records_certainty, EVENT_CERTAINTY_ESTIMATED);
	assert_string_equal(incident->sources[0].name, "crm.test");
	assert_string_equal(incident->sources[0].kind, "crm");
	assert_string_equal(incident->sources[0].class_name, property);
	assert_string_equal(incident->sinks[0].address, "10.77.0.30");
	assert_string_equal(incident->persons[0], STORY_PERSON);
	assert_int_equal(incident->n_persons, 1);
}

static void trusted_local_and_unlabelled_destinations_are_silent(void **state)
{
	struct story *story = *state;
	struct story_place loopback = story_peer(9, "127.0.0.1");

	loopback.role = EVENT_ROLE_LOCAL;
	when_a_file_goes_to(story, "backup.test", 1);
	story_writes(story, sender, loopback, property, NULL, 500);
	story_reads(story, sender, story_peer(10, "im.test"), NULL, "im.test", 80);
	story_writes(story, sender, story_peer(10, "im.test"), NULL, "im.test", 80);
	assert_int_equal(story_count_incidents(story), 0);
	assert_int_equal(story->n_new, 0);
}

static void an_unnamed_address_is_a_recipient_of_its_own(void **state)
{
	struct story *story = *state;

	when_a_file_goes_to(story, "203.0.113.9", 1);
	when_a_file_goes_to(story, "203.0.113.10", 50);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "203.0.113.9");
	assert_int_equal(story_count_incidents(story), 2);
	assert_string_equal(incident->sinks[0].name, "");
	assert_int_equal(incident->bytes_out, 500);
}

static void two_people_make_two_incidents_with_one_peer(void **state)
{
	struct story *story = *state;

	when_a_file_goes_to(story, "pan.test", 1);
	story->person = "P-00000000bb";
	when_a_file_goes_to(story, "pan.test", 50);
	assert_int_equal(story_count_incidents(story), 2);
}

static void an_incident_goes_on_until_it_was_quiet_for_the_window(void **state)
{
	struct story *story = *state;

	when_a_file_goes_to(story, "pan.test", 1);
	story_waits(story, 160 * STORY_HOUR_NS);
	when_a_file_goes_to(story, "pan.test", 50);
	_cleanup_(incident_freep) struct incident *both = story_incident(story, "pan.test");
	assert_int_equal(story_count_incidents(story), 1);
	assert_int_equal(both->bytes_out, 1000);
	assert_int_equal(both->records, 8);
	story_waits(story, 170 * STORY_HOUR_NS);
	when_a_file_goes_to(story, "pan.test", 100);
	_cleanup_(incident_freep) struct incident *next = story_incident(story, "pan.test");
	assert_int_equal(story_count_incidents(story), 2);
	assert_int_equal(next->bytes_out, 500);
	assert_int_equal(next->records, 4);
	assert_true(next->id != both->id);
}

static void a_report_repeated_by_the_agent_adds_no_byte(void **state)
{
	struct story *story = *state;

	when_a_file_goes_to(story, "pan.test", 1);
	story->seq -= 2;
	story_writes(story, (struct story_app){2, "/usr/bin/nc"}, story_peer(5, "pan.test"),
		     property, NULL, 500);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->bytes_out, 500);
}

static void a_line_is_due_for_what_is_new_and_what_got_worse(void **state)
{
	struct story *story = *state;

	story_tells_the_seed(story, 60);
	assert_int_equal(story->n_new, 1);
	story_writes(story, (struct story_app){10, "/usr/bin/im-client"},
		     story_peer(1001, "im.test"), property, "im.test", 10);
	assert_int_equal(story->n_new, 1);
	assert_int_equal(story->n_raised, 0);
	assert_int_equal(story->n_grown, 1);
	story_removes(story, cp, story_file(101, "/home/~/out.csv"), EVENT_FILE_UNLINK);
	assert_int_equal(story->n_raised, 1);
	story_recomputes(story);
	assert_int_equal(story->n_new + story->n_raised + story->n_grown, 3);
}

static char *document_of(struct story *story, const char *recipient)
{
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, recipient);
	char *document = NULL;

	assert_int_equal(incident_to_document(incident, &document), 0);
	return document;
}

static void computing_again_gives_the_same_incident(void **state)
{
	struct story *story = *state;
	_cleanup_free_ char *before = NULL, *after = NULL;

	story_tells_the_seed(story, 60);
	before = document_of(story, "im.test");
	story_recomputes(story);
	after = document_of(story, "im.test");
	assert_string_equal(before, after);
	assert_int_equal(story_count_incidents(story), 1);
}

static void a_collector_that_stopped_midway_ends_at_the_same_incident(void **state)
{
	struct story *story = *state;
	_cleanup_free_ char *straight = NULL, *resumed = NULL;

	story_tells_the_seed(story, 60);
	straight = document_of(story, "im.test");
	/* The same story in another store: nothing was correlated after the lookups. */
	assert_int_equal(story_teardown(state), 0);
	assert_int_equal(story_setup(state), 0);
	story = *state;
	story->is_held = true;
	story_tells_the_seed(story, 60);
	assert_int_equal(story_count_incidents(story), 0);
	story_restarts(story);
	resumed = document_of(story, "im.test");
	assert_string_equal(straight, resumed);
}

static void a_restart_between_two_egresses_goes_on_with_the_first_incident(void **state)
{
	struct story *story = *state;

	when_a_file_goes_to(story, "pan.test", 1);
	story->is_held = true;
	when_a_file_goes_to(story, "pan.test", 50);
	story_restarts(story);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_count_incidents(story), 1);
	assert_int_equal(incident->bytes_out, 1000);
	assert_int_equal(story->n_new, 1);
}

static void the_first_batch_after_a_restart_takes_what_was_left_too(void **state)
{
	struct story *story = *state;

	story->is_held = true;
	when_a_file_goes_to(story, "pan.test", 1);
	story_reopens(story);
	story_reads(story, crm_client, story_file(70, "/tmp/x"), property, NULL, 1);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->bytes_out, 500);
}

static void only_a_sink_is_a_recipient_whatever_the_kind_of_event(void **state)
{
	struct story *story = *state;
	enum event_role roles[] = {EVENT_ROLE_TRUSTED, EVENT_ROLE_LOCAL, EVENT_ROLE_NONE};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct story_place place = story_peer(5, "im.test");
		struct event *event;

		place.role = roles[i];
		event = story_event(story, EVENT_EGRESS, sender, place);
		event->direction = EVENT_DIRECTION_OUT;
		event->bytes_total = 100;
		assert_int_equal(event_add_label(event, property), 0);
		story_sends(story, event);
	}
	assert_int_equal(story_count_incidents(story), 0);
}

static void lineage_that_arrives_late_is_joined(void **state)
{
	struct story *story = *state;
	struct story_place out = story_file(7, "/home/~/out.csv");
	uint64_t egress_ns;

	/* The agent's sweep reports the sender first, and what the sender read and wrote later. */
	story_waits(story, 20000000000);
	story_reads(story, sender, out, property, NULL, 500);
	story_writes(story, sender, story_peer(9, "pan.test"), property, NULL, 500);
	egress_ns = story->now_ns;
	_cleanup_(incident_freep) struct incident *early = story_incident(story, "pan.test");
	assert_int_equal(early->records_certainty, EVENT_CERTAINTY_UNKNOWN);
	assert_string_equal(early->sources[0].kind, "unknown");
	story->now_ns = STORY_START_NS;
	story_writes(story, crm_client, out, property, NULL, 500);
	story->now_ns = STORY_START_NS;
	story_looks_up(story, crm_client, 8, 5);
	story->now_ns = egress_ns;
	_cleanup_(incident_freep) struct incident *late = story_incident(story, "pan.test");
	assert_int_equal(late->records, 4);
	assert_int_equal(late->n_sources, 1);
	assert_string_equal(late->sources[0].kind, "crm");
	assert_int_equal(late->id, early->id);
}

static size_t count_steps(const struct incident *incident, enum event_object_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < incident->n_lineage; i++)
		n += incident->lineage[i].object_kind == kind;
	return n;
}

static void what_an_app_tells_itself_is_no_step_of_the_way(void **state)
{
	struct story *story = *state;
	struct story_app browser = {31, "/usr/lib/chromium/chromium"};
	struct story_place memory = story_file(33, "file:[33]");
	struct story_place history = story_file(34, "/home/~/History");

	story_looks_up(story, browser, 8, 5);
	story_writes(story, browser, story_pipe(32), property, NULL, 80);
	story_reads(story, browser, story_pipe(32), property, NULL, 80);
	story_writes(story, browser, memory, property, NULL, 4096);
	story_reads(story, browser, memory, property, NULL, 4096);
	story_writes(story, browser, history, property, NULL, 4096);
	story_reads(story, browser, history, property, NULL, 4096);
	story_writes(story, browser, story_peer(9, "pan.test"), property, NULL, 900);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(count_steps(incident, EVENT_OBJECT_PIPE), 0);
	assert_int_equal(count_steps(incident, EVENT_OBJECT_FILE), 2); /* what has a name */
	assert_int_equal(incident->records, 4);
}

static void what_two_apps_have_in_common_is_a_step_of_the_way(void **state)
{
	struct story *story = *state;
	struct story_app browser = {31, "/usr/lib/chromium/chromium"};

	story_looks_up(story, browser, 8, 5);
	story_writes(story, browser, story_pipe(32), property, NULL, 80);
	story_reads(story, browser, story_pipe(32), property, NULL, 10);
	story_reads(story, sender, story_pipe(32), property, NULL, 70);
	story_writes(story, sender, story_peer(9, "pan.test"), property, NULL, 900);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(count_steps(incident, EVENT_OBJECT_PIPE), 3);
}

/* A collector that is slow finds several batches when it comes back to them. */
static void batches_that_wait_are_computed_once(void **state)
{
	struct story *story = *state;
	struct correlate_counts before;

	when_a_file_goes_to(story, "pan.test", 1);
	before = correlate_count(story->correlate);
	story->is_taken = true;
	for (uint64_t i = 0; i < 3; i++)
		when_a_file_goes_to(story, "pan.test", 50 + 10 * i);
	assert_int_equal(correlate_count(story->correlate).recomputed, before.recomputed);
	assert_int_equal(correlate_settle(story->correlate, NULL, NULL), 0);
	assert_int_equal(correlate_count(story->correlate).recomputed, before.recomputed + 1);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->bytes_out, 4 * 500);
}

static void what_was_taken_and_not_settled_is_made_up_for_after_a_restart(void **state)
{
	struct story *story = *state;

	story->is_taken = true;
	when_a_file_goes_to(story, "pan.test", 1);
	assert_int_equal(story_count_incidents(story), 0);
	story_restarts(story);
	assert_int_equal(story_count_incidents(story), 1);
}

static void no_finding_is_stored_when_the_policy_switches_the_detectors_off(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[detect \"direct_egress\"]\nenabled = no\n");
	when_a_file_goes_to(story, "pan.test", 1);
	assert_int_equal(story_count_incidents(story), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(labelled_bytes_into_a_sink_make_one_incident),
		STORY_TEST(trusted_local_and_unlabelled_destinations_are_silent),
		STORY_TEST(an_unnamed_address_is_a_recipient_of_its_own),
		STORY_TEST(two_people_make_two_incidents_with_one_peer),
		STORY_TEST(an_incident_goes_on_until_it_was_quiet_for_the_window),
		STORY_TEST(a_report_repeated_by_the_agent_adds_no_byte),
		STORY_TEST(a_line_is_due_for_what_is_new_and_what_got_worse),
		STORY_TEST(computing_again_gives_the_same_incident),
		STORY_TEST(a_collector_that_stopped_midway_ends_at_the_same_incident),
		STORY_TEST(a_restart_between_two_egresses_goes_on_with_the_first_incident),
		STORY_TEST(the_first_batch_after_a_restart_takes_what_was_left_too),
		STORY_TEST(only_a_sink_is_a_recipient_whatever_the_kind_of_event),
		STORY_TEST(lineage_that_arrives_late_is_joined),
		STORY_TEST(what_an_app_tells_itself_is_no_step_of_the_way),
		STORY_TEST(what_two_apps_have_in_common_is_a_step_of_the_way),
		STORY_TEST(batches_that_wait_are_computed_once),
		STORY_TEST(what_was_taken_and_not_settled_is_made_up_for_after_a_restart),
		STORY_TEST(no_finding_is_stored_when_the_policy_switches_the_detectors_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
