/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_RECORD_READER_H
#define WEIR_TESTS_SUPPORT_RECORD_READER_H

/* Drives the kernel side's reader of records (bpf/record.h) over bytes in this process's memory, in
 * the steps of bpf/hooks/record.bpf.h. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "record.h"

#define RECORD_READER_MAX 65536
#define RECORD_READER_PIECE 511
#define RECORD_READER_STEPS 2048

struct record_reader {
	const struct weir_record_table *table;
	struct weir_record_stream stream;
	uint64_t fingerprints[RECORD_READER_MAX];
	uint32_t rules[RECORD_READER_MAX];
	size_t n_found; /* a fingerprint may be in it several times */
};

static inline void record_reader_note(struct record_reader *reader, uint32_t rule,
				      uint64_t fingerprint)
{
	if (reader->stream.is_trying) {
		record_maybe(&reader->stream, rule, fingerprint);
	} else if (reader->n_found < RECORD_READER_MAX) {
		reader->rules[reader->n_found] = rule;
		reader->fingerprints[reader->n_found++] = fingerprint;
	}
}

static inline bool record_reader_try(struct record_reader *reader, uint32_t rule, uint32_t start,
				     uint32_t end)
{
	struct weir_record_stream *stream = &reader->stream;
	uint32_t kind = reader->table->rules[rule].kind, offset;

	record_normalise(stream, reader->table, kind, start, end);
	if (!record_check(stream, kind, &offset))
		return false;
	memset(stream->message, 0, sizeof(stream->message));
	memcpy(stream->message, stream->token + offset, stream->token_bytes - offset);
	record_reader_note(reader, rule,
			   record_fingerprint(stream, reader->table, reader->table->rules[rule].tag,
					      stream->token_bytes - offset));
	return true;
}

static inline void record_reader_resolve(struct record_reader *reader)
{
	struct weir_record_stream *stream = &reader->stream;
	uint32_t tried = 0, end = 0;
	bool is_found = false;

	for (uint32_t back = 0; back < WEIR_RECORD_HITS && !is_found; back++) {
		uint32_t rules = record_rules_of_hit(stream, back, tried, &end);

		for (uint32_t rule = 0; rule < WEIR_RECORD_RULES && !is_found; rule++)
			is_found = rules >> rule & 1 &&
				   record_reader_try(reader, rule, stream->place.start, end);
		tried |= rules;
	}
	record_go_on(stream, reader->table, is_found ? end : 0);
}

/* False when it took more steps than are taken. */
static inline bool record_reader_walk(struct record_reader *reader)
{
	for (unsigned int i = 0; i < RECORD_READER_STEPS; i++) {
		enum record_step step = record_step(&reader->stream, reader->table);

		if (step == RECORD_WAIT)
			return true;
		if (step == RECORD_RESOLVE)
			record_reader_resolve(reader);
	}
	return false;
}

static inline void record_reader_keep(struct weir_record_stream *stream)
{
	uint32_t settled = record_settled(stream), kept = stream->size - settled;

	assert(settled < WEIR_RECORD_WINDOW_BYTES && kept <= sizeof(stream->kept));
	memcpy(stream->kept, stream->window + settled, kept);
	stream->kept_bytes = kept;
	record_move(&stream->place, settled);
}

static inline void record_reader_feed(struct record_reader *reader, const uint8_t *data,
				      size_t size)
{
	struct weir_record_stream *stream = &reader->stream;

	while (size > 0) {
		size_t bytes = size < RECORD_READER_PIECE ? size : RECORD_READER_PIECE;

		record_begin_piece(stream);
		memcpy(stream->window, stream->kept, stream->kept_bytes);
		memcpy(stream->window + stream->kept_bytes, data, bytes);
		stream->size = stream->kept_bytes + (uint32_t)bytes;
		stream->limit = stream->size - RECORD_AHEAD_BYTES;
		stream->bytes += bytes;
		if (record_reader_walk(reader))
			record_reader_keep(stream);
		else
			record_lose_place(stream);
		data += bytes;
		size -= bytes;
	}
}

/* What is there if nothing more comes goes into stream.maybes. */
static inline void record_reader_finish(struct record_reader *reader)
{
	struct weir_record_stream *stream = &reader->stream;
	uint64_t odd_bytes = stream->odd_bytes;

	stream->n_maybes = 0;
	memset(stream->window, 0, sizeof(stream->window));
	memcpy(stream->window, stream->kept, stream->kept_bytes);
	stream->kept_place = stream->place;
	stream->is_trying = 1;
	stream->limit = stream->kept_bytes + 1;
	record_reader_walk(reader);
	stream->is_trying = 0;
	stream->odd_bytes = odd_bytes;
	stream->place = stream->kept_place;
}

#endif
