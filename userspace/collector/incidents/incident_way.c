/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident_way.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/incidents/incident.h"

const char *incident_way_basename(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

const char *incident_way_place(const struct incident_step *step)
{
	if (*step->zone_name)
		return step->zone_name;
	if (!*step->name)
		return event_object_kind_to_string(step->object_kind);
	return step->object_kind == EVENT_OBJECT_FILE ? incident_way_basename(step->name)
						      : step->name;
}

static bool same_leg(const struct incident_step *a, const struct incident_step *b)
{
	/* Pipes have numbers for names: they tell a person nothing apart. */
	bool same_place = a->object_kind == b->object_kind &&
			  (a->object_kind == EVENT_OBJECT_PIPE ||
			   strcmp(incident_way_place(a), incident_way_place(b)) == 0);

	return same_place && a->direction == b->direction && a->role == b->role &&
	       strcmp(a->exe, b->exe) == 0;
}

int incident_way(const struct incident *incident, struct incident_leg **ret_legs, size_t *ret_n)
{
	struct incident_leg *legs = calloc(incident->n_lineage + 1, sizeof(*legs));
	size_t n = 0;

	if (!legs)
		return -ENOMEM;
	for (size_t i = 0; i < incident->n_lineage; i++) {
		const struct incident_step *step = &incident->lineage[i];
		size_t at = 0;

		while (at < n && !same_leg(legs[at].first, step))
			at++;
		if (at == n)
			legs[n++] = (struct incident_leg){.first = step};
		legs[at].bytes += step->bytes;
		legs[at].n_steps++;
		if (step->last_ns > legs[at].last_ns)
			legs[at].last_ns = step->last_ns;
	}
	*ret_legs = legs;
	*ret_n = n;
	return 0;
}
