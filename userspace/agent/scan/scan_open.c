/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_open.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

#define MAX_DESCRIPTORS 4096 /* of one process that are looked at */

static uint64_t to_ns(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int scan_open_version(int fd, struct scan_version *ret_version)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return -errno;
	*ret_version = (struct scan_version){.size = (uint64_t)info.st_size,
					     .modified_ns = to_ns(info.st_mtim),
					     .changed_ns = to_ns(info.st_ctim)};
	return 0;
}

static bool has_identity(const struct stat *info, const struct scan_list_file *file)
{
	return S_ISREG(info->st_mode) && info->st_ino == file->ino &&
	       file_kernel_dev(info->st_dev) == file->dev;
}

/* The inode's number may live again; file systems without generations answer with an error. */
static bool is_generation(int fd, uint32_t generation)
{
	unsigned int now = 0;

	return ioctl(fd, FS_IOC_GETVERSION, &now) < 0 || now == generation || generation == 0;
}

/* Somebody else's names lead anywhere: nothing is opened before it is known to be the file. */
static int open_at(const char *path, const struct scan_list_file *file)
{
	_cleanup_close_ int found = open(path, O_PATH | O_CLOEXEC), fd = -1;
	struct stat info;
	char link[40];

	if (found < 0 || fstat(found, &info) < 0)
		return -errno;
	if (!has_identity(&info, file))
		return -ENOENT;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	/* O_NONBLOCK: a lease that somebody holds on the file is not waited for. */
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOATIME);
	if (fd < 0)
		return -errno;
	return is_generation(fd, file->generation) ? TAKE_FD(fd) : -ENOENT;
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static int open_of_process(uint32_t pid, const struct scan_list_file *file)
{
	_cleanup_(close_folder) DIR *folder = NULL;
	struct dirent *entry;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/fd", pid);
	folder = opendir(path);
	for (size_t i = 0; folder && i < MAX_DESCRIPTORS && (entry = readdir(folder)); i++) {
		struct stat info;
		int fd;

		if (fstatat(dirfd(folder), entry->d_name, &info, 0) < 0 ||
		    !has_identity(&info, file))
			continue;
		snprintf(path, sizeof(path), "/proc/%" PRIu32 "/fd/%s", pid, entry->d_name);
		fd = open_at(path, file);
		if (fd >= 0)
			return fd;
	}
	return -ENOENT;
}

/* Below the root of who read it: his container's names are not the host's. */
static int open_below_root(uint32_t pid, const struct scan_list_file *file)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "/proc/%" PRIu32 "/root%s", pid, file->path);

	return n < (int)sizeof(path) ? open_at(path, file) : -ENAMETOOLONG;
}

int scan_open(const struct scan_list_file *file, struct scan_version *ret_version)
{
	_cleanup_close_ int fd = open_at(file->path, file);
	int r;

	for (size_t i = 0; fd < 0 && i < file->n_readers; i++) {
		fd = open_below_root(file->readers[i].pid, file);
		if (fd < 0)
			fd = open_of_process(file->readers[i].pid, file);
	}
	if (fd < 0)
		return -ENOENT;
	r = scan_open_version(fd, ret_version);
	return r < 0 ? r : TAKE_FD(fd);
}
