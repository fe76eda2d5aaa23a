/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_STORE_STORE_QUERY_H
#define WEIR_COLLECTOR_STORE_STORE_QUERY_H

/*
 * A query on one segment: the statement for it, and rows made into records. A
 * row whose event cannot be decoded comes as a record of kind LOSS with its id,
 * so that nothing is left out in silence.
 */

#include <sqlite3.h>

#include "collector/store/store.h"

/* A copy of a query with what it needs from weir.db. */
struct store_query_plan {
	struct store_query query;
	char *agent, *person, *boot_id;
	char *event_ids;   /* of the incident, as a JSON array; NULL: any */
	char *object_inos; /* likewise */
};

int store_query_plan(sqlite3 *state, const struct store_query *query,
		     struct store_query_plan *ret_plan);
void store_query_plan_done(struct store_query_plan *plan);

/* The plan must outlive the statement. */
int store_query_prepare(sqlite3 *segment, const struct store_query_plan *plan,
			sqlite3_stmt **ret_statement);

/* Returns 1 with a record, 0 at the end, -errno. */
int store_query_step(sqlite3_stmt *statement, struct store_record **ret_record);

#endif
