/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * How much of the losses was told, pinned beside what counts them: it lives as long as they do, and
 * the next agent tells what came after.
 */

#include <errno.h>
#include <stddef.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

/* By place in the pinned table: a place never gets another meaning. paths_dropped is not in it,
 * each agent counts its own. */
static const size_t places[] = {
	offsetof(struct sensor_losses, processes_full),
	offsetof(struct sensor_losses, apps_full),
	offsetof(struct sensor_losses, objects_full),
	offsetof(struct sensor_losses, flows_full),
	offsetof(struct sensor_losses, ring_full),
	offsetof(struct sensor_losses, unknown_calls),
	offsetof(struct sensor_losses, inflight_full),
	offsetof(struct sensor_losses, labels_too_far),
	offsetof(struct sensor_losses, names_full),
	offsetof(struct sensor_losses, volatiles_full),
	offsetof(struct sensor_losses, mappings_full),
	offsetof(struct sensor_losses, records_full),
	offsetof(struct sensor_losses, programs_missed),
	offsetof(struct sensor_losses, inodes_full),
};

#define N_PLACES (sizeof(places) / sizeof(places[0]))

static uint64_t *find(const struct sensor_losses *losses, uint32_t place)
{
	return (uint64_t *)((char *)losses + places[place]);
}

void sensor_read_told(const struct sensor *sensor, struct sensor_losses *ret_told)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int fd = bpf_map__fd(sensor->skeleton->maps.told_losses);
	struct sensor_counts now;

	sensor_count(sensor, &now);
	*ret_told = (struct sensor_losses){};
	for (uint32_t i = 0; i < N_PLACES; i++) {
		uint64_t told = 0, counted = *find(&now.losses, i);

		/* Less than was told: a program that had missed calls is attached no more. */
		if (bpf_map_lookup_elem(fd, &i, &told) == 0)
			*find(ret_told, i) = told < counted ? told : counted;
	}
}

int sensor_keep_told(struct sensor *sensor, const struct sensor_losses *told)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int fd = bpf_map__fd(sensor->skeleton->maps.told_losses), r = 0;

	for (uint32_t i = 0; r == 0 && i < N_PLACES; i++)
		if (bpf_map_update_elem(fd, &i, find(told, i), BPF_ANY) < 0)
			r = -errno;
	return r;
}
