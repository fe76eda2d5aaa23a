/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sensor/greeting_parts.h"
#include "kernel/hello.h"

static int set_up(void **state)
{
	struct greeting_parts *parts;

	if (greeting_parts_new(&parts) < 0)
		return -1;
	*state = parts;
	return 0;
}

static int tear_down(void **state)
{
	greeting_parts_free(*state);
	return 0;
}

static struct greeting_part part_of(uint16_t local_port, const char *data, size_t offset,
				    size_t bytes)
{
	return (struct greeting_part){.peer = in6addr_loopback,
				      .port = 443,
				      .local_port = local_port,
				      .protocol = IPPROTO_TCP,
				      .offset = (uint32_t)offset,
				      .data = (const uint8_t *)data + offset,
				      .bytes = bytes};
}

static int when_said(struct greeting_parts *parts, uint16_t local_port, const char *data,
		     size_t offset, size_t bytes, struct greeting_name *ret_name)
{
	struct greeting_part part = part_of(local_port, data, offset, bytes);

	return greeting_parts_take(parts, &part, ret_name);
}

static void assert_named(struct greeting_parts *parts, const char *greeting, size_t bytes,
			 enum sensor_host_source source, const char *host)
{
	struct greeting_name name = {};

	assert_int_equal(when_said(parts, 1, greeting, 0, bytes, &name), 1);
	assert_string_equal(name.host, host);
	assert_int_equal(name.source, source);
}

static void a_hello_names_its_host(void **state)
{
	char hello[HELLO_BYTES];

	assert_named(*state, hello, hello_make("Pan.Test", hello), SENSOR_HOST_TLS, "pan.test");
	assert_named(*state, hello, hello_make_front("front.test", hello), SENSOR_HOST_TLS_FRONT,
		     "front.test");
}

static void a_request_names_its_host(void **state)
{
	static const char connect[] = "CONNECT pan.test:443 HTTP/1.1\r\nHost: other.test\r\n\r\n";
	static const char post[] = "POST /upload HTTP/1.1\r\nHost: pan.test\r\n\r\n";

	assert_named(*state, connect, sizeof(connect) - 1, SENSOR_HOST_CONNECT, "pan.test");
	assert_named(*state, post, sizeof(post) - 1, SENSOR_HOST_HTTP, "pan.test");
}

/* RFC 9112 3.2.2: proxies are asked so. RFC 3986 3.2 says where the host in it is. */
static void the_target_of_a_request_goes_before_its_host(void **state)
{
	static const char *const targets[] = {
		"http://pan.test/up",
		"http://pan.test:8080/up",
		"HTTP://pan.test",
		"http://pan.test?list",
		"http://pan.test#end",
		"https://pan.test/up",
		"ftp://pan.test/up",
		"coap+tcp://pan.test/up",
		"http://crm.test:x@pan.test/",
		"http://crm.test@pan.test:8080/up",
		"http://alice:a@b@pan.test/",
		"  http://pan.test/mail?to=alice@crm.test",
	};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		char post[256];

		snprintf(post, sizeof(post), "POST %s HTTP/1.1\r\nHost: crm.test\r\n\r\n",
			 targets[i]);
		assert_named(*state, post, strlen(post), SENSOR_HOST_HTTP, "pan.test");
	}
}

static void a_target_without_a_host_leaves_it_to_the_header(void **state)
{
	static const char *const targets[] = {"/up", "*", "/up?to=http://crm.test/", "crm.test:80",
					      "mailto:alice@crm.test"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		char options[256];

		snprintf(options, sizeof(options), "OPTIONS %s HTTP/1.1\r\nHost: pan.test\r\n\r\n",
			 targets[i]);
		assert_named(*state, options, strlen(options), SENSOR_HOST_HTTP, "pan.test");
	}
}

static void what_names_nobody_names_nobody(void **state)
{
	static const char post[] = "POST /upload HTTP/1.0\r\nAccept: */*\r\n\r\n";
	struct greeting_name name;
	char hello[HELLO_BYTES];

	assert_int_equal(when_said(*state, 1, hello, 0, hello_make(NULL, hello), &name), 0);
	assert_int_equal(when_said(*state, 1, post, 0, sizeof(post) - 1, &name), 0);
	assert_int_equal(when_said(*state, 1, "220 mail.test ready", 0, 19, &name), 0);
}

/* In pieces of so many bytes. Returns how many of them it took to name the host. */
static size_t when_said_in_pieces(struct greeting_parts *parts, const char *data, size_t size,
				  size_t piece)
{
	struct greeting_name name = {};

	for (size_t at = 0, n = 1; at < size; at += piece, n++) {
		int r = when_said(parts, 1, data, at, piece < size - at ? piece : size - at, &name);

		assert_in_range(r, 0, 1);
		if (r == 0)
			continue;
		assert_string_equal(name.host, "pan.test");
		return n;
	}
	return 0;
}

static void a_hello_comes_in_parts_of_any_size(void **state)
{
	char hello[HELLO_BYTES];
	size_t size = hello_make("pan.test", hello);

	for (size_t piece = 1; piece < size; piece++)
		assert_int_equal(when_said_in_pieces(*state, hello, size, piece),
				 (size + piece - 1) / piece);
}

