/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_private.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/store/store_query.h"
#include "collector/store/store_sql.h"

/* A segment that is still to be opened. */
struct waiting {
	uint64_t number;
	uint64_t first_ns;
};

/* A segment being read: its next record. */
struct source {
	uint64_t number;
	sqlite3 *db;
	sqlite3_stmt *statement; /* NULL: there is only the head */
	struct store_record *head;
};

/*
 * Segments are opened when their turn comes: one after the other by id, and by
 * time as soon as one may hold an earlier event than those at hand, so that few
 * are open at once. The list is taken at the start: what is in a later segment
 * is later than all of this one, and the next query finds it.
 */
struct store_cursor {
	struct store *store;
	struct store_query_plan plan;
	struct waiting *waiting;
	size_t n_waiting, next_waiting;
	struct source *sources;
	size_t n_sources;
};

static void source_done(struct source *source)
{
	sqlite3_finalize(source->statement);
	store_sql_close(source->db, true);
	store_record_free(source->head);
	*source = (struct source){};
}

void store_cursor_free(struct store_cursor *cursor)
{
	if (!cursor)
		return;
	for (size_t i = 0; i < cursor->n_sources; i++)
		source_done(&cursor->sources[i]);
	free(cursor->sources);
	free(cursor->waiting);
	store_query_plan_done(&cursor->plan);
	free(cursor);
}

static bool may_match(const struct store_query *query, uint64_t number,
		      const struct store_segment_summary *summary)
{
	if (store_segment_first_id(number + 1) - 1 <= query->after_id)
		return false;
	if (!summary)
		return true;
	if (summary->n_events == 0 || summary->last_id <= query->after_id)
		return false;
	return (!query->from_ns || summary->last_ns >= query->from_ns) &&
	       (!query->to_ns || summary->first_ns <= query->to_ns);
}

