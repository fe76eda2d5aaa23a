/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

#define WALKS_UNHELD 6 /* that an object outlives its holders; the agent walks every 5 s */

#define TMPFS_HANDLE_BYTES 12

/* Files of tmpfs have generations, and no ioctl to ask for them: they stand first in a file's
 * handle. shmem_encode_fh(), mm/shmem.c 5.10 */
static uint32_t generation_on_tmpfs(int fd)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + TMPFS_HANDLE_BYTES];
	} known = {.handle.handle_bytes = TMPFS_HANDLE_BYTES};
	uint32_t generation;
	struct statfs info;
	int mount_id;

	if (fstatfs(fd, &info) < 0 || info.f_type != TMPFS_MAGIC ||
	    name_to_handle_at(fd, "", &known.handle, &mount_id, AT_EMPTY_PATH) < 0 ||
	    known.handle.handle_bytes != TMPFS_HANDLE_BYTES)
		return 0;
	memcpy(&generation, known.handle.f_handle, sizeof(generation));
	return generation;
}

uint32_t sensor_generation_of(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int generation = 0;

	if (fd < 0)
		return 0;
	if (ioctl(fd, FS_IOC_GETVERSION, &generation) < 0)
		return generation_on_tmpfs(fd);
	return (uint32_t)generation;
}

/* Over a table, or over tasks when there is none. */
static int walk_with(struct bpf_program *program, const struct bpf_map *map)
{
	union bpf_iter_link_info info = {.map.map_fd = map ? (uint32_t)bpf_map__fd(map) : 0};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));
	struct bpf_link *link = bpf_program__attach_iter(program, map ? &options : NULL);
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

int sensor_mend(struct sensor *sensor)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int r = walk_with(sensor->skeleton->progs.walk_processes, sensor->skeleton->maps.processes);

	return r < 0 ? r : walk_with(sensor->skeleton->progs.walk_tasks, NULL);
}

/* Its holders were opened by the walk. A file rests on disk, and whoever opens it is seen. */
static void settle(struct sensor *sensor, int fd, const struct weir_object_key *key,
		   uint64_t marked_epoch, bool is_over)
{
	const uint64_t settled = WEIR_VOLATILE_SETTLED;

	if (is_over) {
		if (bpf_map_delete_elem(fd, key) < 0)
			return;
		__atomic_fetch_sub(&sensor->state->volatile_objects, 1, __ATOMIC_SEQ_CST);
	} else if (marked_epoch == settled ||
		   bpf_map_update_elem(fd, key, &settled, BPF_EXIST) < 0) {
		return;
	}
	if (marked_epoch != settled)
		__atomic_fetch_sub(&sensor->state->unsettled_objects, 1, __ATOMIC_SEQ_CST);
}

/*
 * An object is gone when walk after walk met nobody who holds it. One walk does not tell: a
 * connection waits in a listener's queue until it is accepted, a passed descriptor waits in a
 * socket's until it is received, and neither is in anybody's table of descriptors meanwhile.
 */
static void settle_volatile(struct sensor *sensor, int fd, const struct weir_object_key *key,
			    uint64_t epoch)
{
	int objects_fd = bpf_map__fd(sensor->skeleton->maps.objects);
	struct weir_object object = {};
	uint64_t marked_epoch;
	bool is_known, is_gone;

	if (bpf_map_lookup_elem(fd, key, &marked_epoch) < 0 ||
	    (marked_epoch >= epoch && marked_epoch != WEIR_VOLATILE_SETTLED))
		return;
	is_known = bpf_map_lookup_elem(objects_fd, key, &object) == 0;
	is_gone = is_known && object.kind != WEIR_KIND_FILE &&
		  object.seen_epoch + WALKS_UNHELD < epoch;
	if (is_gone)
		bpf_map_delete_elem(objects_fd, key);
	settle(sensor, fd, key, marked_epoch,
	       is_gone || !is_known || object.kind == WEIR_KIND_FILE);
}

/* Who was to read it has read it, or will not. */
static void forget_clipboards(struct sensor *sensor, uint64_t epoch)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.clipboards);
	struct weir_clipboard clipboard;
	uint64_t key, next;
	bool has_next = bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (has_next) {
		key = next;
		has_next = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &clipboard) == 0 &&
		    clipboard.epoch + WALKS_UNHELD < epoch)
			(void)bpf_map_delete_elem(fd, &key);
	}
}

int sensor_forget_gone(struct sensor *sensor)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);

	return walk_with(sensor->skeleton->progs.walk_inodes, sensor->skeleton->maps.inodes);
}

int sensor_walk(struct sensor *sensor)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	int fd = bpf_map__fd(sensor->skeleton->maps.volatiles), r;
	uint64_t epoch = __atomic_add_fetch(&sensor->state->epoch, 1, __ATOMIC_SEQ_CST);
	struct weir_object_key key, next;
	bool has_next;

	r = walk_with(sensor->skeleton->progs.walk_files, NULL);
	if (r == 0)
		r = sensor_forget_gone(sensor);
	if (r < 0)
		return r;
	has_next = bpf_map_get_next_key(fd, NULL, &next) == 0;
	while (has_next) {
		key = next;
		has_next = bpf_map_get_next_key(fd, &key, &next) == 0;
		settle_volatile(sensor, fd, &key, epoch);
	}
	forget_clipboards(sensor, epoch);
	return 0;
}
