/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_UPLINK_RESOLVE_H
#define WEIR_AGENT_UPLINK_RESOLVE_H

/*
 * Looks a host up without stopping the loop: a resolver can hang for many
 * seconds, and the sensor must be swept meanwhile. The look-up runs on a thread
 * of its own, and freeing it early never waits for that thread.
 */

#include <netdb.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct resolve;

/* error is 0 with a list, valid during the call, or one of getaddrinfo's EAI_*. May call
 * resolve_free(). */
typedef void (*resolve_fn)(void *userdata, int error, const struct addrinfo *list);

/* Calls back once, from the loop. Returns 0 or -errno. */
int resolve_new(sd_event *event, const char *host, uint16_t port, resolve_fn done, void *userdata,
		struct resolve **ret_resolve);
void resolve_free(struct resolve *resolve);

#endif
