/* SPDX-License-Identifier: GPL-2.0-only */
/* The first three bytes claim the plain size. Whatever follows gives items within the limits or is
 * refused. When the first byte is 255 the rest is compressed first, so that the list is reached. */
#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "event/event_codec.h"
#include "wire/batch.h"

#define CLAIM_BYTES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void use_batch(const uint8_t *deflated, size_t size, uint32_t raw_bytes)
{
	struct batch *batch;

	if (batch_inflate(deflated, size, raw_bytes, &batch) < 0)
		return;
	require(raw_bytes <= BATCH_MAX_RAW_BYTES && batch->n_items > 0);
	require(batch->n_items <= BATCH_MAX_EVENTS);
	for (size_t i = 0; i < batch->n_items; i++) {
		struct event *event;

		if (event_decode(batch->items[i].data, batch->items[i].size, &event) == 0)
			event_free(event);
	}
	batch_free(batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *deflated = NULL;
	uLongf deflated_size = compressBound(size);
	uint32_t claim;

	if (size < CLAIM_BYTES)
		return 0;
	claim = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
	if (data[0] != 0xff) {
		use_batch(data + CLAIM_BYTES, size - CLAIM_BYTES, claim);
		return 0;
	}
	deflated = malloc(deflated_size);
	require(deflated != NULL);
	require(compress2(deflated, &deflated_size, data + CLAIM_BYTES, size - CLAIM_BYTES, 1) ==
		Z_OK);
	use_batch(deflated, deflated_size, (uint32_t)(size - CLAIM_BYTES));
	return 0;
}