/* Named by the piece that has the end of the name, not by the body. */
static void a_request_comes_in_parts_of_any_size(void **state)
{
	static const char *const requests[] = {
		"POST /upload HTTP/1.1\r\nAccept: */*\r\nhost: pan.test\r\n",
		"GET http://pan.test/list",
		"CONNECT pan.test:443 ",
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		char request[256];
		size_t end = strlen(requests[i]), size;

		snprintf(request, sizeof(request), "%s%s", requests[i],
			 " HTTP/1.1\r\nHost: other.test\r\n\r\nHost: body.test\r\n");
		size = strlen(request);
		for (size_t piece = 1; piece < size; piece++)
			assert_in_range(when_said_in_pieces(*state, request, size, piece), 1,
					(end + piece) / piece);
	}
}

/* Its body is nobody's business: it is waited for no longer. */
static void a_request_is_over_behind_its_host(void **state)
{
	static const char *const requests[] = {
		"POST /upload HTTP/1.1\r\nHost: pan.test\r\n",
		"POST /upload HTTP/1.0\r\nAccept: */*\r\n\r\n",
		"POST /upload HTTP/1.0\nAccept: */*\n\n",
		"CONNECT pan.test:443 HTTP/1.1\r\n",
	};
	struct greeting_name name;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		char request[256] = "";
		size_t size = strlen(requests[i]);

		strcat(request, requests[i]);
		strcat(request, "Host: other.test\r\n");
		when_said(*state, 1, request, 0, size, &name);
		assert_int_equal(when_said(*state, 1, request, size, strlen(request) - size, &name),
				 -EBADMSG);
	}
}

/* Only the beginning of a greeting is waited for. */
static void what_is_no_greeting_after_all_is_let_go(void **state)
{
	static const char *const words[] = {"\x16\x03\x01\x02", "\x16\x02", "PO", "P2"};
	static const int waits[] = {1, 0, 1, 0};
	struct greeting_name name;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char said[64] = "";
		size_t size = strlen(words[i]);

		strcat(said, words[i]);
		strcat(said, "and so on, to nobody");
		assert_int_equal(when_said(*state, 1, said, 0, size, &name), 0);
		assert_int_equal(when_said(*state, 1, said, size, 20, &name),
				 waits[i] ? 0 : -EBADMSG);
		assert_int_equal(when_said(*state, 1, said, size + 20, 1, &name), -EBADMSG);
	}
}

static void where_a_part_is_missing_it_ends(void **state)
{
	struct greeting_name name;
	char hello[HELLO_BYTES];
	size_t size = hello_make("pan.test", hello);

	assert_int_equal(when_said(*state, 1, hello, 0, 100, &name), 0);
	assert_int_equal(when_said(*state, 1, hello, 150, size - 150, &name), -EBADMSG);
	assert_int_equal(when_said(*state, 1, hello, 100, size - 100, &name), -EBADMSG);
}

static void a_new_connection_begins_anew(void **state)
{
	struct greeting_name name;
	char hello[HELLO_BYTES];
	size_t size = hello_make("pan.test", hello);

	assert_int_equal(when_said(*state, 1, hello, 0, 100, &name), 0);
	assert_int_equal(when_said(*state, 1, hello, 0, 0, &name), 0);
	assert_int_equal(when_said(*state, 1, hello, 100, size - 100, &name), -EBADMSG);
	assert_int_equal(when_said(*state, 1, hello, 0, 100, &name), 0);
	assert_int_equal(when_said(*state, 1, hello, 100, size - 100, &name), 1);
}

/* As long as a record can say it is. */
static void of_a_very_long_hello_the_beginning_is_read(void **state)
{
	char *hello = calloc(1, GREETING_PARTS_BYTES);
	struct greeting_name name = {};
	size_t size = hello_make("pan.test", hello);

	assert_true(size < GREETING_PARTS_BYTES);
	hello[3] = (char)0xff;
	assert_int_equal(when_said(*state, 1, hello, 0, 4096, &name), 0);
	assert_int_equal(when_said(*state, 1, hello, 4096, GREETING_PARTS_BYTES - 4096, &name), 1);
	assert_string_equal(name.host, "pan.test");
	free(hello);
}

static void of_many_hellos_under_way_the_silent_ones_give_way(void **state)
{
	struct greeting_name name = {};
	char hello[HELLO_BYTES];
	size_t size = hello_make("pan.test", hello);

	for (uint16_t port = 1; port <= GREETING_PARTS_MAX + 1; port++)
		assert_int_equal(when_said(*state, port, hello, 0, 100, &name), 0);
	assert_int_equal(when_said(*state, 1, hello, 100, size - 100, &name), -EBADMSG);
	assert_int_equal(when_said(*state, 2, hello, 100, size - 100, &name), 1);
	assert_int_equal(when_said(*state, GREETING_PARTS_MAX + 1, hello, 100, size - 100, &name),
			 1);
	assert_string_equal(name.host, "pan.test");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hello_names_its_host),
		TEST(a_request_names_its_host),
		TEST(the_target_of_a_request_goes_before_its_host),
		TEST(a_target_without_a_host_leaves_it_to_the_header),
		TEST(what_names_nobody_names_nobody),
		TEST(a_hello_comes_in_parts_of_any_size),
		TEST(a_request_comes_in_parts_of_any_size),
		TEST(a_request_is_over_behind_its_host),
		TEST(what_is_no_greeting_after_all_is_let_go),
		TEST(where_a_part_is_missing_it_ends),
		TEST(a_new_connection_begins_anew),
		TEST(of_a_very_long_hello_the_beginning_is_read),
		TEST(of_many_hellos_under_way_the_silent_ones_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
