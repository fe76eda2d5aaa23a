/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident_law.h"

#include <stdbool.h>
#include <string.h>

#include "collector/incidents/incident.h"

#define N_CATEGORIES 3

/* Article 5 (iii), (iv), (v); (viii) halves them for records obtained on duty. */
static const struct incident_law_fact items[N_CATEGORIES] = {
	{"iii", "三", "location_communication_credit_property",
	 "location, communication content, credit and property information",
	 "行踪轨迹信息、通信内容、征信信息、财产信息", 0, EVENT_CERTAINTY_UNKNOWN, 50, 25, 250},
	{"iv", "四", "lodging_callrecord_health_transaction",
	 "lodging, call record, health and transaction information",
	 "住宿信息、通信记录、健康生理信息、交易信息", 0, EVENT_CERTAINTY_UNKNOWN, 500, 250, 2500},
	{"v", "五", "other", "other personal information", "其他公民个人信息", 0,
	 EVENT_CERTAINTY_UNKNOWN, 5000, 2500, 25000},
};

static bool same_place(const struct incident_source *a, const struct incident_source *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->kind, b->kind) == 0;
}

/* The policy may map a class to several categories, joined by ",": a lawyer is to see them all. */
static bool has_category(const struct incident_source *source, const char *category)
{
	size_t size = strlen(category);

	for (const char *at = source->category; *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == size && strncmp(at, category, size) == 0)
			return true;
	return false;
}

static bool is_counted(const struct incident_source *source, const char *category)
{
	return source->certainty != EVENT_CERTAINTY_UNKNOWN && has_category(source, category);
}

/* A place with two classes of one category stands there twice: its records count once. */
static bool is_repeat(const struct incident *incident, size_t at, const char *category)
{
	for (size_t i = 0; i < at; i++)
		if (is_counted(&incident->sources[i], category) &&
		    same_place(&incident->sources[i], &incident->sources[at]))
			return true;
	return false;
}

/* What went out was counted: each record holds data of every class that it was labelled with. */
static void take_exact(const struct incident *incident, struct incident_law_fact *fact)
{
	for (size_t i = 0; i < incident->n_sources; i++) {
		if (!has_category(&incident->sources[i], fact->category))
			continue;
		fact->records = incident->records;
		fact->certainty = EVENT_CERTAINTY_EXACT;
	}
}

static void count_category(const struct incident *incident, struct incident_law_fact *fact)
{
	fact->certainty = EVENT_CERTAINTY_UNKNOWN;
	if (incident->records_certainty == EVENT_CERTAINTY_EXACT) {
		take_exact(incident, fact);
		return;
	}
	for (size_t i = 0; i < incident->n_sources; i++) {
		const struct incident_source *source = &incident->sources[i];

		if (!is_counted(source, fact->category) || is_repeat(incident, i, fact->category))
			continue;
		fact->records += source->records;
		if (fact->certainty == EVENT_CERTAINTY_UNKNOWN ||
		    source->certainty < fact->certainty)
			fact->certainty = source->certainty;
	}
}

/* One place mapped to two categories: adding them up would count its records twice. */
static bool has_ambiguous_place(const struct incident *incident)
{
	if (incident->records_certainty == EVENT_CERTAINTY_EXACT)
		return true;
	for (size_t i = 0; i < incident->n_sources; i++) {
		const struct incident_source *source = &incident->sources[i];

		if (strchr(source->category, ','))
			return true;
		for (size_t j = 0; j < i; j++)
			if (same_place(&incident->sources[j], source) && *source->category &&
			    *incident->sources[j].category &&
			    strcmp(incident->sources[j].category, source->category) != 0)
				return true;
	}
	return false;
}

/* (vi): a/50 + b/500 + c/5000 >= 1, on duty 0.5; times 5000, so that a weighs 100, b 10 and c 1
 * against 5000. */
static bool mix(const struct incident *incident, const struct incident_law_fact *counted,
		struct incident_law_fact *ret_fact)
{
	static const uint64_t weights[N_CATEGORIES] = {100, 10, 1};
	struct incident_law_fact fact = {"vi",
					 "六",
					 "mixed",
					 "mixed categories",
					 "不同类别合并计算",
					 0,
					 EVENT_CERTAINTY_ESTIMATED,
					 5000,
					 2500,
					 25000};
	size_t n_kinds = 0;

	for (size_t i = 0; i < N_CATEGORIES; i++) {
		n_kinds += counted[i].records > 0;
		fact.records += counted[i].records * weights[i];
	}
	if (n_kinds < 2 || has_ambiguous_place(incident) || fact.records < fact.on_duty)
		return false;
	*ret_fact = fact;
	return true;
}

size_t incident_law_facts(const struct incident *incident, struct incident_law_fact *ret_facts)
{
	struct incident_law_fact counted[N_CATEGORIES];
	size_t n = 0;

	for (size_t i = 0; i < N_CATEGORIES; i++) {
		counted[i] = items[i];
		count_category(incident, &counted[i]);
		if (counted[i].records >= counted[i].on_duty)
			ret_facts[n++] = counted[i];
	}
	if (mix(incident, counted, &ret_facts[n]))
		n++;
	return n;
}
