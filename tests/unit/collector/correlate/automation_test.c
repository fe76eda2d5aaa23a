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
#define LOOKUP_NS (4 * SECOND_NS) /* that one takes in a story's clock */

static const char property[] = "policy.property", pan[] = "pan.test";
static const struct story_app curl = {21, "/usr/bin/curl"};
static const struct story_app firefox = {22, "/usr/lib/firefox-esr/firefox-esr"};

/* One more lookup, so long after the last one. */
static void looks_up_after(struct story *story, struct story_app app, uint64_t connection,
			   uint64_t ns)
{
	story_waits(story, ns - LOOKUP_NS);
	story_looks_up(story, app, connection, 2); /* one of them is the handshake's */
}

/* What the agent tells of a connection: totals, and what it had seen of it before. */
struct told {
	uint64_t calls, turns;
	uint64_t since_ns, since_calls;
};

static void is_told(struct story *story, uint64_t connection, const struct told *told)
{
	struct event *event = story_event(story, EVENT_CRM_ACCESS, curl, story_crm(connection));

	event->direction = EVENT_DIRECTION_IN;
	event->flow_first_ns = STORY_START_NS;
	event->bytes_total = told->calls * 300;
	event->calls_total = told->calls;
	event->turns_total = told->turns;
	event->since_ns = told->since_ns;
	event->since_calls = told->since_calls;
	assert_int_equal(event_add_label(event, property), 0);
	story_sends(story, event);
	story_waits(story, SECOND_NS);
}

/* Opened, and one lookup made; from then on it stood idle. */
static void given_an_idle_connection(struct story *story)
{
	is_told(story, 50, &(struct told){.calls = 8, .turns = 2});
	story_waits(story, 2 * STORY_HOUR_NS);
}

static struct incident *when_it_goes_out(struct story *story, struct story_app app)
{
	story_writes(story, app, story_peer(900, pan), property, NULL, 5000);
	return story_incident(story, pan);
}

static const struct incident_addend *addend_of(const struct incident *incident)
{
	for (size_t i = 0; i < incident->n_addends; i++)
		if (strcmp(incident->addends[i].detector, "automation") == 0)
			return &incident->addends[i];
	fail_msg("no addend of automation");
	return NULL;
}

static void a_loop_is_as_regular_as_a_clock(void **state)
{
	struct story *story = *state;

	for (uint64_t i = 0; i < 25; i++)
		looks_up_after(story, curl, 100 + i, 5 * SECOND_NS + i % 3 * SECOND_NS / 100);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, curl);
	const struct incident_addend *addend = addend_of(incident);

	assert_int_equal(addend->points, 10);
	assert_string_equal(addend->attack, "T1119");
	assert_non_null(strstr(addend->reason,
			       "curl made about 25 CRM lookups (estimated), about one "
			       "every 5.0 seconds, as regular as a clock"));
	assert_non_null(strstr(addend->reason, "the policy's line is 10 % over 20 lookups"));
	assert_non_null(strstr(addend->reason_zh, "间隔十分均匀"));
	assert_true(addend->events.n_items >= 25);
}

static void a_person_pauses_as_she_needs(void **state)
{
	static const uint64_t pauses[] = {6, 11, 7, 15, 9, 5, 14, 8, 12, 6, 10, 5};
	struct story *story = *state;

	for (uint64_t i = 0; i < 60; i++)
		looks_up_after(story, curl, 100 + i,
			       pauses[i % 12] * SECOND_NS + i % 5 * SECOND_NS / 3);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, curl);
	assert_int_equal(story_points(incident, "automation"), 0);
	assert_int_equal(story_points(incident, "direct_egress"), 40);
}

static void sixty_lookups_in_a_second_are_faster_than_any_person(void **state)
{
	struct story *story = *state;

	story_looks_up(story, curl, 50, 61);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, curl);
	const struct incident_addend *addend = addend_of(incident);

	assert_int_equal(addend->points, 10);
	assert_non_null(strstr(addend->reason, "curl made about 60 CRM lookups (estimated) within "
					       "1.0 seconds, faster than any person"));
	assert_non_null(strstr(addend->reason, "the policy's line is 40 within 20 seconds"));
	assert_non_null(strstr(addend->reason_zh, "在 1.0 秒内进行了约 60 次"));
}

/* Sixty lookups in one report, of which since_calls calls had been counted when the agent had
 * looked so long before. */
static void when_a_burst_is_told(struct story *story, uint64_t ago_ns, uint64_t since_calls)
{
	given_an_idle_connection(story);
	is_told(story, 50,
		&(struct told){.calls = 68,
			       .turns = 62,
			       .since_ns = story->now_ns - ago_ns,
			       .since_calls = since_calls});
}

static void a_burst_on_a_connection_that_stood_idle_is_as_fast_as_it_was(void **state)
{
	struct story *story = *state;

	when_a_burst_is_told(story, SECOND_NS, 8);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, curl);
	const struct incident_addend *addend = addend_of(incident);

	assert_int_equal(addend->points, 10);
	assert_non_null(strstr(addend->reason, "curl made about 60 CRM lookups (estimated) within "
					       "1.0 seconds, faster than any person"));
}

