/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_INFLATE_H
#define WEIR_AGENT_SCAN_SCAN_INFLATE_H

/*
 * Unpacks a stretch of a file piece by piece, never into memory as a whole, and
 * gives up on what unpacks to too much: in bytes or in proportion.
 */

#include <stddef.h>
#include <stdint.h>

/* A stretch of a file. */
struct scan_stretch {
	int fd;
	uint64_t offset, size;
};

enum scan_packing {
	SCAN_STORED,
	SCAN_DEFLATED, /* RFC 1951, as in zip */
	SCAN_GZIPPED,  /* RFC 1952; members may follow each other */
};

#define SCAN_MAX_RATIO 500               /* of what is unpacked to what it was */
#define SCAN_RATIO_FREE_BYTES (1u << 20) /* so much is no bomb whatever the ratio */

typedef void (*scan_take_fn)(void *userdata, const uint8_t *data, size_t size);

/*
 * Gives the unpacked bytes to take. *left_bytes is what may still come out of this file, and is
 * lowered. Returns an enum scan_obstacle, 0 for none; what came before an obstacle was given.
 */
uint32_t scan_inflate(const struct scan_stretch *stretch, enum scan_packing packing,
		      uint64_t *left_bytes, scan_take_fn take, void *userdata);

#endif
