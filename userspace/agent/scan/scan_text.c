/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/scan/scan_encoded.h"
#include "agent/scan/scan_kind.h"
#include "base/cleanup.h"
#include "policy/policy_record.h"

#define WINDOW_BYTES (32 * 1024)
/* So much is left unread until more comes, so that no token is cut. */
#define AHEAD_BYTES (SCAN_TOKEN_MAX_BYTES + SCAN_CONTEXT_BYTES)
/* Text may have so many odd control bytes among a thousand. */
#define ODD_PER_THOUSAND 2

/* \uXXXX is six bytes long. */
#define ESCAPE_BYTES 6

enum encoding {
	BYTES,
	UTF16_LITTLE,
	UTF16_BIG
};

struct rule {
	const struct scan_kind *kind;
	struct policy_table *table;
	struct scan_set found;
	uint64_t tag; /* tells tokens of this rule from those of another */
};

struct scan_text {
	uint8_t key[SIPHASH_KEY_BYTES];
	struct rule rules[POLICY_MAX_RECORDS];
	size_t n_rules;
	uint32_t begins[256]; /* rules whose tokens can begin with the byte */
	bool is_word[256];    /* no token begins behind these, but for the end of an escape */
	bool is_odd[256];     /* bytes that text has none of, or few */
	uint64_t rows;
	bool is_cut;
	struct scan_encoded encoded;
	/* Of the text under way. */
	uint8_t window[WINDOW_BYTES + 1]; /* begins with the context of what is read next */
	size_t size, at;
	size_t n_escape; /* bytes that may still be of an escape, or right behind it */
	enum encoding encoding;
	int half; /* of a UTF-16 unit, -1: none */
	uint64_t n_bytes, n_odd;
	bool has_nul, has_row;
};

static int make_rule(struct scan_text *text, const struct scan_rule *given)
{
	struct rule *rule = &text->rules[text->n_rules];
	int r;

	if (memchr(given->name, '\0', sizeof(given->name)) == NULL ||
	    memchr(given->pattern, '\0', sizeof(given->pattern)) == NULL ||
	    given->kind > POLICY_RECORD_BANK_CARD)
		return -EINVAL;
	rule->kind = scan_kind_of((enum policy_record_kind)given->kind);
	rule->tag = siphash(text->key, given->name, strlen(given->name));
	r = policy_record_table_new((enum policy_record_kind)given->kind, given->pattern,
				    &rule->table);
	if (r < 0)
		return r;
	for (unsigned int byte = 0; byte < 256; byte++)
		if (policy_table_may_begin(rule->table, (uint8_t)byte))
			text->begins[byte] |= 1u << text->n_rules;
	text->n_rules++;
	return 0;
}

int scan_text_new(const struct scan_rule *rules, size_t n_rules,
		  const uint8_t key[SIPHASH_KEY_BYTES], struct scan_text **ret_text)
{
	_cleanup_(scan_text_freep) struct scan_text *text = calloc(1, sizeof(*text));
	int r = n_rules <= POLICY_MAX_RECORDS ? 0 : -EINVAL;

	if (!text)
		return -ENOMEM;
	memcpy(text->key, key, sizeof(text->key));
	for (unsigned int byte = 0; byte < 0x80; byte++) {
		text->is_word[byte] = scan_kind_is_word((uint8_t)byte);
		text->is_odd[byte] =
			byte < ' ' && (byte == 0 || !strchr("\t\n\v\f\r\033", (int)byte));
	}
	for (size_t i = 0; r == 0 && i < n_rules; i++)
		r = make_rule(text, &rules[i]);
	if (r < 0)
		return r;
	scan_text_begin(text);
	*ret_text = TAKE(text);
	return 0;
}

void scan_text_free(struct scan_text *text)
{
	for (size_t i = 0; i < text->n_rules; i++) {
		policy_table_free(text->rules[i].table);
		scan_set_done(&text->rules[i].found);
	}
	explicit_bzero(text, sizeof(*text));
	free(text);
}

void scan_text_restart(struct scan_text *text)
{
	for (size_t i = 0; i < text->n_rules; i++)
		scan_set_clear(&text->rules[i].found);
	text->rows = 0;
	text->is_cut = false;
	text->encoded = (struct scan_encoded){};
	scan_text_begin(text);
}

void scan_text_begin(struct scan_text *text)
{
	text->size = text->at = text->n_escape = 0;
	text->encoding = BYTES;
	text->half = -1;
	text->n_bytes = text->n_odd = 0;
	text->has_nul = text->has_row = false;
}

/* Bytes of the longest token of a rule at the place, 0 for none, with its counted form. */
static size_t find_token(const struct scan_text *text, const struct rule *rule,
			 char token[SCAN_TOKEN_MAX_BYTES], size_t *ret_bytes)
{
	const uint8_t *data = text->window + text->at;
	size_t size = text->size - text->at, n;

	if (!rule->kind->may_begin(text->window, text->at))
		return 0;
	if (size > SCAN_TOKEN_MAX_BYTES)
		size = SCAN_TOKEN_MAX_BYTES;
	n = policy_table_match(rule->table, data, size, rule->kind->may_end);
	/* One that reaches the end of what a token may have is none: more of it may follow. */
	if (n == 0 || n >= SCAN_TOKEN_MAX_BYTES)
		return 0;
	*ret_bytes = rule->kind->normalise(data, n, token);
	return *ret_bytes > 0 ? n : 0;
}

