/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_OBSTACLE_H
#define WEIR_AGENT_SCAN_SCAN_OBSTACLE_H

/* Why a file, or a part of it, could not be read for records: each is a reason to say that the
 * count is not the whole. */

#include <stddef.h>
#include <stdint.h>

enum scan_obstacle {
	SCAN_ENCRYPTED = 1 << 0,
	SCAN_NOT_TEXT = 1 << 1,
	SCAN_TOO_LARGE = 1 << 2, /* itself, or what it unpacks to */
	SCAN_NESTED = 1 << 3,    /* an archive within an archive */
	SCAN_DAMAGED = 1 << 4,
	SCAN_UNKNOWN_METHOD = 1 << 5, /* of compression */
	SCAN_TOO_MANY = 1 << 6,       /* entries, or different records */
	SCAN_CHANGED = 1 << 7,        /* while it was read */
	SCAN_GONE = 1 << 8,
	SCAN_TOO_SLOW = 1 << 9,
	SCAN_STOPPED = 1 << 10, /* the scanner's process ended */
	SCAN_UNREAD = 1 << 11,  /* the agent ended before it came to be read */
	SCAN_ENCODED = 1 << 12, /* text in text: base64, hexadecimal */
};

#define SCAN_ALL_OBSTACLES ((1u << 13) - 1)

/* "part of it is encrypted; ..." into text, "" for none. */
void scan_obstacle_describe(uint32_t obstacles, char *text, size_t size);

#endif
