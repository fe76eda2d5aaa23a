/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage_graph.h"

/*
 * When could what an object holds have left at the earliest? As soon as a sender read it; else
 * not before somebody read it, wrote something on after that, and that could leave. Times only
 * shrink towards the answer, so repeating until nothing changes ends after at most as many
 * rounds as the way has steps. What flows out of an app is kept in order of its last byte, so
 * that what came in finds all that went out later in one place: a browser has a thousand of each.
 */

#define NEVER UINT64_MAX

struct out {
	size_t flow;
	size_t app;
	uint64_t last_ns;
	uint64_t earliest_ns; /* by this or one behind it, whatever came in to be sent on */
};

struct leaving {
	struct lineage *lineage;
	struct out *outs; /* by app, and then by last byte */
	size_t n_outs;
	size_t *first_out; /* of each app, and the end */
};

static void leaving_done(struct leaving *leaving)
{
	free(leaving->outs);
	free(leaving->first_out);
}

static uint64_t latest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct lineage_object *object_of(struct lineage *lineage, const struct lineage_flow *flow)
{
	return (struct lineage_object *)lineage_object_of(lineage, flow);
}

static int compare_outs(const void *a, const void *b)
{
	const struct out *x = a, *y = b;

	if (x->app != y->app)
		return x->app < y->app ? -1 : 1;
	if (x->last_ns != y->last_ns)
		return x->last_ns < y->last_ns ? -1 : 1;
	return (x->flow > y->flow) - (x->flow < y->flow);
}

static int sort_outs(struct leaving *leaving)
{
	const struct lineage *lineage = leaving->lineage;
	size_t at = 0;

	leaving->outs = calloc(lineage->n_flows + 1, sizeof(*leaving->outs));
	leaving->first_out = calloc(lineage->n_apps + 1, sizeof(*leaving->first_out));
	if (!leaving->outs || !leaving->first_out)
		return -ENOMEM;
	for (size_t i = 0; i < lineage->n_flows; i++)
		if (lineage->flows[i].event->direction == EVENT_DIRECTION_OUT &&
		    lineage->flows[i].object != LINEAGE_NO_OBJECT)
			leaving->outs[leaving->n_outs++] =
				(struct out){.flow = i,
					     .app = lineage->flows[i].app,
					     .last_ns = lineage->flows[i].last_ns};
	qsort(leaving->outs, leaving->n_outs, sizeof(*leaving->outs), compare_outs);
	for (size_t app = 0; app <= lineage->n_apps; app++) {
		while (at < leaving->n_outs && leaving->outs[at].app < app)
			at++;
		leaving->first_out[app] = at;
	}
	return 0;
}

static void set_earliest(struct leaving *leaving)
{
	struct lineage *lineage = leaving->lineage;

	for (size_t i = leaving->n_outs; i-- > 0;) {
		struct out *out = &leaving->outs[i];
		const struct lineage_flow *flow = &lineage->flows[out->flow];

		out->earliest_ns = latest(flow->first_ns, object_of(lineage, flow)->leave_ns);
		if (i + 1 < leaving->first_out[out->app + 1] &&
		    leaving->outs[i + 1].earliest_ns < out->earliest_ns)
			out->earliest_ns = leaving->outs[i + 1].earliest_ns;
	}
}

/* The earliest time at which what came in by this flow can have left through its app. */
static uint64_t leaves_through(const struct leaving *leaving, const struct lineage_flow *in)
{
	size_t low = leaving->first_out[in->app], end = leaving->first_out[in->app + 1];
	size_t high = end;

	if (leaving->lineage->apps[in->app].is_sender)
		return in->first_ns;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (leaving->outs[middle].last_ns < in->first_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == end || leaving->outs[low].earliest_ns == NEVER)
		return NEVER;
	return latest(in->first_ns, leaving->outs[low].earliest_ns);
}

static void set_first_times(struct lineage *lineage)
{
	for (size_t i = 0; i < lineage->n_objects; i++)
		lineage->objects[i].leave_ns = lineage->objects[i].first_ns = NEVER;
	for (size_t i = 0; i < lineage->n_flows; i++) {
		struct lineage_object *object = object_of(lineage, &lineage->flows[i]);

		if (object && lineage->flows[i].first_ns < object->first_ns)
			object->first_ns = lineage->flows[i].first_ns;
	}
}

/* Returns whether any object can have left earlier than was known. */
static bool set_leave_times(struct leaving *leaving)
{
	struct lineage *lineage = leaving->lineage;
	bool is_changed = false;

	set_earliest(leaving);
	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];
		struct lineage_object *object = object_of(lineage, flow);
		uint64_t leave_ns;

		if (flow->event->direction != EVENT_DIRECTION_IN || !object)
			continue;
		leave_ns = leaves_through(leaving, flow);
		if (leave_ns >= object->leave_ns)
			continue;
		object->leave_ns = leave_ns;
		is_changed = true;
	}
	return is_changed;
}

int lineage_graph_set_leave_times(struct lineage *lineage)
{
	_cleanup_(leaving_done) struct leaving leaving = {.lineage = lineage};
	bool is_changed = true;
	int r = sort_outs(&leaving);

	if (r < 0)
		return r;
	set_first_times(lineage);
	for (unsigned int round = 0; is_changed && round <= lineage->limits.max_depth + 1; round++)
		is_changed = set_leave_times(&leaving);
	return 0;
}
