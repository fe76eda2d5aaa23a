/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 256

/* The slot of a fingerprint, or the free one where it belongs. */
static uint64_t *slot_of(uint64_t *slots, size_t n_slots, uint64_t fingerprint)
{
	size_t at = fingerprint & (n_slots - 1);

	while (slots[at] && slots[at] != fingerprint)
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

static int grow(struct scan_set *set)
{
	size_t n_slots = set->n_slots ? set->n_slots * 2 : FIRST_SLOTS;
	uint64_t *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->n_slots; i++)
		if (set->slots[i])
			*slot_of(slots, n_slots, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->n_slots = n_slots;
	return 0;
}

/* Makes room at powers of two. */
static int put_in_order(struct scan_set *set, uint64_t fingerprint)
{
	size_t n = set->n_items;
	uint64_t *order;

	if (n >= SCAN_SET_MAX_ORDERED)
		return 0;
	if ((n & (n - 1)) == 0) {
		order = reallocarray(set->order, n ? n * 2 : 1, sizeof(*order));
		if (!order)
			return -ENOMEM;
		set->order = order;
	}
	set->order[n] = fingerprint;
	return 0;
}

int scan_set_add(struct scan_set *set, uint64_t fingerprint)
{
	uint64_t *slot;

	/* 0 marks a free slot; that two tokens share a fingerprint is as likely as ever. */
	fingerprint = fingerprint ? fingerprint : 1;
	if (set->n_items * 2 >= set->n_slots && grow(set) < 0)
		return -ENOMEM;
	slot = slot_of(set->slots, set->n_slots, fingerprint);
	if (*slot)
		return 0;
	if (set->n_items == SCAN_SET_MAX)
		return -ENOSPC;
	if (put_in_order(set, fingerprint) < 0)
		return -ENOMEM;
	*slot = fingerprint;
	set->n_items++;
	return 1;
}

void scan_set_clear(struct scan_set *set)
{
	/* A large one would be cleared for each small file that follows. */
	if (set->n_slots > FIRST_SLOTS)
		scan_set_done(set);
	else if (set->n_items > 0)
		memset(set->slots, 0, set->n_slots * sizeof(*set->slots));
	set->n_items = 0;
}

void scan_set_done(struct scan_set *set)
{
	free(set->slots);
	free(set->order);
	*set = (struct scan_set){};
}
