/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_LABELLED_FILES_H
#define WEIR_AGENT_ENRICH_LABELLED_FILES_H

/*
 * Which labelled file was renamed or removed: identity and last known path of
 * the labelled files that flows have shown. A path call counts only when the
 * file system confirms it by inode. Bounded; at the limit new files are not
 * kept, and counted.
 */

#include <stddef.h>
#include <stdint.h>

struct labelled_files;

struct labelled_file {
	uint64_t ino;
	uint32_t dev; /* as the kernel holds it */
	uint32_t generation;
	uint64_t labels;
	char *path;
};

int labelled_files_new(size_t max_files, struct labelled_files **ret_files);
void labelled_files_free(struct labelled_files *files);

/* Notes a sighting. 0, -ENOSPC at the limit, -ENOMEM. */
int labelled_files_put(struct labelled_files *files, const struct labelled_file *file);

/* The file that had this path and has it no more, or NULL. The entry stays with the table. */
const struct labelled_file *labelled_files_find_unlinked(struct labelled_files *files,
							 const char *path);
/* The file that is at this path now, by inode, or NULL. pid's root is tried too. */
const struct labelled_file *labelled_files_find_at(struct labelled_files *files, const char *path,
						   uint32_t pid);
const struct labelled_file *labelled_files_find(struct labelled_files *files, uint32_t dev,
						uint64_t ino);

uint64_t labelled_files_dropped(const struct labelled_files *files);

#endif
