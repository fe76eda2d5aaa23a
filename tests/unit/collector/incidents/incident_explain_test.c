/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "collector/incidents/incident_explain.h"
#include "collector/incidents/incident_way.h"
#include "support/incident_story.h"

static void assert_says(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" is not in: %s", words, text);
}

static void assert_gives_no_verdict(const char *text)
{
	static const char *const words[] = {"crime",   "criminal", "guilt",   "illegal",
					    "offence", "offense",  "suspect", "罪",
					    "刑",      "违法",     "嫌疑",    "非法"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(text, words[i]))
			fail_msg("\"%s\" is in: %s", words[i], text);
}

static struct incident *given_the_seed(void **state)
{
	story_tells_the_seed(*state, 60);
	return story_incident(*state, "im.test");
}

static void the_paragraph_tells_the_facts_in_english(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state);
	_cleanup_free_ char *text = NULL;

	assert_int_equal(incident_explain(incident, "en", &text), 0);
	assert_says(text, STORY_PERSON);
	assert_says(text, "desk-1");
	assert_says(text, "policy.property (insurance policies)");
	assert_says(text, "im.test (im, 10.77.0.20)");
	assert_says(text, "7,400 bytes (exact)");
	assert_says(text, "about 60 record(s) were looked up (estimated)");
	assert_says(text, "Round trip: a list came in from im.test");
	assert_says(text, "python3 read policies.txt");
	assert_says(text, "python3 received from crm.test");
	assert_says(text, "im-client sent to im.test");
	assert_says(text, "法释〔2017〕10号 article 5 (iii)");
	assert_says(text, "25 (obtained on duty), 50 (ordinary) and 250 (ten times, on duty)");
	assert_says(text, "this incident has 60 (estimated), which reaches 25, 50.");
	assert_says(text, "(events ");
	assert_gives_no_verdict(text);
}

static void the_paragraph_tells_the_same_in_chinese(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state);
	_cleanup_free_ char *text = NULL;

	assert_int_equal(incident_explain(incident, "zh_CN.UTF-8", &text), 0);
	assert_says(text, STORY_PERSON "（化名）");
	assert_says(text, "policy.property（保单）");
	assert_says(text, "im.test（im，10.77.0.20）");
	assert_says(text, "7,400 字节（精确）");
	assert_says(text, "查询约 60 条记录（估计）");
	assert_says(text, "来处与去处相同");
	assert_says(text, "python3 读取 policies.txt");
	assert_says(text, "法释〔2017〕10号第五条第(三)项");
	assert_says(text, "本安全事件为 60（估计），达到 25、50。");
	assert_says(text, "（见事件记录 ");
	assert_null(strstr(text, "estimated"));
	assert_gives_no_verdict(text);
}

static void assert_leg_reads(enum event_object_kind kind, enum event_direction direction, bool zh,
			     const char *words)
{
	struct incident_step step = {.direction = direction,
				     .object_kind = kind,
				     .exe = (char *)"/usr/bin/xclip",
				     .name = (char *)"nameless",
				     .zone_name = (char *)""};
	const struct incident_leg leg = {.first = &step, .n_steps = 1};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	incident_explain_leg(&leg, zh, out);
	fclose(out);
	assert_string_equal(text, words);
}

static void the_clipboard_is_copied_to_and_pasted_from(void **state)
{
	const enum event_object_kind kind = EVENT_OBJECT_CLIPBOARD;

	(void)state;
	assert_leg_reads(kind, EVENT_DIRECTION_OUT, false, "xclip copied to the clipboard");
	assert_leg_reads(kind, EVENT_DIRECTION_IN, false, "xclip pasted from the clipboard");
	assert_leg_reads(kind, EVENT_DIRECTION_OUT, true, "xclip 复制到 剪贴板");
	assert_leg_reads(kind, EVENT_DIRECTION_IN, true, "xclip 粘贴自 剪贴板");
}

