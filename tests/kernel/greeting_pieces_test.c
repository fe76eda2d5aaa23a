/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is said first on a connection in pieces, however small, names its server, and no piece more
 * is heard than that needs: an ordinary program says it, and no sensor runs.
 */
#include <linux/udp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/coverage.h"
#include "kernel/ear.h"
#include "kernel/hello.h"
#include "support/quic_client.h"

#define HOST "pan.test"
#define MANY_REQUESTS 1200 /* more than UNFINISHED_MAX, bpf/greeting.bpf.c */
#define DATAGRAMS 3
#define HELLO_AT 4 /* in the frame of RFC 9001 A.2 */

/* Each text in a segment of its own, on a new connection. */
static void when_said(struct ear *ear, const char *const *texts)
{
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_STREAM);
	_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_STREAM);

	ear->n_parts = 0;
	ear->host[0] = '\0';
	for (size_t i = 0; texts[i]; i++)
		ear_say(client, texts[i], strlen(texts[i]));
}

/* So many bytes of it first, and then so many. */
static void check_hello(struct ear *ear, int family, size_t first, size_t second)
{
	_cleanup_close_ int server = ear_serve(ear, family, SOCK_STREAM);
	_cleanup_close_ int client = ear_connect(ear, family, SOCK_STREAM);
	char hello[HELLO_BYTES];
	size_t size = hello_make(HOST, hello), begun = first + second;

	ear->n_parts = 0;
	ear->host[0] = '\0';
	ear_say(client, hello, first);
	ear_say(client, hello + first, second);
	ear_say(client, hello + begun, size - begun);
	ear_say(client, "rows", 4);
	ear_assert_heard(
		ear, 4,
		(struct ear_part[]){{0, 0}, {0, first}, {first, second}, {begun, size - begun}});
	ear_assert_named(ear, HOST);
}

static void a_hello_of_one_byte_and_then_the_rest_names_the_server(void **state)
{
	struct ear *ear = ear_need(state);

	check_hello(ear, AF_INET, 1, 100);
	check_hello(ear, AF_INET6, 1, 1);
	check_hello(ear, AF_INET, 2, 3);
	check_hello(ear, AF_INET, 5, 1);
	check_hello(ear, AF_INET, 6, 5);
	check_hello(ear, AF_INET, 15, 1);
	coverage_note("host by a TLS hello whose first segment is a byte", COVERAGE_EXACT);
}

static void a_request_whose_host_comes_in_a_later_segment_names_it(void **state)
{
	struct ear *ear = ear_need(state);

	when_said(ear, (const char *[]){"POST /upload HTTP/1.1\r\n", "Accept: */*\r\n",
					"Host: " HOST "\r\n", NULL});
	ear_assert_heard(ear, 4, (struct ear_part[]){{0, 0}, {0, 23}, {23, 13}, {36, 16}});
	ear_assert_named(ear, HOST);
	when_said(ear, (const char *[]){"GET / HTTP/1.1\r\nHo", "st: pan.", "test\r\n\r\n", NULL});
	ear_assert_named(ear, HOST);
	when_said(ear, (const char *[]){"G", "ET / HTTP/1.1\r", "\nHost: " HOST "\r\n", NULL});
	ear_assert_named(ear, HOST);
	when_said(ear, (const char *[]){"CONN", "ECT ", HOST, ":443 ", "HTTP/1.1\r\n", NULL});
	ear_assert_named(ear, HOST);
	coverage_note("host by an HTTP Host in a later segment", COVERAGE_EXACT);
}

static void nothing_behind_the_host_of_a_request_is_heard(void **state)
{
	struct ear *ear = ear_need(state);

	when_said(ear, (const char *[]){"POST /upload HTTP/1.1\r\nHost: " HOST "\r\n",
					"Cookie: secret\r\n\r\n", "rows", NULL});
	ear_assert_heard(ear, 2, (struct ear_part[]){{0, 0}, {0, 39}});
	when_said(ear, (const char *[]){"CONNECT pan.test:443 HTTP/1.1\r\n",
					"Proxy-Authorization: secret\r\n\r\n", NULL});
	ear_assert_heard(ear, 2, (struct ear_part[]){{0, 0}, {0, 31}});
	when_said(ear, (const char *[]){"POST /upload HTTP/1.0\r\n\r", "\n", "rows", NULL});
	ear_assert_heard(ear, 3, (struct ear_part[]){{0, 0}, {0, 24}, {24, 1}});
	when_said(ear, (const char *[]){"POST /upload HTTP/1.0\n", "\n", "rows", NULL});
	ear_assert_heard(ear, 3, (struct ear_part[]){{0, 0}, {0, 22}, {22, 1}});
	ear_assert_named(ear, "");
}

