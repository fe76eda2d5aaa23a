/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_TABLE_H
#define WEIR_POLICY_POLICY_TABLE_H

/*
 * Shapes compiled to one table of states, so that a byte costs one look-up
 * whatever the shape. The table finds the longest token at a place and knows
 * nothing of what may stand around it.
 */

#include <stddef.h>
#include <stdint.h>

struct policy_shape;
struct policy_table;

#define POLICY_TABLE_MAX_STATES 2048

/* A table of texts that fit any of the shapes. Returns 0, -E2BIG for more than
 * POLICY_TABLE_MAX_STATES, -ENOMEM. */
int policy_table_new(const struct policy_shape *shapes, size_t n_shapes,
		     struct policy_table **ret_table);
void policy_table_free(struct policy_table *table);

/*
 * Bytes of the longest text at the start of data that fits and after which may_end says yes
 * (NULL: anything may follow), 0 for none.
 */
size_t policy_table_match(const struct policy_table *table, const uint8_t *data, size_t size,
			  int (*may_end)(const uint8_t *data, size_t size, size_t at));

/* The table itself: states from 0, which is dead, and 1, in which a text begins. */
size_t policy_table_states(const struct policy_table *table);
unsigned int policy_table_next(const struct policy_table *table, unsigned int state, uint8_t byte);
int policy_table_accepts(const struct policy_table *table, unsigned int state);

/* Whether a text that fits can begin with the byte. */
int policy_table_may_begin(const struct policy_table *table, uint8_t byte);

static inline void policy_table_freep(struct policy_table **table)
{
	if (*table)
		policy_table_free(*table);
}

#endif
