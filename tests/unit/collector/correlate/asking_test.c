/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/incident_story.h"

#define FULL 40 /* of an egress */
#define ASKING (FULL - 30)

static const char property[] = "policy.property", mail[] = "10.77.0.21";
static const struct story_app browser = {21, "/usr/lib/chromium/chromium"};
static const struct story_app tomorrow = {22, "/usr/lib/chromium/chromium"};
static const struct story_app editor = {31, "/usr/bin/vim"};

static struct story_place clipboard(void)
{
	return (struct story_place){.kind = EVENT_OBJECT_CLIPBOARD,
				    .role = EVENT_ROLE_LOCAL,
				    .ino = 900,
				    .name = "clipboard"};
}

static struct story_place socket_of(uint64_t ino)
{
	struct story_place place = story_pipe(ino);

	place.kind = EVENT_OBJECT_UNIX;
	return place;
}

/* She looks customers up in it. */
static void given_a_browser_that_was_at_the_crm(struct story *story, struct story_app app)
{
	story_looks_up(story, app, 50, 11);
	/* What its processes tell each other, and what it keeps of what it saw. */
	story_writes(story, app, socket_of(60), property, NULL, 5000);
	story_reads(story, app, socket_of(60), property, NULL, 5000);
	story_writes(story, app, story_file(61, "/home/~/.cache/chromium/data_1"), property, NULL,
		     9000);
	story_reads(story, app, story_file(61, "/home/~/.cache/chromium/data_1"), property, NULL,
		    9000);
}

/* So many bytes by one write. */
static void when_it_sends(struct story *story, struct story_app app, uint64_t bytes)
{
	story_writes(story, app, story_peer(5, mail), property, NULL, bytes);
}

static void assert_score(struct story *story, int64_t score)
{
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, mail);

	assert_int_equal(incident->score, score);
	assert_int_equal(incident->severity, score < 30 ? INCIDENT_LOW : INCIDENT_MEDIUM);
}

static void a_page_that_is_asked_for_after_the_crm_is_low_and_told(void **state)
{
	struct story *story = *state;
	_cleanup_free_ char *text = NULL, *text_zh = NULL;

	given_a_browser_that_was_at_the_crm(story, browser);
	when_it_sends(story, browser, 2219);
	assert_score(story, ASKING);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, mail);
	assert_int_equal(incident_explain(incident, "en", &text), 0);
	assert_int_equal(incident_explain(incident, "zh_CN", &text_zh), 0);
	assert_non_null(strstr(text, "only what a browser sends to ask for a page: chromium had"));
	assert_non_null(strstr(text_zh, "这只是浏览器请求网页时发送的内容：数据由 chromium"));
}

static void an_upload_by_the_same_browser_is_not(void **state)
{
	struct story *story = *state;

	given_a_browser_that_was_at_the_crm(story, browser);
	when_it_sends(story, browser, 2219);
	story_waits(story, 60000000000);
	story_writes(story, browser, story_peer(6, mail), property, NULL, 16000);
	assert_score(story, FULL);
}

/* As of QUIC, which sends datagrams of a thousand bytes whatever it sends. */
static void much_by_little_writes_is_not(void **state)
{
	struct story *story = *state;
	struct event *event;

	given_a_browser_that_was_at_the_crm(story, browser);
	for (uint64_t i = 1; i <= 2; i++) {
		event = story_event(story, EVENT_EGRESS, browser, story_peer(5, mail));
		event->direction = EVENT_DIRECTION_OUT;
		event->flow_first_ns = STORY_START_NS;
		event->bytes_total = 40000 * i;
		event->calls_total = 32 * i;
		assert_int_equal(event_add_label(event, property), 0);
		story_sends(story, event);
		assert_score(story, i == 1 ? ASKING : FULL);
	}
}

static void what_came_by_the_clipboard_is_not(void **state)
{
	struct story *story = *state;

	given_a_browser_that_was_at_the_crm(story, browser);
	story_writes(story, editor, clipboard(), property, NULL, 80);
	story_reads(story, browser, clipboard(), property, NULL, 80);
	when_it_sends(story, browser, 900);
	assert_score(story, FULL);
}

/* In the private window of another browser, which was never at the CRM. */
static void what_one_browser_pastes_from_another_is_not(void **state)
{
	struct story *story = *state;

	given_a_browser_that_was_at_the_crm(story, browser);
	story_writes(story, browser, clipboard(), property, NULL, 80);
	story_reads(story, tomorrow, clipboard(), property, NULL, 80);
	when_it_sends(story, tomorrow, 900);
	assert_score(story, FULL);
}

static void what_another_program_wrote_into_a_file_is_not(void **state)
{
	struct story *story = *state;
	struct story_place page = story_file(69, "/home/~/page.html");
	struct story_place note = story_file(70, "/home/~/note.txt");

	given_a_browser_that_was_at_the_crm(story, browser);
	story_writes(story, browser, page, property, NULL, 80);
	story_reads(story, editor, page, property, NULL, 80);
	story_writes(story, editor, note, property, NULL, 80);
	story_reads(story, browser, note, property, NULL, 80);
	when_it_sends(story, browser, 900);
	assert_score(story, FULL);
}

