/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "proto/stream.pb-c.h"

/* Level 1: the records repeat each other so much that higher levels gain little and cost much. */
#define BATCH_ZLIB_LEVEL 1

static int list_pack(const struct batch_item *items, size_t n_items, uint8_t **ret_raw,
		     size_t *ret_size)
{
	Weir__EventList list = WEIR__EVENT_LIST__INIT;
	_cleanup_free_ ProtobufCBinaryData *events = NULL;
	uint8_t *raw;
	size_t size;

	events = calloc(n_items, sizeof(*events));
	if (!events)
		return -ENOMEM;
	for (size_t i = 0; i < n_items; i++) {
		if (items[i].size > BATCH_MAX_RAW_BYTES)
			return -EMSGSIZE;
		events[i].data = (uint8_t *)items[i].data;
		events[i].len = items[i].size;
	}
	list.n_events = n_items;
	list.events = events;
	size = weir__event_list__get_packed_size(&list);
	if (size > BATCH_MAX_RAW_BYTES)
		return -EMSGSIZE;
	raw = malloc(size);
	if (!raw)
		return -ENOMEM;
	weir__event_list__pack(&list, raw);
	*ret_raw = raw;
	*ret_size = size;
	return 0;
}

int batch_deflate(const struct batch_item *items, size_t n_items, uint8_t **ret_deflated,
		  size_t *ret_size, uint32_t *ret_raw_bytes)
{
	_cleanup_free_ uint8_t *raw = NULL, *deflated = NULL;
	size_t raw_bytes;
	uLongf size;
	int r;

	if (n_items == 0)
		return -EINVAL;
	if (n_items > BATCH_MAX_EVENTS)
		return -EMSGSIZE;
	r = list_pack(items, n_items, &raw, &raw_bytes);
	if (r < 0)
		return r;
	size = compressBound(raw_bytes);
	deflated = malloc(size);
	if (!deflated)
		return -ENOMEM;
	if (compress2(deflated, &size, raw, raw_bytes, BATCH_ZLIB_LEVEL) != Z_OK)
		return -ENOMEM;
	*ret_deflated = TAKE(deflated);
	*ret_size = size;
	*ret_raw_bytes = (uint32_t)raw_bytes;
	return 0;
}

/* The stream must give exactly raw_bytes and end there, with nothing behind it. */
static int inflate_exactly(const uint8_t *deflated, size_t size, uint8_t *raw, size_t raw_bytes)
{
	uLongf got = raw_bytes;
	uLong consumed = size;
	int r;

	r = uncompress2(raw, &got, deflated, &consumed);
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r != Z_OK || got != raw_bytes || consumed != size)
		return -EBADMSG;
	return 0;
}

static int batch_fill(struct batch *batch, const Weir__EventList *list)
{
	if (list->n_events == 0)
		return -EBADMSG;
	if (list->n_events > BATCH_MAX_EVENTS)
		return -EMSGSIZE;
	batch->items = calloc(list->n_events, sizeof(*batch->items));
	if (!batch->items)
		return -ENOMEM;
	batch->n_items = list->n_events;
	for (size_t i = 0; i < list->n_events; i++) {
		batch->items[i].data = list->events[i].data;
		batch->items[i].size = list->events[i].len;
	}
	return 0;
}

int batch_inflate(const uint8_t *deflated, size_t size, uint32_t raw_bytes,
		  struct batch **ret_batch)
{
	_cleanup_free_ uint8_t *raw = NULL;
	struct batch *batch;
	int r;

	if (raw_bytes > BATCH_MAX_RAW_BYTES)
		return -EMSGSIZE;
	if (raw_bytes == 0 || size == 0)
		return -EBADMSG;
	raw = malloc(raw_bytes);
	if (!raw)
		return -ENOMEM;
	r = inflate_exactly(deflated, size, raw, raw_bytes);
	if (r < 0)
		return r;
	batch = calloc(1, sizeof(*batch));
	if (!batch)
		return -ENOMEM;
	batch->owner = weir__event_list__unpack(NULL, raw_bytes, raw);
	r = batch->owner ? batch_fill(batch, batch->owner) : -EBADMSG;
	if (r < 0) {
		batch_free(batch);
		return r;
	}
	*ret_batch = batch;
	return 0;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	if (batch->owner)
		weir__event_list__free_unpacked(batch->owner, NULL);
	free(batch->items);
	free(batch);
}
