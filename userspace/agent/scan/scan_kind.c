/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_kind.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define RESIDENT_ID_BYTES 18
#define MOBILE_BYTES 11

/* The last byte of an escape in JSON is a letter or digit and belongs to no word. */
static bool is_behind_escape(const uint8_t *data, size_t at)
{
	if (at >= 2 && data[at - 2] == '\\' && strchr("nrtbf", data[at - 1]))
		return true;
	if (at < 6 || data[at - 6] != '\\' || data[at - 5] != 'u')
		return false;
	for (size_t i = at - 4; i < at; i++)
		if (!isxdigit(data[i]))
			return false;
	return true;
}

bool scan_kind_is_word(uint8_t byte)
{
	return byte < 0x80 && (isalnum(byte) || byte == '_');
}

static int word_may_begin(const uint8_t *data, size_t at)
{
	return at == 0 || !scan_kind_is_word(data[at - 1]) || is_behind_escape(data, at);
}

static int word_may_end(const uint8_t *data, size_t size, size_t at)
{
	return at >= size || !scan_kind_is_word(data[at]);
}

/* Digits behind a decimal point are no number of anybody. */
static int digits_may_begin(const uint8_t *data, size_t at)
{
	if (at >= 2 && data[at - 1] == '.' && isdigit(data[at - 2]))
		return false;
	return word_may_begin(data, at);
}

static int digits_may_end(const uint8_t *data, size_t size, size_t at)
{
	if (at + 1 < size && data[at] == '.' && isdigit(data[at + 1]))
		return false;
	return word_may_end(data, size, at);
}

static bool is_email_byte(uint8_t byte)
{
	return scan_kind_is_word(byte) || (byte < 0x80 && byte > 0 && strchr(".%+-", byte));
}

static int email_may_begin(const uint8_t *data, size_t at)
{
	return at == 0 || !is_email_byte(data[at - 1]) || is_behind_escape(data, at);
}

/* The full stop of a sentence may follow, another part of the name may not. */
static int email_may_end(const uint8_t *data, size_t size, size_t at)
{
	if (at >= size)
		return true;
	if (data[at] == '.')
		return at + 1 >= size || !scan_kind_is_word(data[at + 1]);
	return !scan_kind_is_word(data[at]) && data[at] != '-' && data[at] != '@';
}

static size_t copy_as_it_is(const uint8_t *text, size_t size, char *token)
{
	memcpy(token, text, size);
	return size;
}

static size_t copy_lower(const uint8_t *text, size_t size, char *token)
{
	for (size_t i = 0; i < size; i++)
		token[i] = (char)tolower(text[i]);
	return size;
}

static size_t copy_digits(const uint8_t *text, size_t size, char *token)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		if (isdigit(text[i]))
			token[n++] = (char)text[i];
	return n;
}

/* Without the prefix of the country. */
static size_t normalise_mobile(const uint8_t *text, size_t size, char *token)
{
	size_t n = copy_digits(text, size, token);

	if (n < MOBILE_BYTES)
		return 0;
	memmove(token, token + n - MOBILE_BYTES, MOBILE_BYTES);
	return MOBILE_BYTES;
}

static unsigned int number_at(const uint8_t *text, size_t n_digits)
{
	unsigned int number = 0;

	for (size_t i = 0; i < n_digits; i++)
		number = number * 10 + (unsigned int)(text[i] - '0');
	return number;
}

static bool is_birthday(const uint8_t *text)
{
	static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned int year = number_at(text, 4), month = number_at(text + 4, 2);
	unsigned int day = number_at(text + 6, 2);

	return year >= 1850 && year < 2100 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= days[month - 1];
}

/* GB 11643-1999; its check is ISO 7064 MOD 11-2: the weights are powers of 2 modulo 11. */
static size_t normalise_resident_id(const uint8_t *text, size_t size, char *token)
{
	static const char checks[] = "10X98765432";
	unsigned int sum = 0;

	if (size != RESIDENT_ID_BYTES || !is_birthday(text + 6))
		return 0;
	for (size_t i = 0; i + 1 < size; i++)
		sum = (sum * 2 + (unsigned int)(text[i] - '0')) % 11;
	if (checks[sum * 2 % 11] != toupper(text[size - 1]))
		return 0;
	memcpy(token, text, size);
	token[size - 1] = (char)toupper(text[size - 1]);
	return size;
}

/* ISO/IEC 7812-1, annex B: every second digit from the right is doubled. */
static size_t normalise_bank_card(const uint8_t *text, size_t size, char *token)
{
	size_t n = copy_digits(text, size, token);
	unsigned int sum = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned int digit = (unsigned int)(token[n - 1 - i] - '0') << i % 2;

		sum += digit > 9 ? digit - 9 : digit;
	}
	return sum % 10 ? 0 : n;
}

static const struct scan_kind kinds[] = {
	[POLICY_RECORD_PATTERN] = {.may_begin = word_may_begin,
				   .may_end = word_may_end,
				   .normalise = copy_as_it_is},
	[POLICY_RECORD_MOBILE] = {.may_begin = digits_may_begin,
				  .may_end = digits_may_end,
				  .normalise = normalise_mobile},
	[POLICY_RECORD_RESIDENT_ID] = {.may_begin = digits_may_begin,
				       .may_end = digits_may_end,
				       .normalise = normalise_resident_id},
	[POLICY_RECORD_EMAIL] = {.may_begin = email_may_begin,
				 .may_end = email_may_end,
				 .normalise = copy_lower},
	[POLICY_RECORD_BANK_CARD] = {.may_begin = digits_may_begin,
				     .may_end = digits_may_end,
				     .normalise = normalise_bank_card},
};

const struct scan_kind *scan_kind_of(enum policy_record_kind kind)
{
	return &kinds[kind < sizeof(kinds) / sizeof(kinds[0]) ? kind : POLICY_RECORD_PATTERN];
}
