/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_WATCH_H
#define WEIR_COLLECTOR_CORRELATE_WATCH_H

/*
 * The incidents that can still grow, and what their lineage is made of, so that
 * a late event is known to belong to one without asking the store. Bounded: the
 * incident that was quiet longest is let go, stays stored, and is counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct incident;
struct store_record;

struct watch {
	char *key; /* "PERSON\tRECIPIENT\tFIRST_NS"; FIRST_NS of when it began, stable ever after */
	char *person, *recipient;
	uint64_t first_ns, last_ns; /* of the egress */
	/* The last result, for telling what changed. */
	int severity; /* -1: none yet */
	size_t n_addends;
	uint64_t bytes_out, n_events;
	uint64_t *touched;          /* sorted hashes of apps and objects of the lineage */
	size_t n_touched;
	bool is_dirty;
};

struct watch_list {
	struct watch *items;
	size_t n_items, max_items;
	uint64_t dropped;
};

void watch_list_done(struct watch_list *list);

/* The watch that an egress at time_ns belongs to, made when there is none within window_ns.
 * Its span grows to hold the time. 0 or -ENOMEM. */
int watch_list_take(struct watch_list *list, const char *person, const char *recipient, uint64_t time_ns,
		    uint64_t window_ns, struct watch **ret_watch);
/* Takes up a stored incident. 0, -EINVAL for a key that is none of ours, -ENOMEM. */
int watch_list_restore(struct watch_list *list, const char *key, const struct incident *incident);
/* Marks every watch whose lineage the event touches as dirty. */
void watch_list_touch(struct watch_list *list, const struct store_record *record);
/* Remembers the result. 0 or -ENOMEM. */
int watch_remember(struct watch *watch, const struct incident *incident);

#endif
