/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/enrich/quic_names.h"
#include "support/quic_client.h"

#define ROOM 3

static int set_up(void **state)
{
	struct quic_names *names;

	if (quic_names_new(ROOM, &names) < 0)
		return -1;
	*state = names;
	return 0;
}

static int tear_down(void **state)
{
	quic_names_free(*state);
	return 0;
}

static struct quic_peer peer_of(uint16_t local_port)
{
	return (struct quic_peer){
		.app_id = 7, .address = in6addr_loopback, .port = 443, .local_port = local_port};
}

static void when_a_hello_is_sent(struct quic_names *names, uint16_t local_port)
{
	uint8_t datagram[QUIC_CLIENT_DATAGRAM_BYTES], frame[QUIC_CLIENT_ROOM_BYTES];
	struct quic_client client = quic_client_of_rfc();
	struct quic_peer peer = peer_of(local_port);

	quic_client_seal(&client, frame, quic_client_rfc_frame(frame), datagram);
	assert_int_equal(quic_names_take(names, &peer, datagram, sizeof(datagram)), 0);
}

static const char *host_of(const struct quic_names *names, uint16_t local_port)
{
	struct quic_peer peer = peer_of(local_port);
	const struct quic_hello_name *name = quic_names_find(names, &peer);

	return name ? name->host : "";
}

static void a_connection_has_its_own_name(void **state)
{
	when_a_hello_is_sent(*state, 1);
	assert_string_equal(host_of(*state, 1), "example.com");
	assert_string_equal(host_of(*state, 2), "");
}

static void what_comes_after_the_hello_changes_nothing(void **state)
{
	struct quic_peer peer = peer_of(1);

	when_a_hello_is_sent(*state, 1);
	assert_int_equal(quic_names_take(*state, &peer, (const uint8_t *)"\x40more", 5), 0);
	when_a_hello_is_sent(*state, 1);
	assert_string_equal(host_of(*state, 1), "example.com");
}

/* A ClientHello of RFC 8446 4.1.2 with nothing but a server name in it. */
static size_t make_hello(const char *host, uint8_t ret_hello[256])
{
	size_t length = strlen(host), at = 0;
	const size_t extensions = length + 9, body = 2 + 32 + 1 + 4 + 2 + 2 + extensions;
	const uint8_t head[] = {1, 0, 0, (uint8_t)body, 3, 3};
	const uint8_t middle[] = {0, 0, 2, 0x13, 1, 1, 0, 0, (uint8_t)extensions};
	const uint8_t name[] = {
		0, 0, 0, (uint8_t)(length + 5), 0, (uint8_t)(length + 3), 0, 0, (uint8_t)length};

	memset(ret_hello, 7, 256);
	memcpy(ret_hello, head, sizeof(head));
	at = sizeof(head) + 32;
	memcpy(ret_hello + at, middle, sizeof(middle));
	at += sizeof(middle);
	memcpy(ret_hello + at, name, sizeof(name));
	at += sizeof(name);
	memcpy(ret_hello + at, host, length);
	return at + length;
}

/* From a certain byte on, to one of its end. */
static void when_part_of_a_hello_is_sent(struct quic_names *names, struct quic_client *client,
					 const char *host, size_t from, size_t short_of_end)
{
	uint8_t datagram[QUIC_CLIENT_DATAGRAM_BYTES], frame[QUIC_CLIENT_ROOM_BYTES], hello[256];
	size_t bytes = make_hello(host, hello) - from - short_of_end;
	struct quic_peer peer = peer_of(1);

	bytes = quic_client_add_frame(frame, 0, hello, from, bytes);
	quic_client_seal(client, frame, bytes, datagram);
	assert_int_equal(quic_names_take(names, &peer, datagram, sizeof(datagram)), 0);
}

/* One UDP socket serves for one connection after another. */
static void another_connection_from_the_same_port_has_its_own_name(void **state)
{
	struct quic_client client = quic_client_of_rfc();

	when_a_hello_is_sent(*state, 1);
	client.id[0]++;
	client.header[0]++;
	when_part_of_a_hello_is_sent(*state, &client, "pan.test", 0, 0);
	assert_string_equal(host_of(*state, 1), "pan.test");
}

/* Nor is it put together from both. */
static void a_connection_that_was_not_whole_gives_way_to_another(void **state)
{
	struct quic_client first = quic_client_of_rfc(), second = quic_client_of_rfc();

	second.id[0]++;
	second.header[0]++;
	when_part_of_a_hello_is_sent(*state, &first, "aaa.test", 0, 8);
	when_part_of_a_hello_is_sent(*state, &second, "pan.test", 50, 0);
	assert_string_equal(host_of(*state, 1), "");
	when_part_of_a_hello_is_sent(*state, &second, "pan.test", 0, 8);
	assert_string_equal(host_of(*state, 1), "pan.test");
}

/* RFC 9000 7.2: what the client sends then says the number that the server chose. */
static void after_the_servers_answer_it_is_the_same_connection(void **state)
{
	struct quic_client client = quic_client_of_rfc();

	when_part_of_a_hello_is_sent(*state, &client, "pan.test", 0, 8);
	client.header[0]++;
	when_part_of_a_hello_is_sent(*state, &client, "pan.test", 50, 0);
	assert_string_equal(host_of(*state, 1), "pan.test");
}

static void what_is_no_hello_names_nobody(void **state)
{
	struct quic_peer peer = peer_of(1);

	assert_int_equal(quic_names_take(*state, &peer, (const uint8_t *)"\xc0", 1), 0);
	assert_string_equal(host_of(*state, 1), "");
}

static void the_oldest_connection_goes_when_there_is_no_room(void **state)
{
	for (uint16_t port = 1; port <= ROOM + 1; port++)
		when_a_hello_is_sent(*state, port);
	assert_string_equal(host_of(*state, 1), "");
	assert_string_equal(host_of(*state, 2), "example.com");
	assert_string_equal(host_of(*state, ROOM + 1), "example.com");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_connection_has_its_own_name),
		TEST(what_comes_after_the_hello_changes_nothing),
		TEST(another_connection_from_the_same_port_has_its_own_name),
		TEST(a_connection_that_was_not_whole_gives_way_to_another),
		TEST(after_the_servers_answer_it_is_the_same_connection),
		TEST(what_is_no_hello_names_nobody),
		TEST(the_oldest_connection_goes_when_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
