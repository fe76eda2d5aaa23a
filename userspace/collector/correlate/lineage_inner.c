/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "collector/correlate/lineage.h"
#include "collector/correlate/lineage_graph.h"

/*
 * A browser is some ten processes and one app: what it tells itself by sockets, pipes and shared
 * memory is a thousand objects in a minute, among which nobody would find the two that matter.
 */

bool lineage_is_nameless(const struct event_object *object)
{
	switch (object->kind) {
	case EVENT_OBJECT_PIPE:
	case EVENT_OBJECT_UNIX:
	case EVENT_OBJECT_MEMFD:
		return true;
	case EVENT_OBJECT_FILE:
		return !object->name || object->name[0] != '/';
	default:
		return false;
	}
}

void lineage_graph_set_inner(struct lineage *lineage)
{
	for (size_t i = 0; i < lineage->n_objects; i++)
		lineage->objects[i].only_app = LINEAGE_NO_APP;
	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];
		struct lineage_object *object =
			(struct lineage_object *)lineage_object_of(lineage, flow);

		if (!object)
			continue;
		if (object->only_app == LINEAGE_NO_APP)
			object->only_app = flow->app;
		object->is_shared |= object->only_app != flow->app;
		object->is_written |= flow->event->direction == EVENT_DIRECTION_OUT;
	}
}

bool lineage_is_own(const struct lineage *lineage, const struct lineage_flow *flow)
{
	const struct lineage_object *object = lineage_object_of(lineage, flow);

	return object && object->is_written && !object->is_shared;
}

bool lineage_is_inner(const struct lineage *lineage, const struct lineage_flow *flow)
{
	return !flow->is_egress && lineage_is_nameless(&flow->event->object) &&
	       lineage_is_own(lineage, flow);
}
