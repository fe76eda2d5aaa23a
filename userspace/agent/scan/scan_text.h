/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_TEXT_H
#define WEIR_AGENT_SCAN_SCAN_TEXT_H

/*
 * Counts the records in text that comes in pieces: of each rule the different
 * tokens, by keyed fingerprint, and the lines that have any. Text is ASCII with
 * anything above it (UTF-8, GBK), or UTF-16 with a byte order mark. What it has
 * read is forgotten as it goes on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/scan/scan_set.h"
#include "base/siphash.h"
#include "policy/policy.h"

#define SCAN_RULE_NAME_BYTES 64

/* A [record] of the policy as the scanner's process gets it. */
struct scan_rule {
	uint32_t kind; /* enum policy_record_kind */
	char name[SCAN_RULE_NAME_BYTES];
	char pattern[POLICY_RECORD_MAX_PATTERN_BYTES + 1];
};

struct scan_text;

/* Returns 0, -EINVAL for a rule that is none, -E2BIG for a pattern with too many states, -ENOMEM.
 */
int scan_text_new(const struct scan_rule *rules, size_t n_rules,
		  const uint8_t key[SIPHASH_KEY_BYTES], struct scan_text **ret_text);
void scan_text_free(struct scan_text *text);

/* Forgets all counts. */
void scan_text_restart(struct scan_text *text);
/* A text of its own begins: a file, or one inside of an archive. */
void scan_text_begin(struct scan_text *text);
void scan_text_feed(struct scan_text *text, const uint8_t *data, size_t size);
/* Returns whether it was text at all; what looked like a record counts all the same. */
bool scan_text_end(struct scan_text *text);

/* It has turned out to be no text: what comes behind need not be read. */
bool scan_text_is_binary(const struct scan_text *text);

const struct scan_set *scan_text_found(const struct scan_text *text, size_t rule);
uint64_t scan_text_rows(const struct scan_text *text);
/* More different tokens than are kept, or no memory for them: counts are too low. */
bool scan_text_is_cut(const struct scan_text *text);
/* It has what looks like base64 or the like: what stands in there was not read. */
bool scan_text_is_encoded(const struct scan_text *text);

static inline void scan_text_freep(struct scan_text **text)
{
	if (*text)
		scan_text_free(*text);
}

#endif
