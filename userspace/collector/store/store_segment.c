/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_segment.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/store/store_sql.h"

enum {
	FORMAT = 1
};

static const char SCHEMA[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS summary (one INTEGER PRIMARY KEY CHECK (one = 1),"
	" n_events, n_duplicates, first_ns, last_ns, last_id);"
	"INSERT OR IGNORE INTO summary VALUES (1, 0, 0, 0, 0, 0);"
	"CREATE TABLE IF NOT EXISTS agents (agent INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" last_seq NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY, agent INTEGER NOT NULL,"
	" seq INTEGER NOT NULL, time_ns INTEGER NOT NULL, kind INTEGER NOT NULL, person TEXT,"
	" is_staff INTEGER NOT NULL, boot_id TEXT, app_id INTEGER NOT NULL, dev INTEGER NOT NULL,"
	" ino INTEGER NOT NULL, generation INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" calls INTEGER NOT NULL, turns INTEGER NOT NULL, event BLOB NOT NULL);"
	"CREATE UNIQUE INDEX IF NOT EXISTS events_seq ON events (agent, seq);"
	"CREATE INDEX IF NOT EXISTS events_time ON events (time_ns);"
	"CREATE INDEX IF NOT EXISTS events_person ON events (person, time_ns)"
	" WHERE person IS NOT NULL;"
	"CREATE INDEX IF NOT EXISTS events_app ON events (app_id) WHERE app_id != 0;"
	"CREATE INDEX IF NOT EXISTS events_object ON events (ino) WHERE ino != 0;"
	"CREATE TABLE IF NOT EXISTS flows (agent INTEGER NOT NULL, boot_id TEXT NOT NULL,"
	" app_id INTEGER NOT NULL, dev INTEGER NOT NULL, ino INTEGER NOT NULL,"
	" generation INTEGER NOT NULL, direction INTEGER NOT NULL, flow_first_ns INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, calls INTEGER NOT NULL, turns INTEGER NOT NULL,"
	" PRIMARY KEY (app_id, ino, agent, boot_id, dev, generation, direction, flow_first_ns))"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS losses (file TEXT PRIMARY KEY);"
	"PRAGMA user_version = 1;"
	"COMMIT";

#define AGENT "(SELECT agent FROM agents WHERE name = ?1)"
#define FLOW                                                                                  \
	" WHERE agent = " AGENT " AND boot_id = ?2 AND app_id = ?3 AND dev = ?4 AND ino = ?5" \
	" AND generation = ?6 AND direction = ?7 AND flow_first_ns = ?8"

static const char *const STATEMENTS[SEGMENT_N_STATEMENTS] = {
	[SEGMENT_FIND_EVENT] = "SELECT id FROM events WHERE agent = " AGENT " AND seq = ?2",
	[SEGMENT_FIND_FLOW] = "SELECT bytes, calls, turns FROM flows" FLOW,
	[SEGMENT_PUT_FLOW] =
		"INSERT INTO flows VALUES (" AGENT ", ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
		" ON CONFLICT DO UPDATE SET bytes = ?9, calls = ?10, turns = ?11",
	[SEGMENT_PUT_EVENT] = "INSERT INTO events VALUES (?2, " AGENT
			      ", ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[SEGMENT_PUT_AGENT] = "INSERT OR IGNORE INTO agents (name) VALUES (?1)",
	[SEGMENT_SET_LAST_SEQ] = "UPDATE agents SET last_seq = max(last_seq, ?2) WHERE name = ?1",
	[SEGMENT_GET_LAST_SEQ] = "SELECT last_seq FROM agents WHERE name = ?1",
	[SEGMENT_PUT_SUMMARY] = "UPDATE summary SET n_events = ?1, n_duplicates = ?2,"
				" first_ns = ?3, last_ns = ?4, last_id = ?5",
	[SEGMENT_FIND_LOSS] = "SELECT 1 FROM losses WHERE file = ?1",
	[SEGMENT_PUT_LOSS] = "INSERT INTO losses VALUES (?1)",
};

int store_segment_path(const char *dir, uint64_t number, char **ret_path)
{
	char *path;

	if (asprintf(&path, "%s/events-%06" PRIu64 ".db", dir, number) < 0)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

static int append_number(uint64_t **numbers, size_t *n_numbers, uint64_t number)
{
	uint64_t *grown = reallocarray(*numbers, *n_numbers + 1, sizeof(**numbers));

	if (!grown)
		return -ENOMEM;
	grown[(*n_numbers)++] = number;
	*numbers = grown;
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int list_file(const char *name, struct store_segment_files *files)
{
	uint64_t number;
	int end = 0;

	if (sscanf(name, "events-%9" SCNu64 ".db%n", &number, &end) != 1 || end == 0 || number == 0)
		return 0;
	if (name[end] == '\0')
		return append_number(&files->numbers, &files->n_numbers, number);
	if (strcmp(name + end, ".corrupt") == 0)
		return append_number(&files->set_aside, &files->n_set_aside, number);
	return 0;
}

void store_segment_files_done(struct store_segment_files *files)
{
	free(files->numbers);
	free(files->set_aside);
	*files = (struct store_segment_files){};
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int store_segment_list(const char *dir, struct store_segment_files *ret_files)
{
	_cleanup_(store_segment_files_done) struct store_segment_files files = {};
	_cleanup_(close_dir) DIR *stream = opendir(dir);
	struct dirent *entry;
	int r;

	if (!stream)
		return -errno;
	while ((errno = 0, entry = readdir(stream))) {
		r = list_file(entry->d_name, &files);
		if (r < 0)
			return r;
	}
	if (errno > 0)
		return -errno;
	if (files.n_numbers > 0)
		qsort(files.numbers, files.n_numbers, sizeof(uint64_t), compare_numbers);
	if (files.n_set_aside > 0)
		qsort(files.set_aside, files.n_set_aside, sizeof(uint64_t), compare_numbers);
	*ret_files = files;
	files = (struct store_segment_files){};
	return 0;
}

static int read_summary(struct store_segment *segment)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	uint64_t format = 0;
	int r = store_sql_query_number(segment->db, "PRAGMA user_version", &format);

	if (r < 0)
		return r;
	if (format == 0)
		return -ENODATA;
	if (format != FORMAT)
		return -EPROTONOSUPPORT;
	r = store_sql_prepare(
		segment->db,
		"SELECT n_events, n_duplicates, first_ns, last_ns, last_id FROM summary",
		&statement);
	if (r == 0)
		r = store_sql_step(statement);
	/* The format says that the table is there: without it the file is not what it was. */
	if (r == 0 || r == -EIO)
		return -EUCLEAN;
	if (r < 0)
		return r;
	segment->summary = (struct store_segment_summary){
		.n_events = store_sql_number(statement, 0),
		.n_duplicates = store_sql_number(statement, 1),
		.first_ns = store_sql_number(statement, 2),
		.last_ns = store_sql_number(statement, 3),
		.last_id = store_sql_number(statement, 4),
	};
	return 0;
}

static int segment_new(const char *dir, uint64_t number, bool read_only,
		       struct store_segment **ret_segment)
{
	_cleanup_(store_segment_freep) struct store_segment *segment = NULL;
	_cleanup_free_ char *path = NULL;
	int r = store_segment_path(dir, number, &path);

	if (r < 0)
		return r;
	segment = calloc(1, sizeof(*segment));
	if (!segment)
		return -ENOMEM;
	segment->number = number;
	r = store_sql_open(path, read_only, &segment->db);
	if (r < 0)
		return r;
	*ret_segment = TAKE(segment);
	return 0;
}

int store_segment_create(const char *dir, uint64_t number, struct store_segment **ret_segment)
{
	_cleanup_(store_segment_freep) struct store_segment *segment = NULL;
	int r = segment_new(dir, number, false, &segment);

	if (r < 0)
		return r;
	r = store_sql_exec(segment->db, SCHEMA);
	if (r == 0)
		r = read_summary(segment);
	if (r < 0)
		return r;
	*ret_segment = TAKE(segment);
	return 0;
}

int store_segment_open(const char *dir, uint64_t number, bool read_only,
		       struct store_segment **ret_segment)
{
	_cleanup_(store_segment_freep) struct store_segment *segment = NULL;
	int r = segment_new(dir, number, read_only, &segment);

	if (r == 0)
		r = read_summary(segment);
	if (r < 0)
		return r;
	*ret_segment = TAKE(segment);
	return 0;
}

int store_segment_wake(struct store_segment *segment, const char *dir)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (segment->db)
		return 0;
	r = store_segment_path(dir, segment->number, &path);
	if (r < 0)
		return r;
	if (access(path, F_OK) < 0)
		return -errno;
	return store_sql_open(path, false, &segment->db);
}

void store_segment_rest(struct store_segment *segment, bool as_it_is)
{
	for (int i = 0; i < SEGMENT_N_STATEMENTS; i++) {
		sqlite3_finalize(segment->statements[i]);
		segment->statements[i] = NULL;
	}
	store_sql_close(segment->db, as_it_is);
	segment->db = NULL;
}

void store_segment_free(struct store_segment *segment)
{
	if (!segment)
		return;
	store_segment_rest(segment, false);
	free(segment);
}

int store_segment_statement(struct store_segment *segment, enum store_segment_statement which,
			    sqlite3_stmt **ret_statement)
{
	sqlite3_stmt **slot = &segment->statements[which];
	int r;

	if (!*slot) {
		r = store_sql_prepare(segment->db, STATEMENTS[which], slot);
		if (r < 0)
			return r;
	}
	sqlite3_reset(*slot);
	sqlite3_clear_bindings(*slot);
	*ret_statement = *slot;
	return 0;
}
