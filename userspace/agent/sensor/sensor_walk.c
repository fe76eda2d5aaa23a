/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

uint32_t sensor_generation_of(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int generation = 0;

	if (fd < 0 || ioctl(fd, FS_IOC_GETVERSION, &generation) < 0)
		return 0;
	return (uint32_t)generation;
}

static int walk_with(struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	_cleanup_close_ int fd = -1;
	char buffer[256];
	ssize_t n;
	int r = 0;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		r = -errno;
	while (r == 0 && (n = read(fd, buffer, sizeof(buffer))) != 0)
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			r = -errno;
	bpf_link__destroy(link);
	return r;
}

int sensor_walk_tasks(struct sensor *sensor)
{
	return walk_with(sensor->skeleton->progs.walk_tasks);
}

/* An object is gone when nobody held it during a walk that began after it was labelled. A file
 * rests on disk: its holders are known now, so only its mark goes. */
static bool is_settled(struct sensor *sensor, const struct weir_object_key *key,
		       uint64_t marked_epoch, uint64_t epoch, bool *ret_is_gone)
{
	struct weir_object object;

	*ret_is_gone = false;
	if (marked_epoch >= epoch)
		return false;
	if (bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.objects), key, &object) < 0)
		return true;
	if (object.kind == WEIR_KIND_FILE)
		return true;
	*ret_is_gone = object.seen_epoch < epoch;
	return *ret_is_gone;
}

static void drop_volatile(struct sensor *sensor, const struct weir_object_key *key, bool is_gone)
{
	if (is_gone)
		bpf_map_delete_elem(bpf_map__fd(sensor->skeleton->maps.objects), key);
	if (bpf_map_delete_elem(bpf_map__fd(sensor->skeleton->maps.volatiles), key) == 0)
		__atomic_fetch_sub(&sensor->state->volatile_objects, 1, __ATOMIC_SEQ_CST);
}

int sensor_walk(struct sensor *sensor)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int fd = bpf_map__fd(sensor->skeleton->maps.volatiles), r;
	uint64_t epoch = __atomic_add_fetch(&sensor->state->epoch, 1, __ATOMIC_SEQ_CST);
	struct weir_object_key key, next;
	bool has_next;

	r = walk_with(sensor->skeleton->progs.walk_files);
	if (r < 0)
		return r;
	has_next = bpf_map_get_next_key(fd, NULL, &next) == 0;
	while (has_next) {
		uint64_t marked_epoch;
		bool is_gone;

		key = next;
		has_next = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &marked_epoch) == 0 &&
		    is_settled(sensor, &key, marked_epoch, epoch, &is_gone))
			drop_volatile(sensor, &key, is_gone);
	}
	return 0;
}
