/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_private.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/store/store_sql.h"

static size_t find_agent(const struct store *store, const char *name, bool *ret_found)
{
	size_t low = 0, high = store->n_agents;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(store->agents[middle].name, name);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t store_agents_last_seq(const struct store *store, const char *name)
{
	bool found;
	size_t i = find_agent(store, name, &found);

	return found ? store->agents[i].last_seq : 0;
}

int store_agents_add(struct store *store, const char *name)
{
	struct store_agent *grown;
	bool found;
	size_t i = find_agent(store, name, &found);
	char *copy;

	if (found)
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	grown = reallocarray(store->agents, store->n_agents + 1, sizeof(*grown));
	if (!grown) {
		free(copy);
		return -ENOMEM;
	}
	store->agents = grown;
	memmove(grown + i + 1, grown + i, (store->n_agents - i) * sizeof(*grown));
	grown[i] = (struct store_agent){.name = copy};
	store->n_agents++;
	return 0;
}

void store_agents_raise(struct store *store, const char *name, uint64_t seq)
{
	bool found;
	size_t i = find_agent(store, name, &found);

	if (found && store->agents[i].last_seq < seq)
		store->agents[i].last_seq = seq;
}

static int load_agents(struct store *store, struct store_segment *segment)
{
	_cleanup_(store_sql_finalizep) sqlite3_stmt *statement = NULL;
	int r = store_sql_prepare(segment->db, "SELECT name, last_seq FROM agents", &statement);

	if (r < 0)
		return r;
	while ((r = store_sql_step(statement)) > 0) {
		const char *name = (const char *)sqlite3_column_text(statement, 0);

		if (!name)
			return -ENOMEM;
		r = store_agents_add(store, name);
		if (r < 0)
			return r;
		store_agents_raise(store, name, store_sql_number(statement, 1));
	}
	return r;
}

static int append_segment(struct store *store, struct store_segment *segment)
{
	struct store_segment **grown =
		reallocarray(store->segments, store->n_segments + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[store->n_segments++] = segment;
	store->segments = grown;
	return 0;
}

/* A file that holds less than was once written down of it was cut or replaced. */
static int check_against_state(struct store *store, const struct store_segment *segment)
{
	struct store_segment_summary known;
	bool is_final;
	int r = store_state_get_summary(store, segment->number, &known, &is_final);

	if (r <= 0)
		return 0;
	return segment->summary.n_events < known.n_events ? -EUCLEAN : 0;
}

static int open_segment(struct store *store, uint64_t number, bool is_newest)
{
	_cleanup_(store_segment_freep) struct store_segment *segment = NULL;
	int r = is_newest ? store_segment_create(store->dir, number, &segment)
			  : store_segment_open(store->dir, number, false, &segment);

	if (r == -ENODATA)
		r = -EUCLEAN;
	if (r == 0)
		r = check_against_state(store, segment);
	/* Older files were checked when they were the newest, and are again wherever they are read.
	 */
	if (r == 0 && is_newest)
		r = store_sql_check(segment->db);
	if (r == 0)
		r = load_agents(store, segment);
	if (r == 0)
		r = append_segment(store, segment);
	if (r == 0) {
		if (!is_newest)
			store_segment_rest(segment, false);
		TAKE(segment);
	} else if (r == -EUCLEAN && segment) {
		store_segment_rest(segment, true);
	}
	return r;
}

static int begin_segment(struct store *store)
{
	_cleanup_(store_segment_freep) struct store_segment *segment = NULL;
	int r;

	if (store->next_number > STORE_MAX_SEGMENTS)
		return -EFBIG;
	r = store_segment_create(store->dir, store->next_number, &segment);
	if (r == 0)
		r = append_segment(store, segment);
	if (r < 0)
		return r;
	TAKE(segment);
	store->next_number++;
	return 0;
}

int store_segments_open(struct store *store)
{
	_cleanup_(store_segment_files_done) struct store_segment_files files = {};
	int r = store_segment_list(store->dir, &files);

	if (r < 0)
		return r;
	store->losses_pending = true;
	store->next_number = 1;
	if (files.n_set_aside > 0)
		store->next_number = files.set_aside[files.n_set_aside - 1] + 1;
	for (size_t i = 0; i < files.n_numbers; i++) {
		bool is_newest = i + 1 == files.n_numbers;

		if (files.numbers[i] >= store->next_number)
			store->next_number = files.numbers[i] + 1;
		r = open_segment(store, files.numbers[i], is_newest);
		if (r == -EUCLEAN)
			r = store_loss_set_aside(store, files.numbers[i]);
		if (r < 0)
			return r;
	}
	/* After a loss of the newest file a sealed one would be the last: it stays sealed. */
	if (store->n_segments > 0 &&
	    store->segments[store->n_segments - 1]->number + 1 == store->next_number) {
		struct store_segment *current = store->segments[store->n_segments - 1];

		r = store_state_put_summary(store, current, false);
	} else {
		r = begin_segment(store);
	}
	return r == -ENOSPC ? 0 : r;
}

void store_segments_close(struct store *store)
{
	for (size_t i = 0; i < store->n_segments; i++) {
		/* What is not written down here costs precision in a later loss event, no more. */
		if (i + 1 == store->n_segments && store->state)
			store_state_put_summary(store, store->segments[i], true);
		store_segment_free(store->segments[i]);
	}
	free(store->segments);
	store->segments = NULL;
	store->n_segments = 0;
}

/* Best effort, both: the summary makes a later loss event precise, no more, and a log that
 * stays is folded in when the file is opened next. */
static void seal(struct store *store, struct store_segment *segment)
{
	store_state_put_summary(store, segment, true);
	if (segment->db)
		store_sql_fold_log(segment->db);
}

int store_segments_current(struct store *store, size_t n_records,
			   struct store_segment **ret_segment)
{
	struct store_segment *current = NULL;
	int r;

	if (store->n_segments > 0)
		current = store->segments[store->n_segments - 1];
	/* A number between them was set aside: what comes after must have a higher id. */
	if (current && current->number + 1 != store->next_number)
		current = NULL;
	if (current && current->summary.n_events > 0 &&
	    current->summary.n_events + n_records > store->segment_rows) {
		seal(store, current);
		current = NULL;
	}
	if (!current) {
		store->suspect = store->next_number;
		r = begin_segment(store);
		if (r < 0)
			return r;
		current = store->segments[store->n_segments - 1];
	}
	r = store_segments_use(store, current);
	if (r < 0)
		return r;
	*ret_segment = current;
	return 0;
}

void store_segments_make_room(struct store *store)
{
	store_sql_fold_log(store->state);
	for (size_t i = 0; i < store->n_segments; i++) {
		if (store->segments[i]->db)
			store_sql_fold_log(store->segments[i]->db);
	}
}

int store_segments_use(struct store *store, struct store_segment *segment)
{
	struct store_segment *oldest = NULL;
	size_t n_open = 0;

	segment->used = ++store->use;
	store->suspect = segment->number;
	if (segment->db)
		return 0;
	for (size_t i = 0; i + 1 < store->n_segments; i++) {
		struct store_segment *other = store->segments[i];

		if (!other->db)
			continue;
		n_open++;
		if (!oldest || other->used < oldest->used)
			oldest = other;
	}
	if (n_open >= STORE_MAX_OPEN_SEGMENTS)
		store_segment_rest(oldest, false);
	return store_segment_wake(segment, store->dir);
}
