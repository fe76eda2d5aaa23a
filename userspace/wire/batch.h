/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_BATCH_H
#define WEIR_WIRE_BATCH_H

/*
 * Many encoded events as one zlib-compressed block. Reading one never takes
 * more than BATCH_MAX_RAW_BYTES of plain bytes or BATCH_MAX_EVENTS events,
 * whatever the block claims: a decompression bomb is an error.
 */

#include <stddef.h>
#include <stdint.h>

#define BATCH_MAX_RAW_BYTES (1024 * 1024)
#define BATCH_MAX_EVENTS 4096

struct batch_item {
	const uint8_t *data;
	size_t size;
};

/* Returns 0, -EMSGSIZE above the limits, -EINVAL for no items, -ENOMEM. The caller frees
 * *ret_deflated. */
int batch_deflate(const struct batch_item *items, size_t n_items, uint8_t **ret_deflated,
		  size_t *ret_size, uint32_t *ret_raw_bytes);

struct batch {
	struct batch_item *items; /* point into the batch */
	size_t n_items;
	void *owner;
};

/* Returns 0, -EMSGSIZE above the limits, -EBADMSG, -ENOMEM. */
int batch_inflate(const uint8_t *deflated, size_t size, uint32_t raw_bytes,
		  struct batch **ret_batch);
void batch_free(struct batch *batch);

#endif
