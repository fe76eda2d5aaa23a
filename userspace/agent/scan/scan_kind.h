/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_KIND_H
#define WEIR_AGENT_SCAN_SCAN_KIND_H

/*
 * What makes a text of its shape (policy/policy_record.h) a mobile number, a resident id, ...: what
 * may stand before and behind it, its check, and the one form in which it is counted, so that
 * 139 0000 1234 and +8613900001234 are the same number.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

#define SCAN_TOKEN_MAX_BYTES 256
/* What the rules look at before and behind a token. */
#define SCAN_CONTEXT_BYTES 8

struct scan_kind {
	/* Whether a token may begin at data[at], for what stands before it. */
	int (*may_begin)(const uint8_t *data, size_t at);
	/* Whether a token at the start of data may end before data[at]. */
	int (*may_end)(const uint8_t *data, size_t size, size_t at);
	/* Writes the form that is counted. Returns its bytes, 0 when the check fails. */
	size_t (*normalise)(const uint8_t *text, size_t size, char token[SCAN_TOKEN_MAX_BYTES]);
};

/* Letters, digits and _: no token of any kind begins behind one that is not the end of an escape.
 */
bool scan_kind_is_word(uint8_t byte);

const struct scan_kind *scan_kind_of(enum policy_record_kind kind);

#endif
