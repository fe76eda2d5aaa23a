/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/names/packet.h"

#define TEXT "payload"
#define TEXT_BYTES (sizeof(TEXT) - 1)

struct raw {
	uint8_t data[256];
	size_t size;
};

static void put(struct raw *raw, const void *data, size_t size)
{
	memcpy(raw->data + raw->size, data, size);
	raw->size += size;
}

static void put_ipv4(struct raw *raw, uint8_t protocol, size_t size)
{
	struct iphdr header = {.version = 4,
			       .ihl = 5,
			       .tot_len = htons((uint16_t)(sizeof(header) + size)),
			       .protocol = protocol,
			       .saddr = htonl(0xcb007107),
			       .daddr = htonl(0x0a4d0002)};

	put(raw, &header, sizeof(header));
}

static void put_udp(struct raw *raw)
{
	struct udphdr header = {.source = htons(53),
				.dest = htons(40000),
				.len = htons(sizeof(header) + TEXT_BYTES)};

	put(raw, &header, sizeof(header));
	put(raw, TEXT, TEXT_BYTES);
}

static struct raw udp_over_ipv4(void)
{
	struct raw raw = {};

	put_ipv4(&raw, IPPROTO_UDP, sizeof(struct udphdr) + TEXT_BYTES);
	put_udp(&raw);
	return raw;
}

static void check(const struct raw *raw, const char *from)
{
	struct packet packet;
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(packet_parse(raw->data, raw->size, &packet), 0);
	assert_int_equal(packet.ends.from_port, 53);
	assert_int_equal(packet.ends.to_port, 40000);
	assert_int_equal(packet.size, TEXT_BYTES);
	assert_memory_equal(packet.payload, TEXT, TEXT_BYTES);
	inet_ntop(AF_INET6, &packet.ends.from, text, sizeof(text));
	assert_string_equal(text, from);
}

static void a_datagram_over_ipv4_is_read(void **state)
{
	struct raw raw = udp_over_ipv4();

	(void)state;
	check(&raw, "::ffff:203.0.113.7");
}

static void what_fills_the_frame_is_left_out(void **state)
{
	struct raw raw = udp_over_ipv4();

	(void)state;
	raw.size += 18;
	check(&raw, "::ffff:203.0.113.7");
}

static void a_datagram_over_ipv6_is_read(void **state)
{
	struct ip6_hdr header = {};
	struct raw raw = {};

	(void)state;
	header.ip6_vfc = 0x60;
	header.ip6_nxt = IPPROTO_UDP;
	header.ip6_plen = htons(sizeof(struct udphdr) + TEXT_BYTES);
	inet_pton(AF_INET6, "2001:db8::7", &header.ip6_src);
	put(&raw, &header, sizeof(header));
	put_udp(&raw);
	check(&raw, "2001:db8::7");
}

static void a_segment_is_read(void **state)
{
	struct tcphdr header = {.source = htons(53),
				.dest = htons(40000),
				.seq = htonl(0x12345678),
				.doff = 8,
				.fin = 1};
	static const uint8_t options[12];
	struct packet packet;
	struct raw raw = {};

	(void)state;
	put_ipv4(&raw, IPPROTO_TCP, sizeof(header) + sizeof(options) + TEXT_BYTES);
	put(&raw, &header, sizeof(header));
	put(&raw, options, sizeof(options));
	put(&raw, TEXT, TEXT_BYTES);
	check(&raw, "::ffff:203.0.113.7");
	assert_int_equal(packet_parse(raw.data, raw.size, &packet), 0);
	assert_true(packet.is_stream && packet.is_last && !packet.is_first);
	assert_int_equal(packet.sequence, 0x12345678);
}

static void what_is_cut_is_refused(void **state)
{
	struct raw raw = udp_over_ipv4();
	struct packet packet;

	(void)state;
	for (size_t i = 0; i < raw.size; i++)
		assert_int_equal(packet_parse(raw.data, i, &packet), -EBADMSG);
}

static void fragments_and_other_protocols_are_refused(void **state)
{
	struct raw fragment = udp_over_ipv4(), other = udp_over_ipv4(), broken = udp_over_ipv4();
	struct packet packet;

	(void)state;
	fragment.data[6] = 0x20;
	assert_int_equal(packet_parse(fragment.data, fragment.size, &packet), -EBADMSG);
	other.data[9] = IPPROTO_ICMP;
	assert_int_equal(packet_parse(other.data, other.size, &packet), -EBADMSG);
	broken.data[0] = 0x4f;
	assert_int_equal(packet_parse(broken.data, broken.size, &packet), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_over_ipv4_is_read),
		cmocka_unit_test(what_fills_the_frame_is_left_out),
		cmocka_unit_test(a_datagram_over_ipv6_is_read),
		cmocka_unit_test(a_segment_is_read),
		cmocka_unit_test(what_is_cut_is_refused),
		cmocka_unit_test(fragments_and_other_protocols_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
