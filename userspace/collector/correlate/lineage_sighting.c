/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "collector/correlate/lineage_graph.h"
#include "collector/store/store.h"

#define LINEAGE_MAX_SIGHTINGS 256 /* names and marks kept of one object */

static int add_name(struct lineage_object *object, const char *text, uint64_t time_ns, uint64_t id)
{
	struct lineage_name *names;
	size_t n = object->n_names;

	if (!text || !*text || n >= LINEAGE_MAX_SIGHTINGS)
		return 0;
	if (n > 0 && strcmp(object->names[n - 1].name, text) == 0)
		return 0;
	names = reallocarray(object->names, n + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	object->names = names;
	names[n] = (struct lineage_name){.name = strdup(text), .time_ns = time_ns, .id = id};
	if (!names[n].name)
		return -ENOMEM;
	object->n_names++;
	return 0;
}

static int add_mark(struct lineage_object *object, const struct store_record *record)
{
	const struct event *event = record->event;
	struct lineage_mark *marks, *mark;
	int r;

	if (object->n_marks >= LINEAGE_MAX_SIGHTINGS)
		return 0;
	for (size_t i = 0; i < object->n_marks; i++)
		if (object->marks[i].id == record->id)
			return 0;
	marks = reallocarray(object->marks, object->n_marks + 1, sizeof(*marks));
	if (!marks)
		return -ENOMEM;
	object->marks = marks;
	mark = &marks[object->n_marks++];
	*mark = (struct lineage_mark){
		.kind = event->kind, .time_ns = event->time_ns, .id = record->id};
	r = text_copy(record->person, &mark->person);
	if (r == 0)
		r = text_copy(event->app.exe ? event->app.exe : event->app.comm, &mark->exe);
	if (r == 0)
		r = text_copy(event->object.name, &mark->name);
	if (r == 0)
		r = text_copy(event->object.previous_name, &mark->previous_name);
	return r;
}

int lineage_graph_sighting(struct lineage *lineage, size_t object,
			   const struct store_record *record)
{
	struct lineage_object *node = &lineage->objects[object];
	const struct event *event = record->event;
	bool is_mark = event->kind == EVENT_FILE_RENAME || event->kind == EVENT_FILE_UNLINK ||
		       event->kind == EVENT_FILE_TRUNCATE;
	int r = 0;

	if (is_mark)
		r = add_mark(node, record);
	/* A second walk over the same object sees the same records again. */
	if (r < 0 || (node->n_names > 0 && record->id <= node->names[node->n_names - 1].id))
		return r;
	if (event->kind == EVENT_FILE_RENAME)
		r = add_name(node, event->object.previous_name, event->time_ns, record->id);
	if (r == 0)
		r = add_name(node, event->object.name, event->time_ns, record->id);
	return r;
}
