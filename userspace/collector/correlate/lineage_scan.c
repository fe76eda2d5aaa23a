/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "collector/correlate/lineage_graph.h"
#include "collector/store/store.h"

#define LINEAGE_MAX_SCANS 256 /* kept of one object; the oldest goes */

static void drop_oldest(struct lineage_object *object)
{
	event_free(object->scans[0].event);
	object->n_scans--;
	for (size_t i = 0; i < object->n_scans; i++)
		object->scans[i] = object->scans[i + 1];
}

int lineage_graph_scan(struct lineage_object *object, const struct store_record *record)
{
	struct lineage_scan *scans, scan = {.id = record->id};
	size_t n = object->n_scans;

	/* A second walk over the same object sees the same records again. */
	if (n > 0 && record->id <= object->scans[n - 1].id)
		return 0;
	if (event_copy(record->event, &scan.event) < 0)
		return -ENOMEM;
	scans = reallocarray(object->scans, n + 1, sizeof(*scans));
	if (!scans) {
		event_free(scan.event);
		return -ENOMEM;
	}
	object->scans = scans;
	scans[object->n_scans++] = scan;
	if (object->n_scans > LINEAGE_MAX_SCANS)
		drop_oldest(object);
	return 0;
}

const struct lineage_scan *lineage_scan_of(const struct lineage_object *object, uint64_t read_ns)
{
	const struct lineage_scan *before = NULL, *after = NULL;

	for (size_t i = 0; i < object->n_scans; i++) {
		const struct lineage_scan *scan = &object->scans[i];
		const struct event *event = scan->event;

		if (event->time_ns <= read_ns) {
			if (!before || event->time_ns >= before->event->time_ns)
				before = scan;
		} else if (event->content_ns > 0 && event->content_ns <= read_ns) {
			if (!after || event->time_ns < after->event->time_ns)
				after = scan;
		}
	}
	return after ? after : before;
}

int lineage_scans_add(struct lineage_scans *scans, const struct lineage_scan *scan)
{
	const struct lineage_scan **items;

	for (size_t i = 0; i < scans->n_items; i++)
		if (scans->items[i] == scan)
			return 0;
	items = reallocarray(scans->items, scans->n_items + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	scans->items = items;
	items[scans->n_items++] = scan;
	return 0;
}

void lineage_scans_done(struct lineage_scans *scans)
{
	free(scans->items);
	*scans = (struct lineage_scans){};
}
