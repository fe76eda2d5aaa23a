/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CLI_LIVE_H
#define WEIR_CLI_LIVE_H

/*
 * The live lines of `weir run`: one for each edge, egress, gap or loss as it is
 * stored, one for each incident that is new, changed its score, or whose records
 * were counted where they had been estimated. A reader that is slow or gone never holds the
 * collector up: lines are left out and counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "event/event.h"

struct incident;
struct store_record;

/* Incidents of which it is remembered what was shown; beyond, one may be shown twice. */
#define LIVE_REMEMBERED_INCIDENTS 256

struct live {
	FILE *stream;
	const char *lang;
	bool colour;
	uint64_t left_out; /* lines since the last one shown */
	struct {
		uint64_t id;
		int64_t score;
		uint64_t records;
		enum event_certainty records_certainty;
	} shown[LIVE_REMEMBERED_INCIDENTS];
};

void live_show_records(struct live *live, const struct store_record *records, size_t n_records);
void live_show_incident(struct live *live, const struct incident *incident);

#endif
