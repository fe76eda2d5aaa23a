/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as what a Wayland client writes, once whole and once in pieces of a length that the
 * first byte says: the same requests are found at the same places, and do the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wayland_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
	uint64_t requests, drawings, pictures, hash;
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

static void note_request(struct wayland_reader *reader, struct found *found)
{
	enum wayland_deed deed = wayland_follow(reader);

	found->requests++;
	found->drawings += deed == WAYLAND_DRAWS;
	found->pictures += deed == WAYLAND_PICTURES;
	note(found, deed);
	note(found, reader->head[0]);
	note(found, reader->rest_bytes);
	if (deed == WAYLAND_PICTURES)
		note(found, wayland_picture_pixels(reader));
	require(!deed || reader->head[0]);
	require(reader->head_bytes + reader->rest_bytes == wayland_total_bytes(reader));
	for (size_t i = 0; i < WAYLAND_FRAMES; i++)
		require(reader->frames[i] < WAYLAND_CLIENT_IDS);
}

/* One piece, as hooks/capture.bpf.h walks one buffer. */
static void read_piece(struct wayland_reader *reader, const uint8_t *data, size_t size,
		       struct found *found)
{
	for (size_t at = 0; at < size && !found->is_lost;) {
		size_t skipped = reader->rest_bytes < size - at ? reader->rest_bytes : size - at;

		reader->rest_bytes -= (uint32_t)skipped;
		at += skipped;
		if (skipped)
			continue;
		require(wayland_wanted_bytes(reader) <= WAYLAND_HEAD_MASK);
		if (reader->head_bytes < wayland_wanted_bytes(reader))
			((uint8_t *)reader->head)[reader->head_bytes++] = data[at++];
		if (reader->head_bytes < wayland_wanted_bytes(reader))
			continue;
		found->is_lost = !wayland_begin_request(reader);
		if (!found->is_lost)
			note_request(reader, found);
		wayland_end_head(reader);
	}
}

static struct found read_all(const uint8_t *data, size_t size, size_t piece)
{
	struct wayland_reader reader;
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
	require(whole.drawings <= whole.requests && whole.pictures <= whole.requests);
	require(whole.requests * WAYLAND_HEADER_BYTES <= size);
	return 0;
}
