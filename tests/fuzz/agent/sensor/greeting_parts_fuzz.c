/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a client says first by TCP, as anybody may write it, in parts of whatever size, some missing
 * or sent again: two connections, whose parts come mixed. What is called a host is one.
 *
 * Input: parts, each with a byte of flags, its length and itself.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sensor/greeting_parts.h"

#define FLAG_OTHER 1  /* of the other connection */
#define FLAG_FIRST 2  /* begins a greeting */
#define FLAG_BEYOND 4 /* behind one that is missing */
#define FLAG_SHORT 8  /* its length counts bytes */
#define UNIT_BYTES 16 /* that a length counts */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(int r, const struct greeting_name *name)
{
	const char *letters = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

	if (r == 1 && (!name->host[0] || strspn(name->host, letters) != strlen(name->host) ||
		       name->source == SENSOR_HOST_NONE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct greeting_parts *parts;
	uint32_t offsets[2] = {};

	if (greeting_parts_new(&parts) < 0)
		return 0;
	for (size_t at = 0; at + 2 <= size;) {
		struct greeting_part part = {.port = 443, .local_port = data[at] & FLAG_OTHER};
		struct greeting_name name = {};
		size_t bytes = (size_t)data[at + 1] * (data[at] & FLAG_SHORT ? 1 : UNIT_BYTES);
		uint32_t *offset = &offsets[part.local_port];
		uint8_t *copy;

		if (data[at] & FLAG_FIRST)
			*offset = 0;
		if (data[at] & FLAG_BEYOND)
			*offset += 1;
		at += 2;
		part.bytes = bytes < size - at ? bytes : size - at;
		part.offset = *offset;
		copy = malloc(part.bytes); /* so that what is read behind it is seen */
		if (copy && part.bytes)
			memcpy(copy, data + at, part.bytes);
		part.data = copy;
		if (copy)
			check_name(greeting_parts_take(parts, &part, &name), &name);
		free(copy);
		*offset += (uint32_t)part.bytes;
		at += part.bytes;
	}
	greeting_parts_free(parts);
	return 0;
}
