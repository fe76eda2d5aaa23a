/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_RECEIVED_LIST_H
#define WEIR_COLLECTOR_CORRELATE_RECEIVED_LIST_H

/*
 * Whether the records of a list that came in from a peer are in what went out: how
 * many, and in the list's order or not. Known only where the agent has read the list's
 * file and either all that was sent, as it was sent, or the files that were; what was
 * typed or pasted is no file.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/correlate/list_order.h"

struct detector;
struct episode;
struct incident;
struct lineage;
struct policy;

struct received_list {
	const char *record; /* name of the policy's section, borrowed from the lineage */
	size_t n_records;   /* different ones in the list */
	struct list_order order;
	bool is_ordered; /* the agent has told in which order they stand */
	bool is_exact;   /* all of the list and of what went out was read */
	uint64_t event;  /* that says what the list holds */
};

/* The list of which the most is in what went out, the oldest where several are equal. Returns 1, 0
 * when no record of any list went out, -ENOMEM. */
int received_list_find(const struct lineage *lineage, const char *peer,
		       struct received_list *ret_list);

/* Adds what was found to the incident: so many points if half of the list or more went out, 0
 * points if less. 0 or -ENOMEM. */
int received_list_tell(const struct received_list *list, const struct detector *detector,
		       const struct policy *policy, const struct episode *episode, const char *peer,
		       int64_t points, struct incident *incident);

static inline bool received_list_is_most(const struct received_list *list)
{
	return list->order.n_both * 2 >= list->n_records;
}

#endif
