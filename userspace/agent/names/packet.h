/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_PACKET_H
#define WEIR_AGENT_NAMES_PACKET_H

/* What a datagram or a segment carries, out of a packet that starts with its IP header. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One direction of a TCP connection. */
struct packet_ends {
	struct in6_addr from, to; /* IPv4 as v4-mapped */
	uint16_t from_port, to_port;
};

struct packet {
	bool is_stream;
	bool is_first; /* of a stream: SYN; what follows is numbered from sequence + 1 */
	bool is_last;  /* of a stream: FIN or RST */
	struct packet_ends ends;
	uint32_t sequence;
	const uint8_t *payload; /* within the packet */
	size_t size;
};

/* 0, or -EBADMSG: cut off, no first fragment, or neither UDP nor TCP. */
int packet_parse(const uint8_t *data, size_t size, struct packet *ret_packet);

#endif