static void what_lay_in_an_export_folder_is_not(void **state)
{
	struct story *story = *state;

	given_a_browser_that_was_at_the_crm(story, browser);
	story_reads(story, browser, story_file(71, "/srv/crm-exports/may.csv"), property, NULL, 80);
	when_it_sends(story, browser, 900);
	assert_score(story, FULL);
}

static void a_table_that_it_fetched_and_sends_on_is_not(void **state)
{
	static const struct story_app nobody = {0, NULL};
	const uint64_t fingerprints[] = {1, 2, 3};
	struct story *story = *state;
	struct story_place table = story_file(72, "/home/~/Downloads/may.csv");
	struct event *event;

	given_a_browser_that_was_at_the_crm(story, browser);
	story_writes(story, browser, table, property, NULL, 200);
	story_reads(story, browser, table, property, NULL, 200);
	when_it_sends(story, browser, 900);
	assert_score(story, ASKING);
	event = story_event(story, EVENT_RECORDS, nobody, table);
	assert_int_equal(event_add_label(event, property), 0);
	assert_int_equal(event_add_count(event, "policy-number", 3, fingerprints, 3), 0);
	story_sends(story, event);
	assert_score(story, FULL);
}

/* Its profile holds customer data for good; a table that it was given yesterday is no profile. */
static void the_same_browser_of_the_next_day_has_its_profile(void **state)
{
	struct story *story = *state;
	struct story_place profile = story_file(73, "/home/~/.config/chromium/Default/History");
	struct story_place table = story_file(74, "/home/~/Downloads/may.csv");

	given_a_browser_that_was_at_the_crm(story, browser);
	story_writes(story, browser, profile, property, NULL, 4000);
	story_writes(story, browser, table, property, NULL, 4000);
	story_waits(story, 24 * STORY_HOUR_NS);
	story_looks_up(story, tomorrow, 52, 11);
	story_reads(story, tomorrow, profile, property, NULL, 4000);
	when_it_sends(story, tomorrow, 900);
	assert_score(story, ASKING);
	story_reads(story, tomorrow, table, property, NULL, 4000);
	when_it_sends(story, tomorrow, 900);
	assert_score(story, FULL);
}

static void what_its_helpers_had_from_it_comes_back(void **state)
{
	struct story *story = *state;
	struct story_app helper = {40, "/usr/lib/chromium/chrome_crashpad_handler"};

	given_a_browser_that_was_at_the_crm(story, browser);
	story_writes(story, browser, socket_of(80), property, NULL, 100);
	story_reads(story, helper, socket_of(80), property, NULL, 100);
	story_writes(story, helper, socket_of(81), property, NULL, 100);
	story_reads(story, browser, socket_of(81), property, NULL, 100);
	when_it_sends(story, browser, 900);
	assert_score(story, ASKING);
}

static void a_helper_that_was_at_the_crm_itself_brings_what_is_not(void **state)
{
	struct story *story = *state;

	given_a_browser_that_was_at_the_crm(story, browser);
	story_looks_up(story, editor, 53, 3);
	story_writes(story, editor, socket_of(82), property, NULL, 100);
	story_reads(story, browser, socket_of(82), property, NULL, 100);
	when_it_sends(story, browser, 900);
	assert_score(story, FULL);
}

static void a_program_that_is_called_like_one_is_no_browser(void **state)
{
	struct story *story = *state;
	struct story_app fake = {23, "/home/~/chromium"};

	given_a_browser_that_was_at_the_crm(story, fake);
	when_it_sends(story, fake, 900);
	assert_score(story, FULL);
}

static void the_policy_says_which_are_browsers_and_what_asking_weighs(void **state)
{
	struct story *story = *state;
	struct story_app ours = {24, "/opt/ours/browser"};

	given_a_browser_that_was_at_the_crm(story, ours);
	when_it_sends(story, ours, 900);
	assert_score(story, FULL);
	story_given_policy(story, "[browser \"ours\"]\nexecutable = /opt/ours/*\n");
	story_recomputes(story);
	assert_score(story, ASKING);
	story_given_policy(story, "[browser \"ours\"]\nexecutable = /opt/ours/*\n"
				  "[detect \"direct_egress\"]\nasking_bytes = 800\n");
	story_recomputes(story);
	assert_score(story, FULL);
	story_given_policy(story, "[browser \"ours\"]\nexecutable = /opt/ours/*\n"
				  "[detect \"direct_egress\"]\nasking_weight = -20\n");
	story_recomputes(story);
	assert_score(story, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(a_page_that_is_asked_for_after_the_crm_is_low_and_told),
		STORY_TEST(an_upload_by_the_same_browser_is_not),
		STORY_TEST(much_by_little_writes_is_not),
		STORY_TEST(what_came_by_the_clipboard_is_not),
		STORY_TEST(what_one_browser_pastes_from_another_is_not),
		STORY_TEST(what_another_program_wrote_into_a_file_is_not),
		STORY_TEST(what_lay_in_an_export_folder_is_not),
		STORY_TEST(a_table_that_it_fetched_and_sends_on_is_not),
		STORY_TEST(the_same_browser_of_the_next_day_has_its_profile),
		STORY_TEST(what_its_helpers_had_from_it_comes_back),
		STORY_TEST(a_helper_that_was_at_the_crm_itself_brings_what_is_not),
		STORY_TEST(a_program_that_is_called_like_one_is_no_browser),
		STORY_TEST(the_policy_says_which_are_browsers_and_what_asking_weighs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
