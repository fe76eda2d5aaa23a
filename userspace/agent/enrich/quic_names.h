/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_QUIC_NAMES_H
#define WEIR_AGENT_ENRICH_QUIC_NAMES_H

/*
 * Which host each QUIC connection of a labelled app is for, by the hello that its first datagrams
 * carry. In memory only: a restart of the agent forgets them. Bounded: the oldest goes.
 */

#include <netinet/in.h>
#include <stdint.h>

#include "agent/enrich/quic_hello.h"

struct quic_names;

/* What the connection is known by. */
struct quic_peer {
	uint64_t app_id;
	struct in6_addr address;
	uint16_t port, local_port;
};

int quic_names_new(size_t max_connections, struct quic_names **ret_names);
void quic_names_free(struct quic_names *names);

/* Takes one of its datagrams. 0 or -ENOMEM. */
int quic_names_take(struct quic_names *names, const struct quic_peer *peer, const uint8_t *datagram,
		    size_t bytes);
/* NULL when it is not known. Valid until the next datagram is taken. */
const struct quic_hello_name *quic_names_find(const struct quic_names *names,
					      const struct quic_peer *peer);

#endif
