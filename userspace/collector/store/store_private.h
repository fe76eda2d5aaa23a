/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_STORE_STORE_PRIVATE_H
#define WEIR_COLLECTOR_STORE_STORE_PRIVATE_H

/*
 * What the files of the store share. A writer keeps the list of its segments,
 * the last one being written; a reader looks at the directory at each query.
 * Everything here is used by one thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "collector/store/store.h"
#include "collector/store/store_segment.h"

/* The store's own name on the timeline: no agent can have it, "@" is not in their alphabet. */
#define STORE_AGENT "@store"

enum {
	STORE_DEFAULT_SEGMENT_ROWS = 1000000,
	STORE_MAX_BATCH = 1000000,
	STORE_MAX_OPEN_SEGMENTS = 16,
	STORE_MAX_SEGMENTS = 999999999, /* nine digits are what file names are read with */
};

struct store_agent {
	char *name;
	uint64_t last_seq;
};

struct store {
	char *dir;
	bool read_only;
	int lock_fd;
	uint64_t segment_rows;
	sqlite3 *state;                  /* weir.db */
	struct store_segment **segments; /* of a writer, ascending, the last is written to */
	size_t n_segments;
	uint64_t next_number;       /* numbers of files set aside are not used again */
	struct store_agent *agents; /* of a writer, sorted by name */
	size_t n_agents;
	uint64_t use;        /* counts up, see store_segment.used */
	uint64_t suspect;    /* the segment used last: on -EUCLEAN it is the damaged one */
	bool losses_pending; /* a file set aside may not be on the timeline yet */
};

/* weir.db */
int store_state_open(struct store *store);
/* Remembers a segment's summary outside of it; is_final: it will not change while nobody writes. */
int store_state_put_summary(struct store *store, const struct store_segment *segment,
			    bool is_final);
/* Returns 1 with a summary, 0 when there is none, -errno. */
int store_state_get_summary(struct store *store, uint64_t number,
			    struct store_segment_summary *ret_summary, bool *ret_is_final);

/* A writer's segments: store_segments.c */
int store_segments_open(struct store *store);
void store_segments_close(struct store *store);
/* The segment to write n_records to, after beginning a new one where it is full. */
int store_segments_current(struct store *store, size_t n_records,
			   struct store_segment **ret_segment);
/* On a full disk: folds the write-ahead logs in, as far as there is room for that. */
void store_segments_make_room(struct store *store);
/* Opens a segment for looking up, closing the least recently used one above the limit. */
int store_segments_use(struct store *store, struct store_segment *segment);

/* Last seqs: store_segments.c */
uint64_t store_agents_last_seq(const struct store *store, const char *name);
/* Makes sure that store_agents_raise() has a place to write to. Returns 0 or -ENOMEM. */
int store_agents_add(struct store *store, const char *name);
void store_agents_raise(struct store *store, const char *name, uint64_t seq);

/* One transaction. loss_file, if not NULL, is remembered with it as told. On -EUCLEAN
 * store->suspect is the segment to set aside. */
int store_append_once(struct store *store, struct store_record *records, size_t n_records,
		      const char *loss_file);

/* Renames a damaged segment to *.corrupt and forgets it. Returns 0 or -errno. */
int store_loss_set_aside(struct store *store, uint64_t number);
/* Renames a file and its log to *.corrupt (or *.corrupt.2, ...). Returns 0 or -errno. */
int store_loss_rename(const char *path);
/* Puts those files set aside on the timeline that are not told yet. Returns as store_append(). */
int store_loss_report(struct store *store);
/* A record of kind LOSS that stands for a damaged segment. */
int store_loss_record(struct store *store, uint64_t number, struct store_record **ret_record);

#endif
