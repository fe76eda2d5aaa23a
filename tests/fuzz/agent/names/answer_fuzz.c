/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as a DNS answer, and as packets of a connection that carries some: what is taken for a
 * name is one of a host, and what is looked at lies within. The first byte is the size of a
 * segment. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/names/answer.h"
#include "agent/names/packet.h"
#include "agent/names/streams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check_answer(void *userdata, const uint8_t *message, size_t size)
{
	struct answer answer;

	(void)userdata;
	if (answer_parse(message, size, &answer) < 0)
		return;
	require(answer.n_addresses <= ANSWER_ADDRESSES_MAX);
	require(memchr(answer.name, '\0', sizeof(answer.name)) != NULL);
	require(answer.n_addresses == 0 || answer.name[0]);
	for (const char *at = answer.name; answer.n_addresses && *at; at++)
		require(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", *at) != NULL);
}

/* All of it, in segments that follow each other. */
static void check_stream(const uint8_t *data, size_t size, size_t piece)
{
	struct packet packet = {.is_stream = true, .is_first = true};
	struct streams *streams = NULL;

	if (streams_new(&streams) < 0)
		return;
	streams_take(streams, &packet, check_answer, NULL);
	packet = (struct packet){.is_stream = true, .sequence = 1};
	for (size_t at = 0; at < size; at += piece) {
		packet.payload = data + at;
		packet.size = piece < size - at ? piece : size - at;
		if (streams_take(streams, &packet, check_answer, NULL) < 0)
			break;
		packet.sequence += (uint32_t)packet.size;
	}
	streams_free(streams);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet packet;

	if (size == 0)
		return 0;
	check_answer(NULL, data + 1, size - 1);
	check_stream(data + 1, size - 1, data[0] ? data[0] : 1);
	if (packet_parse(data + 1, size - 1, &packet) == 0) {
		require(packet.payload >= data && packet.payload + packet.size <= data + size);
		check_answer(NULL, packet.payload, packet.size);
	}
	return 0;
}
