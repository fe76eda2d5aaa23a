/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INGEST_RECEIVED_H
#define WEIR_COLLECTOR_INGEST_RECEIVED_H

/*
 * A batch message as events with their seq and the authenticated agent. Bytes
 * that are no event become an EVENT_LOSS of that seq, so that one bad record
 * neither stops the stream nor disappears.
 */

#include <stddef.h>

struct event;
struct message;

struct received {
	struct event **events;
	size_t n_events;
	size_t n_undecodable;
};

/* Returns 0, -EBADMSG or -EMSGSIZE for a batch that is none, -ENOMEM. */
int received_new(const char *agent, const struct message *batch, struct received **ret_received);
void received_free(struct received *received);

static inline void received_cleanup(struct received **received)
{
	received_free(*received);
}

#endif
