/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/uplink/uplink_private.h"
#include "base/cleanup.h"
#include "wire/frame.h"
#include "wire/message.h"
#include "wire/stream.h"

/* The collector acks, or repeats its last ack while its disk is full, at least every 15 s. */
#define SILENCE_MAX_US (60 * 1000 * 1000ULL)

static void uplink_close(struct uplink *uplink, const char *what, int error)
{
	char reason[UPLINK_REASON_MAX_BYTES];

	snprintf(reason, sizeof(reason), "%s%s%s", what, error ? ": " : "",
		 error ? strerror(-error) : "");
	stream_close(uplink->stream, reason);
}

/* Counts the silence from now on while an answer is owed. */
static void uplink_expect_answer(struct uplink *uplink, bool owed)
{
	if (owed)
		sd_event_source_set_time_relative(uplink->silence, SILENCE_MAX_US);
	sd_event_source_set_enabled(uplink->silence, owed ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

void uplink_send_hello(struct uplink *uplink)
{
	const struct message hello = {
		.kind = MESSAGE_HELLO,
		.protocol = MESSAGE_PROTOCOL,
		.agent = uplink->config.agent,
		.boot_id = uplink->config.boot_id,
	};
	int r = stream_send(uplink->stream, &hello);

	if (r < 0)
		uplink_close(uplink, "cannot say hello", r);
	else
		uplink_expect_answer(uplink, true);
}

static void flights_add(struct uplink *uplink, uint32_t raw_bytes)
{
	size_t slot = (uplink->first_flight + uplink->n_flights) % UPLINK_BATCHES_IN_FLIGHT_MAX;

	uplink->flights[slot] = (struct uplink_flight){uplink->next_seq - 1, raw_bytes};
	if (uplink->n_flights++ == 0)
		uplink_expect_answer(uplink, true);
	uplink->bytes_in_flight += raw_bytes;
}

static void flights_ack(struct uplink *uplink, uint64_t upto_seq)
{
	while (uplink->n_flights > 0 &&
	       uplink->flights[uplink->first_flight].last_seq <= upto_seq) {
		uplink->bytes_in_flight -= uplink->flights[uplink->first_flight].raw_bytes;
		uplink->first_flight = (uplink->first_flight + 1) % UPLINK_BATCHES_IN_FLIGHT_MAX;
		uplink->n_flights--;
	}
	uplink_expect_answer(uplink, uplink->n_flights > 0);
}

void uplink_forget_flights(struct uplink *uplink)
{
	uplink->first_flight = uplink->n_flights = 0;
	uplink->bytes_in_flight = 0;
	uplink->counts.in_flight = 0;
	uplink->counts.sent_seq = uplink->counts.acked_seq;
	uplink_expect_answer(uplink, false);
}

/* Returns 1 when a batch went out, 0 when there was nothing to send, -errno. */
static int uplink_send_batch(struct uplink *uplink)
{
	_cleanup_free_ uint8_t *deflated = NULL;
	struct message batch = {.kind = MESSAGE_BATCH};
	struct outbox *outbox = &uplink->outbox;
	const struct uplink_reader *reader = &uplink->config.reader;
	int r;

	outbox_reset(outbox);
	r = reader->read(reader->userdata, uplink->next_seq, uplink->config.batch_bytes, outbox_add,
			 outbox);
	if (r < 0 || outbox->n_items == 0)
		return r;
	r = outbox_deflate(outbox, &deflated, &batch.deflated_bytes, &batch.raw_bytes);
	if (r < 0)
		return r;
	batch.deflated = deflated;
	batch.seq = outbox->first_seq;
	r = stream_send(uplink->stream, &batch);
	if (r < 0)
		return r;
	uplink->next_seq = outbox->first_seq + outbox->n_items;
	uplink->counts.events_sent += outbox->n_items;
	uplink->counts.sent_seq = uplink->next_seq - 1;
	uplink->counts.events_lost += outbox->n_lost;
	uplink->counts.in_flight += outbox->n_items;
	flights_add(uplink, batch.raw_bytes);
	return 1;
}

void uplink_pump(struct uplink *uplink)
{
	int r = 1;

	while (r > 0 && uplink->state == UPLINK_CONNECTED &&
	       uplink->bytes_in_flight < uplink->config.window_bytes &&
	       uplink->n_flights < UPLINK_BATCHES_IN_FLIGHT_MAX)
		r = uplink_send_batch(uplink);
	/* ENOTCONN: the stream is ending already and has its reason. */
	if (r < 0 && r != -ENOTCONN)
		uplink_close(uplink, "cannot send from the spool", r);
}

static void uplink_take_ack(struct uplink *uplink, uint64_t upto_seq)
{
	const struct uplink_reader *reader = &uplink->config.reader;

	if (upto_seq >= uplink->next_seq) {
		uplink_close(uplink, "the collector acknowledged what was not sent", 0);
		return;
	}
	flights_ack(uplink, upto_seq);
	if (upto_seq <= uplink->counts.acked_seq)
		return;
	uplink->counts.events_acked += upto_seq - uplink->counts.acked_seq;
	uplink->counts.in_flight = uplink->next_seq - 1 - upto_seq;
	uplink->counts.acked_seq = upto_seq;
	uplink->backoff_ms = uplink->config.backoff_first_ms;
	/* A spool that cannot delete now does so at a later ack: nothing is lost by it. */
	(void)reader->ack(reader->userdata, upto_seq);
	uplink_pump(uplink);
}

static bool uplink_take_hello_reply(struct uplink *uplink, uint64_t last_seq)
{
	const struct uplink_reader *reader = &uplink->config.reader;
	int r = reader->settle(reader->userdata, last_seq);

	if (r < 0) {
		uplink_close(uplink, "cannot settle the numbers of the spool", r);
		return false;
	}
	stream_set_frame_limit(uplink->stream, FRAME_MAX_BYTES);
	uplink_forget_flights(uplink);
	uplink->next_seq = last_seq + 1;
	uplink->counts.sent_seq = uplink->counts.acked_seq = last_seq;
	/* Committed in an earlier connection whose ack did not get here. */
	(void)reader->ack(reader->userdata, last_seq);
	return true;
}

bool uplink_receive(struct uplink *uplink, const struct message *message)
{
	if (message->kind == MESSAGE_HELLO_REPLY && uplink->state == UPLINK_CONNECTING)
		return uplink_take_hello_reply(uplink, message->seq);
	if (message->kind == MESSAGE_ACK && uplink->state == UPLINK_CONNECTED)
		uplink_take_ack(uplink, message->seq);
	else
		uplink_close(uplink, "the collector sent a message out of turn", 0);
	return false;
}
