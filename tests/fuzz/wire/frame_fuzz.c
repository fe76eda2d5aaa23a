/* SPDX-License-Identifier: GPL-2.0-only */
/* The first byte is the size of the steps in which the rest arrives. Frames and the messages in
 * them are found the same way whatever the steps, and never beyond the limit. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/frame.h"
#include "wire/message.h"

#define LIMIT_BYTES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void use_message(const uint8_t *body, size_t size)
{
	struct message *message;
	uint8_t *again;
	size_t again_size;

	if (message_decode(body, size, &message) < 0)
		return;
	require(message_encode(message, &again, &again_size) == 0);
	free(again);
	message_free(message);
}

/* Returns how many frames there are. */
static size_t count_frames(const uint8_t *data, size_t size, size_t step)
{
	struct frame_buffer buffer = {.limit_bytes = LIMIT_BYTES};
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < size && r >= 0; i += step) {
		const uint8_t *body;
		size_t body_size;

		require(frame_buffer_append(&buffer, data + i, size - i < step ? size - i : step) ==
			0);
		while ((r = frame_buffer_next(&buffer, &body, &body_size)) > 0) {
			require(body_size > 0 && body_size <= LIMIT_BYTES);
			use_message(body, body_size);
			n++;
		}
	}
	frame_buffer_reset(&buffer);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	require(count_frames(data + 1, size - 1, data[0] + 1U) ==
		count_frames(data + 1, size - 1, size));
	return 0;
}
