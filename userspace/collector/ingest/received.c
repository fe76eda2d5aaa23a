/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/ingest/received.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "event/event_codec.h"
#include "wire/batch.h"
#include "wire/message.h"

DEFINE_CLEANUP(batch_cleanup, struct batch, batch_free)

static int loss_new(struct event **ret_event)
{
	_cleanup_(event_freep) struct event *event = event_new();

	if (!event)
		return -ENOMEM;
	event->kind = EVENT_LOSS;
	event->time_ns = clock_realtime_ns();
	event->dropped = 1;
	event->detail = strdup("the collector could not read an event that the agent sent");
	if (!event->detail)
		return -ENOMEM;
	*ret_event = TAKE(event);
	return 0;
}

static int received_add(struct received *received, const char *agent, uint64_t seq,
			const struct batch_item *item)
{
	_cleanup_(event_freep) struct event *event = NULL;
	char *name;
	int r;

	r = event_decode(item->data, item->size, &event);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		r = loss_new(&event);
		if (r < 0)
			return r;
		received->n_undecodable++;
	}
	name = strdup(agent);
	if (!name)
		return -ENOMEM;
	free(event->agent);
	event->agent = name;
	event->seq = seq;
	received->events[received->n_events++] = TAKE(event);
	return 0;
}

int received_new(const char *agent, const struct message *batch, struct received **ret_received)
{
	_cleanup_(received_cleanup) struct received *received = NULL;
	_cleanup_(batch_cleanup) struct batch *items = NULL;
	int r;

	r = batch_inflate(batch->deflated, batch->deflated_bytes, batch->raw_bytes, &items);
	if (r < 0)
		return r;
	/* Seqs start at 1, and the last one must have a successor. */
	if (batch->seq == 0 || batch->seq > UINT64_MAX - items->n_items)
		return -EBADMSG;
	received = calloc(1, sizeof(*received));
	if (!received)
		return -ENOMEM;
	received->events = calloc(items->n_items, sizeof(*received->events));
	if (!received->events)
		return -ENOMEM;
	for (size_t i = 0; i < items->n_items; i++) {
		r = received_add(received, agent, batch->seq + i, &items->items[i]);
		if (r < 0)
			return r;
	}
	*ret_received = TAKE(received);
	return 0;
}

void received_free(struct received *received)
{
	if (!received)
		return;
	for (size_t i = 0; received->events && i < received->n_events; i++)
		if (received->events[i])
			event_free(received->events[i]);
	free(received->events);
	free(received);
}
