/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_STORE_STORE_SQL_H
#define WEIR_COLLECTOR_STORE_STORE_SQL_H

/*
 * SQLite for the rest of the store: opening a file the durable way, errors as
 * -errno, binding and reading of the types that events are made of. Unsigned 64
 * bit values are kept as SQLite's signed ones, bit by bit.
 */

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

/*
 * The errno of an SQLite result: -ENOSPC for a full disk however SQLite calls
 * it, -EUCLEAN for a file that is damaged or no database. 0 for OK, ROW, DONE.
 */
int store_sql_error(sqlite3 *db, int result);

/*
 * Opens a database in WAL mode with synchronous=FULL, readable by its owner
 * only. Read-only opening changes nothing, not even when the writer is gone.
 * Returns 0, -ENOENT (read-only), -EUCLEAN, -ENOSPC, -errno.
 */
int store_sql_open(const char *path, bool read_only, sqlite3 **ret_db);

/* Closes; as_it_is leaves the write-ahead log alone instead of folding it in. */
void store_sql_close(sqlite3 *db, bool as_it_is);

/* Folds the write-ahead log in and cuts it to nothing, as far as readers and the disk allow without
 * waiting. */
void store_sql_fold_log(sqlite3 *db);

int store_sql_exec(sqlite3 *db, const char *sql);
int store_sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret_statement);

/* Steps a statement that returns no rows and resets it. Returns 0 or -errno. */
int store_sql_run(sqlite3_stmt *statement);
/* Returns 1 with a row, 0 at the end, -errno. */
int store_sql_step(sqlite3_stmt *statement);

void store_sql_bind_number(sqlite3_stmt *statement, int index, uint64_t value);
/* text is not copied and must live until the statement is reset; NULL is SQL NULL. */
void store_sql_bind_text(sqlite3_stmt *statement, int index, const char *text);

uint64_t store_sql_number(sqlite3_stmt *statement, int column);
/* A copy of the text, NULL for SQL NULL. Returns 0 or -ENOMEM. */
int store_sql_text(sqlite3_stmt *statement, int column, char **ret_text);

/* One number of the first row; *ret_value is untouched when there is no row.
 * Returns 1 with a row, 0 without, -errno. */
int store_sql_query_number(sqlite3 *db, const char *sql, uint64_t *ret_value);

/* 0 when the whole file is sound, -EUCLEAN when not, -errno. Reads all of it. */
int store_sql_check(sqlite3 *db);

static inline void store_sql_finalizep(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

#endif
