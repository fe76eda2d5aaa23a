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
		TEST(what_is_no_hello_names_nobody),
		TEST(the_oldest_connection_goes_when_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
