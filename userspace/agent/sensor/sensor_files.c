/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The labelled files in the kernel's table: read to be kept over a reboot, and set again after it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

/* More than a bucket of the table ever holds, or the kernel gives none of it (-ENOSPC). */
#define BATCH 1024

struct batch {
	struct weir_object_key keys[BATCH];
	struct weir_object objects[BATCH];
	uint32_t n, place;
	bool has_place, is_last;
};

/* In batches, because the shield is up meanwhile and must come down again soon. */
static int read_batch(const struct sensor *sensor, struct batch *batch)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int fd = bpf_map__fd(sensor->skeleton->maps.objects);
	uint32_t *place = batch->has_place ? &batch->place : NULL;

	batch->n = BATCH;
	if (bpf_map_lookup_batch(fd, place, &batch->place, batch->keys, batch->objects, &batch->n,
				 NULL) < 0) {
		if (errno != ENOENT)
			return -errno;
		batch->is_last = true;
	}
	batch->has_place = true;
	return 0;
}

static int visit_batch(struct sensor *sensor, const struct batch *batch,
		       int (*visit)(void *userdata, const struct sensor_file *file), void *userdata)
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < batch->n; i++) {
		const struct weir_object_key *key = &batch->keys[i];
		const struct weir_object *object = &batch->objects[i];
		struct sensor_file file = {
			.object = {SENSOR_OBJECT_FILE, key->ino, key->dev, key->generation},
			.labels = sensor_labels_of_kernel(sensor, object->labels),
			.since_ns = object->first_ns,
			.hops = object->hops,
			.is_source = object->is_source,
		};

		if (object->kind == WEIR_KIND_FILE && file.labels)
			r = visit(userdata, &file);
	}
	return r;
}

int sensor_visit_files(struct sensor *sensor,
		       int (*visit)(void *userdata, const struct sensor_file *file), void *userdata)
{
	_cleanup_free_ struct batch *batch = calloc(1, sizeof(*batch));
	int r = batch ? 0 : -ENOMEM;

	while (r == 0 && !batch->is_last) {
		r = read_batch(sensor, batch);
		if (r == 0)
			r = visit_batch(sensor, batch, visit, userdata);
	}
	return r;
}

/* A program that sets a bit in between can lose it to this write; it sees that at its next call. */
static int add_labels(int fd, const struct weir_object_key *key, uint64_t labels)
{
	struct weir_object object;

	if (bpf_map_lookup_elem(fd, key, &object) < 0)
		return -errno;
	if ((object.labels & labels) == labels)
		return 0;
	object.labels |= labels;
	return bpf_map_update_elem(fd, key, &object, BPF_EXIST) < 0 ? -errno : 1;
}

int sensor_label_file(struct sensor *sensor, const struct sensor_file *file)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int fd = bpf_map__fd(sensor->skeleton->maps.objects), r = 1;
	const struct weir_object_key key = {.ino = file->object.ino,
					    .dev = file->object.dev,
					    .generation = file->object.generation};
	const struct weir_object object = {
		.labels = sensor_labels_to_kernel(sensor, file->labels),
		.first_ns = file->since_ns,
		.seen_epoch = sensor->state->epoch,
		.hops = file->hops,
		.kind = WEIR_KIND_FILE,
		.is_source = file->is_source,
	};

	if (!object.labels)
		return -EINVAL;
	if (bpf_map_update_elem(fd, &key, &object, BPF_NOEXIST) == 0)
		__atomic_fetch_add(&sensor->state->labelled_files, 1, __ATOMIC_SEQ_CST);
	else
		r = errno == EEXIST ? add_labels(fd, &key, object.labels) : -errno;
	if (r > 0)
		__atomic_fetch_add(&sensor->state->label_changes, 1, __ATOMIC_SEQ_CST);
	return r == -E2BIG ? -ENOSPC : r;
}

int sensor_forget_file(struct sensor *sensor, const struct sensor_file *file)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	const struct weir_object_key key = {.ino = file->object.ino,
					    .dev = file->object.dev,
					    .generation = file->object.generation};

	if (bpf_map_delete_elem(bpf_map__fd(sensor->skeleton->maps.objects), &key) < 0)
		return -errno;
	__atomic_fetch_sub(&sensor->state->labelled_files, 1, __ATOMIC_SEQ_CST);
	return 0;
}

bool sensor_is_crowded(const struct sensor *sensor)
{
	return sensor->state->labelled_files >
	       bpf_map__max_entries(sensor->skeleton->maps.objects) / 2;
}

uint64_t sensor_label_changes(const struct sensor *sensor)
{
	return __atomic_load_n(&sensor->state->label_changes, __ATOMIC_SEQ_CST);
}

/* The same as name_hash() in bpf/name.bpf.h. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = WEIR_BASENAME_SEED;

	for (size_t i = 0; i < WEIR_USER_PATH_BYTES && name[i]; i++)
		hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return hash;
}

int sensor_watch_name(struct sensor *sensor, const char *path)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	const char *slash = strrchr(path, '/');
	uint64_t hash = hash_name(slash ? slash + 1 : path), one = 1;
	int fd = bpf_map__fd(sensor->skeleton->maps.basenames);

	return bpf_map_update_elem(fd, &hash, &one, BPF_ANY) < 0 ? -errno : 0;
}
