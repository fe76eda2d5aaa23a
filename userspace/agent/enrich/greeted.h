/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_GREETED_H
#define WEIR_AGENT_ENRICH_GREETED_H

/*
 * Which host each TCP connection of this machine was made to, as its client said before it held
 * anything labelled. In memory only, and asked only for connections of labelled apps. A connection
 * is known by the numbers that its packets carry: two network namespaces that use the same ones at
 * the same time are taken for one. Bounded: what was not asked for or named for longest gives way.
 */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

struct greeted;

struct greeted_connection {
	struct in6_addr peer; /* IPv4 as v4-mapped */
	uint16_t port, local_port;
};

struct greeted_name {
	enum event_host_source source;
	const char *host;
};

struct greeted_counts {
	uint64_t known;
	uint64_t forgotten; /* that gave way to others */
};

/* Which of two names of a connection it is called by: the server name of a TLS hello goes before
 * what a request says, and before the address that a proxy was told, unless it may be a front. A
 * name that a proxy was told stays: that is where the proxy goes, whatever the hello says. Of the
 * same name, that it may be a front goes before. */
bool greeted_goes_before(const struct greeted_name *name, const struct greeted_name *known);

int greeted_new(size_t max_connections, struct greeted **ret_greeted);
void greeted_free(struct greeted *greeted);

/* Names a connection. The first name stays, but for those that go before it; of HTTP requests
 * the last one's until somebody asks for it. 0 or -ENOMEM. */
int greeted_name(struct greeted *greeted, const struct greeted_connection *connection,
		 const struct greeted_name *name);
/* Another connection begins under the same numbers. */
void greeted_forget(struct greeted *greeted, const struct greeted_connection *connection);
/* NULL: not known. Valid until the next call that changes something. */
const struct greeted_name *greeted_find(struct greeted *greeted,
					const struct greeted_connection *connection);
void greeted_count(const struct greeted *greeted, struct greeted_counts *ret_counts);

#endif
