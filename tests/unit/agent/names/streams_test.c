/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/names/packet.h"
#include "agent/names/streams.h"

/* Two messages as they stand in a stream. */
static const uint8_t two[] = "\0\5hello\0\2ab";
#define TWO_BYTES (sizeof(two) - 1)
#define FIRST 0xfffffffau /* so that the numbers begin anew within */

struct heard {
	size_t n;
	char text[256];
};

static void hear(void *userdata, const uint8_t *message, size_t size)
{
	struct heard *heard = userdata;
	size_t at = strlen(heard->text);

	heard->n++;
	snprintf(heard->text + at, sizeof(heard->text) - at, "%.*s.", (int)size,
		 (const char *)message);
}

static int given_streams(void **state)
{
	return streams_new((struct streams **)state);
}

static int clean_up(void **state)
{
	streams_free(*state);
	return 0;
}

static struct packet segment(uint16_t port, uint32_t at, const uint8_t *data, size_t size)
{
	struct packet packet = {
		.is_stream = true, .sequence = FIRST + 1 + at, .payload = data, .size = size};

	packet.ends.from_port = 53;
	packet.ends.to_port = port;
	return packet;
}

static void when_opened(struct streams *streams, uint16_t port)
{
	struct packet packet = segment(port, (uint32_t)-1, NULL, 0);
	struct heard heard = {};

	packet.is_first = true;
	assert_int_equal(streams_take(streams, &packet, hear, &heard), 0);
}

static int when_sent(struct streams *streams, uint16_t port, uint32_t at, size_t size,
		     struct heard *heard)
{
	struct packet packet = segment(port, at, two + at, size);

	return streams_take(streams, &packet, hear, heard);
}

static void messages_in_one_segment_are_heard(void **state)
{
	struct heard heard = {};

	when_opened(*state, 1);
	assert_int_equal(when_sent(*state, 1, 0, TWO_BYTES, &heard), 0);
	assert_string_equal(heard.text, "hello.ab.");
}

static void a_message_may_come_in_pieces_of_any_size(void **state)
{
	for (size_t piece = 1; piece < TWO_BYTES; piece++) {
		struct heard heard = {};

		when_opened(*state, (uint16_t)piece);
		for (uint32_t at = 0; at < TWO_BYTES; at += piece)
			assert_int_equal(when_sent(*state, (uint16_t)piece, at,
						   piece < TWO_BYTES - at ? piece : TWO_BYTES - at,
						   &heard),
					 0);
		assert_string_equal(heard.text, "hello.ab.");
	}
}

static void what_is_sent_again_is_heard_once(void **state)
{
	struct heard heard = {};

	when_opened(*state, 1);
	assert_int_equal(when_sent(*state, 1, 0, 8, &heard), 0);
	assert_int_equal(when_sent(*state, 1, 0, 8, &heard), 0);
	assert_int_equal(when_sent(*state, 1, 3, TWO_BYTES - 3, &heard), 0);
	assert_string_equal(heard.text, "hello.ab.");
}

static void where_one_is_missing_it_ends(void **state)
{
	struct heard heard = {};

	when_opened(*state, 1);
	assert_int_equal(when_sent(*state, 1, 2, 5, &heard), -EBADMSG);
	assert_int_equal(when_sent(*state, 1, 0, 7, &heard), -ENOENT);
	assert_int_equal(heard.n, 0);
}

static void a_connection_that_was_there_before_is_not_followed(void **state)
{
	struct heard heard = {};

	assert_int_equal(when_sent(*state, 1, 0, TWO_BYTES, &heard), -ENOENT);
	assert_int_equal(heard.n, 0);
}

static void a_message_without_end_is_not_waited_for(void **state)
{
	static const uint8_t length[] = {0xff, 0xff, 0};
	struct packet packet = segment(1, 0, length, sizeof(length));
	struct heard heard = {};

	when_opened(*state, 1);
	assert_int_equal(streams_take(*state, &packet, hear, &heard), -EBADMSG);
}

static void of_many_connections_the_silent_ones_give_way(void **state)
{
	struct heard heard = {};

	for (uint16_t port = 1; port <= STREAMS_MAX + 1; port++)
		when_opened(*state, port);
	assert_int_equal(when_sent(*state, 1, 0, TWO_BYTES, &heard), -ENOENT);
	assert_int_equal(when_sent(*state, 2, 0, TWO_BYTES, &heard), 0);
	assert_int_equal(when_sent(*state, STREAMS_MAX + 1, 0, TWO_BYTES, &heard), 0);
	assert_int_equal(heard.n, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, given_streams, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_in_one_segment_are_heard),
		TEST(a_message_may_come_in_pieces_of_any_size),
		TEST(what_is_sent_again_is_heard_once),
		TEST(where_one_is_missing_it_ends),
		TEST(a_connection_that_was_there_before_is_not_followed),
		TEST(a_message_without_end_is_not_waited_for),
		TEST(of_many_connections_the_silent_ones_give_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
