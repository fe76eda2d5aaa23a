/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/store/store_private.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/store/store_sql.h"
#include "event/event_codec.h"

/* One transaction in the making. */
struct append {
	struct store *store;
	struct store_segment *segment;
	struct store_segment_summary summary; /* as it will be */
	const char *agent;
	uint64_t last_seq; /* the highest of the store and of this batch so far */
};

struct totals {
	uint64_t bytes, calls, turns;
};

/* Binds the identity of an event's flow to parameters 1 to 8. */
static void bind_flow(sqlite3_stmt *statement, const struct event *event)
{
	store_sql_bind_text(statement, 1, event->agent);
	store_sql_bind_text(statement, 2, event->boot_id ? event->boot_id : "");
	store_sql_bind_number(statement, 3, event->app.id);
	store_sql_bind_number(statement, 4, event->object.dev);
	store_sql_bind_number(statement, 5, event->object.ino);
	store_sql_bind_number(statement, 6, event->object.generation);
	store_sql_bind_number(statement, 7, event->direction);
	store_sql_bind_number(statement, 8, event->flow_first_ns);
}

static bool has_totals(const struct event *event)
{
	switch (event->kind) {
	case EVENT_EDGE:
	case EVENT_FLOW:
	case EVENT_EGRESS:
	case EVENT_CRM_ACCESS:
		return true;
	default:
		return false;
	}
}

/* Returns 1 when the segment knows the flow or event, 0 when not, -errno. */
static int find_in(struct append *append, struct store_segment *segment,
		   enum store_segment_statement which, const struct event *event,
		   struct totals *totals)
{
	sqlite3_stmt *statement;
	int r = store_segments_use(append->store, segment);

	if (r == 0)
		r = store_segment_statement(segment, which, &statement);
	if (r < 0)
		return r;
	if (which == SEGMENT_FIND_FLOW) {
		bind_flow(statement, event);
	} else {
		store_sql_bind_text(statement, 1, event->agent);
		store_sql_bind_number(statement, 2, event->seq);
	}
	r = store_sql_step(statement);
	if (r > 0 && which == SEGMENT_FIND_FLOW)
		*totals = (struct totals){
			.bytes = store_sql_number(statement, 0),
			.calls = store_sql_number(statement, 1),
			.turns = store_sql_number(statement, 2),
		};
	sqlite3_reset(statement);
	return r;
}

/* Newest first: the newest segment that knows a flow has its latest totals. */
static int find(struct append *append, enum store_segment_statement which,
		const struct event *event, struct totals *totals)
{
	struct store *store = append->store;

	for (size_t i = store->n_segments; i-- > 0;) {
		struct store_segment *segment = store->segments[i];
		int r;

		/* An older segment whose last event is before the flow began cannot know it. */
		if (which == SEGMENT_FIND_FLOW && segment != append->segment &&
		    segment->summary.last_ns < event->flow_first_ns)
			continue;
		r = find_in(append, segment, which, event, totals);
		if (r != 0)
			return r;
	}
	return 0;
}

static uint64_t advance(uint64_t *last, uint64_t total)
{
	uint64_t added = total > *last ? total - *last : 0;

	*last += added;
	return added;
}

/* Turns the event's totals into what it added, and remembers them. */
static int take_totals(struct append *append, struct store_record *record)
{
	const struct event *event = record->event;
	struct totals last = {};
	sqlite3_stmt *statement;
	int r;

	record->bytes = record->calls = record->turns = 0;
	if (!has_totals(event))
		return 0;
	r = find(append, SEGMENT_FIND_FLOW, event, &last);
	if (r >= 0)
		r = store_segments_use(append->store, append->segment);
	if (r == 0)
		r = store_segment_statement(append->segment, SEGMENT_PUT_FLOW, &statement);
	if (r < 0)
		return r;
	record->bytes = advance(&last.bytes, event->bytes_total);
	record->calls = advance(&last.calls, event->calls_total);
	record->turns = advance(&last.turns, event->turns_total);
	bind_flow(statement, event);
	store_sql_bind_number(statement, 9, last.bytes);
	store_sql_bind_number(statement, 10, last.calls);
	store_sql_bind_number(statement, 11, last.turns);
	return store_sql_run(statement);
}

static int put_event(struct append *append, const struct store_record *record)
{
	const struct event *event = record->event;
	_cleanup_free_ uint8_t *data = NULL;
	sqlite3_stmt *statement;
	size_t size;
	int r = event_encode(event, &data, &size);

	if (r == 0)
		r = store_segment_statement(append->segment, SEGMENT_PUT_EVENT, &statement);
	if (r < 0)
		return r;
	store_sql_bind_text(statement, 1, event->agent);
	store_sql_bind_number(statement, 2, record->id);
	store_sql_bind_number(statement, 3, event->seq);
	store_sql_bind_number(statement, 4, event->time_ns);
	store_sql_bind_number(statement, 5, event->kind);
	store_sql_bind_text(statement, 6, record->person);
	store_sql_bind_number(statement, 7, record->is_staff);
	store_sql_bind_text(statement, 8, event->boot_id);
	store_sql_bind_number(statement, 9, event->app.id);
	store_sql_bind_number(statement, 10, event->object.dev);
	store_sql_bind_number(statement, 11, event->object.ino);
	store_sql_bind_number(statement, 12, event->object.generation);
	store_sql_bind_number(statement, 13, record->bytes);
	store_sql_bind_number(statement, 14, record->calls);
	store_sql_bind_number(statement, 15, record->turns);
	sqlite3_bind_blob64(statement, 16, data, size, SQLITE_STATIC);
	r = store_sql_run(statement);
	sqlite3_clear_bindings(statement);
	return r;
}

