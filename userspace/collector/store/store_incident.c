/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_private.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/store/store_sql.h"

#define COLUMNS "SELECT id, key, first_ns, last_ns, document FROM incidents"

void store_incident_free(struct store_incident *incident)
{
	if (!incident)
		return;
	free(incident->key);
	free(incident->document);
	free(incident->event_ids);
	free(incident);
}

static int put_row(struct store *store, const struct store_incident *incident, uint64_t *ret_id)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(store->state,
				  "INSERT INTO incidents (key, first_ns, last_ns, document)"
				  " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE SET"
				  " first_ns = ?2, last_ns = ?3, document = ?4 RETURNING id",
				  &statement);

	if (r < 0)
		return r;
	store_sql_bind_text(statement, 1, incident->key);
	store_sql_bind_number(statement, 2, incident->first_ns);
	store_sql_bind_number(statement, 3, incident->last_ns);
	store_sql_bind_text(statement, 4, incident->document);
	r = store_sql_step(statement);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	*ret_id = store_sql_number(statement, 0);
	return store_sql_run(statement);
}

static int put_events(struct store *store, const struct store_incident *incident, uint64_t id)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *clear = NULL, *put = NULL;
	int r = store_sql_prepare(store->state, "DELETE FROM incident_events WHERE incident = ?1",
				  &clear);

	if (r == 0)
		r = store_sql_prepare(store->state,
				      "INSERT OR IGNORE INTO incident_events VALUES (?1, ?2)",
				      &put);
	if (r < 0)
		return r;
	store_sql_bind_number(clear, 1, id);
	r = store_sql_run(clear);
	store_sql_bind_number(put, 1, id);
	for (size_t i = 0; r == 0 && i < incident->n_event_ids; i++) {
		store_sql_bind_number(put, 2, incident->event_ids[i]);
		r = store_sql_run(put);
	}
	return r;
}

int store_put_incident(struct store *store, struct store_incident *incident)
{
	uint64_t id = 0;
	int r;

	if (store->read_only)
		return -EROFS;
	if (!incident->key || !incident->document)
		return -EINVAL;
	r = store_sql_exec(store->state, "BEGIN IMMEDIATE");
	if (r < 0)
		return r;
	r = put_row(store, incident, &id);
	if (r == 0)
		r = put_events(store, incident, id);
	if (r == 0)
		r = store_sql_exec(store->state, "COMMIT");
	if (r < 0) {
		sqlite3_exec(store->state, "ROLLBACK", NULL, NULL, NULL);
		return r;
	}
	incident->id = id;
	return 0;
}

static int read_row(sqlite3_stmt *statement, struct store_incident **ret_incident)
{
	_cleanup_(store_incident_freep) struct store_incident *incident =
		calloc(1, sizeof(*incident));
	int r;

	if (!incident)
		return -ENOMEM;
	incident->id = store_sql_number(statement, 0);
	incident->first_ns = store_sql_number(statement, 2);
	incident->last_ns = store_sql_number(statement, 3);
	r = store_sql_text(statement, 1, &incident->key);
	if (r == 0)
		r = store_sql_text(statement, 4, &incident->document);
	if (r < 0)
		return r;
	*ret_incident = TAKE(incident);
	return 0;
}

static int read_events(struct store *store, struct store_incident *incident)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	size_t n_allocated = 0;
	int r = store_sql_prepare(store->state,
				  "SELECT event FROM incident_events WHERE incident = ?1"
				  " ORDER BY event",
				  &statement);

	if (r < 0)
		return r;
	store_sql_bind_number(statement, 1, incident->id);
	while ((r = store_sql_step(statement)) > 0) {
		if (incident->n_event_ids == n_allocated) {
			size_t n = n_allocated ? 2 * n_allocated : 64;
			uint64_t *grown = reallocarray(incident->event_ids, n, sizeof(*grown));

			if (!grown)
				return -ENOMEM;
			incident->event_ids = grown;
			n_allocated = n;
		}
		incident->event_ids[incident->n_event_ids++] = store_sql_number(statement, 0);
	}
	return r;
}

/* One row of a statement that is bound already. */
static int get(struct store *store, sqlite3_stmt *statement, struct store_incident **ret_incident)
{
	_cleanup_(store_incident_freep) struct store_incident *incident = NULL;
	int r = store_sql_step(statement);

	if (r <= 0)
		return r;
	r = read_row(statement, &incident);
	if (r == 0)
		r = read_events(store, incident);
	if (r < 0)
		return r;
	*ret_incident = TAKE(incident);
	return 1;
}

int store_get_incident(struct store *store, uint64_t id, struct store_incident **ret_incident)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(store->state, COLUMNS " WHERE id = ?1", &statement);

	if (r < 0)
		return r;
	store_sql_bind_number(statement, 1, id);
	return get(store, statement, ret_incident);
}

int store_get_incident_by_key(struct store *store, const char *key,
			      struct store_incident **ret_incident)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(store->state, COLUMNS " WHERE key = ?1", &statement);

	if (r < 0)
		return r;
	store_sql_bind_text(statement, 1, key);
	return get(store, statement, ret_incident);
}

struct list {
	struct store_incident **items;
	size_t n_items;
};

static void list_done(struct list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		store_incident_free(list->items[i]);
	free(list->items);
}

static int list_add(struct store *store, sqlite3_stmt *statement, struct list *list)
{
	struct store_incident **grown =
		reallocarray(list->items, list->n_items + 1, sizeof(*grown));
	int r;

	if (!grown)
		return -ENOMEM;
	list->items = grown;
	r = read_row(statement, &grown[list->n_items]);
	if (r < 0)
		return r;
	list->n_items++;
	return read_events(store, grown[list->n_items - 1]);
}

int store_list_incidents(struct store *store, struct store_incident ***ret_incidents, size_t *ret_n)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	_cleanup_(list_done) struct list list = {};
	int r = store_sql_prepare(store->state, COLUMNS " ORDER BY id DESC", &statement);

	if (r < 0)
		return r;
	while ((r = store_sql_step(statement)) > 0) {
		r = list_add(store, statement, &list);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	*ret_incidents = list.items;
	*ret_n = list.n_items;
	list = (struct list){};
	return 0;
}
