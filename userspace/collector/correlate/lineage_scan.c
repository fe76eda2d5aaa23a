/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/lineage_graph.h"
#include "collector/store/store.h"

int lineage_scan_add(struct lineage_scan **list, size_t *n_list, const struct store_record *record)
{
	struct lineage_scan *scans = *list, scan = {.id = record->id};
	size_t n = *n_list;

	/* A second walk over the same object sees the same records again. */
	if (n > 0 && record->id <= scans[n - 1].id)
		return 0;
	if (event_copy(record->event, &scan.event) < 0)
		return -ENOMEM;
	if (n == LINEAGE_MAX_SCANS) {
		event_free(scans[0].event);
		memmove(scans, scans + 1, --n * sizeof(*scans));
		scans[n] = scan;
		return 0;
	}
	scans = reallocarray(scans, n + 1, sizeof(*scans));
	if (!scans) {
		event_free(scan.event);
		return -ENOMEM;
	}
	scans[n] = scan;
	*list = scans;
	*n_list = n + 1;
	return 0;
}

int lineage_graph_scan(struct lineage_object *object, const struct store_record *record)
{
	return lineage_scan_add(&object->scans, &object->n_scans, record);
}

int lineage_graph_flow_scan(struct lineage *lineage, const struct store_record *record)
{
	struct lineage_flow *flow = lineage_graph_flow(lineage, record->event);

	return flow ? lineage_scan_add(&flow->scans, &flow->n_scans, record) : 0;
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
