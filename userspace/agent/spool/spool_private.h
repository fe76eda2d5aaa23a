/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SPOOL_SPOOL_PRIVATE_H
#define WEIR_AGENT_SPOOL_SPOOL_PRIVATE_H

/*
 * The spool's state, shared by the files of this folder alone. Inside, records
 * are counted by their place: from 1 in the first segment ever. The seq that the
 * world sees is place + base, so that renumbering touches one small file.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/spool/spool.h"

/* A segment ends when it is this big: small enough to read at once. */
#define SPOOL_SEGMENT_MAX_BYTES (1024 * 1024)
/* No file of ours is bigger; what lies beyond in one that is, is damage. */
#define SPOOL_FILE_MAX_BYTES (SPOOL_SEGMENT_MAX_BYTES + SPOOL_RECORD_MAX_BYTES + 4096)
#define SPOOL_LIMIT_MIN_BYTES (16 * 1024)

struct spool_segment {
	uint64_t first_place;
	uint64_t bytes;
};

struct spool {
	char *dir;
	int dir_fd, lock_fd;
	int active_fd;                  /* of the last segment, which is the one appended to */
	struct spool_segment *segments; /* in order, at least one */
	size_t n_segments, n_allocated;
	uint64_t segment_bytes, limit_bytes, total_bytes;
	uint64_t next_place;
	uint64_t synced_place; /* everything before it is on the disk */
	uint64_t synced_bytes; /* of the active segment */
	uint64_t acked_place;
	uint64_t base;   /* added to a place it gives the seq, modulo 2^64 */
	bool is_settled; /* the base was agreed with a collector once */
	/* Where the last read ended, so that the next one need not search. */
	uint64_t cursor_segment, cursor_place;
	size_t cursor_offset;
	uint64_t lost_counted_place; /* lost records up to here are counted already */
	struct spool_counts counts;
};

/* spool_files.c: what touches the folder. All return 0 or -errno. */
int spool_files_lock(struct spool *spool);
int spool_files_list(struct spool *spool);
/* Reads a whole segment; the caller frees. */
int spool_files_load(const struct spool *spool, const struct spool_segment *segment,
		     uint8_t **ret_bytes, size_t *ret_size);
/* Opens the last segment, cuts a torn tail, and sets next_place. */
int spool_files_recover(struct spool *spool);
/* Begins a new segment at next_place and makes it the active one. */
int spool_files_begin_segment(struct spool *spool);
int spool_files_delete_first(struct spool *spool);
int spool_files_load_numbering(struct spool *spool);
int spool_files_save_numbering(const struct spool *spool, uint64_t base);

#endif
