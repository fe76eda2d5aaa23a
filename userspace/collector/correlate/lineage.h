/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_LINEAGE_H
#define WEIR_COLLECTOR_CORRELATE_LINEAGE_H

/*
 * The way data took before it went out, walked backwards in the store: from the app
 * that sent, through everything it had taken in until then, to whoever had written
 * that, and so on until a source. Apps and objects are known by kernel identity only.
 * The walk is bounded in depth and count; what it did not follow is counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct store;
struct store_record;

struct lineage_limits {
	unsigned int max_depth; /* apps between the egress and a source */
	size_t max_nodes;       /* apps and objects */
	size_t max_visits;      /* store queries of one walk */
	size_t max_reports;     /* event ids and times kept; counters still add up beyond it */
	uint64_t lookback_ns;   /* how far before the first egress */
};

#define LINEAGE_DEFAULT_LIMITS                                                                 \
	{                                                                                      \
		.max_depth = 32, .max_nodes = 8192, .max_visits = 16384, .max_reports = 65536, \
		.lookback_ns = 168ull * 3600 * 1000000000                                      \
	}

#define LINEAGE_NO_FLOW SIZE_MAX
#define LINEAGE_NO_APP SIZE_MAX
#define LINEAGE_NO_OBJECT SIZE_MAX

/* One stored report of a flow: what was added between start_ns and time_ns. */
struct lineage_report {
	uint64_t id;       /* of the store record */
	uint64_t start_ns; /* the flow's first byte, the report before this one, or later: when the
			    * agent had looked at the flow and this was still to come */
	uint64_t time_ns;
	uint64_t bytes;
	uint64_t calls;
	uint64_t turns;
};

/* What was read for records in an object or in what went over a flow, and when. */
struct lineage_scan {
	uint64_t id;         /* of the store record */
	struct event *event; /* of kind RECORDS */
};

#define LINEAGE_MAX_SCANS 256 /* kept of one object or flow; the oldest goes */

/* All reports of one (app, object, direction). */
struct lineage_flow {
	struct event *event; /* the first report; its labels and origins are the union of all */
	char *person;
	bool is_egress; /* that was added: what went to another sink on the way is a step */
	bool is_crm;
	bool is_cut; /* what lies beyond was not followed */
	uint64_t first_ns, last_ns;
	uint64_t bytes, calls, turns;
	struct lineage_report *reports; /* ascending id */
	size_t n_reports;
	struct lineage_scan *scans; /* ascending id; of what the app sent */
	size_t n_scans;
	uint64_t last_id;   /* highest record id booked; older ones are known */
	size_t app;         /* index into apps */
	size_t object;      /* index into objects, set by lineage_walk(); LINEAGE_NO_OBJECT: none */
	size_t next_of_app; /* index of the app's next flow, LINEAGE_NO_FLOW at the end */
};

struct lineage_app {
	const struct event *event; /* of the first flow; owned there. Never NULL once walked */
	char *agent;
	char *boot_id;
	uint64_t id;
	uint64_t until_ns; /* what came in later did not go out */
	size_t first_flow; /* index into flows, LINEAGE_NO_FLOW when it has none */
	unsigned int depth;
	bool is_sender;
	bool sends_elsewhere; /* and not only by the egress that was added */
	bool is_queued;       /* waits to be walked from; likewise of objects */
};

struct lineage_name {
	char *name;
	uint64_t time_ns;
	uint64_t id; /* of the store record */
};

/* A rename, unlink or truncation of an object, at any time. */
struct lineage_mark {
	enum event_kind kind;
	uint64_t time_ns;
	uint64_t id;
	char *person;
	char *exe;
	char *name; /* NULL when unknown; likewise below */
	char *previous_name;
};

/* Some looks, each once; they stay the lineage's. */
struct lineage_scans {
	const struct lineage_scan **items;
	size_t n_items;
};

struct lineage_object {
	char *agent;
	char *boot_id; /* "" for a file: its identity outlives a boot */
	enum event_object_kind kind;
	enum event_role role;
	uint64_t dev, ino, generation;
	uint64_t until_ns;
	uint64_t first_ns; /* first flow of the lineage that touched it */
	uint64_t leave_ns; /* earliest time at which what it holds can have left */
	unsigned int depth;
	size_t only_app; /* index into apps: of the first flow that touched it */
	bool is_shared;  /* other apps touched it, too */
	bool is_written; /* by an app of the lineage */
	bool is_queued;
	struct lineage_name *names; /* in order of arrival, a repeat only after another name */
	size_t n_names;
	struct lineage_mark *marks;
	size_t n_marks;
	struct lineage_scan *scans; /* ascending id */
	size_t n_scans;
};

struct lineage_index;

struct lineage {
	struct lineage_limits limits;
	struct lineage_flow *flows;
	size_t n_flows;
	struct lineage_app *apps;
	size_t n_apps;
	struct lineage_object *objects;
	size_t n_objects;
	size_t n_reports;
	uint64_t n_cut_reports;
	uint64_t n_cut;   /* branches not followed, set by lineage_walk() */
	uint64_t from_ns; /* nothing older was looked at, set by lineage_walk() */
	struct lineage_index *index;
};

int lineage_new(const struct lineage_limits *limits, struct lineage **ret_lineage);
void lineage_free(struct lineage *lineage);

/* A report of an egress from which to walk. 0 or -ENOMEM. */
int lineage_add_egress(struct lineage *lineage, const struct store_record *record);

/* Walks from all egress added so far. 0 or -errno. */
int lineage_walk(struct lineage *lineage, struct store *store);

/* Last component of the executable's path, its comm when that is unknown; never NULL. */
const char *lineage_program(const struct event *event);
/* Last component of a path; never NULL. */
const char *lineage_basename(const char *path);

bool lineage_has_origin(const struct event *event, const char *origin);
/* After lineage_walk(): the object of a flow, or NULL when it was no node of the walk. */
const struct lineage_object *lineage_object_of(const struct lineage *lineage,
					       const struct lineage_flow *flow);

/* Whether a person could not know it by a name: a pipe, a socket, shared memory. */
bool lineage_is_nameless(const struct event_object *object);
/* Whether the app of a flow wrote its object, and no other app of the lineage wrote or read it. */
bool lineage_is_own(const struct lineage *lineage, const struct lineage_flow *flow);
/* Whether it is such an object and has no name that a person could know it by: an app's talk with
 * itself. */
bool lineage_is_inner(const struct lineage *lineage, const struct lineage_flow *flow);

/* What was found in an object as it was when it was read at a time, or NULL when nobody looked: the
 * first look after it at content that was there by then, else the last one before. */
const struct lineage_scan *lineage_scan_of(const struct lineage_object *object, uint64_t read_ns);

/* 0 or -ENOMEM. */
int lineage_scans_add(struct lineage_scans *scans, const struct lineage_scan *scan);
/* What was found in what an app sent; is_all: all of it was read on its way out. 0 or -ENOMEM. */
int lineage_scans_add_sent(struct lineage_scans *scans, const struct lineage *lineage,
			   const struct lineage_app *app, bool *ret_is_all);
void lineage_scans_done(struct lineage_scans *scans);

/* 64-bit fingerprints of identities, for telling whether an event touches a lineage. */
uint64_t lineage_hash_app(const char *agent, const char *boot_id, uint64_t app_id);
uint64_t lineage_hash_object(const char *agent, const char *boot_id, enum event_object_kind kind,
			     uint64_t dev, uint64_t ino, uint64_t generation);

static inline void lineage_freep(struct lineage **lineage)
{
	if (*lineage)
		lineage_free(*lineage);
}

#endif