static void a_terminal_is_pasted_into_and_read_from(void **state)
{
	const enum event_object_kind kind = EVENT_OBJECT_TERMINAL;

	(void)state;
	assert_leg_reads(kind, EVENT_DIRECTION_OUT, false, "xclip pasted into a terminal");
	assert_leg_reads(kind, EVENT_DIRECTION_IN, false, "xclip read from a terminal");
	assert_leg_reads(kind, EVENT_DIRECTION_OUT, true, "xclip 粘贴到 终端");
	assert_leg_reads(kind, EVENT_DIRECTION_IN, true, "xclip 读取自 终端");
}

static void the_screen_is_drawn_on_and_grabbed(void **state)
{
	const enum event_object_kind kind = EVENT_OBJECT_SCREEN;

	(void)state;
	assert_leg_reads(kind, EVENT_DIRECTION_OUT, false, "xclip drew on the screen");
	assert_leg_reads(kind, EVENT_DIRECTION_IN, false, "xclip grabbed the screen");
	assert_leg_reads(kind, EVENT_DIRECTION_OUT, true, "xclip 显示于 屏幕");
	assert_leg_reads(kind, EVENT_DIRECTION_IN, true, "xclip 截取 屏幕");
}

static void a_console_is_shown_on_and_pasted_from(void **state)
{
	const enum event_object_kind kind = EVENT_OBJECT_CONSOLE;

	(void)state;
	assert_leg_reads(kind, EVENT_DIRECTION_OUT, false, "xclip showed on a text console");
	assert_leg_reads(kind, EVENT_DIRECTION_IN, false, "xclip pasted from a text console");
	assert_leg_reads(kind, EVENT_DIRECTION_OUT, true, "xclip 显示于 文本控制台");
	assert_leg_reads(kind, EVENT_DIRECTION_IN, true, "xclip 粘贴自 文本控制台");
}

static void an_unknown_count_is_said_to_be_unknown(void **state)
{
	struct story *story = *state;
	struct story_app curl = {1, "/usr/bin/curl"};
	_cleanup_free_ char *text = NULL, *text_zh = NULL;

	story_reads(story, curl, story_file(1, "/srv/crm-exports/may.csv"), "policy.property", NULL,
		    900);
	story_writes(story, curl, story_peer(2, "203.0.113.9"), "policy.property", NULL, 900);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "203.0.113.9");
	assert_int_equal(incident_explain(incident, NULL, &text), 0);
	assert_says(text, "export folder crm-exports; how many records it held is unknown");
	assert_says(text, "203.0.113.9 (not named by the policy)");
	assert_null(strstr(text, "法释"));
	assert_int_equal(incident_explain(incident, "zh", &text_zh), 0);
	assert_says(text_zh, "记录条数未知");
}

static void of_a_long_way_both_ends_are_told(void **state)
{
	struct story *story = *state;
	struct story_app browser = {1, "/usr/lib/chromium/chromium"};
	_cleanup_free_ char *text = NULL, *text_zh = NULL;

	story_looks_up(story, browser, 2, 5);
	for (uint64_t i = 0; i < 20; i++) {
		_cleanup_free_ char *name = NULL;

		assert_true(asprintf(&name, "/home/~/part-%" PRIu64, i) > 0);
		story_reads(story, browser, story_file(10 + i, name), "policy.property", NULL, 90);
	}
	story_writes(story, browser, story_peer(3, "pan.test"), "policy.property", NULL, 900);
	_cleanup_(incident_freep) struct incident *incident = story_incident(story, "pan.test");
	assert_int_equal(incident_explain(incident, NULL, &text), 0);
	assert_says(text, "chromium received from crm.test; ");
	assert_says(text, "chromium read part-5; (7 more steps); chromium read part-13; ");
	assert_says(text, "chromium read part-19; chromium sent to pan.test.");
	assert_int_equal(incident_explain(incident, "zh", &text_zh), 0);
	assert_says(text_zh, "chromium 读取 part-5；（另有 7 步）；chromium 读取 part-13；");
}

