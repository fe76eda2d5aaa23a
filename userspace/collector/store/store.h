/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_STORE_STORE_H
#define WEIR_COLLECTOR_STORE_STORE_H

/*
 * The durable store: events in time segments (events-000001.db, ...), incidents
 * and progress in weir.db, all SQLite in WAL mode with synchronous=FULL. What
 * store_append() returned 0 for survives a power cut, and each (agent, seq) is
 * held once. A segment that cannot be read is set aside, never deleted, and
 * stands on the timeline as a loss. People are in here as pseudonyms only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct store;
struct store_cursor;

/* An event as stored. */
struct store_record {
	uint64_t id;         /* grows in the order of arrival, across segments */
	struct event *event; /* login_uid is cleared: person stands for it */
	char *person;        /* pseudonym, NULL for events about the agent itself */
	bool is_staff;
	uint64_t bytes; /* what this event added to its flow: total minus the flow's last total */
	uint64_t calls;
	uint64_t turns;
};

struct store_query {
	uint64_t from_ns, to_ns; /* by event time, both inclusive; 0: open */
	uint64_t after_id;       /* 0: from the start */
	const char *agent;       /* NULL: any; likewise below */
	const char *person;
	const char *boot_id;
	uint64_t app_id;             /* 0: any */
	const uint64_t *object_inos; /* any of these, of whatever dev and generation; none is 0 */
	size_t n_object_inos;        /* 0: any object, or none */
	uint32_t kinds;              /* mask of 1 << enum event_kind; 0: any */
	uint64_t incident;           /* 0: any; only the events of that incident */
	bool by_time;                /* ordered by (time_ns, agent, seq) instead of id */
};

struct store_incident {
	uint64_t id; /* 0 on put: a new one is given */
	char *key;   /* what the incident is about; unique */
	uint64_t first_ns, last_ns;
	char *document; /* JSON of the incidents module */
	uint64_t *event_ids;
	size_t n_event_ids;
};

/*
 * Makes DIR and the files when writable. Read-only opening works beside a
 * writing collector and sees what is committed at each query. Returns 0, -ENOENT
 * (read-only and nothing there), -EBUSY (another collector writes here),
 * -EUCLEAN (read-only and weir.db is damaged; a writer sets it aside), -errno.
 */
int store_open(const char *dir, bool read_only, struct store **ret_store);

struct store_options {
	uint64_t segment_rows; /* a new segment begins at this many events; 0: a million */
};
/* options may be NULL. Also -EINVAL for options out of range. */
int store_open_with(const char *dir, bool read_only, const struct store_options *options,
		    struct store **ret_store);
void store_close(struct store *store);

/*
 * Commits a batch of one agent in one transaction. Takes the events' persons
 * from records and clears the events' login_uid; fills id, bytes, calls and
 * turns of those stored and sets id 0 on duplicates. A total below the flow's
 * last one adds nothing. Returns 0, -EINVAL (several agents, no agent, seq 0),
 * -E2BIG, -ENOSPC, -EIO, ...: then nothing of the batch is stored, all ids are 0
 * and the same batch may be given again.
 */
int store_append(struct store *store, struct store_record *records, size_t n_records);

/* The highest seq stored of an agent, 0 if none. */
int store_last_seq(struct store *store, const char *agent, uint64_t *ret_seq);

/* query is copied. Each segment is read as it was when the cursor came to it. */
int store_query(struct store *store, const struct store_query *query,
		struct store_cursor **ret_cursor);
/*
 * Returns 1 with a record that the caller frees, 0 at the end, or -errno. What
 * cannot be read is a record of kind LOSS in its place (in a read-only store, a
 * whole segment is one such record; a writer sets the segment aside instead).
 */
int store_cursor_next(struct store_cursor *cursor, struct store_record **ret_record);
void store_cursor_free(struct store_cursor *cursor);
void store_record_free(struct store_record *record);

/* Inserts, or replaces the incident of the same key (keeping its id). */
int store_put_incident(struct store *store, struct store_incident *incident);
/* Returns 1 with an incident, 0 when there is none, -errno. */
int store_get_incident(struct store *store, uint64_t id, struct store_incident **ret_incident);
int store_get_incident_by_key(struct store *store, const char *key,
			      struct store_incident **ret_incident);
/* All, highest id first, the caller frees each and the array. */
int store_list_incidents(struct store *store, struct store_incident ***ret_incidents,
			 size_t *ret_n);
void store_incident_free(struct store_incident *incident);

/* Small durable facts of other stages ("correlated_upto"). Returns 1 found, 0 not, -errno. */
int store_get_number(struct store *store, const char *name, uint64_t *ret_value);
int store_put_number(struct store *store, const char *name, uint64_t value);

struct store_counts {
	uint64_t events;     /* in the readable segments */
	uint64_t duplicates; /* came again and were not stored */
	uint64_t segments;
	uint64_t segments_set_aside; /* *.corrupt files in the directory */
	uint64_t incidents;
};
int store_count(struct store *store, struct store_counts *ret_counts);

static inline void store_freep(struct store **store)
{
	if (*store)
		store_close(*store);
}

static inline void store_cursor_freep(struct store_cursor **cursor)
{
	if (*cursor)
		store_cursor_free(*cursor);
}

static inline void store_record_freep(struct store_record **record)
{
	if (*record)
		store_record_free(*record);
}

static inline void store_incident_freep(struct store_incident **incident)
{
	if (*incident)
		store_incident_free(*incident);
}

#endif
