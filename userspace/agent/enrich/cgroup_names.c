/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/cgroup_names.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cgroup.h"
#include "base/cleanup.h"

#define NAMES_MAX 1024
#define ROOT_ID 1 /* kernfs_create_root(), fs/kernfs/dir.c */
#define NAMELESS "cgroup:%" PRIu64
#define HANDLE_OF_KERNFS 0xfe /* FILEID_KERNFS, include/linux/exportfs.h; since 5.5 */

struct cgroup_name {
	uint64_t id;
	char text[];
};

struct cgroup_names {
	void *tree;
	size_t n_names;
	int mount_fd;
	char mount_path[PATH_MAX];             /* as the kernel tells it */
	char nameless[sizeof("cgroup:") + 20]; /* the last answer that was no path */
};

struct kernfs_handle {
	struct file_handle head;
	uint64_t id;
};

static bool read_path(int fd, char *ret_path, size_t size)
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, ret_path, size);
	if (length <= 0 || (size_t)length >= size)
		return false;
	ret_path[length] = '\0';
	return true;
}

int cgroup_names_new(const char *mounts_path, struct cgroup_names **ret_names)
{
	struct cgroup_names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	names->mount_fd = cgroup_open_root(mounts_path);
	if (names->mount_fd >= 0)
		(void)read_path(names->mount_fd, names->mount_path, sizeof(names->mount_path));
	*ret_names = names;
	return 0;
}

void cgroup_names_free(struct cgroup_names *names)
{
	if (!names)
		return;
	tdestroy(names->tree, free);
	if (names->mount_fd >= 0)
		close(names->mount_fd);
	free(names);
}

static int compare(const void *a, const void *b)
{
	const struct cgroup_name *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* Ids are not used twice within a boot, and a cgroup of v2 cannot be renamed: what was told once
 * stays so. */
static const char *keep(struct cgroup_names *names, uint64_t id, const char *path)
{
	size_t size = strlen(path) + 1;
	struct cgroup_name *made;

	if (names->n_names >= NAMES_MAX) {
		tdestroy(names->tree, free);
		names->tree = NULL;
		names->n_names = 0;
	}
	made = malloc(sizeof(*made) + size);
	if (!made)
		return NULL;
	made->id = id;
	memcpy(made->text, path, size);
	if (!tsearch(made, &names->tree, compare)) {
		free(made);
		return NULL;
	}
	names->n_names++;
	return made->text;
}

/* The part of a path that is below the mount; NULL when it is not: the agent's own cgroup
 * namespace begins further down. */
static const char *below_mount(const struct cgroup_names *names, const char *path)
{
	size_t length = strlen(names->mount_path);

	return length > 0 && strncmp(path, names->mount_path, length) == 0 && path[length] == '/'
		       ? path + length
		       : NULL;
}

static const char *ask_kernel(struct cgroup_names *names, uint64_t id)
{
	struct kernfs_handle handle = {
		.head = {.handle_bytes = sizeof(id), .handle_type = HANDLE_OF_KERNFS}, .id = id};
	_cleanup_close_ int fd = -1;
	char path[PATH_MAX];
	const char *below;

	fd = open_by_handle_at(names->mount_fd, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0 || !read_path(fd, path, sizeof(path)))
		return NULL;
	below = below_mount(names, path);
	return below ? keep(names, id, below) : NULL;
}

const char *cgroup_names_get(struct cgroup_names *names, uint64_t id)
{
	struct cgroup_name wanted = {.id = id}, **slot;
	const char *path = NULL;

	if (id == 0 || id == ROOT_ID)
		return NULL;
	slot = tfind(&wanted, &names->tree, compare);
	if (slot)
		return (*slot)->text;
	if (names->mount_fd >= 0)
		path = ask_kernel(names, id);
	if (path)
		return path;
	snprintf(names->nameless, sizeof(names->nameless), NAMELESS, id);
	return names->nameless;
}
