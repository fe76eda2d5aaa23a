/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/labelled_files.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"

struct labelled_files {
	void *tree; /* of struct labelled_file, by dev and ino */
	size_t n_files, max_files;
	uint64_t dropped;
};

static int compare(const void *a, const void *b)
{
	const struct labelled_file *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return (x->dev > y->dev) - (x->dev < y->dev);
}

static void free_file(void *pointer)
{
	struct labelled_file *file = pointer;

	free(file->path);
	free(file);
}

int labelled_files_new(size_t max_files, struct labelled_files **ret_files)
{
	struct labelled_files *files = calloc(1, sizeof(*files));

	if (!files)
		return -ENOMEM;
	files->max_files = max_files;
	*ret_files = files;
	return 0;
}

void labelled_files_free(struct labelled_files *files)
{
	if (!files)
		return;
	tdestroy(files->tree, free_file);
	free(files);
}

static int add_file(struct labelled_files *files, const struct labelled_file *file)
{
	struct labelled_file *made;

	if (files->n_files >= files->max_files) {
		files->dropped++;
		return -ENOSPC;
	}
	made = malloc(sizeof(*made));
	if (!made)
		return -ENOMEM;
	*made = *file;
	made->path = strdup(file->path);
	if (!made->path || !tsearch(made, &files->tree, compare)) {
		free_file(made);
		return -ENOMEM;
	}
	files->n_files++;
	return 0;
}

int labelled_files_put(struct labelled_files *files, const struct labelled_file *file)
{
	struct labelled_file **slot = tfind(file, &files->tree, compare);
	char *path;

	if (!slot)
		return add_file(files, file);
	(*slot)->labels |= file->labels;
	(*slot)->generation = file->generation;
	if (strcmp((*slot)->path, file->path) == 0)
		return 0;
	path = strdup(file->path);
	if (!path)
		return -ENOMEM;
	free((*slot)->path);
	(*slot)->path = path;
	return 0;
}

const struct labelled_file *labelled_files_find(struct labelled_files *files, uint32_t dev,
						uint64_t ino)
{
	struct labelled_file wanted = {.dev = dev, .ino = ino};
	struct labelled_file **slot = tfind(&wanted, &files->tree, compare);

	return slot ? *slot : NULL;
}

static uint32_t kernel_dev(dev_t dev)
{
	return (uint32_t)major(dev) << 20 | minor(dev);
}

struct path_search {
	const char *path, *real_path;
	const struct labelled_file *found;
};

static void visit(const void *node, VISIT which, void *closure)
{
	const struct labelled_file *file = *(struct labelled_file *const *)node;
	struct path_search *search = closure;

	if (which != postorder && which != leaf)
		return;
	if (strcmp(file->path, search->path) == 0 ||
	    (search->real_path && strcmp(file->path, search->real_path) == 0))
		search->found = file;
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

const struct labelled_file *labelled_files_find_unlinked(struct labelled_files *files,
							 const char *path)
{
	_cleanup_free_ char *real_path = resolve_folder(path);
	struct path_search search = {.path = path, .real_path = real_path};
	struct stat info;

	twalk_r(files->tree, visit, &search);
	if (!search.found)
		return NULL;
	/* Somebody else's file of the same name is none of ours. */
	if (lstat(search.found->path, &info) == 0 && info.st_ino == search.found->ino &&
	    kernel_dev(info.st_dev) == search.found->dev)
		return NULL;
	return search.found;
}

const struct labelled_file *labelled_files_find_at(struct labelled_files *files, const char *path,
						   uint32_t pid)
{
	_cleanup_free_ char *rooted = NULL;
	const struct labelled_file *found = NULL;
	struct stat info;

	if (lstat(path, &info) == 0)
		found = labelled_files_find(files, kernel_dev(info.st_dev), info.st_ino);
	if (found || asprintf(&rooted, "/proc/%u/root%s", pid, path) < 0)
		return found;
	if (lstat(rooted, &info) == 0)
		found = labelled_files_find(files, kernel_dev(info.st_dev), info.st_ino);
	return found;
}

uint64_t labelled_files_dropped(const struct labelled_files *files)
{
	return files->dropped;
}
