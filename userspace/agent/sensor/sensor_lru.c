/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

/* More than one of the kernel's chains holds: it hands them over one by one, whole. */
#define BATCH 256

static const char *const tables[WEIR_LRU_TABLES] = {
	[WEIR_LRU_ENDPOINTS] = "endpoints",
	[WEIR_LRU_CANDIDATES] = "candidates",
	[WEIR_LRU_TLS_CONNECTIONS] = "tls_connections",
	[WEIR_LRU_X11_STREAMS] = "x11_streams",
	[WEIR_LRU_WAYLAND_STREAMS] = "wayland_streams",
	[WEIR_LRU_SCREENS] = "screens",
	[WEIR_LRU_PASTES] = "pastes",
	[WEIR_LRU_RELAYS] = "relays",
	[WEIR_LRU_TERMINALS] = "terminals",
};

static_assert(sizeof(tables) == SENSOR_LRU_TABLES * sizeof(tables[0]),
	      "the public number is the kernel's");

int sensor_count_entries(const struct bpf_map *map, uint64_t *ret_entries)
{
	_cleanup_free_ char *keys = calloc(BATCH, bpf_map__key_size(map));
	_cleanup_free_ char *values = calloc(BATCH, bpf_map__value_size(map));
	uint64_t entries = 0;
	uint32_t at, count;
	int r;

	if (!keys || !values)
		return -ENOMEM;
	for (bool is_first = true;; is_first = false) {
		count = BATCH;
		r = bpf_map_lookup_batch(bpf_map__fd(map), is_first ? NULL : &at, &at, keys, values,
					 &count, NULL);
		if (r < 0 && r != -ENOENT)
			return r;
		entries += count;
		if (r == -ENOENT)
			break;
	}
	*ret_entries = entries;
	return 0;
}

static const struct bpf_map *find(const struct sensor *sensor, uint32_t table)
{
	return bpf_object__find_map_by_name(sensor->skeleton->obj, tables[table]);
}

int sensor_lru_begin(struct sensor *sensor)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int given_fd = bpf_map__fd(sensor->skeleton->maps.lru_given);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < WEIR_LRU_TABLES; i++) {
		uint64_t given = 0, entries = 0;

		if (bpf_map_lookup_elem(given_fd, &i, &given) == 0 && given > 0)
			continue;
		r = sensor_count_entries(find(sensor, i), &entries);
		if (r == 0 && entries > 0)
			r = bpf_map_update_elem(given_fd, &i, &entries, BPF_ANY);
	}
	return r;
}

/* What is added or deleted while it is counted is put right when it is counted again. */
static void look_again(struct sensor *sensor, uint32_t table, uint64_t given)
{
	uint64_t entries;

	if (given == sensor->lru[table].given ||
	    sensor_count_entries(find(sensor, table), &entries) < 0)
		return;
	sensor->lru[table].given = given;
	sensor->lru[table].evicted = given > entries ? given - entries : 0;
}

void sensor_count_evicted(struct sensor *sensor,
			  struct sensor_evicted ret_evicted[static SENSOR_LRU_TABLES])
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int given_fd = bpf_map__fd(sensor->skeleton->maps.lru_given);

	for (uint32_t i = 0; i < WEIR_LRU_TABLES; i++) {
		uint64_t given;

		if (bpf_map_lookup_elem(given_fd, &i, &given) == 0)
			look_again(sensor, i, given);
		ret_evicted[i] = (struct sensor_evicted){tables[i], sensor->lru[i].evicted};
	}
}
