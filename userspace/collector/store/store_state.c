/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_private.h"

#include "base/cleanup.h"
#include "collector/store/store_sql.h"

/*
 * Nothing in weir.db is the only copy of a fact: incidents and progress are
 * worked out again from the segments, summaries only make losses precise.
 */
static const char SCHEMA[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS incidents (id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" key TEXT NOT NULL UNIQUE, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,"
	" document TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS incident_events (incident INTEGER NOT NULL,"
	" event INTEGER NOT NULL, PRIMARY KEY (incident, event)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS segments (number INTEGER PRIMARY KEY, is_final INTEGER NOT "
	"NULL,"
	" n_events INTEGER NOT NULL, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,"
	" last_id INTEGER NOT NULL);"
	"PRAGMA user_version = 1;"
	"COMMIT;";

static int open_checked(const char *path, sqlite3 **ret_db)
{
	sqlite3 *db = NULL;
	uint64_t format = 0;
	int r = store_sql_open(path, false, &db);

	if (r == 0)
		r = store_sql_check(db);
	if (r == 0)
		r = store_sql_query_number(db, "PRAGMA user_version", &format);
	if (r >= 0 && format > 1)
		r = -EPROTONOSUPPORT;
	if (r >= 0 && format == 0)
		r = store_sql_exec(db, SCHEMA);
	if (r < 0) {
		store_sql_close(db, true);
		return r;
	}
	*ret_db = db;
	return 0;
}

int store_state_open(struct store *store)
{
	_cleanup_free_ char *path = NULL;
	uint64_t n;
	int r;

	if (asprintf(&path, "%s/weir.db", store->dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (!store->read_only) {
		r = open_checked(path, &store->state);
		if (r != -EUCLEAN)
			return r;
		r = store_loss_rename(path);
		return r < 0 ? r : open_checked(path, &store->state);
	}
	r = store_sql_open(path, true, &store->state);
	if (r < 0)
		return r;
	/* A collector that is just starting for the first time: there is nothing to read yet. */
	r = store_sql_query_number(store->state, "PRAGMA user_version", &n);
	if (r < 0)
		return r;
	return n == 1 ? 0 : n == 0 ? -ENOENT : -EPROTONOSUPPORT;
}

int store_state_put_summary(struct store *store, const struct store_segment *segment, bool is_final)
{
	const struct store_segment_summary *summary = &segment->summary;
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(store->state,
				  "INSERT OR REPLACE INTO segments VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
				  &statement);

	if (r < 0)
		return r;
	store_sql_bind_number(statement, 1, segment->number);
	store_sql_bind_number(statement, 2, is_final);
	store_sql_bind_number(statement, 3, summary->n_events);
	store_sql_bind_number(statement, 4, summary->first_ns);
	store_sql_bind_number(statement, 5, summary->last_ns);
	store_sql_bind_number(statement, 6, summary->last_id);
	return store_sql_run(statement);
}

int store_state_get_summary(struct store *store, uint64_t number,
			    struct store_segment_summary *ret_summary, bool *ret_is_final)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(store->state,
				  "SELECT n_events, first_ns, last_ns, last_id, is_final"
				  " FROM segments WHERE number = ?1",
				  &statement);

	if (r < 0)
		return r;
	store_sql_bind_number(statement, 1, number);
	r = store_sql_step(statement);
	if (r <= 0)
		return r;
	*ret_summary = (struct store_segment_summary){
		.n_events = store_sql_number(statement, 0),
		.first_ns = store_sql_number(statement, 1),
		.last_ns = store_sql_number(statement, 2),
		.last_id = store_sql_number(statement, 3),
	};
	*ret_is_final = store_sql_number(statement, 4) != 0;
	return 1;
}

int store_get_number(struct store *store, const char *name, uint64_t *ret_value)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(store->state, "SELECT value FROM numbers WHERE name = ?1",
				  &statement);

	if (r < 0)
		return r;
	store_sql_bind_text(statement, 1, name);
	r = store_sql_step(statement);
	if (r > 0)
		*ret_value = store_sql_number(statement, 0);
	return r;
}

int store_put_number(struct store *store, const char *name, uint64_t value)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r;

	if (store->read_only)
		return -EROFS;
	r = store_sql_prepare(store->state, "INSERT OR REPLACE INTO numbers VALUES (?1, ?2)",
			      &statement);
	if (r < 0)
		return r;
	store_sql_bind_text(statement, 1, name);
	store_sql_bind_number(statement, 2, value);
	return store_sql_run(statement);
}