static int wait_for(struct store_cursor *cursor, uint64_t number, uint64_t first_ns)
{
	struct waiting *grown =
		reallocarray(cursor->waiting, cursor->n_waiting + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[cursor->n_waiting++] = (struct waiting){.number = number, .first_ns = first_ns};
	cursor->waiting = grown;
	return 0;
}

static int plan_writer(struct store_cursor *cursor)
{
	const struct store *store = cursor->store;
	int r = 0;

	for (size_t i = 0; r == 0 && i < store->n_segments; i++) {
		const struct store_segment *segment = store->segments[i];

		bool is_newest = i + 1 == store->n_segments;

		if (may_match(&cursor->plan.query, segment->number, &segment->summary))
			r = wait_for(cursor, segment->number,
				     is_newest ? 0 : segment->summary.first_ns);
	}
	return r;
}

static int plan_file(struct store_cursor *cursor, uint64_t number, bool is_newest)
{
	_cleanup_(store_segment_freep) struct store_segment *segment = NULL;
	int r;

	if (!may_match(&cursor->plan.query, number, NULL))
		return 0;
	/* The newest may grow until it is opened, also by events of an earlier time. */
	if (is_newest)
		return wait_for(cursor, number, 0);
	r = store_segment_open(cursor->store->dir, number, true, &segment);
	if (r == -EUCLEAN)
		return wait_for(cursor, number, 0);
	if (r == -ENOENT || r == -ENODATA)
		return 0;
	if (r < 0 || !may_match(&cursor->plan.query, number, &segment->summary))
		return r;
	return wait_for(cursor, number, segment->summary.first_ns);
}

static int plan_reader(struct store_cursor *cursor)
{
	_cleanup_(store_segment_files_done) struct store_segment_files files = {};
	int r = store_segment_list(cursor->store->dir, &files);

	for (size_t i = 0; r == 0 && i < files.n_numbers; i++)
		r = plan_file(cursor, files.numbers[i], i + 1 == files.n_numbers);
	return r;
}

static int compare_waiting(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

int store_query(struct store *store, const struct store_query *query,
		struct store_cursor **ret_cursor)
{
	_cleanup_(store_cursor_freep) struct store_cursor *cursor = calloc(1, sizeof(*cursor));
	int r;

	if (!cursor)
		return -ENOMEM;
	cursor->store = store;
	r = store_query_plan(store->state, query, &cursor->plan);
	if (r == 0)
		r = store->read_only ? plan_reader(cursor) : plan_writer(cursor);
	if (r < 0)
		return r;
	if (query->by_time && cursor->n_waiting > 0)
		qsort(cursor->waiting, cursor->n_waiting, sizeof(*cursor->waiting),
		      compare_waiting);
	*ret_cursor = TAKE(cursor);
	return 0;
}

/* A damaged segment: a writer sets it aside, a reader has a record in its place. */
static int handle_damage(struct store_cursor *cursor, struct source *source)
{
	const struct store_query *query = &cursor->plan.query;
	struct store_record *loss;
	int r;

	sqlite3_finalize(TAKE(source->statement));
	store_sql_close(TAKE(source->db), true);
	if (!cursor->store->read_only)
		return store_loss_set_aside(cursor->store, source->number);
	if (query->kinds && !(query->kinds & (UINT32_C(1) << EVENT_LOSS)))
		return 0;
	r = store_loss_record(cursor->store, source->number, &loss);
	if (r < 0)
		return r;
	if (loss->id <= query->after_id)
		store_record_free(loss);
	else
		source->head = loss;
	return 0;
}

/* Brings the next record of a source to its head; leaves NULL at its end. */
static int refill(struct store_cursor *cursor, struct source *source)
{
	int r;

	if (!source->statement)
		return 0;
	r = store_query_step(source->statement, &source->head);
	if (r == -EUCLEAN)
		return handle_damage(cursor, source);
	return r < 0 ? r : 0;
}

static int open_source(struct store_cursor *cursor, uint64_t number)
{
	_cleanup_(source_done) struct source source = {.number = number};
	_cleanup_free_ char *path = NULL;
	uint64_t format = 0;
	struct source *grown;
	int r = store_segment_path(cursor->store->dir, number, &path);

	if (r == 0)
		r = store_sql_open(path, true, &source.db);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = store_sql_query_number(source.db, "PRAGMA user_version", &format);
	if (r >= 0 && format == 0)
		return 0;
	if (r >= 0)
		r = store_query_prepare(source.db, &cursor->plan, &source.statement);
	if (r == 0)
		r = refill(cursor, &source);
	else if (r == -EUCLEAN)
		r = handle_damage(cursor, &source);
	if (r < 0 || !source.head)
		return r;
	grown = reallocarray(cursor->sources, cursor->n_sources + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	cursor->sources = grown;
	grown[cursor->n_sources++] = source;
	source = (struct source){};
	return 0;
}

static int compare_records(const struct store_record *a, const struct store_record *b)
{
	int order;

	if (a->event->time_ns != b->event->time_ns)
		return a->event->time_ns < b->event->time_ns ? -1 : 1;
	order = strcmp(a->event->agent, b->event->agent);
	if (order != 0)
		return order;
	if (a->event->seq != b->event->seq)
		return a->event->seq < b->event->seq ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static size_t find_first(const struct store_cursor *cursor)
{
	size_t first = 0;

	for (size_t i = 1; i < cursor->n_sources; i++)
		if (compare_records(cursor->sources[i].head, cursor->sources[first].head) < 0)
			first = i;
	return first;
}

static bool wants_another(const struct store_cursor *cursor)
{
	const struct store_record *head;

	if (cursor->next_waiting == cursor->n_waiting)
		return false;
	if (cursor->n_sources == 0)
		return true;
	if (!cursor->plan.query.by_time)
		return false;
	head = cursor->sources[find_first(cursor)].head;
	return cursor->waiting[cursor->next_waiting].first_ns <= head->event->time_ns;
}

int store_cursor_next(struct store_cursor *cursor, struct store_record **ret_record)
{
	struct store_record *record;
	struct source *source;
	int r;

	while (wants_another(cursor)) {
		r = open_source(cursor, cursor->waiting[cursor->next_waiting].number);
		if (r < 0)
			return r;
		cursor->next_waiting++;
	}
	if (cursor->n_sources == 0)
		return 0;
	source = &cursor->sources[find_first(cursor)];
	record = TAKE(source->head);
	r = refill(cursor, source);
	if (r < 0) {
		source->head = record;
		return r;
	}
	if (!source->head) {
		source_done(source);
		*source = cursor->sources[--cursor->n_sources];
	}
	*ret_record = record;
	return 1;
}
