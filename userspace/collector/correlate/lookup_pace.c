/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/lookup_pace.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/lineage.h"

static int add(struct lookup_list *list, const struct lookup *lookup)
{
	struct lookup *items;

	if ((list->n_items & (list->n_items - 1)) == 0) {
		items = reallocarray(list->items, list->n_items ? list->n_items * 2 : 1,
				     sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
	}
	list->items[list->n_items++] = *lookup;
	return 0;
}

/* So many lookups between the ends of a report: no faster than that, whatever is not known. */
static int add_report(struct lookup_list *list, const struct lineage_flow *flow,
		      const struct lineage_report *report, uint64_t n_lookups)
{
	uint64_t span_ns = report->time_ns - report->start_ns;
	int r = 0;

	for (uint64_t i = 1; i <= n_lookups && list->n_items < LOOKUP_PACE_MAX_LOOKUPS && r == 0;
	     i++) {
		const struct lookup lookup = {
			.time_ns = report->start_ns + span_ns / n_lookups * i,
			.flow = flow,
			.is_timed = n_lookups == 1,
		};

		r = add(list, &lookup);
	}
	return r;
}

static int add_flow(struct lookup_list *list, const struct policy *policy,
		    const struct lineage_flow *flow)
{
	/* The first turn may be the handshake's. */
	uint64_t skip = flow->turns - episode_lookups(policy, flow, 0);
	int r = 0;

	for (size_t i = 0; i < flow->n_reports && r == 0; i++) {
		uint64_t turns = flow->reports[i].turns;
		uint64_t skipped = turns < skip ? turns : skip;

		skip -= skipped;
		r = add_report(list, flow, &flow->reports[i], turns - skipped);
	}
	return r;
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_actors(const struct lookup *a, const struct lookup *b)
{
	int r = compare_text(a->flow->event->agent, b->flow->event->agent);

	return r ? r : compare_text(a->flow->person, b->flow->person);
}

static int compare_lookups(const void *a, const void *b)
{
	const struct lookup *x = a, *y = b;
	int r = compare_actors(x, y);

	return r ? r : (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

int lookup_pace_collect(const struct lineage *lineage, const struct policy *policy,
			struct lookup_list *ret_list)
{
	_cleanup_(lookup_list_done) struct lookup_list list = {};
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (flow->event->object.role == EVENT_ROLE_CRM &&
		    flow->event->direction == EVENT_DIRECTION_IN)
			r = add_flow(&list, policy, flow);
	}
	if (r < 0)
		return r;
	if (list.n_items > 0)
		qsort(list.items, list.n_items, sizeof(*list.items), compare_lookups);
	*ret_list = list;
	list = (struct lookup_list){};
	return 0;
}

void lookup_list_done(struct lookup_list *list)
{
	free(list->items);
	*list = (struct lookup_list){};
}

static uint64_t span_of(const struct lookup_list *list, size_t first, size_t last)
{
	return list->items[last].time_ns - list->items[first].time_ns;
}

static bool are_timed(const struct lookup_list *list, size_t first, size_t last)
{
	for (size_t i = first; i <= last; i++)
		if (!list->items[i].is_timed)
			return false;
	return true;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of the intervals between the lookups from first to last, and their median. */
static double variation_of(const struct lookup_list *list, size_t first, size_t last,
			   uint64_t *ret_median_ns)
{
	uint64_t numbers[LOOKUP_PACE_MAX_LEAST], median_ns;
	size_t n = last - first, three_quarters;

	for (size_t i = 0; i < n; i++)
		numbers[i] = span_of(list, first + i, first + i + 1);
	qsort(numbers, n, sizeof(*numbers), compare_numbers);
	median_ns = numbers[n / 2];
	for (size_t i = 0; i < n; i++)
		numbers[i] =
			numbers[i] > median_ns ? numbers[i] - median_ns : median_ns - numbers[i];
	qsort(numbers, n, sizeof(*numbers), compare_numbers);
	*ret_median_ns = median_ns;
	three_quarters = n * 3 / 4;
	return median_ns > 0 ? (double)numbers[three_quarters] / (double)median_ns : 0;
}

struct limits {
	size_t n_least;
	uint64_t within_ns;    /* all of them, or */
	uint64_t interval_ns;  /* their median, when they are to be regular */
	double most_variation; /* below 0: any, and none is worked out */
};

static bool fits(const struct lookup_list *list, size_t first, const struct limits *limits,
		 double *ret_variation)
{
	size_t last = first + limits->n_least - 1;
	uint64_t median_ns;

	if (compare_actors(&list->items[first], &list->items[last]) != 0)
		return false;
	if (limits->most_variation < 0)
		return span_of(list, first, last) <= limits->within_ns;
	if (!are_timed(list, first, last))
		return false;
	*ret_variation = variation_of(list, first, last, &median_ns);
	return *ret_variation <= limits->most_variation && median_ns <= limits->interval_ns;
}

/* Windows that fit and overlap make one run. */
static struct lookup_run find_run(const struct lookup_list *list, const struct limits *limits)
{
	struct lookup_run best = {}, run = {};

	if (limits->n_least < 2 || limits->n_least > LOOKUP_PACE_MAX_LEAST)
		return best;
	for (size_t i = 0; i + limits->n_least <= list->n_items; i++) {
		size_t last = i + limits->n_least - 1;
		double variation = 0;

		if (!fits(list, i, limits, &variation)) {
			run = (struct lookup_run){};
			continue;
		}
		if (run.n_lookups == 0)
			run.first = i;
		run.n_lookups = last + 1 - run.first;
		run.span_ns = span_of(list, run.first, last);
		run.variation = variation > run.variation ? variation : run.variation;
		if (run.n_lookups > best.n_lookups)
			best = run;
	}
	return best;
}

struct lookup_run lookup_pace_fastest(const struct lookup_list *list, size_t n_least,
				      uint64_t within_ns)
{
	const struct limits limits = {
		.n_least = n_least, .within_ns = within_ns, .most_variation = -1};

	return find_run(list, &limits);
}

struct lookup_run lookup_pace_most_regular(const struct lookup_list *list, size_t n_least,
					   uint64_t interval_ns, double most)
{
	const struct limits limits = {
		.n_least = n_least, .interval_ns = interval_ns, .most_variation = most};

	return find_run(list, &limits);
}
