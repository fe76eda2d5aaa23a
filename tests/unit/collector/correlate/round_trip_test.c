/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

static const char property[] = "policy.property", peer[] = "im.test";
static const struct story_app im = {10, "/usr/bin/im-client"};
static const struct story_app python = {11, "/usr/bin/python3"};

static void the_seed_is_critical_and_told_in_figures(void **state)
{
	struct story *story = *state;
	uint64_t sent = story_tells_the_seed(story, 60);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);

	assert_int_equal(story_count_incidents(story), 1);
	assert_int_equal(incident->severity, INCIDENT_CRITICAL);
	assert_int_equal(incident->score, 100);
	assert_int_equal(story_points(incident, "round_trip"), 50);
	assert_int_equal(story_points(incident, "direct_egress"), 40);
	assert_int_equal(story_points(incident, "automation"), 10);
	assert_true(story_has_attack(incident, "T1213.004"));
	assert_int_equal(incident->records, 60);
	assert_int_equal(incident->bytes_out, sent);
	assert_int_equal(incident->n_sinks, 1);
	assert_string_equal(incident->sinks[0].name, peer);
}

static void the_reason_names_both_ends_and_the_turns_between(void **state)
{
	struct story *story = *state;

	story_tells_the_seed(story, 60);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);
	const char *reason = incident->addends[1].reason;

	assert_non_null(strstr(reason, "a list came in from im.test at 2020-09-13 12:26:40 +0000"));
	assert_non_null(strstr(reason, "about 60 CRM lookups (estimated)"));
	assert_non_null(strstr(reason, "the same im.test (10.77.0.20): the data's origin equals "
				       "its destination"));
	assert_non_null(strstr(incident->addends[1].reason_zh, "来处与去处相同"));
	/* The list's arrival is among the events that show it. */
	assert_true(incident_ids_contain(&incident->addends[1].events, 2));
	for (size_t i = 0; i < incident->addends[1].events.n_items; i++)
		assert_true(incident_ids_contain(&incident->events,
						 incident->addends[1].events.items[i]));
}

static void another_program_may_fetch_the_list_and_a_third_send_the_answer(void **state)
{
	struct story *story = *state;
	struct story_app fetch = {30, "/usr/bin/curl"}, nc = {31, "/usr/bin/nc"};
	struct story_place list = story_file(1, "/tmp/list"), out = story_file(2, "/tmp/out");

	story_reads(story, fetch, story_peer(3, peer), NULL, peer, 900);
	story_writes(story, fetch, list, NULL, peer, 900);
	story_reads(story, python, list, NULL, peer, 900);
	for (uint64_t i = 0; i < 20; i++)
		story_looks_up(story, python, 100 + i, 2);
	story_writes(story, python, out, property, peer, 5000);
	story_reads(story, nc, out, property, peer, 5000);
	story_writes(story, nc, story_peer(4, peer), property, peer, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);
	assert_int_equal(incident->severity, INCIDENT_CRITICAL);
	assert_int_equal(incident->records, 20);
	assert_int_equal(incident->sources[0].connections, 20);
}

static void a_messenger_that_sends_a_file_nobody_asked_for_made_no_round_trip(void **state)
{
	struct story *story = *state;
	struct story_place out = story_file(2, "/home/~/out.csv");

	/* It has its peer's origin from talking to it; the file has none. */
	story_reads(story, im, story_peer(3, peer), NULL, peer, 900);
	story_looks_up(story, python, 50, 30);
	story_writes(story, python, out, property, NULL, 5000);
	story_reads(story, im, out, property, NULL, 5000);
	story_writes(story, im, story_peer(3, peer), property, peer, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);
	assert_int_equal(story_points(incident, "round_trip"), 0);
	assert_int_equal(incident->severity, INCIDENT_MEDIUM);
}

static void lookups_before_the_list_came_in_answer_nothing(void **state)
{
	struct story *story = *state;
	struct story_place list = story_file(1, "/tmp/list"), out = story_file(2, "/tmp/out");

	story_looks_up(story, python, 50, 30);
	story_reads(story, im, story_peer(3, peer), NULL, peer, 900);
	story_writes(story, im, list, NULL, peer, 900);
	story_reads(story, python, list, NULL, peer, 900);
	story_writes(story, python, out, property, peer, 5000);
	story_reads(story, im, out, property, peer, 5000);
	story_writes(story, im, story_peer(3, peer), property, peer, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);
	assert_int_equal(story_points(incident, "round_trip"), 0);
	assert_int_equal(incident->records, 29);
}

static void an_answer_to_somebody_else_is_no_round_trip(void **state)
{
	struct story *story = *state;
	struct story_app curl = {40, "/usr/bin/curl"};
	struct story_place list = story_file(1, "/tmp/list"), out = story_file(2, "/tmp/out");

	story_reads(story, im, story_peer(3, peer), NULL, peer, 900);
	story_writes(story, im, list, NULL, peer, 900);
	story_reads(story, python, list, NULL, peer, 900);
	story_looks_up(story, python, 50, 30);
	story_writes(story, python, out, property, peer, 5000);
	story_reads(story, curl, out, property, peer, 5000);
	story_writes(story, curl, story_peer(4, "pan.test"), property, peer, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "round_trip"), 0);
}

