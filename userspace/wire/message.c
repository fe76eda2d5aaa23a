/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/message.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "proto/stream.pb-c.h"

/* Room for one message of each kind, so that encoding needs no allocation per kind. */
struct message_parts {
	Weir__Hello hello;
	Weir__HelloReply hello_reply;
	Weir__Batch batch;
	Weir__Ack ack;
	Weir__Refusal refusal;
};

static void frame_set_hello(Weir__Frame *frame, Weir__Hello *hello, const struct message *message)
{
	weir__hello__init(hello);
	hello->protocol = message->protocol;
	hello->agent = (char *)message->agent;
	hello->boot_id = (char *)message->boot_id;
	frame->body_case = WEIR__FRAME__BODY_HELLO;
	frame->hello = hello;
}

static void frame_set_batch(Weir__Frame *frame, Weir__Batch *batch, const struct message *message)
{
	weir__batch__init(batch);
	batch->first_seq = message->seq;
	batch->raw_bytes = message->raw_bytes;
	batch->deflated.data = (uint8_t *)message->deflated;
	batch->deflated.len = message->deflated_bytes;
	frame->body_case = WEIR__FRAME__BODY_BATCH;
	frame->batch = batch;
}

static int frame_set(Weir__Frame *frame, struct message_parts *parts, const struct message *message)
{
	switch (message->kind) {
	case MESSAGE_HELLO:
		frame_set_hello(frame, &parts->hello, message);
		return 0;
	case MESSAGE_HELLO_REPLY:
		weir__hello_reply__init(&parts->hello_reply);
		parts->hello_reply.last_seq = message->seq;
		frame->body_case = WEIR__FRAME__BODY_HELLO_REPLY;
		frame->hello_reply = &parts->hello_reply;
		return 0;
	case MESSAGE_BATCH:
		frame_set_batch(frame, &parts->batch, message);
		return 0;
	case MESSAGE_ACK:
		weir__ack__init(&parts->ack);
		parts->ack.upto_seq = message->seq;
		frame->body_case = WEIR__FRAME__BODY_ACK;
		frame->ack = &parts->ack;
		return 0;
	case MESSAGE_REFUSAL:
		weir__refusal__init(&parts->refusal);
		parts->refusal.reason = (char *)message->reason;
		frame->body_case = WEIR__FRAME__BODY_REFUSAL;
		frame->refusal = &parts->refusal;
		return 0;
	}
	return -EINVAL;
}

int message_encode(const struct message *message, uint8_t **ret_data, size_t *ret_size)
{
	Weir__Frame frame = WEIR__FRAME__INIT;
	struct message_parts parts;
	uint8_t *data;
	size_t size;
	int r;

	r = frame_set(&frame, &parts, message);
	if (r < 0)
		return r;
	size = weir__frame__get_packed_size(&frame);
	data = malloc(size ? size : 1);
	if (!data)
		return -ENOMEM;
	weir__frame__pack(&frame, data);
	*ret_data = data;
	*ret_size = size;
	return 0;
}

static int message_fill(struct message *message, const Weir__Frame *frame)
{
	switch (frame->body_case) {
	case WEIR__FRAME__BODY_HELLO:
		message->kind = MESSAGE_HELLO;
		message->protocol = frame->hello->protocol;
		message->agent = frame->hello->agent;
		message->boot_id = frame->hello->boot_id;
		return 0;
	case WEIR__FRAME__BODY_HELLO_REPLY:
		message->kind = MESSAGE_HELLO_REPLY;
		message->seq = frame->hello_reply->last_seq;
		return 0;
	case WEIR__FRAME__BODY_BATCH:
		message->kind = MESSAGE_BATCH;
		message->seq = frame->batch->first_seq;
		message->raw_bytes = frame->batch->raw_bytes;
		message->deflated = frame->batch->deflated.data;
		message->deflated_bytes = frame->batch->deflated.len;
		return 0;
	case WEIR__FRAME__BODY_ACK:
		message->kind = MESSAGE_ACK;
		message->seq = frame->ack->upto_seq;
		return 0;
	case WEIR__FRAME__BODY_REFUSAL:
		message->kind = MESSAGE_REFUSAL;
		message->reason = frame->refusal->reason;
		return 0;
	default:
		return -EBADMSG;
	}
}

int message_decode(const uint8_t *data, size_t size, struct message **ret_message)
{
	struct message *message;
	Weir__Frame *frame;
	int r;

	frame = weir__frame__unpack(NULL, size, data);
	if (!frame)
		return -EBADMSG;
	message = calloc(1, sizeof(*message));
	if (!message) {
		weir__frame__free_unpacked(frame, NULL);
		return -ENOMEM;
	}
	message->owner = frame;
	r = message_fill(message, frame);
	if (r < 0) {
		message_free(message);
		return r;
	}
	*ret_message = message;
	return 0;
}

void message_free(struct message *message)
{
	if (!message)
		return;
	weir__frame__free_unpacked(message->owner, NULL);
	free(message);
}