static void no_burst_takes_no_time_at_all(void **state)
{
	struct story *story = *state;

	when_a_burst_is_told(story, SECOND_NS / 50, 8);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, curl);
	const struct incident_addend *addend = addend_of(incident);

	assert_non_null(strstr(addend->reason, "(estimated) within 0.1 seconds"));
	assert_non_null(strstr(addend->reason_zh, "在 0.1 秒内进行了约 60 次"));
}

static void lookups_of_two_hours_that_nobody_looked_at_are_no_burst(void **state)
{
	struct story *story = *state;

	given_an_idle_connection(story);
	is_told(story, 50, &(struct told){.calls = 68, .turns = 62});
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, curl);
	assert_int_equal(story_points(incident, "automation"), 0);
	assert_int_equal(incident->sources[0].records, 61);
}

/* Some of what this one adds the agent had told before, in a report that did not arrive. */
static void lookups_of_a_report_that_was_lost_are_no_burst(void **state)
{
	struct story *story = *state;

	when_a_burst_is_told(story, SECOND_NS, 67);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, curl);
	assert_int_equal(story_points(incident, "automation"), 0);
}

static void a_page_that_makes_thirty_requests_tells_no_rhythm(void **state)
{
	struct story *story = *state;

	/* When within the second each came nobody knows: evenly spread is a guess. */
	story_looks_up(story, firefox, 50, 31);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, firefox);
	assert_int_equal(story_points(incident, "automation"), 0);
}

static void a_page_that_asks_for_news_every_half_minute_is_no_loop(void **state)
{
	struct story *story = *state;

	for (uint64_t i = 0; i < 50; i++)
		looks_up_after(story, firefox, 100 + i, 30 * SECOND_NS);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, firefox);
	assert_int_equal(story_points(incident, "automation"), 0);
}

static void two_people_are_two_paces(void **state)
{
	struct story *story = *state;
	struct story_place rows = story_file(7, "/srv/share/rows");

	for (uint64_t i = 0; i < 15; i++)
		looks_up_after(story, curl, 100 + i, 5 * SECOND_NS);
	story_writes(story, curl, rows, property, NULL, 900);
	story->person = "P-00000000bb";
	story_waits(story, 3 * SECOND_NS);
	for (uint64_t i = 0; i < 15; i++)
		looks_up_after(story, firefox, 200 + i, 5 * SECOND_NS);
	story_reads(story, firefox, rows, property, NULL, 900);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, firefox);
	assert_int_equal(incident->n_persons, 2);
	assert_int_equal(incident->sources[0].records, 30);
	assert_int_equal(story_points(incident, "automation"), 0);
}

static void the_policy_draws_the_lines(void **state)
{
	struct story *story = *state;

	story_looks_up(story, curl, 50, 61);
	story_given_policy(story, "[detect \"automation\"]\nfast_lookups = 61\n");
	_cleanup_(incident_freep) struct incident *below = when_it_goes_out(story, curl);
	assert_int_equal(story_points(below, "automation"), 0);
	story_given_policy(story, "[detect \"automation\"]\nfast_lookups = 60\nfast_seconds = 1\n"
				  "weight = 33\n");
	story_recomputes(story);
	_cleanup_(incident_freep) struct incident *reached = story_incident(story, pan);
	assert_int_equal(story_points(reached, "automation"), 33);
}

static void a_program_that_people_do_not_use_for_it_is_told(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[crm \"crm.test\"]\nclient = firefox*, /opt/crm/bin/*\n");
	story_looks_up(story, firefox, 50, 5);
	_cleanup_(incident_freep) struct incident *expected = when_it_goes_out(story, firefox);
	assert_int_equal(story_points(expected, "automation"), 0);
	story_waits(story, 30 * 24 * STORY_HOUR_NS);
	looks_up_after(story, curl, 51, 60 * SECOND_NS);
	looks_up_after(story, curl, 52, 9 * SECOND_NS);
	_cleanup_(incident_freep) struct incident *incident = when_it_goes_out(story, curl);
	const struct incident_addend *addend = addend_of(incident);

	assert_int_equal(addend->points, 15);
	assert_string_equal(addend->reason,
			    "About 2 CRM lookups (estimated) at crm.test were made by curl, which "
			    "is none of the programs that the policy expects there.");
	assert_non_null(strstr(addend->reason_zh, "由程序 curl 进行"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(a_loop_is_as_regular_as_a_clock),
		STORY_TEST(a_person_pauses_as_she_needs),
		STORY_TEST(sixty_lookups_in_a_second_are_faster_than_any_person),
		STORY_TEST(a_burst_on_a_connection_that_stood_idle_is_as_fast_as_it_was),
		STORY_TEST(no_burst_takes_no_time_at_all),
		STORY_TEST(lookups_of_two_hours_that_nobody_looked_at_are_no_burst),
		STORY_TEST(lookups_of_a_report_that_was_lost_are_no_burst),
		STORY_TEST(a_page_that_makes_thirty_requests_tells_no_rhythm),
		STORY_TEST(a_page_that_asks_for_news_every_half_minute_is_no_loop),
		STORY_TEST(two_people_are_two_paces),
		STORY_TEST(the_policy_draws_the_lines),
		STORY_TEST(a_program_that_people_do_not_use_for_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
