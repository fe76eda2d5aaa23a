/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_ENRICH_QUIC_READER_H
#define WEIR_AGENT_ENRICH_QUIC_READER_H

/* Bytes of QUIC that are read one after another. Once there were too few, all that is read is 0. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct quic_reader {
	const uint8_t *at, *end;
	bool is_short;
};

static inline const uint8_t *quic_reader_take(struct quic_reader *reader, uint64_t bytes)
{
	const uint8_t *at = reader->at;

	if (reader->is_short || bytes > (uint64_t)(reader->end - reader->at)) {
		reader->is_short = true;
		return NULL;
	}
	reader->at += bytes;
	return at;
}

/* A variable-length integer, RFC 9000 16. */
static inline uint64_t quic_reader_take_number(struct quic_reader *reader)
{
	const uint8_t *first = quic_reader_take(reader, 1), *rest;
	uint64_t number, bytes;

	if (!first)
		return 0;
	bytes = (1u << (*first >> 6)) - 1;
	number = *first & 0x3f;
	rest = quic_reader_take(reader, bytes);
	for (uint64_t i = 0; rest && i < bytes; i++)
		number = number << 8 | rest[i];
	return rest ? number : 0;
}

#endif
