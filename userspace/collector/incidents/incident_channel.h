/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_CHANNEL_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_CHANNEL_H

#include <stdbool.h>
#include <stdio.h>

struct incident;

/* The sentence that says by which channels data left, where the sinks' own kinds do not. */
void incident_explain_channels(const struct incident *incident, bool zh, FILE *out);

#endif
