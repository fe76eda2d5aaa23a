/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/file_names.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct file_names {
	void *tree; /* of struct name, by path */
};

struct name {
	char *path; /* first, so that a path alone can be looked for */
	struct known_file **files;
	size_t n_files;
};

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void free_name(void *pointer)
{
	struct name *name = pointer;

	free(name->path);
	free(name->files);
	free(name);
}

int file_names_new(struct file_names **ret_names)
{
	struct file_names *names = calloc(1, sizeof(*names));

	if (!names)
		return -ENOMEM;
	*ret_names = names;
	return 0;
}

void file_names_free(struct file_names *names)
{
	if (!names)
		return;
	tdestroy(names->tree, free_name);
	free(names);
}

static struct name *find(const struct file_names *names, const char *path)
{
	struct name **slot = tfind(&path, &names->tree, compare);

	return slot ? *slot : NULL;
}

static struct name *make(struct file_names *names, const char *path)
{
	struct name *made = calloc(1, sizeof(*made));

	if (!made)
		return NULL;
	made->path = strdup(path);
	if (made->path && tsearch(made, &names->tree, compare))
		return made;
	free_name(made);
	return NULL;
}

static void drop(struct file_names *names, struct name *name)
{
	tdelete(name, &names->tree, compare);
	free_name(name);
}

int file_names_add(struct file_names *names, const char *path, struct known_file *file)
{
	struct name *name = find(names, path);
	struct known_file **grown;

	if (!name)
		name = make(names, path);
	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < name->n_files; i++)
		if (name->files[i] == file)
			return 0;
	grown = realloc(name->files, (name->n_files + 1) * sizeof(*grown));
	if (!grown) {
		if (name->n_files == 0)
			drop(names, name);
		return -ENOMEM;
	}
	name->files = grown;
	name->files[name->n_files++] = file;
	return 0;
}

void file_names_remove(struct file_names *names, const char *path, const struct known_file *file)
{
	struct name *name = find(names, path);

	if (!name)
		return;
	for (size_t i = 0; i < name->n_files; i++) {
		if (name->files[i] != file)
			continue;
		name->files[i] = name->files[--name->n_files];
		break;
	}
	if (name->n_files == 0)
		drop(names, name);
}

struct file_name_list file_names_find(const struct file_names *names, const char *path)
{
	const struct name *name = find(names, path);

	return name ? (struct file_name_list){name->files, name->n_files}
		    : (struct file_name_list){NULL, 0};
}
