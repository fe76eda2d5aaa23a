/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_EVENT_EVENT_JSON_H
#define WEIR_EVENT_EVENT_JSON_H

/*
 * One event as the documented JSON object: seq, agent, time_ns, kind, person,
 * app{id,exe,pid,start_ns,cgroup}, object{kind,name,...}, labels[], bytes, calls.
 */

#include <stdint.h>

#include <jansson.h>

struct event;

/* bytes and calls are what this event added to its flow; the totals stand beside them as
 * bytes_total and calls_total. person is a pseudonym or NULL. Returns a new reference or NULL. */
json_t *event_to_json(const struct event *event, const char *person, uint64_t bytes,
		      uint64_t calls);

#endif
