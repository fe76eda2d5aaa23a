/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_BY_BYTES_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_BY_BYTES_H

/* The estimate by bytes as it is stored, shown and told. */

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

struct incident;

/* For the document. A new reference, NULL when memory is out. */
json_t *incident_by_bytes_to_document(const struct incident *incident);
/* NULL and null are a document without. 0 or -EBADMSG. */
int incident_by_bytes_from_document(json_t *json, struct incident *incident);

/* For people's programs; null where there is none. */
json_t *incident_by_bytes_to_json(const struct incident *incident);

/* The sentence of the paragraph; nothing where the turns or a count say the same. */
void incident_explain_by_bytes(const struct incident *incident, bool zh, FILE *out);

#endif
