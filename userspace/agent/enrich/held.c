/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/held.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

struct held {
	struct event **events; /* oldest first */
	size_t n_events, max_events;
	uint64_t taken, released, dropped;
};

int held_new(size_t max_events, struct held **ret_held)
{
	struct held *held = calloc(1, sizeof(*held));

	if (held)
		held->events = calloc(max_events, sizeof(*held->events));
	if (!held || !held->events) {
		free(held);
		return -ENOMEM;
	}
	held->max_events = max_events;
	*ret_held = held;
	return 0;
}

void held_free(struct held *held)
{
	if (!held)
		return;
	for (size_t i = 0; i < held->n_events; i++)
		event_free(held->events[i]);
	free(held->events);
	free(held);
}

static bool is_same_flow(const struct event *a, const struct event *b)
{
	return a->kind == b->kind && a->app.id == b->app.id && a->direction == b->direction &&
	       a->object.ino == b->object.ino && a->object.dev == b->object.dev &&
	       a->object.generation == b->object.generation && a->flow_first_ns == b->flow_first_ns;
}

static void remove_at(struct held *held, size_t index)
{
	memmove(&held->events[index], &held->events[index + 1],
		(held->n_events - index - 1) * sizeof(*held->events));
	held->n_events--;
}

void held_put(struct held *held, struct event *event)
{
	for (size_t i = 0; i < held->n_events; i++) {
		if (is_same_flow(held->events[i], event)) {
			event_free(held->events[i]);
			held->events[i] = event;
			return;
		}
	}
	if (held->n_events == held->max_events) {
		event_free(held->events[0]);
		remove_at(held, 0);
		held->dropped++;
	}
	held->events[held->n_events++] = event;
	held->taken++;
}

static bool shares_origin(const struct event *a, const struct event *b)
{
	for (size_t i = 0; i < a->n_origins; i++)
		for (size_t j = 0; j < b->n_origins; j++)
			if (strcmp(a->origins[i], b->origins[j]) == 0)
				return true;
	return false;
}

void held_release(struct held *held, const struct event *met,
		  void (*emit)(void *userdata, struct event *event), void *userdata)
{
	size_t kept = 0;

	if (met->n_origins == 0)
		return;
	for (size_t i = 0; i < held->n_events; i++) {
		struct event *event = held->events[i];

		if (!shares_origin(event, met)) {
			held->events[kept++] = event;
			continue;
		}
		emit(userdata, event);
		event_free(event);
		held->released++;
	}
	held->n_events = kept;
}

void held_count(const struct held *held, struct held_counts *ret_counts)
{
	*ret_counts = (struct held_counts){.taken = held->taken,
					   .released = held->released,
					   .dropped = held->dropped,
					   .size = held->n_events};
}
