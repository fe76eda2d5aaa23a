/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/labels/file_system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/cleanup.h"

/* Not in linux/: fs/xfs/libxfs/xfs_fs.h */
#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
struct xfs_geometry { /* xfs_fsop_geom_v1 */
	uint32_t sizes[8];
	uint64_t blocks[4];
	uint8_t uuid[FILE_SYSTEM_UUID_BYTES];
	uint32_t others[7];
};
#define XFS_GEOMETRY _IOR('X', 100, struct xfs_geometry)

/* include/linux/exportfs.h; fs/xfs/xfs_export.h, fs/btrfs/export.h */
#define FILEID_INO32_GEN 0x01
#define FILEID_XFS_INO64_GEN 0x81
#define FILEID_BTRFS 0x4d

union handle {
	struct file_handle head;
	uint8_t room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static bool is_among(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

bool file_system_is_lasting(const char *name)
{
	static const char *const names[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", NULL};

	return is_among(name, names);
}

bool file_system_is_memory(const char *name)
{
	static const char *const names[] = {"tmpfs",    "ramfs",     "rootfs",
					    "devtmpfs", "hugetlbfs", NULL};

	return is_among(name, names);
}

/*
 * fsid of statfs(2) is the folded UUID in ext2, ext3 and ext4 of all kernels, but a device number
 * in xfs, and in btrfs another one for each subvolume of the same inodes; FS_IOC_GETFSUUID would
 * tell all alike, but came with 6.9, and an identity must not change with the kernel.
 */
static int read_uuid(int fd, const struct statfs *fs, uint8_t uuid[static FILE_SYSTEM_UUID_BYTES])
{
	struct btrfs_ioctl_fs_info_args info = {};
	struct xfs_geometry geometry = {};

	switch (fs->f_type) {
	case EXT4_SUPER_MAGIC:
		memcpy(uuid, &fs->f_fsid, sizeof(fs->f_fsid));
		return 0;
	case XFS_SUPER_MAGIC:
		if (ioctl(fd, XFS_GEOMETRY, &geometry) < 0)
			return -errno;
		memcpy(uuid, geometry.uuid, sizeof(geometry.uuid));
		return 0;
	case BTRFS_SUPER_MAGIC:
		if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
			return -errno;
		memcpy(uuid, info.fsid, sizeof(info.fsid));
		return 0;
	}
	return -EOPNOTSUPP;
}

int file_system_identify(int fd, struct file_system_id *ret_id)
{
	static const uint8_t none[FILE_SYSTEM_UUID_BYTES];
	struct file_system_id id = {};
	struct statfs fs;
	int r;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	r = read_uuid(fd, &fs, id.uuid);
	if (r < 0)
		return r;
	if (memcmp(id.uuid, none, sizeof(none)) == 0)
		return -EOPNOTSUPP;
	id.type = (uint32_t)fs.f_type;
	*ret_id = id;
	return 0;
}

static void put(union handle *handle, const void *bytes, size_t size)
{
	memcpy(handle->head.f_handle + handle->head.handle_bytes, bytes, size);
	handle->head.handle_bytes += (unsigned int)size;
}

/* Inodes of btrfs are numbered per subvolume, and handles name it. */
static int make_btrfs_handle(int fd, uint64_t ino, uint32_t generation, union handle *handle)
{
	struct btrfs_ioctl_ino_lookup_args lookup = {.objectid = BTRFS_FIRST_FREE_OBJECTID};
	uint64_t root;

	if (ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup) < 0)
		return -errno;
	root = lookup.treeid;
	handle->head.handle_type = FILEID_BTRFS;
	put(handle, &ino, sizeof(ino));
	put(handle, &root, sizeof(root));
	put(handle, &generation, sizeof(generation));
	return 0;
}

/* What name_to_handle_at(2) would have given for the file: so no name has to be kept. */
static int make_handle(int fd, uint64_t ino, uint32_t generation, union handle *handle)
{
	uint32_t short_ino = (uint32_t)ino;
	struct statfs fs;

	memset(handle, 0, sizeof(*handle));
	if (fstatfs(fd, &fs) < 0)
		return -errno;
	switch (fs.f_type) {
	case EXT4_SUPER_MAGIC:
		if (short_ino != ino)
			return -ESTALE;
		handle->head.handle_type = FILEID_INO32_GEN;
		put(handle, &short_ino, sizeof(short_ino));
		put(handle, &generation, sizeof(generation));
		return 0;
	case XFS_SUPER_MAGIC:
		handle->head.handle_type = FILEID_XFS_INO64_GEN;
		put(handle, &ino, sizeof(ino));
		put(handle, &generation, sizeof(generation));
		return 0;
	case BTRFS_SUPER_MAGIC:
		return make_btrfs_handle(fd, ino, generation, handle);
	}
	return -EOPNOTSUPP;
}

int file_system_has_file(int fd, uint64_t ino, uint32_t generation)
{
	_cleanup_close_ int file_fd = -1;
	union handle handle;
	struct stat info;
	int r = make_handle(fd, ino, generation, &handle);

	if (r == 0) {
		/* The kernel compares the generation, and O_PATH opens nothing. */
		file_fd = open_by_handle_at(fd, &handle.head, O_PATH | O_CLOEXEC);
		r = file_fd < 0 ? -errno : 0;
	}
	if (r == -ESTALE || r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (fstat(file_fd, &info) < 0)
		return -errno;
	return S_ISREG(info.st_mode) && info.st_ino == ino;
}

bool file_system_is_same(const struct file_system_id *a, const struct file_system_id *b)
{
	return a->type == b->type && memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0;
}
