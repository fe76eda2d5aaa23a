/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_automaton.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "policy/policy_record.h"
#include "policy/policy_table.h"

/* Where each record's own table is. All zero: dead. */
struct tuple {
	uint16_t at[WEIR_RECORD_RULES];
};

struct build {
	struct policy_table *tables[WEIR_RECORD_RULES];
	size_t n_tables;
	struct weir_record_table *table;
	struct tuple tuples[WEIR_RECORD_STATES]; /* of each state */
	size_t n_states;
	uint8_t first[WEIR_RECORD_COLUMNS]; /* byte of each column */
	size_t n_columns;
};

static void build_free(struct build *build)
{
	for (size_t i = 0; i < build->n_tables; i++)
		policy_table_free(build->tables[i]);
	free(build);
}

static void build_freep(struct build **build)
{
	if (*build)
		build_free(*build);
}

static enum weir_record_group group_of(uint32_t kind)
{
	switch (kind) {
	case WEIR_RECORD_EMAIL:
		return WEIR_RECORD_MAIL;
	case WEIR_RECORD_PATTERN:
		return WEIR_RECORD_WORDS;
	default:
		return WEIR_RECORD_DIGITS;
	}
}

static bool is_word(unsigned int byte)
{
	return byte < 0x80 && (isalnum((int)byte) || byte == '_');
}

/* Of whoever says that something is text: control bytes that it has none of. */
static bool is_odd(unsigned int byte)
{
	return byte < ' ' && (byte == 0 || !strchr("\t\n\v\f\r\033", (int)byte));
}

static uint8_t sign_of(const struct build *build, unsigned int byte)
{
	unsigned int sign = 0;

	if (is_word(byte))
		sign |= WEIR_SIGN_WORD | WEIR_SIGN_MAIL;
	if (byte >= '0' && byte <= '9')
		sign |= WEIR_SIGN_DIGIT;
	if (byte == '.')
		sign |= WEIR_SIGN_DOT;
	if (byte == '-' || byte == '@')
		sign |= WEIR_SIGN_DASH_AT;
	if (byte == '.' || byte == '%' || byte == '+' || byte == '-')
		sign |= WEIR_SIGN_MAIL;
	if (byte == '\\')
		sign |= WEIR_SIGN_ESCAPE;
	if (is_odd(byte))
		sign |= WEIR_SIGN_ODD;
	/* Where a code may be said, the kernel side is to look, see record_is_coded(). */
	if (isxdigit((int)byte) || byte == 'q')
		sign |= WEIR_SIGN_BEGINS;
	for (size_t i = 0; i < build->n_tables; i++)
		if (policy_table_may_begin(build->tables[i], (uint8_t)byte))
			sign |= WEIR_SIGN_BEGINS;
	return (uint8_t)sign;
}

/* Digits of a number whatever stands between them, addresses in lower case, and the check of a
 * resident id in upper case. */
static uint8_t form_of(unsigned int kind, unsigned int byte)
{
	switch (kind) {
	case WEIR_RECORD_MOBILE:
	case WEIR_RECORD_BANK_CARD:
		return byte >= '0' && byte <= '9' ? (uint8_t)byte : 0;
	case WEIR_RECORD_EMAIL:
		return byte < 0x80 ? (uint8_t)tolower((int)byte) : (uint8_t)byte;
	case WEIR_RECORD_RESIDENT_ID:
		return byte == 'x' ? 'X' : (uint8_t)byte;
	default:
		return (uint8_t)byte;
	}
}

static bool are_alike(const struct build *build, uint8_t a, uint8_t b)
{
	for (size_t i = 0; i < build->n_tables; i++)
		for (unsigned int state = 1; state < policy_table_states(build->tables[i]); state++)
			if (policy_table_next(build->tables[i], state, a) !=
			    policy_table_next(build->tables[i], state, b))
				return false;
	return true;
}

static int find_columns(struct build *build)
{
	for (unsigned int byte = 0; byte < 256; byte++) {
		size_t column = 0;

		while (column < build->n_columns &&
		       !are_alike(build, build->first[column], (uint8_t)byte))
			column++;
		if (column == WEIR_RECORD_COLUMNS)
			return -E2BIG;
		if (column == build->n_columns)
			build->first[build->n_columns++] = (uint8_t)byte;
		build->table->columns[byte] = (uint8_t)column;
		build->table->signs[byte] = sign_of(build, byte);
		for (unsigned int kind = 0; kind < WEIR_RECORD_FORMS; kind++)
			build->table->forms[kind][byte] = form_of(kind, byte);
	}
	return 0;
}

