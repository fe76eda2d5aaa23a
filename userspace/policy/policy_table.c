/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/policy_shape.h"

/*
 * The subset construction. A position is an atom of a shape and how often it was taken; what can
 * be at once is a set of positions, and each set that is met becomes a state. State 0 is dead.
 */
#define MAX_SHAPES 4
#define MAX_POSITIONS (MAX_SHAPES * (POLICY_SHAPE_MAX_BYTES + POLICY_SHAPE_MAX_ATOMS + 1))
#define SET_WORDS ((MAX_POSITIONS + 63) / 64)

struct set {
	uint64_t words[SET_WORDS];
};

struct policy_table {
	uint16_t (*next)[256];
	bool *accepts;
	size_t n_states;
};

/* Positions of a shape lie one after the other: taken 0 times, once, ... of each atom, and the
 * end. */
struct build {
	const struct policy_shape *shapes;
	size_t n_shapes;
	struct set *sets; /* of each state */
	struct policy_table *table;
	size_t room;
};

struct position {
	const struct policy_shape *shape;
	size_t atom; /* n_atoms: the end */
	size_t taken;
	size_t at; /* its number */
};

static size_t span_of(const struct policy_shape_atom *atom)
{
	return (size_t)(atom->most ? atom->most : atom->least) + 1;
}

static bool has(const struct set *set, size_t at)
{
	return set->words[at / 64] >> at % 64 & 1;
}

static bool add(struct set *set, size_t at)
{
	uint64_t bit = UINT64_C(1) << at % 64;
	bool is_new = !(set->words[at / 64] & bit);

	set->words[at / 64] |= bit;
	return is_new;
}

/* Adds a position and those that are reached from it without a byte. */
static void enter(struct set *set, struct position position)
{
	while (add(set, position.at) && position.atom < position.shape->n_atoms) {
		const struct policy_shape_atom *atom = &position.shape->atoms[position.atom];

		if (position.taken < atom->least)
			return;
		position.at += span_of(atom) - position.taken;
		position.atom++;
		position.taken = 0;
	}
}

/* A byte that the atom of a position fits. */
static void step(struct set *set, struct position position)
{
	const struct policy_shape_atom *atom = &position.shape->atoms[position.atom];

	if (atom->most && position.taken == atom->most)
		return;
	/* Without end: more than the least is the same as the least. */
	if (atom->most || position.taken < atom->least) {
		position.taken++;
		position.at++;
	}
	enter(set, position);
}

/* Calls for every position of a set. */
static void visit(const struct build *build, const struct set *from, uint8_t byte, struct set *to,
		  bool *ret_accepts)
{
	struct position position = {};

	for (size_t i = 0; i < build->n_shapes; i++) {
		position.shape = &build->shapes[i];
		for (position.atom = 0; position.atom < position.shape->n_atoms; position.atom++) {
			const struct policy_shape_atom *atom =
				&position.shape->atoms[position.atom];

			for (position.taken = 0; position.taken < span_of(atom);
			     position.taken++, position.at++)
				if (to && has(from, position.at) && policy_shape_fits(atom, byte))
					step(to, position);
		}
		if (ret_accepts && has(from, position.at))
			*ret_accepts = true;
		position.at++;
	}
}

static int grow(struct build *build)
{
	struct policy_table *table = build->table;
	size_t room = build->room ? build->room * 2 : 32;
	void *grown = reallocarray(build->sets, room, sizeof(*build->sets));

	if (!grown)
		return -ENOMEM;
	build->sets = grown;
	grown = reallocarray(table->next, room, sizeof(*table->next));
	if (!grown)
		return -ENOMEM;
	table->next = grown;
	grown = reallocarray(table->accepts, room, sizeof(*table->accepts));
	if (!grown)
		return -ENOMEM;
	table->accepts = grown;
	build->room = room;
	return 0;
}

