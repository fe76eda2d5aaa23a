/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/lineage.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage_graph.h"
#include "collector/correlate/lineage_index.h"
#include "collector/store/store.h"

int lineage_new(const struct lineage_limits *limits, struct lineage **ret_lineage)
{
	_cleanup_(lineage_freep) struct lineage *lineage = calloc(1, sizeof(*lineage));

	if (!lineage)
		return -ENOMEM;
	lineage->limits = *limits;
	lineage->index = lineage_index_new();
	if (!lineage->index)
		return -ENOMEM;
	*ret_lineage = TAKE(lineage);
	return 0;
}

static void object_done(struct lineage_object *object)
{
	for (size_t i = 0; i < object->n_names; i++)
		free(object->names[i].name);
	for (size_t i = 0; i < object->n_marks; i++) {
		free(object->marks[i].person);
		free(object->marks[i].exe);
		free(object->marks[i].name);
		free(object->marks[i].previous_name);
	}
	for (size_t i = 0; i < object->n_scans; i++)
		event_free(object->scans[i].event);
	free(object->scans);
	free(object->names);
	free(object->marks);
	free(object->agent);
	free(object->boot_id);
}

void lineage_free(struct lineage *lineage)
{
	if (!lineage)
		return;
	for (size_t i = 0; i < lineage->n_flows; i++) {
		event_free(lineage->flows[i].event);
		free(lineage->flows[i].person);
		free(lineage->flows[i].reports);
		for (size_t j = 0; j < lineage->flows[i].n_scans; j++)
			event_free(lineage->flows[i].scans[j].event);
		free(lineage->flows[i].scans);
	}
	for (size_t i = 0; i < lineage->n_apps; i++) {
		free(lineage->apps[i].agent);
		free(lineage->apps[i].boot_id);
	}
	for (size_t i = 0; i < lineage->n_objects; i++)
		object_done(&lineage->objects[i]);
	free(lineage->flows);
	free(lineage->apps);
	free(lineage->objects);
	lineage_index_free(lineage->index);
	free(lineage);
}

const char *lineage_basename(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

const char *lineage_program(const struct event *event)
{
	const char *name = lineage_basename(event->app.exe);

	/* One executable with many programs in it: only the name it was called by tells. */
	if ((!*name || strcmp(name, "busybox") == 0) && event->app.comm)
		return event->app.comm;
	return name;
}

bool lineage_has_origin(const struct event *event, const char *origin)
{
	for (size_t i = 0; i < event->n_origins; i++)
		if (strcmp(event->origins[i], origin) == 0)
			return true;
	return false;
}

const struct lineage_object *lineage_object_of(const struct lineage *lineage,
					       const struct lineage_flow *flow)
{
	return flow->object == LINEAGE_NO_OBJECT ? NULL : &lineage->objects[flow->object];
}

int lineage_add_egress(struct lineage *lineage, const struct store_record *record)
{
	const struct event *event = record->event;
	bool is_new;
	size_t app, flow;
	int r = lineage_graph_app(lineage, event->agent, event->boot_id, event->app.id, &app,
				  &is_new);

	if (r == 0)
		lineage->n_cut++;
	if (r <= 0)
		return r;
	lineage->apps[app].is_sender = true;
	if (event->time_ns > lineage->apps[app].until_ns)
		lineage->apps[app].until_ns = event->time_ns;
	r = lineage_graph_report(lineage, app, record, UINT64_MAX, &flow);
	if (r < 0)
		return r;
	lineage->flows[flow].is_egress = true;
	return 0;
}
