/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_LOOKUP_PACE_H
#define WEIR_COLLECTOR_CORRELATE_LOOKUP_PACE_H

/*
 * At what pace somebody looked things up: the longest run in which lookups follow
 * each other faster than a limit, or as regularly as a clock. Times are those of the
 * agent's reports, so what came with one report is spread over all the time in which
 * it can have come, and tells how fast it was but not how regular.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lineage;
struct lineage_flow;
struct policy;

/* Lookups that are held in mind; those beyond are not looked at. */
#define LOOKUP_PACE_MAX_LOOKUPS 65536
/* The most that n_least may be; the policy allows no more. */
#define LOOKUP_PACE_MAX_LEAST 1000

struct lookup {
	uint64_t time_ns;
	const struct lineage_flow *flow; /* whose connection it came by */
	bool is_timed;                   /* the time is its own, and not shared out among several */
};

/* Of one person on one host after the other, each in order of time. */
struct lookup_list {
	struct lookup *items;
	size_t n_items;
};

/* Consecutive lookups of one person on one host. */
struct lookup_run {
	size_t first, n_lookups; /* none: 0 */
	uint64_t span_ns;        /* from the first to the last */
	double variation; /* see lookup_pace_most_regular(), the highest of any n_least in a row */
};

/* All lookups of a lineage. 0 or -ENOMEM. */
int lookup_pace_collect(const struct lineage *lineage, const struct policy *policy,
			struct lookup_list *ret_list);
void lookup_list_done(struct lookup_list *list);

/* The longest run of which any n_least in a row take within_ns at most. */
struct lookup_run lookup_pace_fastest(const struct lookup_list *list, size_t n_least,
				      uint64_t within_ns);

/*
 * The longest run of which any n_least in a row are timed, have a median interval of interval_ns at
 * most, and vary by no more than most: three quarters of the intervals are within that share of
 * the median. A loop on a busy machine stumbles now and then, which a standard deviation would not
 * forgive.
 */
struct lookup_run lookup_pace_most_regular(const struct lookup_list *list, size_t n_least,
					   uint64_t interval_ns, double most);

#endif