/* The state of a set, made when it is new. Returns its number or -errno. */
static int state_of(struct build *build, const struct set *set)
{
	struct policy_table *table = build->table;
	size_t at = 0;
	int r;

	while (at < table->n_states && memcmp(&build->sets[at], set, sizeof(*set)) != 0)
		at++;
	if (at < table->n_states)
		return (int)at;
	if (at == POLICY_TABLE_MAX_STATES)
		return -E2BIG;
	r = at == build->room ? grow(build) : 0;
	if (r < 0)
		return r;
	build->sets[at] = *set;
	table->accepts[at] = false;
	memset(table->next[at], 0, sizeof(table->next[at]));
	visit(build, set, 0, NULL, &table->accepts[at]);
	table->n_states++;
	return (int)at;
}

static bool same_column(const struct build *build, unsigned int a, unsigned int b)
{
	for (size_t i = 0; i < build->n_shapes; i++)
		for (size_t j = 0; j < build->shapes[i].n_atoms; j++)
			if (!policy_shape_fits(&build->shapes[i].atoms[j], (uint8_t)a) !=
			    !policy_shape_fits(&build->shapes[i].atoms[j], (uint8_t)b))
				return false;
	return true;
}

/* Bytes that no shape tells apart share a column: only the first of them is worked out. */
static void find_columns(const struct build *build, uint8_t columns[256])
{
	for (unsigned int byte = 0; byte < 256; byte++) {
		unsigned int first = 0;

		while (first < byte && !same_column(build, first, byte))
			first++;
		columns[byte] = (uint8_t)first;
	}
}

static int fill_state(struct build *build, size_t state, const uint8_t columns[256])
{
	for (unsigned int byte = 0; byte < 256; byte++) {
		struct set from = build->sets[state], to = {};
		int r;

		if (columns[byte] < byte) {
			build->table->next[state][byte] = build->table->next[state][columns[byte]];
			continue;
		}
		visit(build, &from, (uint8_t)byte, &to, NULL);
		r = state_of(build, &to);
		if (r < 0)
			return r;
		build->table->next[state][byte] = (uint16_t)r;
	}
	return 0;
}

static int build_table(struct build *build)
{
	struct position position = {};
	struct set start = {}, dead = {};
	uint8_t columns[256];
	int r;

	for (size_t i = 0; i < build->n_shapes; i++) {
		position.shape = &build->shapes[i];
		enter(&start, position);
		for (size_t j = 0; j < position.shape->n_atoms; j++)
			position.at += span_of(&position.shape->atoms[j]);
		position.at++;
	}
	find_columns(build, columns);
	r = state_of(build, &dead);
	if (r >= 0)
		r = state_of(build, &start);
	for (size_t i = 1; r >= 0 && i < build->table->n_states; i++)
		r = fill_state(build, i, columns);
	return r < 0 ? r : 0;
}

int policy_table_new(const struct policy_shape *shapes, size_t n_shapes,
		     struct policy_table **ret_table)
{
	_cleanup_(policy_table_freep) struct policy_table *table = calloc(1, sizeof(*table));
	struct build build = {.shapes = shapes, .n_shapes = n_shapes, .table = table};
	int r;

	if (!table)
		return -ENOMEM;
	if (n_shapes > MAX_SHAPES)
		return -E2BIG;
	r = build_table(&build);
	free(build.sets);
	if (r == 0)
		*ret_table = TAKE(table);
	return r;
}

void policy_table_free(struct policy_table *table)
{
	free(table->next);
	free(table->accepts);
	free(table);
}

size_t policy_table_match(const struct policy_table *table, const uint8_t *data, size_t size,
			  int (*may_end)(const uint8_t *data, size_t size, size_t at))
{
	unsigned int state = 1;
	size_t longest = 0;

	for (size_t at = 0; at < size; at++) {
		state = table->next[state][data[at]];
		if (state == 0)
			break;
		if (table->accepts[state] && (!may_end || may_end(data, size, at + 1)))
			longest = at + 1;
	}
	return longest;
}

int policy_table_may_begin(const struct policy_table *table, uint8_t byte)
{
	return table->next[1][byte] != 0;
}

size_t policy_table_states(const struct policy_table *table)
{
	return table->n_states;
}

unsigned int policy_table_next(const struct policy_table *table, unsigned int state, uint8_t byte)
{
	return table->next[state][byte];
}

int policy_table_accepts(const struct policy_table *table, unsigned int state)
{
	return table->accepts[state];
}
