/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_LABELS_MOUNTS_H
#define WEIR_AGENT_LABELS_MOUNTS_H

/*
 * What is mounted now, as this process sees it: from the device number of this
 * boot to the lasting identity of its file system and back. Folders are opened
 * when something is asked about them, and keep a file system from being
 * unmounted until mounts_release().
 */

#include <stddef.h>
#include <stdint.h>

#include "agent/labels/file_system.h"

struct mounts;

enum mounts_verdict {
	MOUNTS_KEPT = 0, /* its files can be known again */
	MOUNTS_MEMORY,   /* nothing of it is there after a reboot */
	MOUNTS_OTHER,    /* it lasts, and its files cannot be known again */
	MOUNTS_UNSEEN,   /* not mounted here */
};

/* A mounted file system that lasts. */
struct mounts_place {
	uint32_t dev; /* as the kernel holds it */
	struct file_system_id id;
};

/* Reads a file like /proc/self/mountinfo. Returns 0 or -errno. */
int mounts_read(const char *path, struct mounts **ret_mounts);
void mounts_free(struct mounts *mounts);

/* *ret_id is set for KEPT. *ret_type is mountinfo's name of the type; NULL for UNSEEN. */
enum mounts_verdict mounts_find(const struct mounts *mounts, uint32_t dev,
				struct file_system_id *ret_id, const char **ret_type);
size_t mounts_places(const struct mounts *mounts, const struct mounts_place **ret_places);
/* Returns 1, 0 when the file is in no mount of this device, -errno when that is not known. */
int mounts_have_file(struct mounts *mounts, uint32_t dev, uint64_t ino, uint32_t generation);
void mounts_release(struct mounts *mounts);

static inline void mounts_freep(struct mounts **mounts)
{
	mounts_free(*mounts);
}

#endif
