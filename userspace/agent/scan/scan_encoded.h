/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_ENCODED_H
#define WEIR_AGENT_SCAN_SCAN_ENCODED_H

/*
 * Sees that text has base64, base32 or hexadecimal digits in it, by their length: 76
 * bytes on end (RFC 2045, 6.8), or two full lines, as openssl(1) and xxd(1) write them.
 * One checksum of 256 bits is shorter. What it says is not read.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan_encoded {
	size_t n_run;      /* bytes of code on end */
	unsigned int seen; /* in them */
	bool follows;      /* a full line of code stands right before */
	bool is_return;    /* the last byte was '\r' */
	bool is_found;
};

/* Begins with a zeroed one. */
void scan_encoded_feed(struct scan_encoded *encoded, const uint8_t *data, size_t size);
/* The text is over; is_found stays, and another one may begin. */
void scan_encoded_end(struct scan_encoded *encoded);

#endif
