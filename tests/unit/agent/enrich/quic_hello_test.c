/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/enrich/quic_hello.h"
#include "support/quic_client.h"

#define VERSION_2 0x6b3343cfu
#define RFC_HELLO_BYTES 241
#define RFC_NAME_AT 57 /* "example.com" */

static int set_up(void **state)
{
	*state = quic_hello_new();
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	quic_hello_free(*state);
	return 0;
}

static void assert_bytes(const uint8_t *bytes, const char *hex)
{
	char text[3];

	for (; *hex; hex += 2, bytes++) {
		snprintf(text, sizeof(text), "%02x", *bytes);
		assert_memory_equal(text, hex, 2);
	}
}

static void assert_named(struct quic_hello *hello, const uint8_t *datagram, const char *host)
{
	struct quic_hello_name name = {};

	assert_int_equal(quic_hello_add(hello, datagram, QUIC_CLIENT_DATAGRAM_BYTES, &name),
			 QUIC_HELLO_NAMED);
	assert_string_equal(name.host, host);
	assert_false(name.is_front);
}

static void assert_part(struct quic_hello *hello, const uint8_t *datagram, size_t bytes)
{
	struct quic_hello_name name;

	assert_int_equal(quic_hello_add(hello, datagram, bytes, &name), QUIC_HELLO_PART);
}

/* The packet's first bytes and its tag are those in RFC 9001 A.2: the tag is over all of it. */
static void the_packet_of_the_rfc_is_opened(void **state)
{
	uint8_t datagram[QUIC_CLIENT_DATAGRAM_BYTES], frame[QUIC_CLIENT_ROOM_BYTES];
	struct quic_client client = quic_client_of_rfc();

	quic_client_seal(&client, frame, quic_client_rfc_frame(frame), datagram);
	assert_bytes(datagram, "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"
			       "d242b123dc9b");
	assert_bytes(datagram + sizeof(datagram) - 16, "e221af44860018ab0856972e194cd934");
	assert_named(*state, datagram, "example.com");
}

/* RFC 9369 A.2 */
static void version_2_is_opened(void **state)
{
	uint8_t datagram[QUIC_CLIENT_DATAGRAM_BYTES], frame[QUIC_CLIENT_ROOM_BYTES];
	struct quic_client client = quic_client_of_rfc();

	client.version = VERSION_2;
	quic_client_seal(&client, frame, quic_client_rfc_frame(frame), datagram);
	assert_bytes(datagram, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485");
	assert_bytes(datagram + sizeof(datagram) - 16, "a18b2faa745b6fe189cf772a9f84cbfc");
	assert_named(*state, datagram, "example.com");
}

/* As browsers do, so that nobody relies on the order. */
static void parts_in_any_order_make_one_hello(void **state)
{
	uint8_t datagram[QUIC_CLIENT_DATAGRAM_BYTES], whole[QUIC_CLIENT_ROOM_BYTES];
	uint8_t frames[QUIC_CLIENT_ROOM_BYTES];
	struct quic_client client = quic_client_of_rfc();
	const uint8_t *hello = whole + 4;
	size_t used;

	quic_client_rfc_frame(whole);
	used = quic_client_add_frame(frames, 0, hello, 60, RFC_HELLO_BYTES - 60);
	frames[used++] = 1; /* PING */
	frames[used++] = 0;
	used = quic_client_add_frame(frames, used, hello, 0, 10);
	used = quic_client_add_frame(frames, used, hello, 5, 55);
	quic_client_seal(&client, frames, used, datagram);
	assert_named(*state, datagram, "example.com");
}

/* The second one is for the id that the server has chosen, under the keys of the first one. */
static void parts_in_several_datagrams_make_one_hello(void **state)
{
	uint8_t datagram[QUIC_CLIENT_DATAGRAM_BYTES], whole[QUIC_CLIENT_ROOM_BYTES];
	uint8_t frames[QUIC_CLIENT_ROOM_BYTES];
	struct quic_client client = quic_client_of_rfc();
	const uint8_t *hello = whole + 4;
	size_t used;

	quic_client_rfc_frame(whole);
	used = quic_client_add_frame(frames, 0, hello, RFC_NAME_AT + 3, 150);
	quic_client_seal(&client, frames, used, datagram);
	assert_part(*state, datagram, sizeof(datagram));
	memcpy(client.header, "\x05server", 8);
	memcpy(frames, "\x02\x01\x00\x00\x00", 5); /* an ACK */
	used = quic_client_add_frame(frames, 5, hello, 0, RFC_NAME_AT + 3);
	used = quic_client_add_frame(frames, used, hello, RFC_NAME_AT + 153,
				     RFC_HELLO_BYTES - RFC_NAME_AT - 153);
	quic_client_seal(&client, frames, used, datagram);
	assert_named(*state, datagram, "example.com");
}

static void a_packet_behind_another_one_is_opened(void **state)
{
	uint8_t datagram[QUIC_CLIENT_DATAGRAM_BYTES], frame[QUIC_CLIENT_ROOM_BYTES];
	uint8_t two[QUIC_CLIENT_DATAGRAM_BYTES + 40] = {
		0xd0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0x40, 22}; /* 0-RTT, 22 bytes */
	struct quic_client client = quic_client_of_rfc();
	struct quic_hello_name name = {};

	quic_client_seal(&client, frame, quic_client_rfc_frame(frame), datagram);
	memcpy(two + 39, datagram, sizeof(datagram));
	assert_int_equal(quic_hello_add(*state, two, 39 + sizeof(datagram), &name),
			 QUIC_HELLO_NAMED);
	assert_string_equal(name.host, "example.com");
}

static void whatever_was_changed_on_its_way_is_left_out(void **state)
{
	uint8_t datagram[QUIC_CLIENT_DATAGRAM_BYTES], frame[QUIC_CLIENT_ROOM_BYTES];
	struct quic_client client = quic_client_of_rfc();

	quic_client_seal(&client, frame, quic_client_rfc_frame(frame), datagram);
	assert_part(*state, datagram, sizeof(datagram) - 1);
	assert_part(*state, datagram, 0);
	for (size_t i = 0; i < 60; i++) {
		datagram[i] ^= 0x10;
		assert_part(*state, datagram, sizeof(datagram));
		datagram[i] ^= 0x10;
	}
	assert_named(*state, datagram, "example.com");
}

static void a_hello_that_names_nobody_is_told_from_a_part(void **state)
{
	uint8_t frame[QUIC_CLIENT_ROOM_BYTES];
	size_t bytes = quic_client_rfc_frame(frame);
	struct quic_hello_name name = {};

	memcpy(frame + 4 + RFC_NAME_AT, "\xe5\xbc\xa0", 3);
	assert_int_equal(quic_hello_add_frames(*state, frame, bytes, &name), QUIC_HELLO_NAMELESS);
	assert_string_equal(name.host, "");
}

static void a_part_too_far_behind_is_left_out(void **state)
{
	const uint8_t frame[] = {6, 0xc0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 1, 1};
	struct quic_hello_name name;

	assert_int_equal(quic_hello_add_frames(*state, frame, sizeof(frame), &name),
			 QUIC_HELLO_PART);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_packet_of_the_rfc_is_opened),
		TEST(version_2_is_opened),
		TEST(parts_in_any_order_make_one_hello),
		TEST(parts_in_several_datagrams_make_one_hello),
		TEST(a_packet_behind_another_one_is_opened),
		TEST(whatever_was_changed_on_its_way_is_left_out),
		TEST(a_hello_that_names_nobody_is_told_from_a_part),
		TEST(a_part_too_far_behind_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
