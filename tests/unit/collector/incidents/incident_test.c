/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "collector/incidents/incident.h"
#include "collector/incidents/incident_law.h"
#include "collector/incidents/incident_text.h"

static void add_points(struct incident *incident, int64_t points)
{
	const struct incident_addend addend = {.detector = "direct_egress",
					       .attack = "T1048",
					       .points = points,
					       .reason = "sent",
					       .reason_zh = "发送"};

	assert_int_equal(incident_add_addend(incident, &addend), 0);
}

static void severity_follows_the_sum_of_the_addends(void **state)
{
	static const struct {
		int64_t score;
		enum incident_severity severity;
	} lines[] = {{0, INCIDENT_LOW},       {29, INCIDENT_LOW},      {30, INCIDENT_MEDIUM},
		     {59, INCIDENT_MEDIUM},   {60, INCIDENT_HIGH},     {84, INCIDENT_HIGH},
		     {85, INCIDENT_CRITICAL}, {300, INCIDENT_CRITICAL}};
	const struct incident_thresholds thresholds = INCIDENT_DEFAULT_THRESHOLDS;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		_cleanup_(incident_freep) struct incident *incident = incident_new();

		add_points(incident, lines[i].score - 7);
		add_points(incident, 7);
		incident_rate(incident, &thresholds);
		assert_int_equal(incident->score, lines[i].score);
		assert_int_equal(incident->severity, lines[i].severity);
	}
}

static void a_score_never_falls_below_zero(void **state)
{
	const struct incident_thresholds thresholds = INCIDENT_DEFAULT_THRESHOLDS;
	_cleanup_(incident_freep) struct incident *incident = incident_new();

	(void)state;
	add_points(incident, -25);
	incident_rate(incident, &thresholds);
	assert_int_equal(incident->score, 0);
	assert_int_equal(incident->severity, INCIDENT_LOW);
}

static void ids_stay_sorted_and_each_stands_once(void **state)
{
	static const uint64_t given[] = {5, 3, 9, 3, 1, 9, 7}, expected[] = {1, 3, 5, 7, 9};
	struct incident_ids ids = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		assert_int_equal(incident_ids_add(&ids, given[i]), 0);
	assert_int_equal(ids.n_items, 5);
	assert_memory_equal(ids.items, expected, sizeof(expected));
	assert_true(incident_ids_contain(&ids, 7));
	assert_false(incident_ids_contain(&ids, 8));
	incident_ids_done(&ids);
}

static void sinks_and_sources_of_one_place_are_merged(void **state)
{
	const struct incident_sink sink = {.name = "im.test", .address = "10.0.0.1", .bytes = 10};
	const struct incident_source source = {.name = "crm",
					       .kind = "crm",
					       .class_name = "c",
					       .records = 3,
					       .connections = 1,
					       .certainty = EVENT_CERTAINTY_ESTIMATED};
	_cleanup_(incident_freep) struct incident *incident = incident_new();

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(incident_add_sink(incident, &sink), 0);
		assert_int_equal(incident_add_source(incident, &source), 0);
		assert_int_equal(incident_add_person(incident, "P-1"), 0);
	}
	assert_int_equal(incident->n_sinks, 1);
	assert_int_equal(incident->sinks[0].bytes, 20);
	assert_int_equal(incident->n_sources, 1);
	assert_int_equal(incident->sources[0].records, 6);
	assert_int_equal(incident->sources[0].connections, 2);
	assert_int_equal(incident->n_persons, 1);
}

static void what_exceeds_a_limit_is_counted(void **state)
{
	const struct incident_step step = {.exe = "/bin/x"};
	_cleanup_(incident_freep) struct incident *incident = incident_new();

	(void)state;
	for (uint64_t i = 0; i < INCIDENT_MAX_EVENTS + 3; i++)
		assert_int_equal(incident_add_event(incident, i + 1), 0);
	assert_int_equal(incident->events.n_items, INCIDENT_MAX_EVENTS);
	assert_int_equal(incident->n_cut_events, 3);
	for (int i = 0; i < INCIDENT_MAX_STEPS + 2; i++)
		assert_int_equal(incident_add_step(incident, &step), 0);
	assert_int_equal(incident->n_cut_steps, 2);
	for (int i = 0; i < INCIDENT_MAX_ADDENDS + 1; i++)
		add_points(incident, 1);
	assert_int_equal(incident->n_addends, INCIDENT_MAX_ADDENDS);
	assert_int_equal(incident->n_cut_addends, 1);
}

