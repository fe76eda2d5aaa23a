/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_VOLUMES_H
#define WEIR_AGENT_ENRICH_VOLUMES_H

/*
 * From the device number of a file to the volume that it lies on. Volumes are looked at when they
 * are mounted, so that one that was unmounted and pulled out since is still known by its name.
 */

#include <stdint.h>

#include "agent/enrich/volume.h"

/* At the limit the one that was unmounted first is forgotten. */
#define VOLUMES_GONE_MAX 64

struct volumes;

/* Where a machine keeps what is read here; borrowed until volumes_free(). */
struct volumes_config {
	const char *proc; /* "/proc" */
	struct volume_roots roots;
};

/* The volumes that are mounted now, as this process sees them. 0 or -errno. */
int volumes_new(const struct volumes_config *config, struct volumes **ret_volumes);
void volumes_free(struct volumes *volumes);

/* After a change of the mounts. 0 or -errno: then all is as it was. */
int volumes_refresh(struct volumes *volumes);

/* The volume of a file system, or NULL for one that is of no interest. One that is not mounted here
 * is looked for in the mounts of process pid, then in all mount namespaces. Holds until the next
 * call of this module. */
const struct volume *volumes_find(struct volumes *volumes, uint32_t dev, uint32_t pid);
/* The volume behind a device node; ino tells whether what is at the path here is that node. NULL
 * when it is none. Nobody's root folder is looked into: he could let it hang. */
const struct volume *volumes_find_node(struct volumes *volumes, const char *path, uint64_t ino);
/* What was found in other mount namespaces is asked again: their numbers go from one to the next
 * without a word. */
void volumes_forget_others(struct volumes *volumes);

static inline void volumes_freep(struct volumes **volumes)
{
	volumes_free(*volumes);
}

#endif
