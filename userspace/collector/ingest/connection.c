/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/ingest/connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "collector/ingest/received.h"
#include "wire/frame.h"
#include "wire/message.h"
#include "wire/stream.h"

#define NS_PER_MS UINT64_C(1000000)
#define US_PER_MS UINT64_C(1000)

static const char *connection_who(const struct connection *connection)
{
	return connection->agent[0] ? connection->agent : connection->address;
}

static void timer_start(struct connection *connection, uint32_t after_ms)
{
	sd_event_source_set_time_relative(connection->timer, after_ms * US_PER_MS);
	sd_event_source_set_enabled(connection->timer, SD_EVENT_ONESHOT);
}

static void held_release(struct connection *connection)
{
	free(connection->held.deflated);
	connection->held = (struct held_batch){};
}

static void connection_send_seq(struct connection *connection, enum message_kind kind)
{
	const struct message message = {.kind = kind, .seq = connection->acked_seq};
	int r = stream_send(connection->stream, &message);

	if (r < 0 && r != -ENOTCONN)
		stream_close(connection->stream, "the agent does not read its acknowledgements");
}

/* Two connections of one agent would race for its sequence: the older is a leftover. */
static void connection_replace_older(struct connection *newest)
{
	struct connection *other;

	LIST_FOREACH(other, &newest->ingest->connections, link)
	{
		if (other == newest || other->is_replaced ||
		    strcmp(other->agent, newest->agent) != 0)
			continue;
		other->is_replaced = true;
		sd_event_source_set_enabled(other->timer, SD_EVENT_OFF);
		stream_close(other->stream, "a newer connection of this agent took over");
	}
}

/* Returns a sentence when the hello cannot be accepted. */
static const char *hello_check(const struct connection *connection, const struct message *hello)
{
	if (hello->kind != MESSAGE_HELLO)
		return "the first message was no hello";
	if (hello->protocol != MESSAGE_PROTOCOL)
		return "the agent speaks another version of the protocol";
	if (strcmp(hello->agent, stream_peer_name(connection->stream)) != 0)
		return "the agent's name is not the one in its certificate";
	return NULL;
}

static void connection_take_hello(struct connection *connection, const struct message *hello)
{
	struct ingest *ingest = connection->ingest;
	const char *refusal = hello_check(connection, hello);
	uint64_t last_seq = 0;
	int r;

	if (refusal) {
		stream_close(connection->stream, refusal);
		return;
	}
	r = ingest->config.last_seq(ingest->userdata, hello->agent, &last_seq);
	if (r < 0) {
		stream_close(connection->stream, "the collector's store cannot be read");
		return;
	}
	sd_event_source_set_enabled(connection->timer, SD_EVENT_OFF);
	snprintf(connection->agent, sizeof(connection->agent), "%s", hello->agent);
	connection->acked_seq = last_seq;
	ingest->counts.agents++;
	connection_replace_older(connection);
	stream_set_frame_limit(connection->stream, FRAME_MAX_BYTES);
	connection_send_seq(connection, MESSAGE_HELLO_REPLY);
	ingest_note(ingest, connection->agent, "connected from %s", connection->address);
}

/* Keeps the batch for a later try; without memory for it the agent has to send it again. */
static void connection_hold(struct connection *connection, const struct message *batch,
			    size_t n_events, int error)
{
	struct ingest *ingest = connection->ingest;
	struct held_batch *held = &connection->held;

	ingest->counts.commit_failures++;
	if (!held->deflated) {
		held->deflated = malloc(batch->deflated_bytes);
		if (!held->deflated) {
			ingest->counts.events_dropped += n_events;
			stream_close(connection->stream, "out of memory");
			return;
		}
		memcpy(held->deflated, batch->deflated, batch->deflated_bytes);
		held->deflated_bytes = batch->deflated_bytes;
		held->first_seq = batch->seq;
		held->raw_bytes = batch->raw_bytes;
		held->n_events = n_events;
		connection->retry_ms = ingest->config.retry_first_ms;
		stream_pause(connection->stream, true);
		ingest_note(ingest, connection->agent, "events cannot be stored, trying again: %s",
			    strerror(-error));
	}
	/* A sign of life: the agent sees that it is waited with, not forgotten. */
	connection_send_seq(connection, MESSAGE_ACK);
	timer_start(connection, connection->retry_ms);
	connection->retry_ms *= 2;
	if (connection->retry_ms > ingest->config.retry_max_ms)
		connection->retry_ms = ingest->config.retry_max_ms;
}

