/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident.h"

#include <string.h>

#include "base/cleanup.h"

void incident_ids_done(struct incident_ids *ids)
{
	free(ids->items);
	*ids = (struct incident_ids){0};
}

static size_t ids_position(const struct incident_ids *ids, uint64_t id)
{
	size_t low = 0, high = ids->n_items;

	/* Ids mostly arrive in ascending order. */
	if (high > 0 && ids->items[high - 1] < id)
		return high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ids->items[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool incident_ids_contain(const struct incident_ids *ids, uint64_t id)
{
	size_t at = ids_position(ids, id);

	return at < ids->n_items && ids->items[at] == id;
}

int incident_ids_add(struct incident_ids *ids, uint64_t id)
{
	size_t at = ids_position(ids, id);
	uint64_t *items;

	if (at < ids->n_items && ids->items[at] == id)
		return 0;
	/* Room doubles at powers of two. */
	if ((ids->n_items & (ids->n_items - 1)) == 0) {
		items = reallocarray(ids->items, ids->n_items ? ids->n_items * 2 : 1,
				     sizeof(*items));
		if (!items)
			return -ENOMEM;
		ids->items = items;
	}
	memmove(&ids->items[at + 1], &ids->items[at], (ids->n_items - at) * sizeof(*ids->items));
	ids->items[at] = id;
	ids->n_items++;
	return 0;
}

int incident_ids_copy(const struct incident_ids *from, struct incident_ids *ret_ids)
{
	struct incident_ids copy = {0};

	for (size_t i = 0; i < from->n_items; i++) {
		int r = incident_ids_add(&copy, from->items[i]);

		if (r < 0) {
			incident_ids_done(&copy);
			return r;
		}
	}
	*ret_ids = copy;
	return 0;
}
