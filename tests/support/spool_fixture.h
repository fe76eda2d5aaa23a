/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_SPOOL_FIXTURE_H
#define WEIR_TESTS_SUPPORT_SPOOL_FIXTURE_H

/* A spool of records whose bytes follow from a number in them, and ways to damage its files.
 * Failures end the test. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/spool/spool.h"

#define SPOOL_FIXTURE_BYTES 100
/* Header and data on the disk. */
#define SPOOL_FIXTURE_STORED_BYTES (SPOOL_FIXTURE_BYTES + 24)

struct spool *spool_fixture_open(const char *dir, uint64_t limit_bytes);
void spool_fixture_fill(uint8_t record[SPOOL_FIXTURE_BYTES], uint64_t number);
/* One record, not synced; returns what spool_append() says. */
int spool_fixture_append(struct spool *spool, uint64_t number, uint64_t *ret_seq);
/* n of them, synced. */
void spool_fixture_append_many(struct spool *spool, uint64_t n);

struct spool_reading {
	uint64_t first_seq, next_seq;
	size_t n_good, n_lost;
	size_t stop_after; /* 0: never */
};
/* A spool_visit_fn on a struct spool_reading: checks order, holes and bytes. */
int spool_fixture_visit(void *userdata, uint64_t seq, const void *data, size_t size);
struct spool_reading spool_fixture_read(struct spool *spool, uint64_t from_seq);
struct spool_counts spool_fixture_count(const struct spool *spool);

/* The file that begins with this seq. */
void spool_fixture_segment_path(char path[512], const char *dir, uint64_t first);
bool spool_fixture_has_segment(const char *dir, uint64_t first);
void spool_fixture_damage(const char *dir, uint64_t segment, off_t offset, size_t size);
void spool_fixture_cut(const char *dir, uint64_t segment, off_t bytes_from_end);

#endif