static void connection_acknowledge(struct connection *connection, uint64_t first_seq,
				   size_t n_events)
{
	struct ingest *ingest = connection->ingest;

	if (first_seq > connection->acked_seq + 1)
		ingest->counts.events_missing += first_seq - connection->acked_seq - 1;
	if (first_seq + n_events - 1 > connection->acked_seq)
		connection->acked_seq = first_seq + n_events - 1;
	ingest->counts.events_out += n_events;
	connection_send_seq(connection, MESSAGE_ACK);
	if (!connection->held.deflated)
		return;
	held_release(connection);
	ingest_note(ingest, connection->agent, "events can be stored again");
	stream_pause(connection->stream, false);
}

static void connection_commit(struct connection *connection, const struct message *batch)
{
	_cleanup_(received_cleanup) struct received *received = NULL;
	struct ingest *ingest = connection->ingest;
	bool is_retry = connection->held.deflated;
	int r;

	r = received_new(connection->agent, batch, &received);
	if (r == -EBADMSG || r == -EMSGSIZE) {
		stream_close(connection->stream, "a batch cannot be read");
		return;
	}
	if (r < 0) {
		connection_hold(connection, batch, 0, r);
		return;
	}
	/* A batch that was held because it could not even be read into memory was not counted yet.
	 */
	if (!is_retry || connection->held.n_events == 0)
		ingest->counts.events_in += received->n_events;
	if (is_retry)
		connection->held.n_events = received->n_events;
	r = ingest->on_batch(ingest->userdata, connection->agent, batch->seq, received->events,
			     received->n_events);
	if (r < 0) {
		connection_hold(connection, batch, received->n_events, r);
		return;
	}
	ingest->counts.events_undecodable += received->n_undecodable;
	connection_acknowledge(connection, batch->seq, received->n_events);
}

static void connection_on_open(void *userdata)
{
	/* Nothing to say before the agent's hello; the timer runs. */
	(void)userdata;
}

static void connection_on_message(void *userdata, const struct message *message)
{
	struct connection *connection = userdata;

	if (!connection->agent[0])
		connection_take_hello(connection, message);
	else if (message->kind == MESSAGE_BATCH)
		connection_commit(connection, message);
	else
		stream_close(connection->stream, "the agent sent a message out of turn");
}

static void connection_on_closed(void *userdata, const char *reason)
{
	struct connection *connection = userdata;

	if (!connection->agent[0])
		connection->ingest->counts.refused++;
	ingest_note(connection->ingest, connection_who(connection), "connection ended: %s", reason);
	connection_free(connection);
}

static int connection_on_time(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct connection *connection = userdata;
	const struct held_batch *held = &connection->held;
	const struct message batch = {
		.kind = MESSAGE_BATCH,
		.seq = held->first_seq,
		.raw_bytes = held->raw_bytes,
		.deflated = held->deflated,
		.deflated_bytes = held->deflated_bytes,
	};

	(void)source;
	(void)now_us;
	if (held->deflated)
		connection_commit(connection, &batch);
	else
		stream_close(connection->stream, "the agent did not say hello in time");
	return 0;
}

int connection_new(struct ingest *ingest, int fd, const char *address)
{
	const struct stream_handler handler_template = {
		.on_open = connection_on_open,
		.on_message = connection_on_message,
		.on_closed = connection_on_closed,
	};
	struct stream_handler handler = handler_template;
	struct connection *connection = calloc(1, sizeof(*connection));
	uint64_t hello_timeout_ms = ingest->config.hello_timeout_ms;
	int r;

	if (!connection)
		return -ENOMEM;
	LIST_INSERT_HEAD(&ingest->connections, connection, link);
	ingest->counts.connections++;
	connection->ingest = ingest;
	snprintf(connection->address, sizeof(connection->address), "%s", address);
	handler.userdata = connection;
	r = sd_event_add_time_relative(ingest->event, &connection->timer, CLOCK_MONOTONIC,
				       hello_timeout_ms * US_PER_MS, 0, connection_on_time,
				       connection);
	if (r >= 0)
		r = stream_new(ingest->event, ingest->tls, fd, hello_timeout_ms * NS_PER_MS,
			       &handler, &connection->stream);
	if (r < 0) {
		connection_free(connection);
		return r;
	}
	return 0;
}

void connection_free(struct connection *connection)
{
	struct ingest *ingest = connection->ingest;

	LIST_REMOVE(connection, link);
	ingest->counts.connections--;
	if (connection->agent[0])
		ingest->counts.agents--;
	if (connection->held.deflated)
		ingest->counts.events_dropped += connection->held.n_events;
	held_release(connection);
	stream_free(connection->stream);
	sd_event_source_disable_unref(connection->timer);
	free(connection);
}