static void one_program_that_talks_and_looks_up_counts_from_its_first_message(void **state)
{
	struct story *story = *state;
	struct story_app browser = {60, "/usr/bin/firefox"};

	story_reads(story, browser, story_peer(3, peer), NULL, peer, 900);
	story_looks_up(story, browser, 50, 11);
	story_writes(story, browser, story_peer(3, peer), property, peer, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);
	assert_int_equal(story_points(incident, "round_trip"), 50);
	assert_int_equal(incident->records, 10);
}

static void list_and_lookups_joined_by_a_third_program_count_as_well(void **state)
{
	struct story *story = *state;
	struct story_app curl = {40, "/usr/bin/curl"}, paste = {41, "/usr/bin/paste"};
	struct story_place list = story_file(1, "/tmp/list"), rows = story_file(2, "/tmp/rows");
	struct story_place out = story_file(5, "/tmp/out");

	story_reads(story, im, story_peer(3, peer), NULL, peer, 900);
	story_writes(story, im, list, NULL, peer, 900);
	story_looks_up(story, curl, 50, 8);
	story_writes(story, curl, rows, property, NULL, 700);
	story_reads(story, paste, list, NULL, peer, 900);
	story_reads(story, paste, rows, property, NULL, 700);
	story_writes(story, paste, out, property, peer, 1600);
	story_reads(story, im, out, property, peer, 1600);
	story_writes(story, im, story_peer(3, peer), property, peer, 1600);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);
	assert_int_equal(story_points(incident, "round_trip"), 50);
}

/* A browser that had the CRM open, then a page of the peer: pipes that were its own all the while
 * have both in the end. */
static void what_a_program_tells_itself_is_no_list(void **state)
{
	struct story *story = *state;
	struct story_app browser = {40, "/usr/lib/chromium/chromium"};
	struct story_place own = story_pipe(41);

	story_writes(story, browser, own, property, NULL, 80);
	story_reads(story, browser, own, property, NULL, 80);
	story_looks_up(story, browser, 42, 9);
	story_reads(story, browser, story_peer(43, peer), NULL, peer, 900);
	story_writes(story, browser, own, property, peer, 80);
	story_reads(story, browser, own, property, peer, 80);
	story_writes(story, browser, story_peer(43, peer), property, peer, 500);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);
	assert_int_equal(story_points(incident, "round_trip"), 0);
	assert_int_equal(story_points(incident, "direct_egress"), 40 - 30); /* it asks for a page */
}

static void an_allowed_shop_lowers_the_score_and_hides_nothing(void **state)
{
	struct story *story = *state;
	struct story_place list = story_file(1, "/tmp/list"), out = story_file(2, "/tmp/out");
	const char *shop = "shop.test";

	story_reads(story, im, story_peer(3, shop), NULL, shop, 900);
	story_writes(story, im, list, NULL, shop, 900);
	story_reads(story, python, list, NULL, shop, 900);
	story_looks_up(story, python, 50, 30);
	story_writes(story, python, out, property, shop, 5000);
	story_reads(story, im, out, property, shop, 5000);
	story_writes(story, im, story_peer(3, shop), property, shop, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, shop);
	assert_int_equal(incident->score, 40 - 25 + 50);
	assert_int_equal(incident->severity, INCIDENT_HIGH);
	assert_true(incident->sinks[0].allowed);
	assert_int_equal(incident->addends[1].points, -25);
}

static void an_answer_by_another_address_of_the_peer_names_both(void **state)
{
	struct story *story = *state;
	struct story_place other = story_peer(1001, peer);

	other.address = "10.77.0.22";
	story_reads(story, im, story_peer(1000, peer), NULL, peer, 900);
	story_looks_up(story, im, 50, 11);
	story_writes(story, im, other, property, peer, 5000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);

	assert_non_null(strstr(incident->addends[1].reason,
			       "the same im.test (from 10.77.0.20, to 10.77.0.22)"));
}

static void the_policy_sets_the_weight_and_the_least_turns(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[detect \"round_trip\"]\nweight = 33\nmin_turns = 61\n");
	story_tells_the_seed(story, 60);
	_cleanup_(incident_freep) struct incident *few = story_incident(story, peer);
	assert_int_equal(story_points(few, "round_trip"), 0);
	story_given_policy(story, "[detect \"round_trip\"]\nweight = 33\nmin_turns = 60\n");
	story_recomputes(story);
	_cleanup_(incident_freep) struct incident *enough = story_incident(story, peer);
	assert_int_equal(story_points(enough, "round_trip"), 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(the_seed_is_critical_and_told_in_figures),
		STORY_TEST(the_reason_names_both_ends_and_the_turns_between),
		STORY_TEST(another_program_may_fetch_the_list_and_a_third_send_the_answer),
		STORY_TEST(a_messenger_that_sends_a_file_nobody_asked_for_made_no_round_trip),
		STORY_TEST(lookups_before_the_list_came_in_answer_nothing),
		STORY_TEST(an_answer_to_somebody_else_is_no_round_trip),
		STORY_TEST(one_program_that_talks_and_looks_up_counts_from_its_first_message),
		STORY_TEST(list_and_lookups_joined_by_a_third_program_count_as_well),
		STORY_TEST(what_a_program_tells_itself_is_no_list),
		STORY_TEST(an_allowed_shop_lowers_the_score_and_hides_nothing),
		STORY_TEST(an_answer_by_another_address_of_the_peer_names_both),
		STORY_TEST(the_policy_sets_the_weight_and_the_least_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
