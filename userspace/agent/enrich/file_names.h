/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_FILE_NAMES_H
#define WEIR_AGENT_ENRICH_FILE_NAMES_H

/*
 * From a path to the files that may have it. Several may: a name goes from one file to the next
 * before the agent hears of it. Files are not owned, and each is in a name's list once.
 */

#include <stddef.h>

struct file_names;
struct known_file;

struct file_name_list {
	struct known_file *const *files;
	size_t n_files;
};

int file_names_new(struct file_names **ret_names);
void file_names_free(struct file_names *names);

/* 0 or -ENOMEM. */
int file_names_add(struct file_names *names, const char *path, struct known_file *file);
void file_names_remove(struct file_names *names, const char *path, const struct known_file *file);

/* Holds until the next change. */
struct file_name_list file_names_find(const struct file_names *names, const char *path);

#endif
