/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_LAW_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_LAW_H

/*
 * The figures of 法释〔2017〕10号, article 5, that an incident's record count reaches.
 * They are shown as facts beside the count and its certainty. What data falls in
 * which category, and what follows from it, is for a lawyer: Weir gives no verdict.
 */

#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct incident;

#define INCIDENT_LAW_MAX_FACTS 4

struct incident_law_fact {
	const char *item;     /* "iii", "iv", "v"; "vi" for mixed categories */
	const char *item_zh;  /* "三", ... */
	const char *category; /* as in the policy; "mixed" for vi */
	const char *title;
	const char *title_zh;
	uint64_t records;
	enum event_certainty certainty;
	/* The three figures; for vi, in records of item v's weight. */
	uint64_t ordinary, on_duty, ten_times_on_duty;
};

/* Facts whose lowest figure (on duty) is reached, at most INCIDENT_LAW_MAX_FACTS. */
size_t incident_law_facts(const struct incident *incident, struct incident_law_fact *ret_facts);

#endif