static void count_token(struct scan_text *text, struct rule *rule, const char *token,
			size_t n_bytes)
{
	uint8_t message[sizeof(rule->tag) + SCAN_TOKEN_MAX_BYTES];

	memcpy(message, &rule->tag, sizeof(rule->tag));
	memcpy(message + sizeof(rule->tag), token, n_bytes);
	if (scan_set_add(&rule->found, siphash(text->key, message, sizeof(rule->tag) + n_bytes)) <
	    0)
		text->is_cut = true;
	text->has_row = true;
}

/* The longest token of all rules at the place counts; of two that are equal the policy's first. */
static size_t take_token(struct scan_text *text, uint32_t rules)
{
	char token[SCAN_TOKEN_MAX_BYTES], best[SCAN_TOKEN_MAX_BYTES];
	size_t n_longest = 0, n_best = 0, n_bytes = 0;
	struct rule *winner = NULL;

	for (size_t i = 0; i < text->n_rules; i++) {
		size_t n = rules >> i & 1 ? find_token(text, &text->rules[i], token, &n_bytes) : 0;

		if (n <= n_longest)
			continue;
		n_longest = n;
		n_best = n_bytes;
		memcpy(best, token, n_bytes);
		winner = &text->rules[i];
	}
	if (winner)
		count_token(text, winner, best, n_best);
	return n_longest;
}

static void end_row(struct scan_text *text)
{
	text->rows += text->has_row;
	text->has_row = false;
}

static void read_byte(struct scan_text *text)
{
	uint8_t byte = text->window[text->at];
	bool is_within = text->at > 0 && text->is_word[text->window[text->at - 1]];
	size_t n = 0;

	if (text->begins[byte] && (!is_within || text->n_escape > 0))
		n = take_token(text, text->begins[byte]);
	if (byte == '\\')
		text->n_escape = ESCAPE_BYTES;
	else
		text->n_escape -= text->n_escape > 0;
	if (byte == '\n' || byte == '\r')
		end_row(text);
	text->at += n ? n : 1;
}

/* Reads the window up to where a token could still go on. */
static void read_window(struct scan_text *text, bool is_last)
{
	size_t end = is_last ? text->size : text->size > AHEAD_BYTES ? text->size - AHEAD_BYTES : 0;
	size_t keep;

	while (text->at < end)
		read_byte(text);
	keep = text->at > SCAN_CONTEXT_BYTES ? text->at - SCAN_CONTEXT_BYTES : 0;
	memmove(text->window, text->window + keep, text->size - keep);
	text->size -= keep;
	text->at -= keep;
}

static void put_bytes(struct scan_text *text, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		text->n_odd += text->is_odd[data[i]];
	text->has_nul |= memchr(data, 0, size) != NULL;
	scan_encoded_feed(&text->encoded, data, size);
	text->n_bytes += size;
	while (size > 0) {
		size_t n = WINDOW_BYTES - text->size;

		n = n < size ? n : size;
		memcpy(text->window + text->size, data, n);
		text->size += n;
		data += n;
		size -= n;
		if (text->size == WINDOW_BYTES)
			read_window(text, false);
	}
}

/* What is beyond ASCII is told by one byte that stands in no token. */
static void put_unit(struct scan_text *text, unsigned int unit)
{
	uint8_t byte = unit < 0x80 ? (uint8_t)unit : 0xff;

	put_bytes(text, &byte, 1);
}

static void feed_utf16(struct scan_text *text, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned int half = (unsigned int)text->half;

		if (text->half < 0) {
			text->half = data[i];
			continue;
		}
		put_unit(text, text->encoding == UTF16_LITTLE ? half | (unsigned int)data[i] << 8
							      : half << 8 | data[i]);
		text->half = -1;
	}
}

void scan_text_feed(struct scan_text *text, const uint8_t *data, size_t size)
{
	if (text->n_bytes == 0 && size >= 2 && data[0] == 0xff && data[1] == 0xfe)
		text->encoding = UTF16_LITTLE;
	else if (text->n_bytes == 0 && size >= 2 && data[0] == 0xfe && data[1] == 0xff)
		text->encoding = UTF16_BIG;
	if (text->encoding != BYTES) {
		feed_utf16(text, data, size);
		return;
	}
	put_bytes(text, data, size);
}

bool scan_text_end(struct scan_text *text)
{
	bool is_text = !text->has_nul && text->n_odd * 1000 <= text->n_bytes * ODD_PER_THOUSAND &&
		       text->half < 0;

	read_window(text, true);
	end_row(text);
	scan_encoded_end(&text->encoded);
	scan_text_begin(text);
	return is_text;
}

bool scan_text_is_binary(const struct scan_text *text)
{
	return text->has_nul;
}

const struct scan_set *scan_text_found(const struct scan_text *text, size_t rule)
{
	return &text->rules[rule].found;
}

uint64_t scan_text_rows(const struct scan_text *text)
{
	return text->rows;
}

bool scan_text_is_encoded(const struct scan_text *text)
{
	return text->encoded.is_found;
}

bool scan_text_is_cut(const struct scan_text *text)
{
	return text->is_cut;
}
