/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/names/streams.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/names/packet.h"

#define LENGTH_BYTES 2

struct stream {
	struct packet_ends ends;
	uint32_t next; /* sequence number */
	uint64_t touched;
	uint8_t *data; /* of the message under way, its length first */
	size_t size;
	bool is_used;
};

struct streams {
	struct stream list[STREAMS_MAX];
	uint64_t clock;
};

int streams_new(struct streams **ret_streams)
{
	*ret_streams = calloc(1, sizeof(**ret_streams));
	return *ret_streams ? 0 : -ENOMEM;
}

static void end(struct stream *stream)
{
	free(stream->data);
	*stream = (struct stream){};
}

void streams_free(struct streams *streams)
{
	if (!streams)
		return;
	for (size_t i = 0; i < STREAMS_MAX; i++)
		end(&streams->list[i]);
	free(streams);
}

static struct stream *find(struct streams *streams, const struct packet_ends *ends)
{
	for (size_t i = 0; i < STREAMS_MAX; i++)
		if (streams->list[i].is_used &&
		    memcmp(&streams->list[i].ends, ends, sizeof(*ends)) == 0)
			return &streams->list[i];
	return NULL;
}

static void begin(struct streams *streams, const struct packet *packet)
{
	struct stream *stream = find(streams, &packet->ends);

	for (size_t i = 0; i < STREAMS_MAX && !stream; i++)
		if (!streams->list[i].is_used)
			stream = &streams->list[i];
	if (!stream) {
		stream = &streams->list[0];
		for (size_t i = 1; i < STREAMS_MAX; i++)
			if (streams->list[i].touched < stream->touched)
				stream = &streams->list[i];
	}
	end(stream);
	stream->ends = packet->ends;
	stream->next = packet->sequence + 1;
	stream->is_used = true;
	stream->touched = ++streams->clock;
}

/* The size of the message under way with its length, as far as it is known. */
static size_t wanted(const struct stream *stream)
{
	if (stream->size < LENGTH_BYTES)
		return LENGTH_BYTES;
	return LENGTH_BYTES + (size_t)(stream->data[0] << 8 | stream->data[1]);
}

/* Adds bytes until the message is whole. Returns how many, -EBADMSG, -ENOMEM. */
static ssize_t add(struct stream *stream, const uint8_t *data, size_t size)
{
	size_t taken = 0;

	if (!stream->data)
		stream->data = malloc(LENGTH_BYTES + STREAMS_MESSAGE_BYTES);
	if (!stream->data)
		return -ENOMEM;
	while (taken < size) {
		size_t missing = wanted(stream) - stream->size, n;

		if (missing == 0)
			break;
		if (wanted(stream) > LENGTH_BYTES + STREAMS_MESSAGE_BYTES)
			return -EBADMSG;
		n = missing < size - taken ? missing : size - taken;
		memcpy(stream->data + stream->size, data + taken, n);
		stream->size += n;
		taken += n;
	}
	return (ssize_t)taken;
}

static int take_payload(struct stream *stream, const uint8_t *data, size_t size,
			void (*visit)(void *userdata, const uint8_t *message, size_t size),
			void *userdata)
{
	while (size > 0) {
		ssize_t taken = add(stream, data, size);

		if (taken < 0)
			return (int)taken;
		data += taken;
		size -= (size_t)taken;
		if (stream->size < LENGTH_BYTES || stream->size < wanted(stream))
			continue;
		visit(userdata, stream->data + LENGTH_BYTES, stream->size - LENGTH_BYTES);
		stream->size = 0;
	}
	return 0;
}

int streams_take(struct streams *streams, const struct packet *packet,
		 void (*visit)(void *userdata, const uint8_t *message, size_t size), void *userdata)
{
	struct stream *stream;
	uint32_t known;
	int r = 0;

	if (packet->is_first) {
		begin(streams, packet);
		return 0;
	}
	stream = find(streams, &packet->ends);
	if (!stream)
		return -ENOENT;
	stream->touched = ++streams->clock;
	/* What was sent again in front of what is new, modulo 2^32. */
	known = stream->next - packet->sequence;
	if (known > INT32_MAX) {
		r = -EBADMSG; /* one is missing before it */
	} else if (known < packet->size) {
		r = take_payload(stream, packet->payload + known, packet->size - known, visit,
				 userdata);
		stream->next += (uint32_t)packet->size - known;
	}
	if (r < 0 || packet->is_last)
		end(stream);
	return r;
}
