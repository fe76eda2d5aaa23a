/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_LABELS_FILE_SYSTEM_H
#define WEIR_AGENT_LABELS_FILE_SYSTEM_H

/*
 * File systems by what lasts: the identity that their makers wrote to the disk,
 * and the inode number with its generation, which tells the file from a later
 * one of the same number. Device numbers are handed out anew at each boot.
 */

#include <stdbool.h>
#include <stdint.h>

#define FILE_SYSTEM_UUID_BYTES 16

struct file_system_id {
	uint32_t type; /* statfs(2) f_type */
	uint8_t uuid[FILE_SYSTEM_UUID_BYTES];
};

/* Whether files of a file system can be known again after a reboot, by its name in mountinfo. Only
 * these are ever opened: a network's may hang. */
bool file_system_is_lasting(const char *name);
/* Whether nothing of it outlives the machine's memory, so that there is nothing to be known. */
bool file_system_is_memory(const char *name);

/* Of an open folder. Returns 0, -EOPNOTSUPP without a lasting identity, -errno. */
int file_system_identify(int fd, struct file_system_id *ret_id);
/* Whether there is this very regular file. fd: any open folder of the file system; of btrfs, of the
 * subvolume. Returns 1, 0 when it is gone, -errno when it is not known. */
int file_system_has_file(int fd, uint64_t ino, uint32_t generation);

bool file_system_is_same(const struct file_system_id *a, const struct file_system_id *b);

#endif
