/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_LINEAGE_INDEX_H
#define WEIR_COLLECTOR_CORRELATE_LINEAGE_INDEX_H

/*
 * From a 64-bit hash to the positions that were put under it. The caller compares
 * the real identity of each candidate, so a collision costs time and nothing else.
 */

#include <stddef.h>
#include <stdint.h>

struct lineage_index;

#define LINEAGE_INDEX_NONE SIZE_MAX

struct lineage_index *lineage_index_new(void);
void lineage_index_free(struct lineage_index *index);

/* Returns 0 or -ENOMEM. */
int lineage_index_put(struct lineage_index *index, uint64_t hash, size_t position);

/* The next candidate after *probe (0 to begin), or LINEAGE_INDEX_NONE. */
size_t lineage_index_next(const struct lineage_index *index, uint64_t hash, size_t *probe);

/* FNV-1a over bytes, continuing from hash; LINEAGE_HASH_START to begin. */
#define LINEAGE_HASH_START 14695981039346656037ull
uint64_t lineage_hash_bytes(uint64_t hash, const void *data, size_t size);

#endif
