/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_inflate.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/scan/scan_obstacle.h"

#define CHUNK_BYTES (16 * 1024)

struct unpack {
	struct scan_stretch rest; /* of the stretch, not yet read */
	z_stream stream;
	uint64_t n_in, n_out;
	uint64_t *left_bytes;
	scan_take_fn take;
	void *userdata;
	uint8_t in[CHUNK_BYTES], out[CHUNK_BYTES];
};

/* Returns bytes read, 0 at the end of the stretch or, damaged, of the file. */
static size_t read_some(struct unpack *unpack)
{
	size_t size = unpack->rest.size < CHUNK_BYTES ? (size_t)unpack->rest.size : CHUNK_BYTES;
	ssize_t n;

	do
		n = pread(unpack->rest.fd, unpack->in, size, (off_t)unpack->rest.offset);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	unpack->rest.offset += (size_t)n;
	unpack->rest.size -= (size_t)n;
	unpack->n_in += (size_t)n;
	return (size_t)n;
}

static uint32_t give(struct unpack *unpack, const uint8_t *data, size_t size)
{
	if (size > *unpack->left_bytes)
		return SCAN_TOO_LARGE;
	*unpack->left_bytes -= size;
	unpack->n_out += size;
	unpack->take(unpack->userdata, data, size);
	return unpack->n_out > SCAN_RATIO_FREE_BYTES &&
			       unpack->n_out / SCAN_MAX_RATIO > unpack->n_in
		       ? SCAN_TOO_LARGE
		       : 0;
}

static uint32_t copy(struct unpack *unpack)
{
	uint32_t obstacle = 0;

	while (obstacle == 0 && unpack->rest.size > 0) {
		size_t n = read_some(unpack);

		if (n == 0)
			return SCAN_DAMAGED;
		obstacle = give(unpack, unpack->in, n);
	}
	return obstacle;
}

/* Unpacks what was read. *ret_is_end: the stream has ended. */
static uint32_t unpack_input(struct unpack *unpack, bool *ret_is_end)
{
	z_stream *stream = &unpack->stream;
	uint32_t obstacle = 0;

	do {
		int r;

		stream->next_out = unpack->out;
		stream->avail_out = CHUNK_BYTES;
		r = inflate(stream, Z_NO_FLUSH);
		if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
			return SCAN_DAMAGED;
		obstacle = give(unpack, unpack->out, CHUNK_BYTES - stream->avail_out);
		*ret_is_end = r == Z_STREAM_END;
	} while (obstacle == 0 && !*ret_is_end && stream->avail_out == 0);
	return obstacle;
}

/* False at the end of the stretch. */
static bool has_input(struct unpack *unpack)
{
	if (unpack->stream.avail_in == 0) {
		unpack->stream.avail_in = (unsigned int)read_some(unpack);
		unpack->stream.next_in = unpack->in;
	}
	return unpack->stream.avail_in > 0;
}

/* Zeros behind a member are padding, other bytes there are left alone by gzip(1); behind a stream
 * in an archive nothing follows. */
static uint32_t look_behind(struct unpack *unpack, enum scan_packing packing, bool *ret_is_end)
{
	z_stream *stream = &unpack->stream;

	while (packing == SCAN_GZIPPED && has_input(unpack) && *stream->next_in == 0) {
		stream->next_in++;
		stream->avail_in--;
	}
	if (!has_input(unpack))
		return unpack->rest.size > 0 ? SCAN_DAMAGED : 0;
	if (packing != SCAN_GZIPPED || *stream->next_in != 0x1f || inflateReset(stream) != Z_OK)
		return SCAN_DAMAGED;
	*ret_is_end = false;
	return 0;
}

static uint32_t unpack_all(struct unpack *unpack, enum scan_packing packing)
{
	bool is_end = false;
	uint32_t obstacle = 0;

	while (obstacle == 0 && !is_end) {
		if (!has_input(unpack))
			return SCAN_DAMAGED;
		obstacle = unpack_input(unpack, &is_end);
		if (obstacle == 0 && is_end)
			obstacle = look_behind(unpack, packing, &is_end);
	}
	return obstacle;
}

uint32_t scan_inflate(const struct scan_stretch *stretch, enum scan_packing packing,
		      uint64_t *left_bytes, scan_take_fn take, void *userdata)
{
	struct unpack unpack = {
		.rest = *stretch, .left_bytes = left_bytes, .take = take, .userdata = userdata};
	uint32_t obstacle;

	if (packing == SCAN_STORED)
		return copy(&unpack);
	if (inflateInit2(&unpack.stream, packing == SCAN_GZIPPED ? MAX_WBITS + 16 : -MAX_WBITS) !=
	    Z_OK)
		return SCAN_STOPPED;
	obstacle = unpack_all(&unpack, packing);
	inflateEnd(&unpack.stream);
	return obstacle;
}
