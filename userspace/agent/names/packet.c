/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/packet.h"

#include <errno.h>
#include <string.h>

/* RFC 791 3.1, RFC 8200 3, RFC 768, RFC 9293 3.1 */
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define UDP_BYTES 8
#define TCP_BYTES 20
#define FRAGMENT_MASK 0x3fff /* more to come, or not the first */
#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4

/* What is left of the packet. */
struct rest {
	const uint8_t *data;
	size_t size;
	uint8_t protocol;
};

static uint16_t read16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

static bool take_ipv4(struct rest *rest, struct packet_ends *ends)
{
	size_t header = (rest->data[0] & 0xf) * 4u, total = read16(rest->data + 2);

	if (header < IPV4_BYTES || total < header || total > rest->size ||
	    (read16(rest->data + 6) & FRAGMENT_MASK))
		return false;
	rest->protocol = rest->data[9];
	ends->from.s6_addr[10] = ends->from.s6_addr[11] = 0xff;
	ends->to.s6_addr[10] = ends->to.s6_addr[11] = 0xff;
	memcpy(ends->from.s6_addr + 12, rest->data + 12, 4);
	memcpy(ends->to.s6_addr + 12, rest->data + 16, 4);
	rest->data += header;
	rest->size = total - header; /* the rest fills an Ethernet frame */
	return true;
}

/* Without other headers before it: name servers send none but of fragments. */
static bool take_ipv6(struct rest *rest, struct packet_ends *ends)
{
	size_t payload;

	if (rest->size < IPV6_BYTES)
		return false;
	payload = read16(rest->data + 4);
	if (payload > rest->size - IPV6_BYTES)
		return false;
	rest->protocol = rest->data[6];
	memcpy(ends->from.s6_addr, rest->data + 8, 16);
	memcpy(ends->to.s6_addr, rest->data + 24, 16);
	rest->data += IPV6_BYTES;
	rest->size = payload;
	return true;
}

static bool take_udp(const struct rest *rest, struct packet *packet)
{
	size_t size;

	if (rest->size < UDP_BYTES)
		return false;
	size = read16(rest->data + 4);
	if (size < UDP_BYTES || size > rest->size)
		return false;
	packet->payload = rest->data + UDP_BYTES;
	packet->size = size - UDP_BYTES;
	return true;
}

static bool take_tcp(const struct rest *rest, struct packet *packet)
{
	size_t header;

	if (rest->size < TCP_BYTES)
		return false;
	header = (rest->data[12] >> 4) * 4u;
	if (header < TCP_BYTES || header > rest->size)
		return false;
	packet->is_stream = true;
	packet->sequence = (uint32_t)read16(rest->data + 4) << 16 | read16(rest->data + 6);
	packet->is_first = rest->data[13] & TCP_SYN;
	packet->is_last = rest->data[13] & (TCP_FIN | TCP_RST);
	packet->payload = rest->data + header;
	packet->size = rest->size - header;
	return true;
}

int packet_parse(const uint8_t *data, size_t size, struct packet *ret_packet)
{
	struct rest rest = {.data = data, .size = size};
	struct packet packet = {};
	bool is_ipv4 = size >= IPV4_BYTES && data[0] >> 4 == 4;
	bool is_ipv6 = size >= IPV6_BYTES && data[0] >> 4 == 6;

	if (!(is_ipv4 && take_ipv4(&rest, &packet.ends)) &&
	    !(is_ipv6 && take_ipv6(&rest, &packet.ends)))
		return -EBADMSG;
	if (!(rest.protocol == IPPROTO_UDP && take_udp(&rest, &packet)) &&
	    !(rest.protocol == IPPROTO_TCP && take_tcp(&rest, &packet)))
		return -EBADMSG;
	packet.ends.from_port = read16(rest.data);
	packet.ends.to_port = read16(rest.data + 2);
	*ret_packet = packet;
	return 0;
}
