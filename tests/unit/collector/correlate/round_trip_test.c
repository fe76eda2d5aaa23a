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

/* What the agent says of a file: which numbers stand in it, in which order. */
static void told_of(struct story *story, struct story_place file, const char *label,
		    const uint64_t *numbers, size_t n_numbers)
{
	static const struct story_app nobody = {0, NULL};
	struct event *event = story_event(story, EVENT_RECORDS, nobody, file);

	event->certainty = EVENT_CERTAINTY_EXACT;
	event->size_bytes = 100;
	event->content_ns = STORY_START_NS;
	assert_int_equal(event_add_count(event, "policy-number", n_numbers, numbers, n_numbers), 0);
	event->counts[0].is_in_order = true;
	if (label)
		assert_int_equal(event_add_label(event, label), 0);
	story_sends(story, event);
}

static const struct incident_addend *list_addend(const struct incident *incident)
{
	const struct incident_addend *found = NULL;

	for (size_t i = 0; i < incident->n_addends; i++)
		if (strstr(incident->addends[i].reason, " in the list from "))
			found = &incident->addends[i];
	return found;
}

/* A list of five comes in, and these numbers go back. */
static struct incident *when_numbers_go_back(struct story *story, const uint64_t *numbers,
					     size_t n_numbers)
{
	static const uint64_t list[] = {50, 10, 40, 20, 30};

	story_tells_the_seed(story, 5);
	told_of(story, story_file(100, "/home/~/policies.txt"), NULL, list, 5);
	told_of(story, story_file(101, "/home/~/out.csv"), property, numbers, n_numbers);
	return story_incident(story, peer);
}

static void a_list_that_comes_back_in_its_order_is_told(void **state)
{
	static const uint64_t numbers[] = {50, 10, 40, 20, 30};
	struct story *story = *state;
	_cleanup_(incident_freep) struct incident *incident =
		when_numbers_go_back(story, numbers, 5);
	const struct incident_addend *addend = list_addend(incident);

	assert_non_null(addend);
	assert_string_equal(addend->detector, "round_trip");
	assert_int_equal(addend->points, 10);
	assert_string_equal(addend->reason,
			    "5 of the 5 policy-number in the list from im.test went to im.test, in "
			    "the same order (exact).");
	assert_non_null(strstr(addend->reason_zh, "其中 5 个被发往 im.test，顺序相同（精确）"));
	/* The look at the list is what shows it. */
	assert_int_equal(addend->events.n_items, 1);
	assert_true(incident_ids_contain(&incident->events, addend->events.items[0]));
}

static void a_list_that_comes_back_sorted_is_told_too(void **state)
{
	static const uint64_t numbers[] = {10, 20, 30, 40, 50};
	struct story *story = *state;
	_cleanup_(incident_freep) struct incident *incident =
		when_numbers_go_back(story, numbers, 5);

	assert_non_null(strstr(list_addend(incident)->reason,
			       "5 of the 5 policy-number in the list from im.test went to im.test, "
			       "in another order"));
	assert_int_equal(list_addend(incident)->points, 10);
}

static void a_few_of_a_list_weigh_nothing(void **state)
{
	static const uint64_t numbers[] = {10, 1, 2, 3, 20};
	struct story *story = *state;
	_cleanup_(incident_freep) struct incident *incident =
		when_numbers_go_back(story, numbers, 5);

	assert_non_null(strstr(list_addend(incident)->reason, "2 of the 5"));
	assert_int_equal(list_addend(incident)->points, 0);
}

/* Two of five rows were sent, and read as they were: the file that they are from says nothing of
 * it. */
static void what_was_read_as_it_was_sent_is_what_came_back(void **state)
{
	static const uint64_t numbers[] = {50, 10, 40, 20, 30}, sent[] = {10, 20};
	struct story *story = *state;
	uint64_t sent_bytes = story_tells_the_seed(story, 5);
	struct event *event = story_event(story, EVENT_RECORDS, im, story_peer(1000, peer));

	told_of(story, story_file(100, "/home/~/policies.txt"), NULL, numbers, 5);
	told_of(story, story_file(101, "/home/~/out.csv"), property, numbers, 5);
	event->direction = EVENT_DIRECTION_OUT;
	event->certainty = EVENT_CERTAINTY_EXACT;
	event->size_bytes = sent_bytes;
	assert_int_equal(event_add_label(event, property), 0);
	assert_int_equal(event_add_count(event, "policy-number", 2, sent, 2), 0);
	event->counts[0].is_in_order = true;
	story_sends(story, event);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, peer);

	assert_int_equal(incident->records, 2);
	assert_non_null(strstr(list_addend(incident)->reason, "2 of the 5"));
	assert_int_equal(list_addend(incident)->points, 0);
}

static void an_answer_with_nothing_of_the_list_tells_no_list(void **state)
{
	static const uint64_t numbers[] = {1, 2, 3};
	struct story *story = *state;
	_cleanup_(incident_freep) struct incident *incident =
		when_numbers_go_back(story, numbers, 3);

	assert_null(list_addend(incident));
	assert_int_equal(story_points(incident, "round_trip"), 50);
}

/* No round trip: who asked and who got it are two. */
static void a_list_that_is_answered_by_another_way_is_an_egress_that_weighs_more(void **state)
{
	static const uint64_t numbers[] = {1, 2, 3, 4};
	struct story *story = *state;
	struct story_place list = story_file(1, "/tmp/list"), out = story_file(2, "/tmp/out");
	const char *pan = "pan.test";

	story_reads(story, im, story_peer(3, peer), NULL, peer, 900);
	story_writes(story, im, list, NULL, peer, 900);
	story_reads(story, python, list, NULL, peer, 900);
	story_looks_up(story, python, 50, 5);
	story_writes(story, python, out, property, peer, 500);
	story_reads(story, (struct story_app){40, "/usr/bin/curl"}, out, property, peer, 500);
	story_writes(story, (struct story_app){40, "/usr/bin/curl"}, story_peer(4, pan), property,
		     peer, 500);
	told_of(story, list, NULL, numbers, 4);
	told_of(story, out, property, numbers, 4);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, pan);

	assert_int_equal(story_points(incident, "round_trip"), 0);
	assert_int_equal(story_points(incident, "direct_egress"), 40 + 15);
	assert_string_equal(
		list_addend(incident)->reason,
		"4 of the 4 policy-number in the list from im.test went to pan.test, in "
		"the same order (exact).");
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
		STORY_TEST(a_list_that_comes_back_in_its_order_is_told),
		STORY_TEST(a_list_that_comes_back_sorted_is_told_too),
		STORY_TEST(a_few_of_a_list_weigh_nothing),
		STORY_TEST(what_was_read_as_it_was_sent_is_what_came_back),
		STORY_TEST(an_answer_with_nothing_of_the_list_tells_no_list),
		STORY_TEST(a_list_that_is_answered_by_another_way_is_an_egress_that_weighs_more),
		STORY_TEST(an_answer_by_another_address_of_the_peer_names_both),
		STORY_TEST(the_policy_sets_the_weight_and_the_least_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
