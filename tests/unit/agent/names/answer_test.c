/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <resolv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/names/answer.h"

/* A message under way. */
struct message {
	uint8_t data[4096];
	size_t size;
};

static void put16(struct message *message, unsigned int value)
{
	message->data[message->size++] = (uint8_t)(value >> 8);
	message->data[message->size++] = (uint8_t)value;
}

static void put_name(struct message *message, const char *name)
{
	int bytes = dn_comp(name, message->data + message->size,
			    (int)(sizeof(message->data) - message->size), NULL, NULL);

	assert_true(bytes > 0);
	message->size += (size_t)bytes;
}

/* An answer to a question for one name. */
static struct message begin(const char *name, unsigned int flags, unsigned int n_answers)
{
	struct message message = {};

	put16(&message, 0x1234);
	put16(&message, flags);
	put16(&message, 1);
	put16(&message, n_answers);
	put16(&message, 0);
	put16(&message, 0);
	put_name(&message, name);
	put16(&message, ns_t_a);
	put16(&message, ns_c_in);
	return message;
}

static void put_record(struct message *message, const char *owner, unsigned int type,
		       const void *data, size_t size)
{
	put_name(message, owner);
	put16(message, type);
	put16(message, ns_c_in);
	put16(message, 0);
	put16(message, 300);
	put16(message, (unsigned int)size);
	memcpy(message->data + message->size, data, size);
	message->size += size;
}

static void put_ipv4(struct message *message, const char *owner, const char *text)
{
	struct in_addr address;

	assert_int_equal(inet_pton(AF_INET, text, &address), 1);
	put_record(message, owner, ns_t_a, &address, sizeof(address));
}

static void put_ipv6(struct message *message, const char *owner, const char *text)
{
	struct in6_addr address;

	assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	put_record(message, owner, ns_t_aaaa, &address, sizeof(address));
}

static void put_alias(struct message *message, const char *owner, const char *target)
{
	uint8_t name[256];
	int bytes = dn_comp(target, name, sizeof(name), NULL, NULL);

	put_record(message, owner, ns_t_cname, name, (size_t)bytes);
}

static void check_address(const struct answer *answer, size_t i, const char *wanted)
{
	char text[INET6_ADDRSTRLEN];

	assert_true(i < answer->n_addresses);
	inet_ntop(AF_INET6, &answer->addresses[i].address, text, sizeof(text));
	assert_string_equal(text, wanted);
}

static void addresses_of_both_kinds_are_found(void **state)
{
	struct message message = begin("Files.Example.test", 0x8180, 2);
	struct answer answer;

	(void)state;
	put_ipv4(&message, "files.example.test", "203.0.113.7");
	put_ipv6(&message, "files.example.test", "2001:db8::7");
	assert_int_equal(answer_parse(message.data, message.size, &answer), 0);
	assert_string_equal(answer.name, "files.example.test");
	assert_int_equal(answer.n_addresses, 2);
	check_address(&answer, 0, "::ffff:203.0.113.7");
	check_address(&answer, 1, "2001:db8::7");
	assert_int_equal(answer.addresses[0].ttl_s, 300);
}

/* The name is the one that was asked for, not the one of the machine that serves many. */
static void aliases_are_followed(void **state)
{
	struct message message = begin("files.example.test", 0x8180, 3);
	struct answer answer;

	(void)state;
	put_alias(&message, "files.example.test", "files.cdn.test");
	put_alias(&message, "files.cdn.test", "edge-7.cdn.test");
	put_ipv4(&message, "edge-7.cdn.test", "203.0.113.7");
	assert_int_equal(answer_parse(message.data, message.size, &answer), 0);
	assert_string_equal(answer.name, "files.example.test");
	assert_int_equal(answer.n_addresses, 1);
	check_address(&answer, 0, "::ffff:203.0.113.7");
}

static void addresses_of_others_are_left_out(void **state)
{
	struct message message = begin("files.example.test", 0x8180, 2);
	struct answer answer;

	(void)state;
	put_ipv4(&message, "bank.test", "203.0.113.8");
	put_ipv4(&message, "files.example.test", "203.0.113.7");
	assert_int_equal(answer_parse(message.data, message.size, &answer), 0);
	assert_int_equal(answer.n_addresses, 1);
	check_address(&answer, 0, "::ffff:203.0.113.7");
}

static void that_there_is_none_is_an_answer(void **state)
{
	struct message message = begin("no.example.test", 0x8183, 0);
	struct answer answer;

	(void)state;
	assert_int_equal(answer_parse(message.data, message.size, &answer), 0);
	assert_int_equal(answer.n_addresses, 0);
}

static void a_name_that_no_host_has_names_nothing(void **state)
{
	struct message message = begin("two words.example.test", 0x8180, 1);
	struct answer answer;

	(void)state;
	put_ipv4(&message, "two words.example.test", "203.0.113.7");
	assert_int_equal(answer_parse(message.data, message.size, &answer), 0);
	assert_int_equal(answer.n_addresses, 0);
}

static void more_addresses_than_have_room_are_left_out(void **state)
{
	struct message message = begin("a.test", 0x8180, 100);
	struct answer answer;

	(void)state;
	for (int i = 0; i < 100; i++)
		put_ipv4(&message, "a.test", "203.0.113.7");
	assert_int_equal(answer_parse(message.data, message.size, &answer), 0);
	assert_int_equal(answer.n_addresses, ANSWER_ADDRESSES_MAX);
}

static void questions_and_what_is_cut_are_refused(void **state)
{
	struct message message = begin("files.example.test", 0x8180, 1);
	struct answer answer;

	(void)state;
	put_ipv4(&message, "files.example.test", "203.0.113.7");
	for (size_t i = 0; i < message.size; i++)
		assert_int_equal(answer_parse(message.data, i, &answer), -EBADMSG);
	message.data[2] = 0x01;
	assert_int_equal(answer_parse(message.data, message.size, &answer), -EBADMSG);
}

/* RFC 1035 4.1.4 */
static void a_name_that_points_to_itself_is_refused(void **state)
{
	struct message message = begin("a.test", 0x8180, 1);
	size_t at = message.size;
	struct answer answer;

	(void)state;
	put_ipv4(&message, "b", "203.0.113.7");
	message.data[at] = 0xc0;
	message.data[at + 1] = (uint8_t)at;
	assert_int_equal(answer_parse(message.data, message.size, &answer), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_both_kinds_are_found),
		cmocka_unit_test(aliases_are_followed),
		cmocka_unit_test(addresses_of_others_are_left_out),
		cmocka_unit_test(that_there_is_none_is_an_answer),
		cmocka_unit_test(a_name_that_no_host_has_names_nothing),
		cmocka_unit_test(more_addresses_than_have_room_are_left_out),
		cmocka_unit_test(questions_and_what_is_cut_are_refused),
		cmocka_unit_test(a_name_that_points_to_itself_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
