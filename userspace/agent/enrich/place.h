/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_PLACE_H
#define WEIR_AGENT_ENRICH_PLACE_H

/*
 * What an object is called and what the policy makes of it. Names describe; the decision rests on
 * the address of the peer and on what the sensor saw of the connection, on the volume that a file
 * lies on, or on its path: what can be carried away is outside whatever path it is mounted at.
 */

#include <stdbool.h>
#include <stdint.h>

struct event;
struct policy;
struct policy_peer;
struct volume;

/* Fills name, address, port, role and zone of a socket's peer. 0 or -ENOMEM. */
int place_describe_peer(const struct policy *policy, const struct policy_peer *peer,
			uint8_t protocol, struct event *event);
/* Fills name, kind, role and zone of what is no internet socket. path: "" gives a name made of its
 * inode; of a unix socket, what it is bound to. volume: what the file or device is on, or NULL.
 * is_out: whether data goes there. 0 or -ENOMEM. */
int place_describe_path(const struct policy *policy, const char *path, const struct volume *volume,
			bool is_out, struct event *event);

#endif
