/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_UPLINK_OUTBOX_H
#define WEIR_AGENT_UPLINK_OUTBOX_H

/*
 * Collects consecutive records for one batch, within the batch's limits. A
 * record that was lost gets an EVENT_LOSS event in its place, so that the
 * collector's timeline says so under the same seq.
 */

#include <stddef.h>
#include <stdint.h>

#include "wire/batch.h"

struct outbox {
	uint64_t first_seq;
	uint32_t n_items, n_lost;
	size_t raw_bytes; /* with what the list costs around each item */
	uint8_t *bytes;
	size_t n_bytes, n_allocated;
	uint32_t sizes[BATCH_MAX_EVENTS];
	const char *boot_id; /* for the loss events; borrowed */
};

void outbox_reset(struct outbox *outbox);
void outbox_release(struct outbox *outbox);

/* An uplink_visit_fn with a struct outbox as userdata. */
int outbox_add(void *userdata, uint64_t seq, const void *data, size_t size);

/* Returns what batch_deflate() returns. */
int outbox_deflate(const struct outbox *outbox, uint8_t **ret_deflated, size_t *ret_size,
		   uint32_t *ret_raw_bytes);

#endif
