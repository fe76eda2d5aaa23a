/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/uplink/outbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "event/event_codec.h"

/* A tag and a length of at most four bytes around each item of the list. */
#define ITEM_OVERHEAD_BYTES 6

void outbox_reset(struct outbox *outbox)
{
	outbox->first_seq = 0;
	outbox->n_items = outbox->n_lost = 0;
	outbox->raw_bytes = outbox->n_bytes = 0;
}

void outbox_release(struct outbox *outbox)
{
	free(outbox->bytes);
	outbox->bytes = NULL;
	outbox->n_allocated = 0;
	outbox_reset(outbox);
}

static int outbox_copy(struct outbox *outbox, const void *data, size_t size)
{
	if (outbox->n_allocated - outbox->n_bytes < size) {
		size_t wanted = (outbox->n_bytes + size) * 2;
		uint8_t *bytes = realloc(outbox->bytes, wanted);

		if (!bytes)
			return -ENOMEM;
		outbox->bytes = bytes;
		outbox->n_allocated = wanted;
	}
	memcpy(outbox->bytes + outbox->n_bytes, data, size);
	outbox->n_bytes += size;
	return 0;
}

static int loss_encode(const char *boot_id, uint8_t **ret_data, size_t *ret_size)
{
	_cleanup_(event_freep) struct event *event = event_new();

	if (!event)
		return -ENOMEM;
	event->kind = EVENT_LOSS;
	event->time_ns = clock_realtime_ns();
	event->dropped = 1;
	event->boot_id = strdup(boot_id);
	event->detail = strdup("a record of the agent's spool was damaged on its disk");
	if (!event->boot_id || !event->detail)
		return -ENOMEM;
	return event_encode(event, ret_data, ret_size);
}

int outbox_add(void *userdata, uint64_t seq, const void *data, size_t size)
{
	_cleanup_free_ uint8_t *loss = NULL;
	struct outbox *outbox = userdata;
	int r;

	if (outbox->n_items == BATCH_MAX_EVENTS)
		return 1;
	if (outbox->n_items > 0 && seq != outbox->first_seq + outbox->n_items)
		return 1;
	/* What fits into no batch at all would stop the stream for ever. */
	if (!data || size > BATCH_MAX_RAW_BYTES - ITEM_OVERHEAD_BYTES) {
		r = loss_encode(outbox->boot_id, &loss, &size);
		if (r < 0)
			return r;
	}
	if (outbox->raw_bytes + size + ITEM_OVERHEAD_BYTES > BATCH_MAX_RAW_BYTES)
		return 1;
	r = outbox_copy(outbox, loss ? loss : data, size);
	if (r < 0)
		return r;
	if (outbox->n_items == 0)
		outbox->first_seq = seq;
	outbox->sizes[outbox->n_items++] = (uint32_t)size;
	outbox->n_lost += loss != NULL;
	outbox->raw_bytes += size + ITEM_OVERHEAD_BYTES;
	return 0;
}

int outbox_deflate(const struct outbox *outbox, uint8_t **ret_deflated, size_t *ret_size,
		   uint32_t *ret_raw_bytes)
{
	_cleanup_free_ struct batch_item *items = NULL;
	const uint8_t *next = outbox->bytes;

	if (outbox->n_items == 0)
		return -EINVAL;
	items = calloc(outbox->n_items, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (uint32_t i = 0; i < outbox->n_items; i++) {
		items[i] = (struct batch_item){next, outbox->sizes[i]};
		next += outbox->sizes[i];
	}
	return batch_deflate(items, outbox->n_items, ret_deflated, ret_size, ret_raw_bytes);
}
