/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_FILE_TYPE_H
#define WEIR_COLLECTOR_CORRELATE_FILE_TYPE_H

/*
 * What a file says it is by the end of its name. Only names are looked at, never
 * content; names that say nothing (temporary files, backups, numbers) are NONE.
 */

#include <stdbool.h>

enum file_type {
	FILE_TYPE_NONE = 0,
	FILE_TYPE_DOCUMENT,
	FILE_TYPE_ARCHIVE,
	FILE_TYPE_ENCRYPTED,
	FILE_TYPE_IMAGE,
	FILE_TYPE_MEDIA,
	FILE_TYPE_PROGRAM,
	FILE_TYPE_OTHER, /* an ending that is none of the above */
};

enum file_type file_type_of(const char *path);

/* Does a change of name from one to the other say that the file is something else now? */
bool file_type_is_disguise(const char *before, const char *after);

#endif
