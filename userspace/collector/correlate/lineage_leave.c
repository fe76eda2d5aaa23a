/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/lineage_graph.h"

/*
 * When could what an object holds have left at the earliest? As soon as a sender read it; else
 * not before somebody read it, wrote something on after that, and that could leave. Times only
 * shrink towards the answer, so repeating until nothing changes ends after at most as many
 * rounds as the way has steps.
 */

#define NEVER UINT64_MAX

static uint64_t latest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static struct lineage_object *object_of(struct lineage *lineage, const struct lineage_flow *flow)
{
	return (struct lineage_object *)lineage_object_of(lineage, flow);
}

/* The earliest time at which what came in by this flow can have left through its app. */
static uint64_t leaves_through(struct lineage *lineage, const struct lineage_flow *in)
{
	const struct lineage_app *app = &lineage->apps[in->app];
	uint64_t earliest_ns = app->is_sender ? in->first_ns : NEVER;
	const struct lineage_flow *out;

	for (size_t i = app->first_flow; i != LINEAGE_NO_FLOW; i = out->next_of_app) {
		const struct lineage_object *object;
		uint64_t through_ns;

		out = &lineage->flows[i];
		if (out->event->direction != EVENT_DIRECTION_OUT || out->last_ns < in->first_ns)
			continue;
		object = object_of(lineage, out);
		if (!object || object->leave_ns == NEVER)
			continue;
		through_ns = latest(latest(in->first_ns, out->first_ns), object->leave_ns);
		if (through_ns < earliest_ns)
			earliest_ns = through_ns;
	}
	return earliest_ns;
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

void lineage_graph_set_leave_times(struct lineage *lineage)
{
	bool is_changed = true;

	set_first_times(lineage);
	for (unsigned int round = 0; is_changed && round <= lineage->limits.max_depth; round++) {
		is_changed = false;
		for (size_t i = 0; i < lineage->n_flows; i++) {
			const struct lineage_flow *flow = &lineage->flows[i];
			struct lineage_object *object;
			uint64_t leave_ns;

			if (flow->event->direction != EVENT_DIRECTION_IN)
				continue;
			object = object_of(lineage, flow);
			leave_ns = object ? leaves_through(lineage, flow) : NEVER;
			if (leave_ns == NEVER || leave_ns >= object->leave_ns)
				continue;
			object->leave_ns = leave_ns;
			is_changed = true;
		}
	}
}
