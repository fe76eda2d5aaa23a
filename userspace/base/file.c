/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FIRST_READ_BYTES 4096

/* Reads to the end or to one byte beyond max_bytes; st_size is not asked because /proc says 0. */
static int read_to_end(int fd, size_t max_bytes, char **ret_data, size_t *ret_size)
{
	_cleanup_free_ char *data = NULL;
	size_t capacity = 0;
	size_t size = 0;

	for (;;) {
		ssize_t n;

		if (size + 1 >= capacity) {
			size_t more = capacity ? capacity * 2 : FIRST_READ_BYTES;
			char *grown = realloc(data, more);

			if (!grown)
				return -ENOMEM;
			data = grown;
			capacity = more;
		}
		n = read(fd, data + size, capacity - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > max_bytes)
			return -EFBIG;
	}
	data[size] = '\0';
	*ret_data = TAKE(data);
	if (ret_size)
		*ret_size = size;
	return 0;
}

int file_read_all(const char *path, size_t max_bytes, char **ret_data, size_t *ret_size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -errno;
	return read_to_end(fd, max_bytes, ret_data, ret_size);
}

static int write_fully(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

static int sync_folder_of(const char *path)
{
	_cleanup_close_ int fd = -1;
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;

	if (length >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, length);
	folder[length] = '\0';
	if (length == 0)
		strcpy(folder, slash ? "/" : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

static int fill_temporary(int fd, const void *data, size_t size, mode_t mode)
{
	/* mkostemp made it 0600 whatever the umask; the caller's mode is meant as it stands. */
	return fchmod(fd, mode) < 0 ? -errno : write_fully(fd, data, size);
}

static int write_and_rename(const char *path, const void *data, size_t size, mode_t mode,
			    bool is_durable)
{
	_cleanup_close_ int fd = -1;
	char temporary[PATH_MAX];
	int r;

	r = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	if (r < 0 || (size_t)r >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fill_temporary(fd, data, size, mode);
	if (r == 0 && is_durable && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	return is_durable ? sync_folder_of(path) : 0;
}

int file_write_durably(const char *path, const void *data, size_t size, mode_t mode)
{
	return write_and_rename(path, data, size, mode, true);
}

int file_write_atomically(const char *path, const void *data, size_t size, mode_t mode)
{
	return write_and_rename(path, data, size, mode, false);
}

static int make_dir(const char *path, mode_t mode)
{
	struct stat status;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &status) < 0)
		return -errno;
	return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

int file_make_dirs(const char *path, mode_t mode)
{
	char partial[PATH_MAX];
	size_t length = strlen(path);
	int r;

	if (length == 0)
		return -ENOENT;
	if (length >= sizeof(partial))
		return -ENAMETOOLONG;
	memcpy(partial, path, length + 1);
	for (char *slash = strchr(partial + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = make_dir(partial, mode);
		if (r < 0)
			return r;
		*slash = '/';
	}
	return make_dir(partial, mode);
}
