/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_SET_H
#define WEIR_AGENT_SCAN_SCAN_SET_H

/* Different fingerprints, each once, the first of them in the order in which they came. Bounded. */

#include <stddef.h>
#include <stdint.h>

#define SCAN_SET_MAX (1u << 20)
#define SCAN_SET_MAX_ORDERED 4096 /* of more only what they are is known */

struct scan_set {
	uint64_t *slots; /* 0: free */
	size_t n_slots;  /* a power of two, or 0 */
	size_t n_items;
	uint64_t *order; /* min(n_items, SCAN_SET_MAX_ORDERED) of them */
};

/* Returns 1 when it is new, 0 when not, -ENOSPC at SCAN_SET_MAX, -ENOMEM. */
int scan_set_add(struct scan_set *set, uint64_t fingerprint);
/* Forgets all and keeps the room. */
void scan_set_clear(struct scan_set *set);
void scan_set_done(struct scan_set *set);

#endif
