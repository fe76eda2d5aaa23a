/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/lineage_graph.h"

/*
 * When could what an object holds have left at the earliest? At once where a sender holds it;
 * else not before somebody read it, wrote it on, and the next one read that. Times only shrink
 * towards the answer, so repeating until nothing changes ends after at most as many rounds as
 * the way has steps.
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

/* One flow's say; true when it made a time earlier. */
static bool relax(struct lineage *lineage, const struct lineage_flow *flow)
{
	struct lineage_object *object = object_of(lineage, flow);
	struct lineage_app *app = &lineage->apps[flow->app];
	uint64_t *target, through_ns;

	if (!object)
		return false;
	if (flow->event->direction == EVENT_DIRECTION_IN) {
		target = &object->leave_ns;
		through_ns = latest(flow->first_ns, app->leave_ns);
	} else {
		target = &app->leave_ns;
		through_ns = latest(flow->first_ns, object->leave_ns);
	}
	if (through_ns >= *target)
		return false;
	*target = through_ns;
	return true;
}

void lineage_graph_set_leave_times(struct lineage *lineage)
{
	bool is_changed = true;

	for (size_t i = 0; i < lineage->n_apps; i++)
		lineage->apps[i].leave_ns = lineage->apps[i].is_sender ? 0 : NEVER;
	for (size_t i = 0; i < lineage->n_objects; i++)
		lineage->objects[i].leave_ns = lineage->objects[i].first_ns = NEVER;
	for (size_t i = 0; i < lineage->n_flows; i++) {
		struct lineage_object *object = object_of(lineage, &lineage->flows[i]);

		if (object && lineage->flows[i].first_ns < object->first_ns)
			object->first_ns = lineage->flows[i].first_ns;
	}
	for (unsigned int round = 0; is_changed && round <= 2 * lineage->limits.max_depth;
	     round++) {
		is_changed = false;
		for (size_t i = 0; i < lineage->n_flows; i++)
			is_changed |= relax(lineage, &lineage->flows[i]);
	}
}
