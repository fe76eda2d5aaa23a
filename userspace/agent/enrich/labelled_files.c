/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/labelled_files.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "agent/enrich/file_names.h"
#include "base/cleanup.h"
#include "base/file.h"

/* A file that is renamed more often between two sweeps is not followed by its oldest names. */
#define MAX_NAMES 8

struct known_file {
	struct labelled_file file; /* owns its path */
	char *names[MAX_NAMES];    /* that it may still have, the last one seen last */
	size_t n_names;
	uint64_t seen; /* order of sightings */
	TAILQ_ENTRY(known_file) nameless;
};

struct labelled_files {
	void *tree; /* of struct known_file, by dev and ino */
	struct file_names *names;
	TAILQ_HEAD(, known_file) nameless; /* at the limit these go first, the oldest first */
	size_t n_files, max_files;
	uint64_t dropped, sightings;
};

static int compare(const void *a, const void *b)
{
	const struct labelled_file *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (x->dev > y->dev) - (x->dev < y->dev);
}

static void free_entry(void *pointer)
{
	struct known_file *entry = pointer;

	for (size_t i = 0; i < entry->n_names; i++)
		free(entry->names[i]);
	free(entry->file.path);
	free(entry);
}

int labelled_files_new(size_t max_files, struct labelled_files **ret_files)
{
	struct labelled_files *files = calloc(1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	if (file_names_new(&files->names) < 0) {
		free(files);
		return -ENOMEM;
	}
	TAILQ_INIT(&files->nameless);
	files->max_files = max_files;
	*ret_files = files;
	return 0;
}

void labelled_files_free(struct labelled_files *files)
{
	if (!files)
		return;
	tdestroy(files->tree, free_entry);
	file_names_free(files->names);
	free(files);
}

static void close_gap(struct known_file *entry, size_t at)
{
	free(entry->names[at]);
	entry->n_names--;
	memmove(&entry->names[at], &entry->names[at + 1],
		(entry->n_names - at) * sizeof(*entry->names));
}

static void drop_name(struct labelled_files *files, struct known_file *entry, size_t at)
{
	file_names_remove(files->names, entry->names[at], entry);
	close_gap(entry, at);
	if (entry->n_names == 0)
		TAILQ_INSERT_TAIL(&files->nameless, entry, nameless);
}

static bool find_name(const struct known_file *entry, const char *path, size_t *ret_at)
{
	for (size_t i = 0; path && i < entry->n_names; i++) {
		if (strcmp(entry->names[i], path) != 0)
			continue;
		*ret_at = i;
		return true;
	}
	return false;
}

/* Makes path the last name. */
static int add_name(struct labelled_files *files, struct known_file *entry, const char *path)
{
	char *name = strdup(path), *last = strdup(path);
	size_t at;

	if (!name || !last || file_names_add(files->names, path, entry) < 0) {
		free(name);
		free(last);
		return -ENOMEM;
	}
	if (find_name(entry, path, &at)) {
		close_gap(entry, at);
	} else if (entry->n_names == MAX_NAMES) {
		drop_name(files, entry, 0);
	} else if (entry->n_names == 0) {
		TAILQ_REMOVE(&files->nameless, entry, nameless);
	}
	entry->names[entry->n_names++] = name;
	free(entry->file.path);
	entry->file.path = last;
	return 0;
}

static void forget_name(struct labelled_files *files, struct known_file *entry, const char *path)
{
	size_t at;

	if (find_name(entry, path, &at))
		drop_name(files, entry, at);
}

static void drop_nameless(struct labelled_files *files)
{
	struct known_file *entry = TAILQ_FIRST(&files->nameless);

	if (!entry)
		return;
	TAILQ_REMOVE(&files->nameless, entry, nameless);
	tdelete(entry, &files->tree, compare);
	free_entry(entry);
	files->n_files--;
}

static int add_file(struct labelled_files *files, const struct labelled_file *file)
{
	struct known_file *made;

	if (files->n_files >= files->max_files)
		drop_nameless(files);
	if (files->n_files >= files->max_files) {
		files->dropped++;
		return -ENOSPC;
	}
	made = calloc(1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	made->file = *file;
	made->file.path = NULL;
	made->seen = ++files->sightings;
	if (!tsearch(made, &files->tree, compare)) {
		free_entry(made);
		return -ENOMEM;
	}
	files->n_files++;
	TAILQ_INSERT_TAIL(&files->nameless, made, nameless);
	return add_name(files, made, file->path);
}

int labelled_files_put(struct labelled_files *files, const struct labelled_file *file)
{
	struct known_file **slot = tfind(file, &files->tree, compare), *entry;

	if (!slot)
		return add_file(files, file);
	entry = *slot;
	/* Another life of the inode number. */
	while (entry->file.generation != file->generation && entry->n_names > 0)
		drop_name(files, entry, 0);
	entry->file.labels |= file->labels;
	entry->file.generation = file->generation;
	entry->seen = ++files->sightings;
	return add_name(files, entry, file->path);
}

static struct known_file *find_entry(struct labelled_files *files, uint32_t dev, uint64_t ino)
{
	struct labelled_file wanted = {.dev = dev, .ino = ino};
	struct known_file **slot = tfind(&wanted, &files->tree, compare);

	return slot ? *slot : NULL;
}

const struct labelled_file *labelled_files_find(struct labelled_files *files, uint32_t dev,
						uint64_t ino)
{
	struct known_file *entry = find_entry(files, dev, ino);

	return entry ? &entry->file : NULL;
}

static bool is_at(const char *path, const struct known_file *entry)
{
	struct stat info;

	return lstat(path, &info) == 0 && info.st_ino == entry->file.ino &&
	       file_kernel_dev(info.st_dev) == entry->file.dev;
}

/* The one seen last of those that had the path and have it no more, if later than found. */
static struct known_file *find_later(const struct labelled_files *files, const char *path,
				     struct known_file *found)
{
	struct file_name_list list = file_names_find(files->names, path);

	for (size_t i = 0; i < list.n_files; i++) {
		struct known_file *entry = list.files[i];

		/* Still there: then it was somebody else's file of the same name. */
		if ((!found || entry->seen > found->seen) && !is_at(path, entry))
			found = entry;
	}
	return found;
}

/* The folder is still there: links in it are resolved; the last component is gone. */
static char *resolve_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = NULL, *real = NULL;
	char *resolved;

	if (!slash)
		return NULL;
	folder = strndup(path, slash > path ? (size_t)(slash - path) : 1);
	real = folder ? realpath(folder, NULL) : NULL;
	if (!real || asprintf(&resolved, "%s%s", strcmp(real, "/") ? real : "", slash) < 0)
		return NULL;
	return resolved;
}

static struct known_file *find_gone(struct labelled_files *files, const char *path,
				    const char *real_path)
{
	struct known_file *found = find_later(files, path, NULL);

	return real_path ? find_later(files, real_path, found) : found;
}

const struct labelled_file *labelled_files_take_unlinked(struct labelled_files *files,
							 const char *path)
{
	_cleanup_free_ char *real_path = resolve_folder(path);
	struct known_file *entry = find_gone(files, path, real_path);

	if (!entry)
		return NULL;
	forget_name(files, entry, path);
	forget_name(files, entry, real_path);
	return &entry->file;
}

static struct known_file *find_at(struct labelled_files *files, const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0
		       ? find_entry(files, file_kernel_dev(info.st_dev), info.st_ino)
		       : NULL;
}

const struct labelled_file *labelled_files_take_renamed(struct labelled_files *files,
							const char *old_path, const char *new_path,
							uint32_t pid)
{
	_cleanup_free_ char *rooted = NULL, *real_path = resolve_folder(old_path);
	struct known_file *entry = find_at(files, new_path), *gone;
	size_t at;

	if (!entry && asprintf(&rooted, "/proc/%u/root%s", pid, new_path) < 0)
		return NULL;
	if (!entry)
		entry = find_at(files, rooted);
	/* What is there now may have come later, in the place of what this call moved there. */
	if (!entry || (!find_name(entry, old_path, &at) && !find_name(entry, real_path, &at))) {
		gone = find_gone(files, old_path, real_path);
		entry = gone ? gone : entry;
	}
	if (!entry || add_name(files, entry, new_path) < 0)
		return NULL;
	forget_name(files, entry, old_path);
	forget_name(files, entry, real_path);
	return &entry->file;
}

static struct known_file *find_behind(struct labelled_files *files, const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? find_entry(files, file_kernel_dev(info.st_dev), info.st_ino)
				      : NULL;
}

const struct labelled_file *labelled_files_find_path(struct labelled_files *files, const char *path,
						     uint32_t pid)
{
	_cleanup_free_ char *rooted = NULL;
	struct known_file *entry = find_behind(files, path);

	if (!entry && asprintf(&rooted, "/proc/%u/root%s", pid, path) >= 0)
		entry = find_behind(files, rooted);
	return entry ? &entry->file : NULL;
}

uint64_t labelled_files_dropped(const struct labelled_files *files)
{
	return files->dropped;
}
