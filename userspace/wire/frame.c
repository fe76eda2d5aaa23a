/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t buffer_held(const struct frame_buffer *buffer)
{
	return buffer->end - buffer->start;
}

static int buffer_reserve(struct frame_buffer *buffer, size_t size)
{
	size_t held = buffer_held(buffer);
	size_t wanted = buffer->allocated ? buffer->allocated : 4096;
	uint8_t *data;

	if (buffer->allocated - buffer->end >= size)
		return 0;
	if (held > 0)
		memmove(buffer->data, buffer->data + buffer->start, held);
	buffer->start = 0;
	buffer->end = held;
	if (buffer->allocated - held >= size)
		return 0;
	while (wanted - held < size)
		wanted *= 2;
	data = realloc(buffer->data, wanted);
	if (!data)
		return -ENOMEM;
	buffer->data = data;
	buffer->allocated = wanted;
	return 0;
}

int frame_buffer_append(struct frame_buffer *buffer, const void *data, size_t size)
{
	if (size == 0)
		return 0;
	if (buffer_reserve(buffer, size) < 0)
		return -ENOMEM;
	memcpy(buffer->data + buffer->end, data, size);
	buffer->end += size;
	return 0;
}

int frame_buffer_next(struct frame_buffer *buffer, const uint8_t **ret_body, size_t *ret_size)
{
	const uint8_t *header;
	size_t size;

	if (buffer_held(buffer) < FRAME_HEADER_BYTES)
		return 0;
	header = buffer->data + buffer->start;
	size = (size_t)header[0] << 24 | (size_t)header[1] << 16 | (size_t)header[2] << 8 |
	       (size_t)header[3];
	if (size == 0 || size > buffer->limit_bytes)
		return -EMSGSIZE;
	if (buffer_held(buffer) - FRAME_HEADER_BYTES < size)
		return 0;
	*ret_body = header + FRAME_HEADER_BYTES;
	*ret_size = size;
	buffer->start += FRAME_HEADER_BYTES + size;
	return 1;
}

void frame_buffer_reset(struct frame_buffer *buffer)
{
	free(buffer->data);
	buffer->data = NULL;
	buffer->allocated = buffer->start = buffer->end = 0;
}

void frame_write_header(uint8_t header[FRAME_HEADER_BYTES], uint32_t body_bytes)
{
	header[0] = (uint8_t)(body_bytes >> 24);
	header[1] = (uint8_t)(body_bytes >> 16);
	header[2] = (uint8_t)(body_bytes >> 8);
	header[3] = (uint8_t)body_bytes;
}