/* Also after the store gave the document back. */
static void a_host_is_said_with_who_named_it(void **state)
{
	static const struct {
		enum event_host_source source;
		const char *words, *words_zh;
	} cases[] = {
		{EVENT_HOST_TLS, "drop.example (203.0.113.9, named by its TLS hello; not named",
		 "drop.example（203.0.113.9，由其TLS握手给出名称；策略未登记）"},
		{EVENT_HOST_TLS_FRONT, "its TLS hello, which may be a front; not named",
		 "真实服务器可能另有其名"},
		{EVENT_HOST_CONNECT, "named by its HTTP CONNECT", "HTTP CONNECT"},
		{EVENT_HOST_HTTP, "named by its HTTP Host", "HTTP Host"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(incident_freep) struct incident *made = incident_new(), *incident = NULL;
		_cleanup_free_ char *document = NULL, *text = NULL, *text_zh = NULL;
		struct incident_sink sink = {.address = "203.0.113.9",
					     .host = "drop.example",
					     .host_source = cases[i].source};

		assert_int_equal(incident_add_sink(made, &sink), 0);
		assert_int_equal(incident_to_document(made, &document), 0);
		assert_int_equal(incident_from_document(document, &incident), 0);
		assert_int_equal(incident_explain(incident, "en", &text), 0);
		assert_says(text, cases[i].words);
		assert_int_equal(incident_explain(incident, "zh", &text_zh), 0);
		assert_says(text_zh, cases[i].words_zh);
	}
}

static char *printed(const struct incident *incident, const char *lang,
		     int (*print)(const struct incident *, const char *, FILE *))
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(print(incident, lang, stream), 0);
	fclose(stream);
	return text;
}

static void the_printed_view_shows_every_addend_with_its_events(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state);
	_cleanup_free_ char *text = printed(incident, "en", incident_print_text);
	_cleanup_free_ char *text_zh = printed(incident, "zh", incident_print_text);

	assert_says(text, "severity: critical  score: 100");
	assert_says(text, "+40  direct_egress [T1048 T1567]");
	assert_says(text, "+50  round_trip [T1213.004]");
	assert_says(text, "records: 60 (estimated)");
	assert_says(text, "bytes out: 7,400 (exact)");
	assert_says(text_zh, "级别：严重");
	assert_gives_no_verdict(text_zh);
}

static void a_line_says_the_most_important(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state);
	_cleanup_free_ char *line = printed(incident, "en", incident_print_line);

	assert_string_equal(line, "incident 1 critical 100: " STORY_PERSON
				  " -> im.test, 7,400 bytes (exact), 60 records (estimated) "
				  "[direct_egress, round_trip, automation]\n");
}

static void counted_records_are_told_as_exact(void **state)
{
	struct incident_count count = {"policy-number", "policy numbers", "保单号", 1060};
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state), *again = NULL;
	_cleanup_free_ char *text = NULL, *text_zh = NULL, *document = NULL;

	incident->records = 1060;
	incident->records_certainty = EVENT_CERTAINTY_EXACT;
	assert_int_equal(incident_add_count(incident, &count), 0);
	count = (struct incident_count){.record = "list", .n_records = 3};
	assert_int_equal(incident_add_count(incident, &count), 0);
	assert_int_equal(incident_to_document(incident, &document), 0);
	assert_int_equal(incident_from_document(document, &again), 0);
	text = printed(again, "en", incident_print_text);
	text_zh = printed(again, "zh", incident_print_text);
	assert_says(text, "7,400 bytes (exact), 1,060 records (exact).");
	assert_says(text, "each counted once, 1,060 policy numbers, 3 list.");
	assert_says(text, "records: 1,060 (exact)\n    1,060  policy numbers\n    3  list\n");
	assert_says(text_zh, "共 7,400 字节（精确），1,060 条记录（精确）。");
	assert_says(text_zh, "去重后有 1,060 个保单号、3 个list。");
	/* What was counted stands against the law's figures, not what was estimated. */
	assert_says(text, "this incident has 1,060 (exact), which reaches 25, 50, 250.");
	assert_says(text_zh, "本安全事件为 1,060（精确），达到 25、50、250。");
}

