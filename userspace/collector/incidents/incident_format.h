/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_FORMAT_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_FORMAT_H

/*
 * Times and numbers as a person reads them, the same in every sentence about an
 * incident. Times are local with their offset from UTC, so that they can be held
 * against a clock on the wall and against another machine's.
 */

#include <stdint.h>

#include "event/event.h"

#define INCIDENT_TIME_BYTES 40
#define INCIDENT_NUMBER_BYTES 32

struct incident_time_text {
	char text[INCIDENT_TIME_BYTES]; /* "2024-05-02 09:12:04 +0800" */
};

struct incident_number_text {
	char text[INCIDENT_NUMBER_BYTES]; /* "12,345" */
};

struct incident_time_text incident_format_time(uint64_t time_ns);
struct incident_number_text incident_format_number(uint64_t number);

/* "exact", "estimated" or "unknown" in the language of lang. */
const char *incident_format_certainty(enum event_certainty certainty, const char *lang);

#endif