/* The state of a tuple, made when it is new. Returns its number or -E2BIG. */
static int state_of(struct build *build, const struct tuple *tuple)
{
	size_t at = 0;

	while (at < build->n_states && memcmp(&build->tuples[at], tuple, sizeof(*tuple)) != 0)
		at++;
	if (at < build->n_states)
		return (int)at;
	if (at == WEIR_RECORD_STATES)
		return -E2BIG;
	build->tuples[at] = *tuple;
	for (size_t i = 0; i < build->n_tables; i++)
		if (tuple->at[i] && policy_table_accepts(build->tables[i], tuple->at[i]))
			build->table->accepts[at] |= (uint16_t)(1u << i);
	build->n_states++;
	return (int)at;
}

/* A state for each choice of groups of which a token may begin. */
static int add_starts(struct build *build)
{
	struct weir_record_table *table = build->table;

	for (unsigned int groups = 0; groups < 1u << WEIR_RECORD_GROUPS; groups++) {
		struct tuple tuple = {};
		int state;

		for (size_t i = 0; i < build->n_tables; i++)
			tuple.at[i] = groups >> group_of(table->rules[i].kind) & 1;
		state = state_of(build, &tuple);
		if (state < 0)
			return state;
		table->starts[groups] = (uint16_t)state;
	}
	return 0;
}

static int fill_state(struct build *build, size_t state)
{
	for (size_t column = 0; column < build->n_columns; column++) {
		struct tuple to = {};
		int next;

		for (size_t i = 0; i < build->n_tables; i++)
			to.at[i] = (uint16_t)policy_table_next(
				build->tables[i], build->tuples[state].at[i], build->first[column]);
		next = state_of(build, &to);
		if (next < 0)
			return next;
		build->table->next[state * WEIR_RECORD_COLUMNS + column] = (uint16_t)next;
	}
	return 0;
}

static int fill_table(struct build *build)
{
	const struct tuple dead = {};
	int r = find_columns(build);

	if (r == 0)
		r = state_of(build, &dead);
	if (r == 0)
		r = add_starts(build);
	for (size_t i = 1; r == 0 && i < build->n_states; i++)
		r = fill_state(build, i);
	return r;
}

static int add_record(struct build *build, const struct policy_record *record,
		      const uint8_t key[SIPHASH_KEY_BYTES])
{
	struct weir_record_table *table = build->table;
	struct weir_record_rule *rule = &table->rules[build->n_tables];
	int r = policy_record_table_new(record->kind, record->pattern,
					&build->tables[build->n_tables]);

	if (r < 0)
		return r;
	rule->kind = record->kind;
	rule->tag = siphash(key, record->name, strlen(record->name));
	table->of_group[group_of(rule->kind)] |= (uint16_t)(1u << build->n_tables);
	build->n_tables++;
	return 0;
}

static int try_to_fill(const struct policy_record *records, size_t n_records,
		       const uint8_t key[SIPHASH_KEY_BYTES], struct weir_record_table *table)
{
	_cleanup_(build_freep) struct build *build = calloc(1, sizeof(*build));
	int r = 0;

	if (!build)
		return -ENOMEM;
	build->table = table;
	memset(table, 0, sizeof(*table));
	for (size_t i = 0; i < n_records && r == 0; i++)
		r = add_record(build, &records[i], key);
	if (r == 0)
		r = fill_table(build);
	if (r < 0)
		return r;
	table->key[0] = bytes_get64(key);
	table->key[1] = bytes_get64(key + 8);
	table->n_rules = (uint32_t)n_records;
	return 0;
}

static_assert(WEIR_RECORD_RULES == POLICY_MAX_RECORDS, "one for each");
static_assert((int)WEIR_RECORD_BANK_CARD == (int)POLICY_RECORD_BANK_CARD &&
		      (int)WEIR_RECORD_EMAIL == (int)POLICY_RECORD_EMAIL &&
		      (int)WEIR_RECORD_RESIDENT_ID == (int)POLICY_RECORD_RESIDENT_ID &&
		      (int)WEIR_RECORD_MOBILE == (int)POLICY_RECORD_MOBILE,
	      "the same kinds");

int policy_automaton_fill(const struct policy_record *records, size_t n_records,
			  const uint8_t key[SIPHASH_KEY_BYTES], struct weir_record_table *ret_table,
			  size_t *ret_n)
{
	int r;

	do
		r = try_to_fill(records, n_records, key, ret_table);
	while (r == -E2BIG && n_records-- > 0);
	if (r == 0)
		*ret_n = n_records;
	return r;
}
