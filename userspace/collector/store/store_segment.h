/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_STORE_STORE_SEGMENT_H
#define WEIR_COLLECTOR_STORE_STORE_SEGMENT_H

/*
 * One file of events, events-000001.db and so on. Everything that must change
 * together with an event stands in the same file (the flows' last totals, the
 * agents' last seq, the summary), because SQLite commits to several WAL files
 * are not one transaction. Ids of segment N begin at (N - 1) * STORE_SEGMENT_IDS
 * + 1, so that the range which a lost file held is known from its name.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

enum {
	STORE_SEGMENT_IDS = 10000000
};

struct store_segment_summary {
	uint64_t n_events;
	uint64_t n_duplicates;
	uint64_t first_ns; /* 0 while empty */
	uint64_t last_ns;  /* also not below any flow_first_ns: flows are looked up by it */
	uint64_t last_id;  /* 0 while empty */
};

enum store_segment_statement {
	SEGMENT_FIND_EVENT,
	SEGMENT_FIND_FLOW,
	SEGMENT_PUT_FLOW,
	SEGMENT_PUT_EVENT,
	SEGMENT_PUT_AGENT,
	SEGMENT_SET_LAST_SEQ,
	SEGMENT_GET_LAST_SEQ,
	SEGMENT_PUT_SUMMARY,
	SEGMENT_FIND_LOSS,
	SEGMENT_PUT_LOSS,
	SEGMENT_N_STATEMENTS,
};

struct store_segment {
	uint64_t number;
	struct store_segment_summary summary; /* as committed */
	sqlite3 *db;                          /* NULL: closed */
	uint64_t used;                        /* for closing the least recently used */
	sqlite3_stmt *statements[SEGMENT_N_STATEMENTS];
};

static inline uint64_t store_segment_first_id(uint64_t number)
{
	return (number - 1) * STORE_SEGMENT_IDS + 1;
}

/* DIR/events-NNNNNN.db; the caller frees. Returns 0 or -ENOMEM. */
int store_segment_path(const char *dir, uint64_t number, char **ret_path);

/* What a directory holds, ascending. The caller frees both arrays. */
struct store_segment_files {
	uint64_t *numbers;
	size_t n_numbers;
	uint64_t *set_aside; /* numbers of the *.corrupt files */
	size_t n_set_aside;
};
int store_segment_list(const char *dir, struct store_segment_files *ret_files);
void store_segment_files_done(struct store_segment_files *files);

/* Opens for writing, making the file and its tables where they are missing. */
int store_segment_create(const char *dir, uint64_t number, struct store_segment **ret_segment);
/*
 * Opens what is there. Returns 0, -ENODATA (no tables yet: being made, or left
 * so by a crash), -EUCLEAN (damaged), -EPROTONOSUPPORT (made by a newer Weir), -errno.
 */
int store_segment_open(const char *dir, uint64_t number, bool read_only,
		       struct store_segment **ret_segment);
/* Opens the file again after store_segment_rest(). */
int store_segment_wake(struct store_segment *segment, const char *dir);
/* Closes the file and keeps the summary. */
void store_segment_rest(struct store_segment *segment, bool as_it_is);
void store_segment_free(struct store_segment *segment);

/* A statement of an open segment, prepared once, with its old bindings cleared. */
int store_segment_statement(struct store_segment *segment, enum store_segment_statement which,
			    sqlite3_stmt **ret_statement);

static inline void store_segment_freep(struct store_segment **segment)
{
	store_segment_free(*segment);
}

#endif
