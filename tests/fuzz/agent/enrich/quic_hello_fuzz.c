/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an app sends first over UDP, as anybody may write it: as it is, and, since no random bytes
 * open under their keys, as the frames of opened packets. What is called a host is one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/enrich/quic_hello.h"

#define PART_BYTES 600

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(int state, const struct quic_hello_name *name)
{
	const char *letters = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

	if (state == QUIC_HELLO_NAMED &&
	    (!name->host[0] || strspn(name->host, letters) != strlen(name->host)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quic_hello *hello = quic_hello_new();
	struct quic_hello_name name = {};
	int state = QUIC_HELLO_PART;

	if (!hello || size < 1) {
		quic_hello_free(hello);
		return 0;
	}
	for (size_t at = 1; at < size && state == QUIC_HELLO_PART; at += PART_BYTES) {
		size_t bytes = size - at < PART_BYTES ? size - at : PART_BYTES;

		if (data[0] & 1)
			state = quic_hello_add_frames(hello, data + at, bytes, &name);
		else
			state = quic_hello_add(hello, data + at, size - at, &name);
		check_name(state, &name);
	}
	quic_hello_free(hello);
	return 0;
}
