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

static bool is_counted(const struct lineage_flow *flow)
{
	const struct event *last = flow->n_scans ? flow->scans[flow->n_scans - 1].event : NULL;

	return last && flow->n_scans < LINEAGE_MAX_SCANS &&
	       last->certainty == EVENT_CERTAINTY_EXACT && last->size_bytes == flow->bytes;
}

int lineage_scans_add_sent(struct lineage_scans *scans, const struct lineage *lineage,
			   const struct lineage_app *app, bool *ret_is_all)
{
	size_t n_flows = 0, n_counted = 0;

	for (size_t i = app->first_flow; i != LINEAGE_NO_FLOW; i = lineage->flows[i].next_of_app) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (!flow->is_egress || flow->bytes == 0)
			continue;
		n_flows++;
		n_counted += is_counted(flow);
		for (size_t j = 0; j < flow->n_scans; j++) {
			int r = lineage_scans_add(scans, &flow->scans[j]);

			if (r < 0)
				return r;
		}
	}
	*ret_is_all = n_flows > 0 && n_counted == n_flows;
	return 0;
}

void lineage_scans_done(struct lineage_scans *scans)
{
	free(scans->items);
	*scans = (struct lineage_scans){};
}
