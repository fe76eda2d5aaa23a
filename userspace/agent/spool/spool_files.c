/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "agent/spool/segment.h"
#include "agent/spool/spool_private.h"
#include "base/cleanup.h"
#include "base/file.h"

#define NAME_DIGITS 20
#define NAME_BYTES 32
#define NUMBERING_FILE "numbering"
/* A limit of 256 MiB makes 256 segments; far beyond it is no spool of ours. */
#define SEGMENTS_MAX 65536

static void dir_cleanup(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int spool_files_lock(struct spool *spool)
{
	spool->lock_fd = openat(spool->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (spool->lock_fd < 0)
		return -errno;
	if (flock(spool->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

static void segment_name(char name[NAME_BYTES], uint64_t first_place)
{
	snprintf(name, NAME_BYTES, "%0*" PRIu64 ".seg", NAME_DIGITS, first_place);
}

static bool segment_parse_name(const char *name, uint64_t *ret_first_place)
{
	char *end;

	for (int i = 0; i < NAME_DIGITS; i++)
		if (!isdigit((unsigned char)name[i]))
			return false;
	if (strcmp(name + NAME_DIGITS, ".seg") != 0)
		return false;
	errno = 0;
	*ret_first_place = strtoull(name, &end, 10);
	return errno == 0 && *ret_first_place > 0;
}

static int segments_add(struct spool *spool, uint64_t first_place, uint64_t bytes)
{
	if (spool->n_segments == SEGMENTS_MAX)
		return -ENOSPC;
	if (spool->n_segments == spool->n_allocated) {
		size_t n = spool->n_allocated ? spool->n_allocated * 2 : 16;
		struct spool_segment *segments =
			reallocarray(spool->segments, n, sizeof(*segments));

		if (!segments)
			return -ENOMEM;
		spool->segments = segments;
		spool->n_allocated = n;
	}
	spool->segments[spool->n_segments++] = (struct spool_segment){first_place, bytes};
	spool->total_bytes += bytes;
	return 0;
}

static int segment_compare(const void *left, const void *right)
{
	const struct spool_segment *a = left, *b = right;

	return a->first_place < b->first_place ? -1 : a->first_place > b->first_place;
}

static int segments_scan(struct spool *spool, DIR *dir)
{
	const struct dirent *entry;

	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		uint64_t first_place;
		struct stat status;
		int r;

		if (!segment_parse_name(entry->d_name, &first_place))
			continue;
		if (fstatat(spool->dir_fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (!S_ISREG(status.st_mode))
			continue;
		r = segments_add(spool, first_place, (uint64_t)status.st_size);
		if (r < 0)
			return r;
	}
	return -errno;
}

int spool_files_list(struct spool *spool)
{
	_cleanup_(dir_cleanup) DIR *dir = opendir(spool->dir);
	int r;

	if (!dir)
		return -errno;
	r = segments_scan(spool, dir);
	if (r < 0)
		return r;
	if (spool->n_segments > 1)
		qsort(spool->segments, spool->n_segments, sizeof(*spool->segments),
		      segment_compare);
	return 0;
}

static int read_fully(int fd, uint8_t *bytes, size_t wanted, size_t *ret_size)
{
	size_t size = 0;

	while (size < wanted) {
		ssize_t n = pread(fd, bytes + size, wanted - size, (off_t)size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret_size = size;
	return 0;
}

int spool_files_load(const struct spool *spool, const struct spool_segment *segment,
		     uint8_t **ret_bytes, size_t *ret_size)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ uint8_t *bytes = NULL;
	char name[NAME_BYTES];
	size_t size = segment->bytes;
	int r;

	if (size > SPOOL_FILE_MAX_BYTES)
		size = SPOOL_FILE_MAX_BYTES;
	segment_name(name, segment->first_place);
	fd = openat(spool->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	bytes = malloc(size ? size : 1);
	if (!bytes)
		return -ENOMEM;
	r = read_fully(fd, bytes, size, &size);
	if (r < 0)
		return r;
	*ret_bytes = TAKE(bytes);
	*ret_size = size;
	return 0;
}

static int active_open(struct spool *spool, const struct spool_segment *segment, int flags)
{
	char name[NAME_BYTES];
	int fd;

	segment_name(name, segment->first_place);
	fd = openat(spool->dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	return fd < 0 ? -errno : fd;
}

/* Finds where the last undamaged record ends and which place comes next. */
static void segment_find_end(const uint8_t *bytes, size_t size, uint64_t first_place,
			     size_t *ret_end, uint64_t *ret_next_place)
{
	struct segment_record record;
	uint64_t next_place = first_place;
	size_t end = 0;

	while (segment_find(bytes, size, end, next_place, UINT64_MAX, &record)) {
		end = record.end;
		next_place = record.seq + 1;
	}
	*ret_end = end;
	*ret_next_place = next_place;
}

int spool_files_recover(struct spool *spool)
{
	struct spool_segment *last = &spool->segments[spool->n_segments - 1];
	_cleanup_free_ uint8_t *bytes = NULL;
	uint64_t next_place;
	size_t size, end;
	int r;

	r = spool_files_load(spool, last, &bytes, &size);
	if (r < 0)
		return r;
	segment_find_end(bytes, size, last->first_place, &end, &next_place);
	r = active_open(spool, last, 0);
	if (r < 0)
		return r;
	spool->active_fd = r;
	if (last->bytes > end) {
		if (ftruncate(spool->active_fd, (off_t)end) < 0)
			return -errno;
		spool->counts.torn_bytes = last->bytes - end;
		/* The torn record may have been sent before it was damaged: its place stays used.
		 */
		next_place++;
	}
	/* After a crash of the process alone the records are in the page cache only. */
	if (fdatasync(spool->active_fd) < 0)
		return -errno;
	spool->total_bytes -= last->bytes - end;
	last->bytes = end;
	spool->synced_bytes = end;
	spool->next_place = spool->synced_place = next_place;
	return 0;
}

int spool_files_begin_segment(struct spool *spool)
{
	const struct spool_segment segment = {.first_place = spool->next_place};
	int fd, r;

	fd = active_open(spool, &segment, O_CREAT | O_TRUNC);
	if (fd < 0)
		return fd;
	r = fsync(spool->dir_fd) < 0 ? -errno : segments_add(spool, segment.first_place, 0);
	if (r < 0) {
		close(fd);
		return r;
	}
	if (spool->active_fd >= 0)
		close(spool->active_fd);
	spool->active_fd = fd;
	spool->synced_bytes = 0;
	return 0;
}

int spool_files_delete_first(struct spool *spool)
{
	char name[NAME_BYTES];

	segment_name(name, spool->segments[0].first_place);
	if (unlinkat(spool->dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	spool->total_bytes -= spool->segments[0].bytes;
	spool->n_segments--;
	memmove(spool->segments, spool->segments + 1, spool->n_segments * sizeof(*spool->segments));
	return 0;
}

static int numbering_path(const struct spool *spool, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/%s", spool->dir, NUMBERING_FILE);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int spool_files_load_numbering(struct spool *spool)
{
	_cleanup_free_ char *text = NULL;
	char path[PATH_MAX], *end;
	uint64_t base;
	int r;

	r = numbering_path(spool, path);
	if (r < 0)
		return r;
	r = file_read_all(path, 64, &text, NULL);
	if (r == -ENOENT || r == -EFBIG)
		return 0;
	if (r < 0)
		return r;
	errno = 0;
	base = strtoull(text, &end, 10);
	/* A damaged file counts as none: the next hello agrees on the numbers anew. */
	if (errno != 0 || end == text || strcmp(end, "\n") != 0)
		return 0;
	spool->base = base;
	spool->is_settled = true;
	return 0;
}

int spool_files_save_numbering(const struct spool *spool, uint64_t base)
{
	char path[PATH_MAX], text[32];
	int n, r;

	r = numbering_path(spool, path);
	if (r < 0)
		return r;
	n = snprintf(text, sizeof(text), "%" PRIu64 "\n", base);
	return file_write_durably(path, text, (size_t)n, 0600);
}
