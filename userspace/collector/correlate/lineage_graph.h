/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_LINEAGE_GRAPH_H
#define WEIR_COLLECTOR_CORRELATE_LINEAGE_GRAPH_H

/*
 * The nodes and flows that a walk has found, each once. Adding is bounded by the
 * lineage's limits; seen by the lineage module's own files only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/correlate/lineage.h"

/* Finds or makes a node. Return 1, 0 when the limit of nodes is reached, or -ENOMEM. */
int lineage_graph_app(struct lineage *lineage, const char *agent, const char *boot_id,
		      uint64_t app_id, size_t *ret_at, bool *ret_is_new);
int lineage_graph_object(struct lineage *lineage, const struct event *event, size_t *ret_at,
			 bool *ret_is_new);

/* Books a report on its flow unless it began after limit_ns; one booked before changes nothing.
 * Returns 1 with the flow, 0 when it is too late, or -ENOMEM. */
int lineage_graph_report(struct lineage *lineage, size_t app, const struct store_record *record,
			 uint64_t limit_ns, size_t *ret_flow);

/* When the bytes of a report began: at the report before it, at the flow's first byte, or not
 * before the agent had looked at the flow. */
uint64_t lineage_graph_start(const struct lineage *lineage, const struct store_record *record);

bool lineage_graph_is_same_object(const struct lineage_object *object, const struct event *event);

/* Notes the name under which a record shows an object, and what happened to it. 0 or -ENOMEM. */
int lineage_graph_sighting(struct lineage *lineage, size_t object,
			   const struct store_record *record);

/* Keeps what a record says was found in what went over its flow, if that is known. 0 or -ENOMEM. */
int lineage_graph_flow_scan(struct lineage *lineage, const struct store_record *record);

/* Keeps what a record says was found in an object. 0 or -ENOMEM. */
int lineage_graph_scan(struct lineage_object *object, const struct store_record *record);

/* Adds to such a list, keeping it in order. 0 or -ENOMEM. */
int lineage_scan_add(struct lineage_scan **list, size_t *n_list, const struct store_record *record);

/* The flow that an event is of, or NULL. */
struct lineage_flow *lineage_graph_flow(struct lineage *lineage, const struct event *event);

/* Sets the object of each flow, which what follows goes by. */
void lineage_graph_set_objects(struct lineage *lineage);

/* Sets first_ns and leave_ns of objects. 0 or -ENOMEM. */
int lineage_graph_set_leave_times(struct lineage *lineage);

/* Sets only_app, is_shared and is_written of objects. */
void lineage_graph_set_inner(struct lineage *lineage);

#endif
