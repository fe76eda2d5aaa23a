/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as what an X11 client writes, once whole and once in pieces of a length that the first
 * byte says: the same requests are found at the same places, and none has more data than bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "x11_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
	uint64_t requests, data_bytes, hash;
	int is_lost;
};

static void require(int truth)
{
	if (!truth)
		abort();
}

static void note(struct found *found, uint64_t number)
{
	found->hash = (found->hash ^ number) * 0x100000001b3ull;
}

static void note_request(struct x11_reader *reader, struct found *found)
{
	uint32_t opcode = x11_byte(reader, 0);

	found->requests++;
	note(found, reader->position);
	note(found, reader->rest_bytes);
	note(found, opcode);
	require(x11_wanted_bytes(reader) <= X11_HEAD_MASK);
	require(reader->rest_bytes < (uint64_t)X11_UNITS_MAX * X11_UNIT_BYTES);
	require(!x11_is_setup(reader) || found->requests == 1);
	if (!x11_has_fields(reader))
		return;
	if (x11_at_own_id(opcode))
		note(found, x11_word(reader, x11_at_own_id(opcode)));
	if (opcode == X11_CHANGE_PROPERTY) {
		require(x11_value_bytes(reader) <= reader->rest_bytes);
		note(found, x11_is_talk(reader));
		reader->data_bytes = x11_value_bytes(reader);
	}
	if (x11_pictured(reader)) {
		note(found, x11_pictured(reader));
		note(found, x11_picture_pixels(reader));
		require(x11_picture_pixels(reader) <= 0xffffull * 0xffff);
		if (!x11_is_get_image(reader))
			note(found, x11_picture_target(reader));
	}
	if (opcode == X11_GET_PROPERTY) {
		require(x11_answer_bytes(reader, 1000) <= 1000);
		note(found, x11_is_taken(reader, 1000));
	}
}

/* One piece, as hooks/clipboard.bpf.h walks one buffer. */
static void read_piece(struct x11_reader *reader, const uint8_t *data, size_t size,
		       struct found *found)
{
	for (size_t at = 0; at < size && !found->is_lost;) {
		uint64_t skipped = reader->rest_bytes < size - at ? reader->rest_bytes : size - at;
		uint32_t wanted = x11_wanted_bytes(reader);

		found->data_bytes += x11_skip(reader, skipped);
		at += skipped;
		if (skipped)
			continue;
		if (reader->head_bytes < wanted) {
			reader->head[reader->head_bytes++] = data[at++];
			reader->position++;
		}
		if (reader->head_bytes < x11_wanted_bytes(reader))
			continue;
		found->is_lost = !x11_begin_request(reader);
		if (!found->is_lost)
			note_request(reader, found);
		x11_end_head(reader);
	}
}

static struct found read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct x11_reader reader;
	struct found found = {0};

	memset(&reader, 0, sizeof(reader));
	for (size_t at = 0; at < size; at += piece)
		read_piece(&reader, data + at, size - at < piece ? size - at : piece, &found);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct found whole, parts;

	if (size < 2)
		return 0;
	whole = read_all(data + 1, size - 1, size);
	parts = read_all(data + 1, size - 1, 1 + data[0] % 64);
	require(memcmp(&whole, &parts, sizeof(whole)) == 0);
	require(whole.data_bytes <= size);
	return 0;
}