static void what_only_begins_like_a_greeting_is_not_heard_any_further(void **state)
{
	struct ear *ear = ear_need(state);

	when_said(ear, (const char *[]){"P", "202070001,13900000000", "more", NULL});
	ear_assert_heard(ear, 2, (struct ear_part[]){{0, 0}, {0, 1}});
	when_said(ear, (const char *[]){"\x16\x03", "\x01\x02\x02\x02 is no hello", "more", NULL});
	ear_assert_heard(ear, 2, (struct ear_part[]){{0, 0}, {0, 2}});
}

static void a_greeting_behind_what_only_begins_like_one_names_the_server(void **state)
{
	struct ear *ear = ear_need(state);
	char hello[HELLO_BYTES];
	size_t size = hello_make(HOST, hello);
	_cleanup_close_ int server = -1, client = -1;

	when_said(ear, (const char *[]){"G", "GET / HTTP/1.1\r\nHost: " HOST "\r\n\r\n", NULL});
	ear_assert_named(ear, HOST);
	ear->host[0] = '\0';
	server = ear_serve(ear, AF_INET, SOCK_STREAM);
	client = ear_connect(ear, AF_INET, SOCK_STREAM);
	ear_say(client, "POST a word\r\n", 13);
	ear_say(client, hello, size);
	ear_assert_named(ear, HOST);
}

static void requests_that_are_over_are_not_waited_for(void **state)
{
	static const char request[] = "POST / HTTP/1.1\r\nHost: " HOST "\r\nContent-Length: 9\r\n";
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_STREAM);

	for (int i = 0; i < MANY_REQUESTS; i++) {
		_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_STREAM);
		_cleanup_close_ int accepted = accept(server, NULL, NULL);

		ear_say(client, request, 20);
		ear_say(client, request + 20, sizeof(request) - 1 - 20);
		greeting_tap_drain(ear->tap);
	}
	assert_int_equal(greeting_tap_count_evicted(ear->tap), 0);
}

/* The last of them has the name's end: as hellos are sent that one datagram has no room for. */
static void check_sent_as_one(struct ear *ear, int family)
{
	_cleanup_close_ int server = ear_serve(ear, family, SOCK_DGRAM);
	_cleanup_close_ int client = ear_connect(ear, family, SOCK_DGRAM);
	static uint8_t datagrams[DATAGRAMS][QUIC_CLIENT_DATAGRAM_BYTES];
	uint8_t frame[QUIC_CLIENT_ROOM_BYTES];
	size_t size = quic_client_rfc_frame(frame) - HELLO_AT, part = size / DATAGRAMS;
	struct quic_client quic = quic_client_of_rfc();
	int segment_bytes = QUIC_CLIENT_DATAGRAM_BYTES;

	for (size_t i = 0; i < DATAGRAMS; i++) {
		uint8_t piece[QUIC_CLIENT_ROOM_BYTES];
		size_t at = i * part, bytes = i == DATAGRAMS - 1 ? size - at : part;
		size_t used = quic_client_add_frame(piece, 0, frame + HELLO_AT, at, bytes);

		quic_client_seal(&quic, piece, used, datagrams[i]);
	}
	ear->n_parts = 0;
	ear->host[0] = '\0';
	assert_int_equal(
		setsockopt(client, IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof(segment_bytes)),
		0);
	ear_say(client, datagrams, sizeof(datagrams));
	ear_assert_named(ear, "example.com");
	ear_assert_heard(ear, DATAGRAMS,
			 (struct ear_part[]){{0, QUIC_CLIENT_DATAGRAM_BYTES},
					     {0, QUIC_CLIENT_DATAGRAM_BYTES},
					     {0, QUIC_CLIENT_DATAGRAM_BYTES}});
	ear_say(client, "rows", 4);
	greeting_tap_drain(ear->tap);
	assert_int_equal(ear->n_parts, DATAGRAMS);
}

static void datagrams_that_are_sent_as_one_name_the_server(void **state)
{
	struct ear *ear = ear_need(state);

	check_sent_as_one(ear, AF_INET);
	check_sent_as_one(ear, AF_INET6);
	coverage_note("host by QUIC server name, datagrams sent as one (UDP_SEGMENT)",
		      COVERAGE_EXACT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ear_open, ear_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hello_of_one_byte_and_then_the_rest_names_the_server),
		TEST(a_request_whose_host_comes_in_a_later_segment_names_it),
		TEST(nothing_behind_the_host_of_a_request_is_heard),
		TEST(what_only_begins_like_a_greeting_is_not_heard_any_further),
		TEST(a_greeting_behind_what_only_begins_like_one_names_the_server),
		TEST(requests_that_are_over_are_not_waited_for),
		TEST(datagrams_that_are_sent_as_one_name_the_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
