/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_QUIC_HELLO_H
#define WEIR_AGENT_ENRICH_QUIC_HELLO_H

/*
 * The server name in the TLS hello of a QUIC connection, put together from what its client's
 * datagrams carry: parts come in any order, twice, and in several datagrams (RFC 9001 4.1.3). One
 * for each connection; bounded.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/enrich/quic_packet.h"

#define QUIC_HOST_BYTES 254 /* with its NUL */

struct quic_hello;

/* NULL when memory is out. */
struct quic_hello *quic_hello_new(void);
void quic_hello_free(struct quic_hello *hello);

enum quic_hello_state {
	QUIC_HELLO_PART = 0, /* more datagrams are needed, if it is QUIC at all */
	QUIC_HELLO_NAMED,
	QUIC_HELLO_NAMELESS, /* it is whole and has no name, or no host's */
};

struct quic_hello_name {
	char host[QUIC_HOST_BYTES]; /* in lower case */
	bool is_front;              /* it hides another hello or pretends to, RFC 9849 */
};

/* Takes one datagram as it was sent, from its start. ret_name is set when NAMED. Returns an enum
 * quic_hello_state or -ENOMEM. */
int quic_hello_add(struct quic_hello *hello, const uint8_t *datagram, size_t bytes,
		   struct quic_hello_name *ret_name);
/* The same with the frames of one packet, opened. */
int quic_hello_add_frames(struct quic_hello *hello, const uint8_t *frames, size_t bytes,
			  struct quic_hello_name *ret_name);
/* Of its first packet; not set before one was opened. */
const struct quic_keys *quic_hello_keys(const struct quic_hello *hello);

#endif
