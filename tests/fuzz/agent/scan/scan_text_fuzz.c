/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as text in pieces of any size: what is found does not depend on the pieces. The first
 * byte is the size of a piece; with its highest bit a pattern of the fuzzer's own follows, up to
 * the end of the line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/scan/scan_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static bool read_all(struct scan_text *text, const uint8_t *data, size_t size, size_t piece)
{
	scan_text_restart(text);
	for (size_t at = 0; at < size; at += piece)
		scan_text_feed(text, data + at, piece < size - at ? piece : size - at);
	return scan_text_end(text);
}

static void compare(struct scan_text *text, const uint8_t *data, size_t size, size_t piece)
{
	/* A mark of UTF-16 must come in one piece. */
	bool is_text = read_all(text, data, size, size ? size : 1);
	uint64_t rows = scan_text_rows(text), found = scan_text_found(text, 0)->n_items;

	require(read_all(text, data, size, piece) == is_text);
	require(scan_text_rows(text) == rows && scan_text_found(text, 0)->n_items == found);
	require(rows <= size && found <= size);
}

static const uint8_t key[SIPHASH_KEY_BYTES] = "fuzz";

/* Made once: the tables of the kinds take longer than an input. */
static struct scan_text *scanner_of_kinds(void)
{
	static const struct scan_rule rules[] = {
		{POLICY_RECORD_MOBILE, "mobile", ""},
		{POLICY_RECORD_RESIDENT_ID, "id", ""},
		{POLICY_RECORD_EMAIL, "email", ""},
		{POLICY_RECORD_BANK_CARD, "bank-card", ""},
		{POLICY_RECORD_PATTERN, "number", "P20\\d{8}"},
	};
	static struct scan_text *text;

	if (!text)
		require(scan_text_new(rules, sizeof(rules) / sizeof(rules[0]), key, &text) == 0);
	return text;
}

static void read_with_own_pattern(const uint8_t *data, size_t size, size_t piece)
{
	struct scan_rule rule = {POLICY_RECORD_PATTERN, "own", ""};
	const uint8_t *end = memchr(data, '\n', size);
	size_t n_pattern = end ? (size_t)(end - data) : 0;
	struct scan_text *text;

	if (!end || n_pattern >= sizeof(rule.pattern))
		return;
	memcpy(rule.pattern, data, n_pattern);
	if (scan_text_new(&rule, 1, key, &text) < 0)
		return;
	compare(text, end + 1, (size_t)(data + size - end - 1), piece);
	scan_text_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size ? 2 + data[0] % 61 : 0;

	if (size == 0)
		return 0;
	if (data[0] & 0x80)
		read_with_own_pattern(data + 1, size - 1, piece);
	else
		compare(scanner_of_kinds(), data + 1, size - 1, piece);
	return 0;
}