static void a_document_without_counts_is_still_read(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state), *again = NULL;
	_cleanup_free_ char *document = NULL;
	char *counts;

	assert_int_equal(incident_to_document(incident, &document), 0);
	counts = strstr(document, "\"counts\"");
	assert_non_null(counts);
	counts[1] = 'x';
	assert_int_equal(incident_from_document(document, &again), 0);
	assert_int_equal(again->n_counts, 0);
}

static void the_json_has_the_documented_keys(void **state)
{
	static const char *const keys[] = {
		"id",      "severity",  "score",   "detectors", "persons", "sources",
		"sinks",   "bytes_out", "records", "first_ns",  "last_ns", "explanation",
		"addends", "attack",    "lineage", "events",    "counts"};
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state);
	json_t *json = incident_to_json(incident, "en");
	const char *certainty = NULL, *kind = NULL;
	json_int_t value = 0;

	assert_non_null(json);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_non_null(json_object_get(json, keys[i]));
	assert_int_equal(json_unpack(json, "{s:{s:I, s:s}, s:[{s:s}]}", "records", "value", &value,
				     "certainty", &certainty, "sinks", "kind", &kind),
			 0);
	assert_int_equal(value, 60);
	assert_string_equal(certainty, "estimated");
	assert_string_equal(kind, "im");
	assert_int_equal(json_array_size(json_object_get(json, "detectors")), 3);
	assert_int_equal(json_array_size(json_object_get(json, "attack")), 4);
	assert_int_equal(json_array_size(json_object_get(json, "law")), 1);
	json_decref(json);
}

static void a_document_comes_back_as_it_was(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state);
	_cleanup_(incident_freep) struct incident *again = NULL;
	_cleanup_free_ char *first = NULL, *second = NULL;

	incident->lineage[0].ino = UINT64_MAX;
	assert_int_equal(incident_to_document(incident, &first), 0);
	assert_int_equal(incident_from_document(first, &again), 0);
	assert_int_equal(incident_to_document(again, &second), 0);
	assert_string_equal(first, second);
	assert_true(again->lineage[0].ino == UINT64_MAX);
	assert_int_equal(again->id, incident->id);
}

static void text_that_is_no_document_is_refused(void **state)
{
	_cleanup_(incident_freep) struct incident *incident = given_the_seed(state);
	static const char *const texts[] = {"", "{}", "[]", "null", "{\"version\":1}"};
	_cleanup_free_ char *document = NULL;
	struct incident *none = NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(incident_from_document(texts[i], &none), -EBADMSG);
	assert_int_equal(incident_to_document(incident, &document), 0);
	/* Cut anywhere, it is no document any more. */
	for (size_t size = strlen(document); size > 0; size -= size > 97 ? 97 : size) {
		document[size - 1] = '\0';
		assert_int_equal(incident_from_document(document, &none), -EBADMSG);
	}
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(the_paragraph_tells_the_facts_in_english),
		STORY_TEST(the_paragraph_tells_the_same_in_chinese),
		STORY_TEST(the_clipboard_is_copied_to_and_pasted_from),
		STORY_TEST(a_terminal_is_pasted_into_and_read_from),
		STORY_TEST(the_screen_is_drawn_on_and_grabbed),
		STORY_TEST(a_console_is_shown_on_and_pasted_from),
		STORY_TEST(of_a_long_way_both_ends_are_told),
		STORY_TEST(an_unknown_count_is_said_to_be_unknown),
		cmocka_unit_test(a_host_is_said_with_who_named_it),
		STORY_TEST(the_printed_view_shows_every_addend_with_its_events),
		STORY_TEST(a_line_says_the_most_important),
		STORY_TEST(counted_records_are_told_as_exact),
		STORY_TEST(a_document_without_counts_is_still_read),
		STORY_TEST(the_json_has_the_documented_keys),
		STORY_TEST(a_document_comes_back_as_it_was),
		STORY_TEST(text_that_is_no_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
