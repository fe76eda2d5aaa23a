/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_SHAPE_H
#define WEIR_POLICY_POLICY_SHAPE_H

/*
 * The small language that says what a token looks like: P20\d{8}. Bytes stand for
 * themselves, \d is a digit, \a a letter, [A-Z0-9] one of several, a backslash
 * takes a sign literally; ?, {N}, {N,M} and + repeat what stands before them. There
 * are no groups and no wildcards, so a shape always compiles to a small table.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_SHAPE_MAX_ATOMS 32
#define POLICY_SHAPE_MAX_BYTES 128 /* that the repetitions of one shape may add up to */

struct policy_shape_atom {
	uint8_t bytes[32]; /* a bit for each byte that fits */
	uint8_t least;
	uint8_t most; /* 0: without end */
};

struct policy_shape {
	struct policy_shape_atom atoms[POLICY_SHAPE_MAX_ATOMS];
	size_t n_atoms;
};

/* Returns 0, or -EINVAL with what is wrong and what would be right in *ret_why (static). */
int policy_shape_parse(const char *text, struct policy_shape *ret_shape, const char **ret_why);

/* Bytes of the shortest token that fits. */
size_t policy_shape_least_bytes(const struct policy_shape *shape);

static inline bool policy_shape_fits(const struct policy_shape_atom *atom, uint8_t byte)
{
	return atom->bytes[byte / 8] & 1 << byte % 8;
}

#endif
