/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_LABELLED_FILES_H
#define WEIR_AGENT_ENRICH_LABELLED_FILES_H

/*
 * Which labelled file was renamed or removed: identity and the names of the
 * labelled files that flows have shown. Path calls are told after the fact, when
 * the file may have gone on to other names, so each file keeps its last few, and
 * what the file system shows now may contradict a name but need not confirm it.
 * Bounded; at the limit files that lost their last known name make room, else new ones are not
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
	char *path; /* the name it was seen by last */
};

int labelled_files_new(size_t max_files, struct labelled_files **ret_files);
void labelled_files_free(struct labelled_files *files);

/* Notes a sighting. 0, -ENOSPC at the limit, -ENOMEM. */
int labelled_files_put(struct labelled_files *files, const struct labelled_file *file);

/* The file that had this path and has it no more, or NULL. The entry stays with the table until the
 * next file comes, and forgets the path. */
const struct labelled_file *labelled_files_take_unlinked(struct labelled_files *files,
							 const char *path);
/*
 * The file that was renamed, or NULL: the one at new_path now, by inode (pid's root is tried too),
 * or the one that had old_path and has it no more. It has new_path from then on instead.
 */
const struct labelled_file *labelled_files_take_renamed(struct labelled_files *files,
							const char *old_path, const char *new_path,
							uint32_t pid);
const struct labelled_file *labelled_files_find(struct labelled_files *files, uint32_t dev,
						uint64_t ino);
/* What is at the path now, or where a link there leads; pid's root is tried, too. Or NULL. */
const struct labelled_file *labelled_files_find_path(struct labelled_files *files, const char *path,
						     uint32_t pid);

uint64_t labelled_files_dropped(const struct labelled_files *files);

#endif
