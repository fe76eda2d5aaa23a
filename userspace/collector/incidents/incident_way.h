/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INCIDENTS_INCIDENT_WAY_H
#define WEIR_COLLECTOR_INCIDENTS_INCIDENT_WAY_H

/*
 * The lineage as a person reads it: steps of the same program with the same place
 * stand together, in the order in which they began.
 */

#include <stddef.h>
#include <stdint.h>

struct incident;
struct incident_step;

struct incident_leg {
	const struct incident_step *first; /* borrowed from the incident */
	uint64_t last_ns;
	uint64_t bytes;
	size_t n_steps; /* connections, files, ... of the same name */
};

/* Returns 0 or -ENOMEM; the caller frees *ret_legs, which borrows from the incident. */
int incident_way(const struct incident *incident, struct incident_leg **ret_legs, size_t *ret_n);

/* What a step is about: the policy's name of the place, else the object's; never NULL. */
const char *incident_way_place(const struct incident_step *step);
/* Last component of a path; never NULL. */
const char *incident_way_basename(const char *path);

#endif
