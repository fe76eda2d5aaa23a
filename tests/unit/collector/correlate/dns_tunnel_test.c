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

#define DOMAIN "leak.test"

static const char property[] = "policy.property";
static const struct story_app python = {11, "/usr/bin/python3"};

static void given_rows(struct story *story)
{
	story_looks_up(story, python, 50, 11);
	story_writes(story, python, story_file(1, "/home/~/rows.csv"), property, NULL, 5000);
}

/* As the agent reports it: totals of one app, each name its first asker's. */
static void when_asked(struct story *story, struct story_app app, uint64_t asked,
		       const struct event_questions *questions)
{
	const struct story_place place = {
		EVENT_OBJECT_DOMAIN, EVENT_ROLE_SINK, 77, DOMAIN, NULL, NULL, "dns"};
	struct event *event = story_event(story, EVENT_EGRESS, app, place);

	event->direction = EVENT_DIRECTION_OUT;
	event->flow_first_ns = 1 + app.id;
	event->bytes_total = asked * 80;
	event->calls_total = asked;
	event->questions = *questions;
	assert_int_equal(event_add_label(event, property), 0);
	story_sends(story, event);
	story_waits(story, 1000000000);
}

static void given_reader(struct story *story, struct story_app app)
{
	story_reads(story, app, story_file(1, "/home/~/rows.csv"), property, NULL, 5000);
}

static const struct incident_addend *addend_of(const struct incident *incident)
{
	for (size_t i = 0; i < incident->n_addends; i++)
		if (strcmp(incident->addends[i].detector, "dns_tunnel") == 0)
			return &incident->addends[i];
	return NULL;
}

static void names_that_carry_data_are_told_with_their_domain_and_counts(void **state)
{
	struct story *story = *state;

	given_rows(story);
	when_asked(story, python, 200,
		   &(struct event_questions){
			   .names = 200, .name_bytes = 12000, .text = 200, .longest_bytes = 60});
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DOMAIN);
	assert_int_equal(story_points(incident, "dns_tunnel"), 50);
	assert_true(story_has_attack(incident, "T1071.004"));
	assert_true(story_has_attack(incident, "T1048.003"));
	assert_string_equal(addend_of(incident)->reason,
			    "DNS tunnel: name servers were asked 200 times for 200 different names "
			    "below " DOMAIN ", 12,000 bytes of names, the longest label 60; such "
			    "names carry data.");
	assert_string_equal(addend_of(incident)->reason_zh,
			    "DNS隧道：向域名服务器查询 200 次，涉及域名 " DOMAIN
			    " 下 200 个不同名称，名称共 12,000 "
			    "字节，最长标签 60 字节；这样的名称可携带数据。");
	assert_string_equal(incident->sinks[0].channel, "dns");
	assert_string_equal(incident->sinks[0].address, DOMAIN);
	assert_int_equal(incident->bytes_out, 16000);
}

static void of_several_reports_the_last_one_holds(void **state)
{
	struct story *story = *state;

	given_rows(story);
	for (uint64_t n = 60; n <= 180; n += 60)
		when_asked(story, python, n,
			   &(struct event_questions){
				   .names = n, .name_bytes = n * 30, .longest_bytes = 30});
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DOMAIN);
	assert_int_equal(story_points(incident, "dns_tunnel"), 40);
	assert_non_null(strstr(addend_of(incident)->reason,
			       "asked 180 times for 180 different names below " DOMAIN
			       ", 5,400 bytes"));
	assert_int_equal(incident->bytes_out, 180 * 80);
}

static void many_programs_that_ask_once_add_up(void **state)
{
	struct story *story = *state;

	given_rows(story);
	for (uint64_t i = 0; i < 60; i++) {
		struct story_app dig = {100 + i, "/usr/bin/dig"};

		given_reader(story, dig);
		when_asked(story, dig, 1,
			   &(struct event_questions){
				   .names = 1, .name_bytes = 50, .text = 1, .longest_bytes = 50});
	}
	assert_int_equal(story_count_incidents(story), 1);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DOMAIN);
	assert_int_equal(story_points(incident, "dns_tunnel"), 50);
	assert_int_equal(incident->n_sinks, 1);
	assert_string_equal(incident->sources[0].name, "crm.test");
}

static void few_names_or_short_ones_are_no_tunnel(void **state)
{
	struct story *story = *state;

	given_rows(story);
	when_asked(story, python, 200, &(struct event_questions){.names = 49, .name_bytes = 2000});
	_cleanup_(incident_freep) struct incident *few = story_incident(story, DOMAIN);
	assert_int_equal(story_points(few, "dns_tunnel"), 0);
	when_asked(story, python, 500,
		   &(struct event_questions){.names = 500, .name_bytes = 500 * 19});
	_cleanup_(incident_freep) struct incident *brief = story_incident(story, DOMAIN);
	assert_int_equal(story_points(brief, "dns_tunnel"), 0);
}

static void the_policy_weighs_it(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[detect \"dns_tunnel\"]\nweight = 7\ntext_weight = 3\n"
				  "min_names = 5\nmin_bytes = 4\n");
	given_rows(story);
	when_asked(story, python, 5,
		   &(struct event_questions){.names = 5, .name_bytes = 20, .text = 5});
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, DOMAIN);
	assert_int_equal(story_points(incident, "dns_tunnel"), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(names_that_carry_data_are_told_with_their_domain_and_counts),
		STORY_TEST(of_several_reports_the_last_one_holds),
		STORY_TEST(many_programs_that_ask_once_add_up),
		STORY_TEST(few_names_or_short_ones_are_no_tunnel),
		STORY_TEST(the_policy_weighs_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
