/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

static const char property[] = "policy.property";
static const struct story_app firefox = {11, "/usr/bin/firefox"}, import = {12, "/usr/bin/import"};
static const struct story_app curl = {13, "/usr/bin/curl"}, zip = {14, "/usr/bin/zip"};
static const struct story_app python = {15, "/usr/bin/python3"};

/* As import took a picture of it. */
static const struct story_place screen = {
	EVENT_OBJECT_SCREEN, EVENT_ROLE_LOCAL, 900, "screen", NULL, NULL, NULL};

static struct story_place picture(void)
{
	return story_file(20, "/home/~/shot.png");
}

/* The CRM is on the screen, and the screen is grabbed. */
static void given_a_picture(struct story *story)
{
	story_looks_up(story, firefox, 50, 11);
	story_writes(story, firefox, screen, property, NULL, 3145728);
	story_waits(story, 2000000000);
	story_reads(story, import, screen, property, NULL, 3145728);
	story_writes(story, import, picture(), property, NULL, 7000);
}

static void when_it_is_sent(struct story *story, const char *peer)
{
	story_reads(story, curl, picture(), property, NULL, 7000);
	story_writes(story, curl, story_peer(4, peer), property, NULL, 7000);
}

static const struct incident_addend *addend_of(const struct incident *incident)
{
	for (size_t i = 0; i < incident->n_addends; i++)
		if (strcmp(incident->addends[i].detector, "screen_capture") == 0)
			return &incident->addends[i];
	fail_msg("no screen_capture");
	return NULL;
}

static void a_picture_is_told_with_who_was_on_the_screen(void **state)
{
	struct story *story = *state;

	given_a_picture(story);
	when_it_is_sent(story, "pan.test");
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "screen_capture"), 20);
	assert_int_equal(story_points(incident, "direct_egress"), 40);
	assert_true(story_has_attack(incident, "T1113"));
	assert_string_equal(
		addend_of(incident)->reason,
		"At 2020-09-13 12:26:49 +0000, import grabbed the screen; 4 s before, firefox had "
		"drawn on it, which held customer data, the last of it taken 6 s before the grab "
		"from crm.test. The picture was written to shot.png and went to pan.test. That "
		"customer data is in it is estimated; how many records it shows is not known.");
	assert_string_equal(
		addend_of(incident)->reason_zh,
		"2020-09-13 12:26:49 +0000，程序 import 截取了屏幕；此前 4 秒，程序 firefox "
		"曾在该屏幕上显示，该程序持有客户数据，截取前 6 秒最后一次取自 crm.test。截图写入 "
		"shot.png，随后发往 pan.test。截图中是否有客户数据属于估计，含有多少条记录未知。");
}

/* Eleven were looked up; any number of them may be in the picture. */
static void how_many_records_a_picture_shows_is_unknown(void **state)
{
	struct story *story = *state;

	given_a_picture(story);
	when_it_is_sent(story, "pan.test");
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident->records_certainty, EVENT_CERTAINTY_UNKNOWN);
	assert_string_equal(incident->sources[0].name, "crm.test");
}

static void who_sends_what_he_grabs_needs_no_file(void **state)
{
	struct story *story = *state;

	given_a_picture(story);
	story_writes(story, import, story_peer(4, "im.test"), property, NULL, 7000);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "im.test");
	assert_int_equal(story_points(incident, "screen_capture"), 20);
	assert_non_null(strstr(addend_of(incident)->reason, " went to im.test."));
}

static void a_picture_alone_for_an_allowed_sink_is_let_go(void **state)
{
	struct story *story = *state;

	given_a_picture(story);
	when_it_is_sent(story, "shop.test");
	assert_int_equal(story_count_incidents(story), 0);
}

static void unless_the_policy_wants_to_know(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[detect \"screen_capture\"]\nallowed_is_silent = no\n");
	given_a_picture(story);
	when_it_is_sent(story, "shop.test");
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "shop.test");
	assert_int_equal(story_points(incident, "direct_egress"), 15);
	assert_int_equal(story_points(incident, "screen_capture"), 20);
}

/* The same recipient, so the same incident: with the picture in it. */
static void rows_that_follow_are_not_let_go(void **state)
{
	struct story *story = *state;

	given_a_picture(story);
	when_it_is_sent(story, "shop.test");
	story_looks_up(story, python, 51, 3);
	story_writes(story, python, story_peer(5, "shop.test"), property, NULL, 300);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "shop.test");
	assert_int_equal(incident->bytes_out, 7300);
	assert_int_equal(story_points(incident, "screen_capture"), 20);
	assert_int_equal(incident->records_certainty, EVENT_CERTAINTY_ESTIMATED);
}

static void rows_beside_the_picture_are_not_let_go(void **state)
{
	struct story *story = *state;

	given_a_picture(story);
	story_looks_up(story, python, 51, 3);
	story_writes(story, python, story_file(21, "/home/~/rows.csv"), property, NULL, 300);
	story_reads(story, zip, picture(), property, NULL, 7000);
	story_reads(story, zip, story_file(21, "/home/~/rows.csv"), property, NULL, 300);
	story_writes(story, zip, story_peer(4, "shop.test"), property, NULL, 7100);
	assert_int_equal(story_count_incidents(story), 1);
}

/* Nobody saw who wrote to the pipe. */
static void what_cannot_be_explained_is_not_let_go(void **state)
{
	struct story *story = *state;

	given_a_picture(story);
	story_reads(story, curl, story_pipe(30), property, NULL, 100);
	when_it_is_sent(story, "shop.test");
	assert_int_equal(story_count_incidents(story), 1);
}

static void a_thick_client_is_a_source_and_not_let_go(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[client \"desk\"]\nexecutable = /usr/bin/import\n"
				  "class = policy.property\n");
	given_a_picture(story);
	when_it_is_sent(story, "shop.test");
	assert_int_equal(story_count_incidents(story), 1);
}

static void weights_are_the_policys(void **state)
{
	struct story *story = *state;

	story_given_policy(story, "[detect \"screen_capture\"]\nweight = 7\n");
	given_a_picture(story);
	when_it_is_sent(story, "pan.test");
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "screen_capture"), 7);
}

static void rows_without_a_picture_are_no_capture(void **state)
{
	struct story *story = *state;

	story_looks_up(story, python, 51, 3);
	story_writes(story, python, story_peer(5, "pan.test"), property, NULL, 300);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(story_points(incident, "screen_capture"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(a_picture_is_told_with_who_was_on_the_screen),
		STORY_TEST(how_many_records_a_picture_shows_is_unknown),
		STORY_TEST(who_sends_what_he_grabs_needs_no_file),
		STORY_TEST(a_picture_alone_for_an_allowed_sink_is_let_go),
		STORY_TEST(unless_the_policy_wants_to_know),
		STORY_TEST(rows_that_follow_are_not_let_go),
		STORY_TEST(rows_beside_the_picture_are_not_let_go),
		STORY_TEST(what_cannot_be_explained_is_not_let_go),
		STORY_TEST(a_thick_client_is_a_source_and_not_let_go),
		STORY_TEST(weights_are_the_policys),
		STORY_TEST(rows_without_a_picture_are_no_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
