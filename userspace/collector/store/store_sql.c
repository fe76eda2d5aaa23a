/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_sql.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"

enum {
	BUSY_TIMEOUT_MS = 5000
};

/* The cache (KiB, taken as needed) holds what the indexes of a segment touch at random. With it and
 * a long log 22k events/s were measured here, 14k with SQLite's defaults. */
#define WRITER_SETTINGS "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-65536"

enum {
	LOG_PAGE_BYTES = 4096,
	LOG_MAX_PAGES = 8000,
	/* Folding the log in makes the database grow, so it must come while there is room. */
	LOG_SHARE_OF_FREE_SPACE = 4,
};

static int disk_error(sqlite3 *db, int fallback)
{
	int error = db ? sqlite3_system_errno(db) : 0;

	if (error == ENOSPC || error == EDQUOT)
		return -ENOSPC;
	return error > 0 ? -error : fallback;
}

int store_sql_error(sqlite3 *db, int result)
{
	if (result == SQLITE_IOERR_CORRUPTFS)
		return -EUCLEAN;
	switch (result & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return disk_error(db, -EIO);
	default:
		return -EIO;
	}
}

/* SQLite gives its side files the mode of the database, so the mode is set by making it first. */
static int make_private(const char *path)
{
	_cleanup_close_ int fd = -1;

	if (access(path, F_OK) == 0)
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 && errno != EEXIST ? -errno : 0;
}

static bool has_log(const char *path)
{
	char log[4096];
	struct stat st;

	if (snprintf(log, sizeof(log), "%s-wal", path) >= (int)sizeof(log))
		return false;
	return stat(log, &st) == 0 && st.st_size > 0;
}

static uint64_t free_bytes(const char *path)
{
	struct statvfs disk;

	return path && statvfs(path, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize
						 : UINT64_MAX;
}

/* After each commit. Folding in what readers allow is enough, unless the disk is small. */
static int on_commit(void *userdata, sqlite3 *db, const char *name, int log_pages)
{
	uint64_t log_bytes = (uint64_t)log_pages * LOG_PAGE_BYTES;

	(void)userdata;
	if (log_bytes > free_bytes(sqlite3_db_filename(db, name)) / LOG_SHARE_OF_FREE_SPACE)
		store_sql_fold_log(db);
	else if (log_pages >= LOG_MAX_PAGES)
		sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	/* The commit stands, whatever became of this. */
	return SQLITE_OK;
}

void store_sql_fold_log(sqlite3 *db)
{
	sqlite3_busy_timeout(db, 0);
	sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
}

/* The first read is what finds a file to be no database, or its side files out of reach. */
static int settle(sqlite3 *db, bool read_only)
{
	int r = sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);

	if (r == SQLITE_OK && !read_only) {
		r = sqlite3_exec(db, WRITER_SETTINGS, NULL, NULL, NULL);
		sqlite3_wal_hook(db, on_commit, NULL);
	}
	if (r == SQLITE_OK)
		r = sqlite3_exec(db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
	return r;
}

static int open_as(const char *path, bool read_only, bool immutable, sqlite3 **ret_db)
{
	int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	sqlite3 *db = NULL;
	char *uri = sqlite3_mprintf("file:%s%s", path, immutable ? "?immutable=1" : "");
	int r, error;

	if (!uri)
		return -ENOMEM;
	r = sqlite3_open_v2(immutable ? uri : path, &db,
			    flags | SQLITE_OPEN_NOMUTEX | (immutable ? SQLITE_OPEN_URI : 0), NULL);
	if (r == SQLITE_OK) {
		sqlite3_extended_result_codes(db, 1);
		r = settle(db, read_only);
	}
	error = store_sql_error(db, r);
	sqlite3_free(uri);
	if (error < 0) {
		store_sql_close(db, true);
		return error;
	}
	*ret_db = db;
	return 0;
}

int store_sql_open(const char *path, bool read_only, sqlite3 **ret_db)
{
	int r;

	if (read_only) {
		if (access(path, R_OK) < 0)
			return -errno;
		r = open_as(path, true, false, ret_db);
		/* A reader without write permission cannot make the shared memory file that
		 * a WAL database wants; with no writer and no log there is nothing to share. */
		if ((r == -EROFS || r == -EACCES || r == -EIO || r == -ENOENT) && !has_log(path) &&
		    !strpbrk(path, "?#%"))
			r = open_as(path, true, true, ret_db);
		return r;
	}
	r = make_private(path);
	if (r < 0)
		return r;
	return open_as(path, false, false, ret_db);
}

void store_sql_close(sqlite3 *db, bool as_it_is)
{
	if (!db)
		return;
	if (as_it_is)
		sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close_v2(db);
}

int store_sql_exec(sqlite3 *db, const char *sql)
{
	return store_sql_error(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int store_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement)
{
	return store_sql_error(db, sqlite3_prepare_v2(db, sql, -1, ret_statement, NULL));
}

int store_sql_step(sqlite3_stmt *statement)
{
	int r = sqlite3_step(statement);

	if (r == SQLITE_ROW)
		return 1;
	return store_sql_error(sqlite3_db_handle(statement), r);
}

int store_sql_run(sqlite3_stmt *statement)
{
	int r = store_sql_step(statement);

	sqlite3_reset(statement);
	return r < 0 ? r : 0;
}

void store_sql_bind_number(sqlite3_stmt *statement, int index, uint64_t value)
{
	sqlite3_bind_int64(statement, index, (sqlite3_int64)value);
}

void store_sql_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	if (text)
		sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(statement, index);
}

uint64_t store_sql_number(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

int store_sql_text(sqlite3_stmt *statement, int column, char **ret_text)
{
	const char *text;
	char *copy;

	if (sqlite3_column_type(statement, column) == SQLITE_NULL) {
		*ret_text = NULL;
		return 0;
	}
	text = (const char *)sqlite3_column_text(statement, column);
	copy = text ? strdup(text) : NULL;
	if (!copy)
		return -ENOMEM;
	*ret_text = copy;
	return 0;
}

int store_sql_query_number(sqlite3 *db, const char *sql, uint64_t *ret_value)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(db, sql, &statement);

	if (r < 0)
		return r;
	r = store_sql_step(statement);
	if (r > 0)
		*ret_value = store_sql_number(statement, 0);
	return r;
}

int store_sql_check(sqlite3 *db)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(db, "PRAGMA quick_check(1)", &statement);
	const char *verdict;

	if (r < 0)
		return r;
	r = store_sql_step(statement);
	if (r < 0)
		return r;
	verdict = r > 0 ? (const char *)sqlite3_column_text(statement, 0) : NULL;
	return verdict && strcmp(verdict, "ok") == 0 ? 0 : -EUCLEAN;
}
