/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_NAMES_QUESTION_H
#define WEIR_AGENT_NAMES_QUESTION_H

/*
 * The question of a DNS query (RFC 1035 4.1.2), as anybody may have written it. The
 * name may carry customer data: it stays in memory, only its domain is for others.
 */

#include <stddef.h>
#include <stdint.h>

#define QUESTION_NAME_BYTES 255 /* RFC 1035 2.3.4 */

struct question {
	uint8_t name[QUESTION_NAME_BYTES]; /* as it was sent, without the root; in lower case */
	size_t name_bytes;
	/* The part of it that somebody can register, as text: its last two labels, or three where
	 * the second is one of those that countries register below, as in "example.com.cn". */
	char domain[QUESTION_NAME_BYTES + 1];
	size_t below_bytes;   /* of the labels before the domain */
	size_t longest_bytes; /* the longest of these */
	uint16_t type;
};

/* Name, type and class in this order, the name whole. 0, or -EBADMSG. */
int question_parse(const uint8_t *data, size_t size, struct question *ret_question);

#endif
