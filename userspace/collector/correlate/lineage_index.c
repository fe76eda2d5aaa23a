/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/lineage_index.h"

#include <errno.h>
#include <stdlib.h>

struct lineage_slot {
	uint64_t hash;
	size_t position_plus_one; /* 0: empty */
};

/* Open addressing, never more than half full, nothing is removed. */
struct lineage_index {
	struct lineage_slot *slots;
	size_t n_slots; /* a power of two */
	size_t n_used;
};

uint64_t lineage_hash_bytes(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 1099511628211ull;
	return hash;
}

struct lineage_index *lineage_index_new(void)
{
	struct lineage_index *index = calloc(1, sizeof(*index));

	if (!index)
		return NULL;
	index->n_slots = 64;
	index->slots = calloc(index->n_slots, sizeof(*index->slots));
	if (!index->slots) {
		free(index);
		return NULL;
	}
	return index;
}

void lineage_index_free(struct lineage_index *index)
{
	if (!index)
		return;
	free(index->slots);
	free(index);
}

static void slot_put(struct lineage_slot *slots, size_t n_slots, struct lineage_slot slot)
{
	size_t at = slot.hash & (n_slots - 1);

	while (slots[at].position_plus_one)
		at = (at + 1) & (n_slots - 1);
	slots[at] = slot;
}

static int index_double(struct lineage_index *index)
{
	size_t n_slots = index->n_slots * 2;
	struct lineage_slot *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < index->n_slots; i++)
		if (index->slots[i].position_plus_one)
			slot_put(slots, n_slots, index->slots[i]);
	free(index->slots);
	index->slots = slots;
	index->n_slots = n_slots;
	return 0;
}

int lineage_index_put(struct lineage_index *index, uint64_t hash, size_t position)
{
	if (index->n_used * 2 >= index->n_slots) {
		int r = index_double(index);

		if (r < 0)
			return r;
	}
	slot_put(index->slots, index->n_slots,
		 (struct lineage_slot){.hash = hash, .position_plus_one = position + 1});
	index->n_used++;
	return 0;
}

size_t lineage_index_next(const struct lineage_index *index, uint64_t hash, size_t *probe)
{
	while (*probe < index->n_slots) {
		size_t at = (hash + *probe) & (index->n_slots - 1);
		const struct lineage_slot *slot = &index->slots[at];

		(*probe)++;
		if (!slot->position_plus_one)
			break;
		if (slot->hash == hash)
			return slot->position_plus_one - 1;
	}
	return LINEAGE_INDEX_NONE;
}
