/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident_text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Code points that move, hide or turn text round: C1 controls, bidirectional marks, line and
 * paragraph separators. */
static int is_steering(uint32_t code)
{
	return (code >= 0x80 && code <= 0x9f) || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* Bytes of the character at text when it is well-formed and harmless, else 0. */
static size_t character_bytes(const unsigned char *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *text < 0x80         ? 1
		   : *text >> 5 == 0x6  ? 2
		   : *text >> 4 == 0xe  ? 3
		   : *text >> 3 == 0x1e ? 4
					: 0;
	uint32_t code;

	if (n <= 1)
		return *text >= 0x20 && *text != 0x7f ? n : 0;
	code = *text & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		/* The NUL at the end is no continuation, so this never reads past it. */
		if (text[i] >> 6 != 0x2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return is_steering(code) ? 0 : n;
}

char *incident_text_copy(const char *text)
{
	char *copy = strdup(text ? text : "");

	for (char *at = copy; copy && *at;) {
		size_t n = character_bytes((const unsigned char *)at);

		if (n == 0)
			*at = '?';
		at += n ? n : 1;
	}
	return copy;
}
