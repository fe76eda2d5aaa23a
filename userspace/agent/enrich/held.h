/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_HELD_H
#define WEIR_AGENT_ENRICH_HELD_H

/*
 * Events about data that came in from a chat or a mailbox and has not met
 * customer data. They are nobody's business until it does, so they stay in the
 * agent's memory and die there; when customer data carries the same origin,
 * those of that origin are let go. Bounded: the oldest are dropped and counted.
 */

#include <stddef.h>
#include <stdint.h>

struct event;
struct held;

int held_new(size_t max_events, struct held **ret_held);
void held_free(struct held *held);

/* Takes the event. A flow's newer counters replace its older ones. */
void held_put(struct held *held, struct event *event);

/* Hands out, oldest first, and forgets every event that shares an origin with met. */
void held_release(struct held *held, const struct event *met,
		  void (*emit)(void *userdata, struct event *event), void *userdata);

struct held_counts {
	uint64_t taken; /* newer counters of a flow that is held are not taken once more */
	uint64_t released, dropped;
	uint64_t size; /* held now */
};

void held_count(const struct held *held, struct held_counts *ret_counts);

#endif
