/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_DOCUMENT_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_DOCUMENT_H

/*
 * Pieces of the stored document that the public JSON is made of too. Each returns a
 * new reference, or NULL when memory is out.
 */

#include <stddef.h>

#include <jansson.h>

struct incident_ids;

json_t *incident_document_ids(const struct incident_ids *ids);
json_t *incident_document_strings(char *const *strings, size_t n_strings);

#endif
