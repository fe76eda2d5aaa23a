/* SPDX-License-Identifier: GPL-2.0-only */

/* The kernel side's table of what was found in streams, as one list. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

#define BATCH 1024

static int compare_found(const void *a, const void *b)
{
	const struct sensor_found *x = a, *y = b;

	if (x->key.stream != y->key.stream)
		return x->key.stream < y->key.stream ? -1 : 1;
	return (x->value.order > y->value.order) - (x->value.order < y->value.order);
}

static int add_found(struct sensor_found_list *list, const struct weir_record_key *keys,
		     const struct weir_record_found *values, uint32_t n)
{
	if (list->n_items + n > list->room) {
		size_t room = (list->n_items + n) * 2;
		struct sensor_found *grown = reallocarray(list->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->items = grown;
		list->room = room;
	}
	for (uint32_t i = 0; i < n; i++)
		list->items[list->n_items++] = (struct sensor_found){keys[i], values[i]};
	return 0;
}

int sensor_found_read(const struct sensor *sensor, struct sensor_found_list *list)
{
	_cleanup_free_ struct weir_record_key *keys = calloc(BATCH, sizeof(*keys));
	_cleanup_free_ struct weir_record_found *values = calloc(BATCH, sizeof(*values));
	int fd = bpf_map__fd(sensor->skeleton->maps.records_found), r = 0;
	uint64_t place = 0;
	bool is_first = true;

	if (!keys || !values)
		return -ENOMEM;
	for (;;) {
		uint32_t n = BATCH;
		int error = bpf_map_lookup_batch(fd, is_first ? NULL : &place, &place, keys, values,
						 &n, NULL) < 0
				    ? -errno
				    : 0;

		if (error < 0 && error != -ENOENT)
			return error;
		r = add_found(list, keys, values, n);
		if (r < 0 || error == -ENOENT)
			break;
		is_first = false;
	}
	if (list->n_items > 0)
		qsort(list->items, list->n_items, sizeof(*list->items), compare_found);
	return r;
}

size_t sensor_found_first(const struct sensor_found_list *list, uint64_t stream)
{
	size_t from = 0, to = list->n_items;

	while (from < to) {
		size_t middle = (from + to) / 2;

		if (list->items[middle].key.stream < stream)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

uint64_t sensor_found_count(const struct sensor_found_list *list, uint64_t stream)
{
	size_t first = sensor_found_first(list, stream), i = first;

	while (i < list->n_items && list->items[i].key.stream == stream &&
	       list->items[i].value.order <= i - first + 1)
		i++;
	return i - first;
}

bool sensor_found_has(const struct sensor_found_list *list, uint64_t stream,
		      const struct weir_record_maybe *maybe)
{
	for (size_t i = sensor_found_first(list, stream);
	     i < list->n_items && list->items[i].key.stream == stream; i++)
		if (list->items[i].key.fingerprint == maybe->fingerprint &&
		    list->items[i].value.rule == maybe->rule)
			return true;
	return false;
}

void sensor_found_drop(const struct sensor *sensor)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.records_found);
	int streams_fd = bpf_map__fd(sensor->skeleton->maps.record_streams);
	struct weir_record_stream stream;
	struct sensor_found_list list = {};

	if (sensor_found_read(sensor, &list) == 0)
		for (size_t i = 0; i < list.n_items; i++)
			if (bpf_map_lookup_elem(streams_fd, &list.items[i].key.stream, &stream) < 0)
				(void)bpf_map_delete_elem(fd, &list.items[i].key);
	explicit_bzero(&stream, sizeof(stream));
	free(list.items);
}
