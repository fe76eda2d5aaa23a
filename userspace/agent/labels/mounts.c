/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/labels/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mountinfo.h"

#define TYPE_BYTES 32

struct mount_point {
	uint64_t id;
	uint32_t dev;
	char type[TYPE_BYTES];
	char *path;
	int fd; /* -1: not open */
};

struct mounts {
	struct mount_point *points;
	size_t n_points;
	struct mounts_place *places;
	size_t n_places;
};

static int add_point(struct mounts *mounts, const struct mountinfo *mount)
{
	struct mount_point *grown =
		realloc(mounts->points, (mounts->n_points + 1) * sizeof(*mounts->points));

	if (!grown)
		return -ENOMEM;
	mounts->points = grown;
	grown += mounts->n_points;
	*grown = (struct mount_point){.id = mount->id, .dev = mount->dev, .fd = -1};
	snprintf(grown->type, sizeof(grown->type), "%s", mount->type);
	grown->path = strdup(mount->path);
	if (!grown->path)
		return -ENOMEM;
	mounts->n_points++;
	return 0;
}

/* One mount may lie over another, so what the path leads to is asked for its number. */
static bool is_mount(int fd, uint64_t id)
{
	struct statx info;

	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info) == 0 &&
	       (info.stx_mask & STATX_MNT_ID) && info.stx_mnt_id == id;
}

static int open_point(struct mount_point *point)
{
	if (point->fd >= 0)
		return 0;
	point->fd = open(point->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);
	if (point->fd < 0)
		return -errno;
	if (is_mount(point->fd, point->id))
		return 0;
	close(point->fd);
	point->fd = -1;
	return -ENOENT;
}

static const struct mounts_place *find_place(const struct mounts *mounts, uint32_t dev)
{
	for (size_t i = 0; i < mounts->n_places; i++)
		if (mounts->places[i].dev == dev)
			return &mounts->places[i];
	return NULL;
}

/* The first of its mounts that can be opened says what the file system is. */
static int add_place(struct mounts *mounts, struct mount_point *point)
{
	struct mounts_place place = {.dev = point->dev}, *grown;

	if (!file_system_is_lasting(point->type) || find_place(mounts, point->dev) ||
	    open_point(point) < 0 || file_system_identify(point->fd, &place.id) < 0)
		return 0;
	grown = realloc(mounts->places, (mounts->n_places + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	mounts->places = grown;
	grown[mounts->n_places++] = place;
	return 0;
}

int mounts_read(const char *path, struct mounts **ret_mounts)
{
	_cleanup_(mounts_freep) struct mounts *mounts = calloc(1, sizeof(*mounts));
	_cleanup_free_ char *text = NULL;
	char *line, *rest;
	int r = mounts ? file_read_all(path, MOUNTINFO_MAX_BYTES, &text, NULL) : -ENOMEM;

	if (r < 0)
		return r;
	for (line = strtok_r(text, "\n", &rest); r == 0 && line;
	     line = strtok_r(NULL, "\n", &rest)) {
		struct mountinfo mount;

		if (mountinfo_parse(line, &mount))
			r = add_point(mounts, &mount);
	}
	for (size_t i = 0; r == 0 && i < mounts->n_points; i++)
		r = add_place(mounts, &mounts->points[i]);
	if (r < 0)
		return r;
	mounts_release(mounts);
	*ret_mounts = TAKE(mounts);
	return 0;
}

void mounts_free(struct mounts *mounts)
{
	if (!mounts)
		return;
	mounts_release(mounts);
	for (size_t i = 0; i < mounts->n_points; i++)
		free(mounts->points[i].path);
	free(mounts->points);
	free(mounts->places);
	free(mounts);
}

enum mounts_verdict mounts_find(const struct mounts *mounts, uint32_t dev,
				struct file_system_id *ret_id, const char **ret_type)
{
	const struct mounts_place *place = find_place(mounts, dev);

	*ret_type = NULL;
	for (size_t i = 0; i < mounts->n_points && !*ret_type; i++)
		if (mounts->points[i].dev == dev)
			*ret_type = mounts->points[i].type;
	if (!*ret_type)
		return MOUNTS_UNSEEN;
	if (place) {
		*ret_id = place->id;
		return MOUNTS_KEPT;
	}
	return file_system_is_memory(*ret_type) ? MOUNTS_MEMORY : MOUNTS_OTHER;
}

size_t mounts_places(const struct mounts *mounts, const struct mounts_place **ret_places)
{
	*ret_places = mounts->places;
	return mounts->n_places;
}

/* Subvolumes of one btrfs have one device number here, and a file is in one of them. */
int mounts_have_file(struct mounts *mounts, uint32_t dev, uint64_t ino, uint32_t generation)
{
	int answer = -ENODEV;

	for (size_t i = 0; i < mounts->n_points; i++) {
		struct mount_point *point = &mounts->points[i];
		int r;

		if (point->dev != dev || open_point(point) < 0)
			continue;
		r = file_system_has_file(point->fd, ino, generation);
		if (r == 1 || (r == 0 && strcmp(point->type, "btrfs") != 0))
			return r;
		if (answer != 0)
			answer = r;
	}
	return answer;
}

void mounts_release(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n_points; i++) {
		if (mounts->points[i].fd >= 0)
			close(mounts->points[i].fd);
		mounts->points[i].fd = -1;
	}
}
