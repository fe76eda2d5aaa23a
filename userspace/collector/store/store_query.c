/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "collector/store/store_sql.h"
#include "event/event_codec.h"

enum parameter {
	FROM_NS = 1,
	TO_NS,
	AFTER_ID,
	AGENT,
	PERSON,
	BOOT_ID,
	APP_ID,
	INOS,
	KINDS,
	EVENT_IDS,
};

enum column {
	COLUMN_ID,
	COLUMN_SEQ,
	COLUMN_AGENT,
	COLUMN_PERSON,
	COLUMN_IS_STAFF,
	COLUMN_BYTES,
	COLUMN_CALLS,
	COLUMN_TURNS,
	COLUMN_TIME_NS,
	COLUMN_EVENT,
};

void store_query_plan_done(struct store_query_plan *plan)
{
	free(plan->agent);
	free(plan->person);
	free(plan->boot_id);
	free(plan->event_ids);
	free(plan->object_inos);
	*plan = (struct store_query_plan){};
}

static int load_event_ids(sqlite3 *state, uint64_t incident, char **ret_ids)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(state,
				  "SELECT json_group_array(event) FROM incident_events"
				  " WHERE incident = ?1",
				  &statement);

	if (r < 0)
		return r;
	store_sql_bind_number(statement, 1, incident);
	r = store_sql_step(statement);
	return r > 0 ? store_sql_text(statement, 0, ret_ids) : r;
}

/* As they are kept: signed. */
static int list_inos(const struct store_query *query, char **ret_inos)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < query->n_object_inos; i++)
		fprintf(out, "%c%" PRId64, i == 0 ? '[' : ',', (int64_t)query->object_inos[i]);
	fputc(']', out);
	if (ferror(out) | fclose(out))
		return -ENOMEM;
	*ret_inos = TAKE(text);
	return 0;
}

int store_query_plan(sqlite3 *state, const struct store_query *query,
		     struct store_query_plan *ret_plan)
{
	_cleanup_(store_query_plan_done) struct store_query_plan plan = {.query = *query};
	int r = text_copy(query->agent, &plan.agent);

	if (r == 0)
		r = text_copy(query->person, &plan.person);
	if (r == 0)
		r = text_copy(query->boot_id, &plan.boot_id);
	if (r == 0 && query->incident)
		r = load_event_ids(state, query->incident, &plan.event_ids);
	if (r == 0 && query->n_object_inos > 0)
		r = list_inos(query, &plan.object_inos);
	if (r < 0)
		return r;
	plan.query.agent = plan.agent;
	plan.query.person = plan.person;
	plan.query.boot_id = plan.boot_id;
	plan.query.object_inos = NULL;
	*ret_plan = plan;
	plan = (struct store_query_plan){};
	return 0;
}

/* Only the conditions that the query sets, so that SQLite can choose an index by them. The "+"
 * keeps it from walking a whole agent by seq where the order wanted is another; of how many
 * objects a list holds it knows nothing, so their index is named. */
static char *build_sql(const struct store_query_plan *plan)
{
	const struct store_query *query = &plan->query;

	return sqlite3_mprintf(
		"SELECT e.id, e.seq, a.name, e.person, e.is_staff, e.bytes, e.calls, e.turns,"
		" e.time_ns, e.event FROM events e%s CROSS JOIN agents a ON a.agent = e.agent"
		" WHERE e.id > ?3%s%s%s%s%s%s%s%s%s ORDER BY %s",
		plan->object_inos ? " INDEXED BY events_object" : "",
		query->from_ns ? " AND e.time_ns >= ?1" : "",
		query->to_ns ? " AND e.time_ns <= ?2" : "",
		query->agent ? " AND +e.agent = (SELECT agent FROM agents WHERE name = ?4)" : "",
		query->person ? " AND e.person = ?5" : "",
		query->boot_id ? " AND e.boot_id = ?6" : "",
		query->app_id ? " AND e.app_id = ?7 AND e.app_id != 0" : "",
		plan->object_inos ? " AND e.ino IN (SELECT value FROM json_each(?8)) AND e.ino != 0"
				  : "",
		query->kinds ? " AND (?9 >> e.kind) & 1" : "",
		plan->event_ids ? " AND e.id IN (SELECT value FROM json_each(?10))" : "",
		query->by_time ? "e.time_ns, a.name, e.seq" : "e.id");
}

int store_query_prepare(sqlite3 *segment, const struct store_query_plan *plan,
			sqlite3_stmt **ret_statement)
{
	const struct store_query *query = &plan->query;
	char *sql = build_sql(plan);
	sqlite3_stmt *statement;
	int r;

	if (!sql)
		return -ENOMEM;
	r = store_sql_prepare(segment, sql, &statement);
	sqlite3_free(sql);
	if (r < 0)
		return r;
	/* Binding what the statement does not have is an error without effect. */
	store_sql_bind_number(statement, FROM_NS, query->from_ns);
	store_sql_bind_number(statement, TO_NS, query->to_ns);
	store_sql_bind_number(statement, AFTER_ID, query->after_id);
	store_sql_bind_text(statement, AGENT, query->agent);
	store_sql_bind_text(statement, PERSON, query->person);
	store_sql_bind_text(statement, BOOT_ID, query->boot_id);
	store_sql_bind_number(statement, APP_ID, query->app_id);
	store_sql_bind_text(statement, INOS, plan->object_inos);
	store_sql_bind_number(statement, KINDS, query->kinds);
	store_sql_bind_text(statement, EVENT_IDS, plan->event_ids);
	*ret_statement = statement;
	return 0;
}

static int decode(sqlite3_stmt *statement, struct event **ret_event)
{
	const void *data = sqlite3_column_blob(statement, COLUMN_EVENT);
	int size = sqlite3_column_bytes(statement, COLUMN_EVENT);
	struct event *event;
	int r = event_decode(data, (size_t)size, &event);

	if (r == -EBADMSG) {
		event = event_new();
		if (!event)
			return -ENOMEM;
		event->kind = EVENT_LOSS;
		event->dropped = 1;
		event->detail = strdup("one stored event is damaged and cannot be read");
		if (!event->detail) {
			event_free(event);
			return -ENOMEM;
		}
	} else if (r < 0) {
		return r;
	}
	*ret_event = event;
	return 0;
}

static int read_row(sqlite3_stmt *statement, struct store_record *record)
{
	int r = decode(statement, &record->event);

	if (r == 0)
		r = store_sql_text(statement, COLUMN_PERSON, &record->person);
	if (r < 0)
		return r;
	free(TAKE(record->event->agent));
	record->id = store_sql_number(statement, COLUMN_ID);
	record->is_staff = store_sql_number(statement, COLUMN_IS_STAFF) != 0;
	record->bytes = store_sql_number(statement, COLUMN_BYTES);
	record->calls = store_sql_number(statement, COLUMN_CALLS);
	record->turns = store_sql_number(statement, COLUMN_TURNS);
	record->event->seq = store_sql_number(statement, COLUMN_SEQ);
	record->event->time_ns = store_sql_number(statement, COLUMN_TIME_NS);
	return store_sql_text(statement, COLUMN_AGENT, &record->event->agent);
}

int store_query_step(sqlite3_stmt *statement, struct store_record **ret_record)
{
	_cleanup_(store_record_freep) struct store_record *record = NULL;
	int r = store_sql_step(statement);

	if (r <= 0)
		return r;
	record = calloc(1, sizeof(*record));
	if (!record)
		return -ENOMEM;
	r = read_row(statement, record);
	if (r < 0)
		return r;
	*ret_record = TAKE(record);
	return 1;
}
