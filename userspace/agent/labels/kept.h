/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_LABELS_KEPT_H
#define WEIR_AGENT_LABELS_KEPT_H

/*
 * The labelled files that are to be known again after a reboot, also those of
 * file systems that are not mounted now. Holds as many as it was made for, and
 * says when one does not fit. On disk it is one file, written so that a crash
 * leaves the old one or the new one, with labels by their names: the bits are
 * the policy's, which may be another one next time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/labels/file_system.h"

struct kept;
struct policy;

struct kept_file {
	struct file_system_id file_system;
	uint64_t ino;
	uint32_t generation;
	uint32_t hops;
	uint64_t labels;   /* bits of the policy */
	uint64_t since_ns; /* CLOCK_REALTIME */
	bool is_source;
};

/* What loading a record came to. */
enum kept_outcome {
	KEPT_LOADED = 0, /* also when there was none */
	KEPT_DAMAGED,    /* only the part that is whole, which may be nothing */
	KEPT_NEWER,      /* of a later version: nothing was loaded, and it is kept beside */
};

struct kept_loading {
	enum kept_outcome outcome;
	uint64_t lost;        /* files that were in a damaged part */
	bool is_lost_unknown; /* not even their number is whole */
	uint64_t unnamed;     /* files of which a label is in the policy no more */
	uint64_t over;        /* files that do not fit */
};

int kept_new(size_t max_files, struct kept **ret_kept);
void kept_free(struct kept *kept);

/* Returns 1 when it is new or has new labels, 0 when all was known, -ENOSPC, -ENOMEM. */
int kept_put(struct kept *kept, const struct kept_file *file);
/* Whether this file is there with all these labels. */
bool kept_has(const struct kept *kept, const struct kept_file *file);
size_t kept_size(const struct kept *kept);
/* Visits the files of one file system (NULL: all), and drops those for which visit returns false.
 * Returns how many were dropped, or -ENOMEM and none was visited. */
int kept_visit(struct kept *kept, const struct file_system_id *file_system,
	       bool (*visit)(void *userdata, const struct kept_file *file), void *userdata);

/* Into an empty one. Returns 0, or -errno when the file is there and cannot be read. */
int kept_load(struct kept *kept, const char *path, const struct policy *policy,
	      struct kept_loading *ret_loading);
/* Returns 0, or -errno and the file is as it was. */
int kept_save(struct kept *kept, const char *path, const struct policy *policy);

#endif
