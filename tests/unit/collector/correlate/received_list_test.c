/* SPDX-License-Identifier: GPL-2.0-only */

/* How much of a list that came in went out, and in which order. */

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

/* The file has the list's five, of which so many were sent, and read as they were. */
static struct incident *when_so_many_are_sent(struct story *story, size_t n_sent)
{
	static const uint64_t numbers[] = {50, 10, 40, 20, 30}, sent[] = {10, 20, 30, 40, 50};
	uint64_t sent_bytes = story_tells_the_seed(story, 5);
	struct event *event = story_event(story, EVENT_RECORDS, im, story_peer(1000, peer));

	told_of(story, story_file(100, "/home/~/policies.txt"), NULL, numbers, 5);
	told_of(story, story_file(101, "/home/~/out.csv"), property, numbers, 5);
	event->direction = EVENT_DIRECTION_OUT;
	event->certainty = EVENT_CERTAINTY_EXACT;
	event->size_bytes = sent_bytes;
	assert_int_equal(event_add_label(event, property), 0);
	assert_int_equal(event_add_count(event, "policy-number", n_sent, sent, n_sent), 0);
	story_sends(story, event);
	return story_incident(story, peer);
}

static void what_was_read_as_it_was_sent_is_what_came_back(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = when_so_many_are_sent(*state, 2);

	assert_int_equal(incident->records, 2);
	assert_non_null(strstr(list_addend(incident)->reason, "2 of the 5"));
	assert_null(strstr(list_addend(incident)->reason, "order"));
	assert_int_equal(list_addend(incident)->points, 0);
}

static void what_was_sent_whole_came_back_in_the_order_of_its_file(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = when_so_many_are_sent(*state, 5);

	assert_non_null(strstr(list_addend(incident)->reason,
			       "5 of the 5 policy-number in the list from im.test went to im.test, "
			       "in the same order (exact)."));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(a_list_that_comes_back_in_its_order_is_told),
		STORY_TEST(a_list_that_comes_back_sorted_is_told_too),
		STORY_TEST(a_few_of_a_list_weigh_nothing),
		STORY_TEST(what_was_read_as_it_was_sent_is_what_came_back),
		STORY_TEST(what_was_sent_whole_came_back_in_the_order_of_its_file),
		STORY_TEST(an_answer_with_nothing_of_the_list_tells_no_list),
		STORY_TEST(a_list_that_is_answered_by_another_way_is_an_egress_that_weighs_more),
	};

	return cmocka_run_group_tests_name("received list", tests, NULL, NULL);
}
