/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_VOLUME_H
#define WEIR_AGENT_ENRICH_VOLUME_H

/*
 * What a file system lies on: a disk, another machine, a telephone. Its title is what people call
 * it, and the same whenever and wherever it is met again: a disk by its serial, or else by the
 * identity of its file system; a share by its server. Nobody's name is in it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/enrich/disk.h"

struct mountinfo;

#define VOLUME_UUID_BYTES 64
#define VOLUME_HOST_BYTES 256
#define VOLUME_TITLE_BYTES 352

struct volume {
	uint32_t dev;     /* as the kernel holds it */
	struct disk disk; /* kind as in the policy's "device"; "": built in, or of no interest */
	char uuid[VOLUME_UUID_BYTES]; /* of its file system; "" when unknown */
	char host[VOLUME_HOST_BYTES]; /* of a share: the server; "" when the source tells none */
	char title[VOLUME_TITLE_BYTES];
	bool is_claimed; /* a user mounted it and says himself from where */
	bool has_shares; /* gvfs: what lies below it are volumes of their own */
};

/* Where a machine keeps what is read here. */
struct volume_roots {
	const char *sysfs; /* "/sys" */
	const char *dev;   /* "/dev" */
};

/* Returns 1 with a volume of interest, 0 for one in memory, made by the kernel or known not to
 * leave the machine. Reads sysfs and the links that udev made; opens no device. */
int volume_of_mount(const struct volume_roots *roots, const struct mountinfo *mount,
		    struct volume *ret_volume);
/* The same of a block device that is written to without a file system, or whose mount is gone. */
int volume_of_disk(const struct volume_roots *roots, uint32_t dev, struct volume *ret_volume);
/* Of a character device by its number: a printer, a serial line. */
int volume_of_character(const struct volume_roots *roots, uint32_t dev, struct volume *ret_volume);
/* Of a file below a volume that has shares, by its path. */
int volume_of_share(const char *path, struct volume *ret_volume);

#endif
