/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_MESSAGE_H
#define WEIR_WIRE_MESSAGE_H

/* The messages of proto/stream.proto as C structs. Decoding checks every bound and is fuzzed. */

#include <stddef.h>
#include <stdint.h>

#define MESSAGE_PROTOCOL 1

enum message_kind {
	MESSAGE_HELLO = 1,
	MESSAGE_HELLO_REPLY = 2,
	MESSAGE_BATCH = 3,
	MESSAGE_ACK = 4,
	MESSAGE_REFUSAL = 5,
};

/* Strings and bytes are borrowed on encode and owned by the message after decode. */
struct message {
	enum message_kind kind;
	uint64_t seq;                /* last_seq, first_seq or upto_seq */
	uint32_t protocol;           /* hello */
	const char *agent, *boot_id; /* hello; never NULL after decode */
	const char *reason;          /* refusal; never NULL after decode */
	uint32_t raw_bytes;          /* batch */
	const uint8_t *deflated;     /* batch */
	size_t deflated_bytes;
	void *owner; /* set by decode only */
};

/* The caller frees *ret_data. 0 or -ENOMEM. */
int message_encode(const struct message *message, uint8_t **ret_data, size_t *ret_size);
/* 0, -EBADMSG or -ENOMEM. The caller frees *ret_message by message_free(). */
int message_decode(const uint8_t *data, size_t size, struct message **ret_message);
void message_free(struct message *message);

#endif