static void add_to_summary(struct store_segment_summary *summary, const struct store_record *record)
{
	const struct event *event = record->event;

	summary->n_events++;
	summary->last_id = record->id;
	if (summary->first_ns == 0 || event->time_ns < summary->first_ns)
		summary->first_ns = event->time_ns;
	if (event->time_ns > summary->last_ns)
		summary->last_ns = event->time_ns;
	if (event->flow_first_ns > summary->last_ns)
		summary->last_ns = event->flow_first_ns;
}

static int append_record(struct append *append, struct store_record *record)
{
	struct store_segment_summary *summary = &append->summary;
	uint64_t seq = record->event->seq;
	int r = 0;

	record->event->app.login_uid = 0;
	/* Above the last seq it is new for certain; below, it may be a repeat or a late one. */
	if (seq <= append->last_seq)
		r = find(append, SEGMENT_FIND_EVENT, record->event, NULL);
	if (r < 0)
		return r;
	if (r > 0) {
		record->id = record->bytes = record->calls = record->turns = 0;
		summary->n_duplicates++;
		return 0;
	}
	r = take_totals(append, record);
	if (r < 0)
		return r;
	record->id = summary->last_id ? summary->last_id + 1
				      : store_segment_first_id(append->segment->number);
	r = store_segments_use(append->store, append->segment);
	if (r == 0)
		r = put_event(append, record);
	if (r < 0)
		return r;
	if (seq > append->last_seq)
		append->last_seq = seq;
	add_to_summary(summary, record);
	return 0;
}

/* Runs a statement whose first parameter is a text and whose second, if any, a number. */
static int run(struct append *append, enum store_segment_statement which, const char *text,
	       const uint64_t *number)
{
	sqlite3_stmt *statement;
	int r = store_segment_statement(append->segment, which, &statement);

	if (r < 0)
		return r;
	store_sql_bind_text(statement, 1, text);
	if (number)
		store_sql_bind_number(statement, 2, *number);
	return store_sql_run(statement);
}

static int put_summary(struct append *append)
{
	const struct store_segment_summary *summary = &append->summary;
	sqlite3_stmt *statement;
	int r = store_segment_statement(append->segment, SEGMENT_PUT_SUMMARY, &statement);

	if (r < 0)
		return r;
	store_sql_bind_number(statement, 1, summary->n_events);
	store_sql_bind_number(statement, 2, summary->n_duplicates);
	store_sql_bind_number(statement, 3, summary->first_ns);
	store_sql_bind_number(statement, 4, summary->last_ns);
	store_sql_bind_number(statement, 5, summary->last_id);
	return store_sql_run(statement);
}

static int fill_transaction(struct append *append, struct store_record *records, size_t n_records,
			    const char *loss_file)
{
	int r = run(append, SEGMENT_PUT_AGENT, append->agent, NULL);

	for (size_t i = 0; r == 0 && i < n_records; i++)
		r = append_record(append, &records[i]);
	if (r == 0)
		r = store_segments_use(append->store, append->segment);
	if (r == 0)
		r = run(append, SEGMENT_SET_LAST_SEQ, append->agent, &append->last_seq);
	if (r == 0 && loss_file)
		r = run(append, SEGMENT_PUT_LOSS, loss_file, NULL);
	if (r == 0)
		r = put_summary(append);
	return r;
}

int store_append_once(struct store *store, struct store_record *records, size_t n_records,
		      const char *loss_file)
{
	struct append append = {.store = store, .agent = records[0].event->agent};
	int r = store_agents_add(store, append.agent);

	if (r == 0)
		r = store_segments_current(store, n_records, &append.segment);
	if (r == 0)
		r = store_sql_exec(append.segment->db, "BEGIN IMMEDIATE");
	if (r == 0) {
		append.summary = append.segment->summary;
		append.last_seq = store_agents_last_seq(store, append.agent);
		r = fill_transaction(&append, records, n_records, loss_file);
		if (r == 0)
			r = store_sql_exec(append.segment->db, "COMMIT");
		if (r < 0)
			sqlite3_exec(append.segment->db, "ROLLBACK", NULL, NULL, NULL);
	}
	if (r < 0) {
		for (size_t i = 0; i < n_records; i++)
			records[i].id = records[i].bytes = records[i].calls = records[i].turns = 0;
		return r;
	}
	append.segment->summary = append.summary;
	store_agents_raise(store, append.agent, append.last_seq);
	return 0;
}
