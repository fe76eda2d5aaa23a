/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/cgroup_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define REMOVE_TRIES 100
#define REMOVE_WAIT_US 50000

static int find_mount(struct cgroup_fixture *fixture)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	int is_found = 0;

	while (mounts && !is_found && (entry = getmntent(mounts)))
		if (strcmp(entry->mnt_type, "cgroup2") == 0) {
			snprintf(fixture->mount, sizeof(fixture->mount), "%s", entry->mnt_dir);
			is_found = 1;
		}
	if (mounts)
		endmntent(mounts);
	return is_found;
}

static int mount_here(struct cgroup_fixture *fixture)
{
	int error;

	strcpy(fixture->mount, "/tmp/weir-cgroup-XXXXXX");
	if (!mkdtemp(fixture->mount))
		return -errno;
	if (mount("cgroup2", fixture->mount, "cgroup2", 0, NULL) == 0) {
		fixture->is_mounted_here = 1;
		return 0;
	}
	error = errno;
	rmdir(fixture->mount);
	return -error;
}

void cgroup_fixture_open(struct cgroup_fixture *fixture)
{
	int r = 0;

	*fixture = (struct cgroup_fixture){};
	if (!find_mount(fixture))
		r = mount_here(fixture);
	snprintf(fixture->name, sizeof(fixture->name), "/weir-test-%d", getpid());
	snprintf(fixture->path, sizeof(fixture->path), "%s%s", fixture->mount, fixture->name);
	if (r == 0 && mkdir(fixture->path, 0755) < 0)
		r = -errno;
	if (r < 0) {
		print_message("# SKIP no cgroup can be made here: %s\n", strerror(-r));
		skip();
	}
	fixture->id = cgroup_fixture_make(fixture->path);
}

/* Processes that were killed leave it a little later. */
static int remove_cgroup(const char *path)
{
	for (int i = 0; i < REMOVE_TRIES; i++) {
		if (rmdir(path) == 0)
			return 0;
		usleep(REMOVE_WAIT_US);
	}
	return -errno;
}

void cgroup_fixture_close(struct cgroup_fixture *fixture)
{
	int r = 0;

	if (fixture->id)
		r = remove_cgroup(fixture->path);
	if (fixture->is_mounted_here) {
		umount2(fixture->mount, MNT_DETACH);
		rmdir(fixture->mount);
	}
	*fixture = (struct cgroup_fixture){};
	assert_int_equal(r, 0);
}

uint64_t cgroup_fixture_make(const char *path)
{
	struct stat info;

	if (mkdir(path, 0755) < 0)
		assert_int_equal(errno, EEXIST);
	assert_int_equal(stat(path, &info), 0);
	return info.st_ino;
}

int cgroup_fixture_move(const char *path, pid_t pid)
{
	char procs[256];
	int fd, r;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = dprintf(fd, "%d", pid) < 0 ? -errno : 0;
	close(fd);
	return r;
}
