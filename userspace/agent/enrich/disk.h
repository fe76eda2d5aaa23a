/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_DISK_H
#define WEIR_AGENT_ENRICH_DISK_H

/*
 * What a block device is, by sysfs: the bus that it hangs on, whether it can be carried away, and
 * what its maker wrote into it. Partitions, device mapper, md and loop devices lead to the disk
 * below. What a device says of itself is text without control characters, and no proof.
 */

#include <stdint.h>

#define DISK_TEXT_BYTES 64

/* Texts are "" when unknown. */
struct disk {
	const char *kind; /* "usb", "mmc", "firewire", "thunderbolt", "optical", "disk"; "": built
			     in */
	char vendor[DISK_TEXT_BYTES];
	char model[DISK_TEXT_BYTES];
	char serial[DISK_TEXT_BYTES];
};

/* dev: as the kernel holds it. sysfs: "/sys". Returns 0, -ENOENT for none of its devices, -errno.
 */
int disk_read(const char *sysfs, uint32_t dev, struct disk *ret_disk);

/* A copy of what somebody says of himself: printable, single blanks between words, cut to size. */
void disk_copy_text(const char *from, char *to, unsigned int size);

#endif
