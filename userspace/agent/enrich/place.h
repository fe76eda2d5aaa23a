/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_PLACE_H
#define WEIR_AGENT_ENRICH_PLACE_H

/*
 * What an object is called and what the policy makes of it. Names describe; the
 * decision rests on the address of the peer or the path of a file.
 */

#include <netinet/in.h>
#include <stdint.h>

struct event;
struct policy;

/* Fills name, address, port, role and zone of a socket's peer. 0 or -ENOMEM. */
int place_describe_peer(const struct policy *policy, const struct in6_addr *peer, uint16_t port,
			uint8_t protocol, struct event *event);
/* Fills name, kind and role of a file by its path; "" gives a name made of its inode. 0 or -ENOMEM.
 */
int place_describe_path(const struct policy *policy, const char *path, struct event *event);

#endif
