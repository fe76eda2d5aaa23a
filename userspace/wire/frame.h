/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_FRAME_H
#define WEIR_WIRE_FRAME_H

/*
 * Cuts a stream of bytes into frames: a big-endian u32 length, then that many
 * bytes. A length of 0 or above the limit is refused before memory is taken
 * for it, and the buffer never holds more than one frame and one read.
 */

#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER_BYTES 4
#define FRAME_MAX_BYTES \
	(1088 * 1024)              /* a batch of BATCH_MAX_RAW_BYTES that zlib could not shrink */
#define FRAME_HELLO_MAX_BYTES 1024 /* all that a peer may send before it has said who it is */

/* Zero-initialised with a limit is ready; frame_buffer_reset() gives the memory back. */
struct frame_buffer {
	uint8_t *data;
	size_t allocated, start, end;
	size_t limit_bytes; /* of one frame's body */
};

/* 0 or -ENOMEM. */
int frame_buffer_append(struct frame_buffer *buffer, const void *data, size_t size);
/*
 * Returns 1 with a body that stays valid until the next append, 0 when the
 * frame is not complete, -EMSGSIZE for a length out of bounds (which stays so).
 */
int frame_buffer_next(struct frame_buffer *buffer, const uint8_t **ret_body, size_t *ret_size);
void frame_buffer_reset(struct frame_buffer *buffer);

void frame_write_header(uint8_t header[FRAME_HEADER_BYTES], uint32_t body_bytes);

#endif
