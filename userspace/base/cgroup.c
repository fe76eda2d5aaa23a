/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/cleanup.h"

/* Copes with what is below another mount: the path then belongs to that one. */
static int open_mount(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs info;

	if (fd < 0 || fstatfs(fd, &info) < 0 || info.f_type != CGROUP2_SUPER_MAGIC)
		return -ENOENT;
	return TAKE_FD(fd);
}

int cgroup_open_root(const char *mounts_path)
{
	FILE *mounts = setmntent(mounts_path, "re");
	const struct mntent *entry;
	int fd = -ENOENT;

	while (mounts && fd < 0 && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0)
			fd = open_mount(entry->mnt_dir);
	if (mounts)
		endmntent(mounts);
	return fd;
}