static void names_cannot_steer_a_terminal_or_break_a_document(void **state)
{
	static const struct {
		const char *name, *kept;
	} names[] = {{"客户名单.csv", "客户名单.csv"},
		     {"a\033[2Jb\n", "a?[2Jb?"},
		     {"bad\xff\xc3", "bad??"},
		     {"over\xc0\xaflong", "over??long"},
		     {"\xed\xa0\x80", "???"},
		     {"gpj.\xe2\x80\xae", "gpj.???"},
		     {"\xc2\x9b"
		      "31m",
		      "??31m"},
		     {NULL, ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		_cleanup_free_ char *copy = incident_text_copy(names[i].name);

		assert_string_equal(copy, names[i].kept);
	}
}

static size_t facts_of(uint64_t records, const char *category, struct incident_law_fact *facts)
{
	const struct incident_source source = {.name = "crm",
					       .kind = "crm",
					       .class_name = "c",
					       .category = (char *)category,
					       .records = records,
					       .certainty = EVENT_CERTAINTY_ESTIMATED};
	_cleanup_(incident_freep) struct incident *incident = incident_new();

	assert_int_equal(incident_add_source(incident, &source), 0);
	return incident_law_facts(incident, facts);
}

static void the_laws_figures_appear_when_the_lowest_is_reached(void **state)
{
	struct incident_law_fact facts[INCIDENT_LAW_MAX_FACTS];

	(void)state;
	assert_int_equal(facts_of(24, "location_communication_credit_property", facts), 0);
	assert_int_equal(facts_of(25, "location_communication_credit_property", facts), 1);
	assert_string_equal(facts[0].item, "iii");
	assert_int_equal(facts[0].ordinary, 50);
	assert_int_equal(facts[0].ten_times_on_duty, 250);
	assert_int_equal(facts_of(249, "lodging_callrecord_health_transaction", facts), 0);
	assert_int_equal(facts_of(250, "lodging_callrecord_health_transaction", facts), 1);
	assert_int_equal(facts_of(2499, "other", facts), 0);
	assert_int_equal(facts_of(2500, "other", facts), 1);
	assert_int_equal(facts_of(99999, "", facts), 0);
	/* A class that may be of two categories is shown under both. */
	assert_int_equal(facts_of(2500, "lodging_callrecord_health_transaction,other", facts), 2);
}

static void mixed_categories_add_up_in_proportion(void **state)
{
	struct incident_source a = {.name = "a",
				    .kind = "crm",
				    .class_name = "a",
				    .category = "location_communication_credit_property",
				    .records = 20,
				    .certainty = EVENT_CERTAINTY_ESTIMATED};
	struct incident_source b = {.name = "b",
				    .kind = "crm",
				    .class_name = "b",
				    .category = "other",
				    .records = 499,
				    .certainty = EVENT_CERTAINTY_ESTIMATED};
	struct incident_law_fact facts[INCIDENT_LAW_MAX_FACTS];
	_cleanup_(incident_freep) struct incident *incident = incident_new();

	(void)state;
	assert_int_equal(incident_add_source(incident, &a), 0);
	assert_int_equal(incident_add_source(incident, &b), 0);
	assert_int_equal(incident_law_facts(incident, facts), 0);
	b.records = 1;
	assert_int_equal(incident_add_source(incident, &b), 0);
	assert_int_equal(incident_law_facts(incident, facts), 1);
	assert_string_equal(facts[0].item, "vi");
}

static void one_places_records_count_once_per_category(void **state)
{
	struct incident_source source = {.name = "crm",
					 .kind = "crm",
					 .class_name = "a",
					 .category = "location_communication_credit_property",
					 .records = 24,
					 .certainty = EVENT_CERTAINTY_ESTIMATED};
	struct incident_law_fact facts[INCIDENT_LAW_MAX_FACTS];
	_cleanup_(incident_freep) struct incident *incident = incident_new();

	(void)state;
	assert_int_equal(incident_add_source(incident, &source), 0);
	source.class_name = "b";
	assert_int_equal(incident_add_source(incident, &source), 0);
	assert_int_equal(incident_law_facts(incident, facts), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(severity_follows_the_sum_of_the_addends),
		cmocka_unit_test(a_score_never_falls_below_zero),
		cmocka_unit_test(ids_stay_sorted_and_each_stands_once),
		cmocka_unit_test(sinks_and_sources_of_one_place_are_merged),
		cmocka_unit_test(what_exceeds_a_limit_is_counted),
		cmocka_unit_test(names_cannot_steer_a_terminal_or_break_a_document),
		cmocka_unit_test(the_laws_figures_appear_when_the_lowest_is_reached),
		cmocka_unit_test(mixed_categories_add_up_in_proportion),
		cmocka_unit_test(one_places_records_count_once_per_category),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
