/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_OPEN_H
#define WEIR_AGENT_SCAN_SCAN_OPEN_H

/*
 * Opens a file that is known by its identity: under the name it had, or where it
 * has none any more, under the descriptors of who has it open. What is opened is
 * that file or nothing.
 */

#include "agent/scan/scan_list.h"

/* Returns a descriptor for reading, -ENOENT when the file cannot be found any more, -errno. */
int scan_open(const struct scan_list_file *file, struct scan_version *ret_version);

/* What the open file is like now. 0 or -errno. */
int scan_open_version(int fd, struct scan_version *ret_version);

#endif
