/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as an app may write them, in pieces of any size: the kernel side's reader of records
 * looks at nothing outside of its stream, and finds what the scanner of files finds. The first two
 * bytes are the size of a piece.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/scan/scan_text.h"
#include "policy/policy_automaton.h"
#include "support/record_reader.h"

#define N_RECORDS 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct policy_record records[N_RECORDS] = {
	{.name = "number", .kind = POLICY_RECORD_PATTERN, .pattern = "P20\\d{8}"},
	{.name = "mobile", .kind = POLICY_RECORD_MOBILE, .pattern = ""},
	{.name = "id", .kind = POLICY_RECORD_RESIDENT_ID, .pattern = ""},
	{.name = "email", .kind = POLICY_RECORD_EMAIL, .pattern = ""},
	{.name = "card", .kind = POLICY_RECORD_BANK_CARD, .pattern = ""},
	{.name = "contract", .kind = POLICY_RECORD_PATTERN, .pattern = "C[-/]?\\d{6}[A-Z]+"},
};

static const uint8_t key[SIPHASH_KEY_BYTES] = "fuzz";

static void require(int truth)
{
	if (!truth)
		abort();
}

/* Made once, likewise below: it takes longer than an input. */
static struct record_reader *reader_of_all(void)
{
	static struct weir_record_table table;
	static struct record_reader reader;
	size_t n = 0;

	if (!reader.table)
		require(policy_automaton_fill(records, N_RECORDS, key, &table, &n) == 0 &&
			n == N_RECORDS);
	reader.table = &table;
	return &reader;
}

static struct scan_text *scanner_of_all(void)
{
	static struct scan_text *text;
	struct scan_rule rules[N_RECORDS] = {};

	for (size_t i = 0; i < N_RECORDS; i++) {
		rules[i].kind = records[i].kind;
		strcpy(rules[i].name, records[i].name);
		strcpy(rules[i].pattern, records[i].pattern);
	}
	if (!text)
		require(scan_text_new(rules, N_RECORDS, key, &text) == 0);
	return text;
}

static bool has_found(const struct scan_text *text, uint32_t rule, uint64_t fingerprint)
{
	const struct scan_set *set = scan_text_found(text, rule);

	for (size_t i = 0; i < set->n_slots; i++)
		if (set->slots[i] == fingerprint)
			return true;
	return false;
}

static void compare(const struct record_reader *reader, struct scan_text *text, const uint8_t *data,
		    size_t size)
{
	/* A mark of UTF-16 is none in a stream. */
	if (size >= 2 && (data[0] | data[1]) == 0xff && (data[0] ^ data[1]) == 1)
		return;
	scan_text_restart(text);
	scan_text_feed(text, data, size);
	scan_text_end(text);
	for (size_t i = 0; i < reader->n_found; i++)
		require(has_found(text, reader->rules[i], reader->fingerprints[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record_reader *reader = reader_of_all();
	size_t piece = size >= 2 ? 1 + (data[0] | (size_t)data[1] << 8) % 2000 : 0;

	if (size < 2)
		return 0;
	data += 2;
	size -= 2;
	memset(&reader->stream, 0, sizeof(reader->stream));
	reader->n_found = 0;
	for (size_t at = 0; at < size; at += piece) {
		record_reader_feed(reader, data + at, piece < size - at ? piece : size - at);
		record_reader_finish(reader);
	}
	for (uint32_t i = 0; i < reader->stream.n_maybes && i < WEIR_RECORD_MAYBES; i++)
		record_reader_note(reader, reader->stream.maybes[i].rule,
				   reader->stream.maybes[i].fingerprint);
	require(reader->stream.kept_bytes <= WEIR_RECORD_KEPT_BYTES);
	if (!reader->stream.is_cut)
		compare(reader, scanner_of_all(), data, size);
	return 0;
}
