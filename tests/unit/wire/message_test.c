/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "wire/message.h"

DEFINE_CLEANUP(message_cleanup, struct message, message_free)

static struct message *when_sent(const struct message *message)
{
	_cleanup_free_ uint8_t *data = NULL;
	struct message *received;
	size_t size;

	assert_int_equal(message_encode(message, &data, &size), 0);
	assert_int_equal(message_decode(data, size, &received), 0);
	assert_int_equal(received->kind, message->kind);
	assert_int_equal(received->seq, message->seq);
	return received;
}

static void a_hello_names_agent_and_boot(void **state)
{
	const struct message hello = {
		.kind = MESSAGE_HELLO, .protocol = 1, .agent = "desk-1", .boot_id = "boot"};
	_cleanup_(message_cleanup) struct message *received = when_sent(&hello);

	(void)state;
	assert_int_equal(received->protocol, 1);
	assert_string_equal(received->agent, "desk-1");
	assert_string_equal(received->boot_id, "boot");
}

static void numbers_cross_whole(void **state)
{
	static const enum message_kind kinds[] = {MESSAGE_HELLO_REPLY, MESSAGE_ACK};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct message message = {.kind = kinds[i], .seq = UINT64_MAX - 1};

		message_free(when_sent(&message));
	}
}

static void a_batch_keeps_its_bytes_and_a_refusal_its_reason(void **state)
{
	const struct message batch = {.kind = MESSAGE_BATCH,
				      .seq = 77,
				      .raw_bytes = 1000,
				      .deflated = (const uint8_t *)"\0zip",
				      .deflated_bytes = 4};
	const struct message refusal = {.kind = MESSAGE_REFUSAL, .reason = "because"};
	_cleanup_(message_cleanup) struct message *received = when_sent(&batch);
	_cleanup_(message_cleanup) struct message *refused = when_sent(&refusal);

	(void)state;
	assert_int_equal(received->raw_bytes, 1000);
	assert_int_equal(received->deflated_bytes, 4);
	assert_memory_equal(received->deflated, "\0zip", 4);
	assert_string_equal(refused->reason, "because");
}

static void what_is_no_message_is_refused(void **state)
{
	struct message *message = NULL;

	(void)state;
	assert_int_equal(message_decode((const uint8_t *)"\xff\xff", 2, &message), -EBADMSG);
	assert_int_equal(message_decode((const uint8_t *)"", 0, &message), -EBADMSG);
	/* A field that this version does not know, and no body. */
	assert_int_equal(message_decode((const uint8_t *)"\xa2\x06\0", 3, &message), -EBADMSG);
	assert_null(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_names_agent_and_boot),
		cmocka_unit_test(numbers_cross_whole),
		cmocka_unit_test(a_batch_keeps_its_bytes_and_a_refusal_its_reason),
		cmocka_unit_test(what_is_no_message_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
