/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_EXPLAIN_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_EXPLAIN_H

/*
 * Pieces of the explanation that the printed view shows on their own. They state
 * facts with their certainty and never judge; zh chooses Chinese over English.
 */

#include <stdbool.h>
#include <stdio.h>

struct incident;
struct incident_ids;
struct incident_leg;

/* "3-17, 20 and 4 more" */
void incident_explain_ids(const struct incident_ids *ids, bool zh, FILE *out);
/* "python3 wrote out.csv" */
void incident_explain_leg(const struct incident_leg *leg, bool zh, FILE *out);
/* The law's figures that the record count reaches; nothing when it reaches none. */
void incident_explain_law(const struct incident *incident, bool zh, FILE *out);

#endif
