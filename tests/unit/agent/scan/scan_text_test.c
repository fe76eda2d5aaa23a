/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/scan/scan_text.h"
#include "base/cleanup.h"

enum {
	NUMBER,
	MOBILE,
	ID,
	EMAIL,
	CARD,
	N_RULES
};

static const struct scan_rule rules[N_RULES] = {
	[NUMBER] = {POLICY_RECORD_PATTERN, "policy-number", "P20\\d{8}"},
	[MOBILE] = {POLICY_RECORD_MOBILE, "mobile", ""},
	[ID] = {POLICY_RECORD_RESIDENT_ID, "resident-id", ""},
	[EMAIL] = {POLICY_RECORD_EMAIL, "email", ""},
	[CARD] = {POLICY_RECORD_BANK_CARD, "bank-card", ""},
};

static const uint8_t key[SIPHASH_KEY_BYTES] = "a key of a test";

static int given_a_scanner(void **state)
{
	return scan_text_new(rules, N_RULES, key, (struct scan_text **)state);
}

static int clean_up(void **state)
{
	scan_text_free(*state);
	return 0;
}

/* In pieces of every size, so that no token may depend on where a piece ends. */
static bool read_text(struct scan_text *text, const char *data, size_t size, size_t piece)
{
	scan_text_restart(text);
	for (size_t at = 0; at < size; at += piece)
		scan_text_feed(text, (const uint8_t *)data + at,
			       piece < size - at ? piece : size - at);
	return scan_text_end(text);
}

static size_t count(struct scan_text *text, int rule, const char *data)
{
	assert_true(read_text(text, data, strlen(data), SIZE_MAX));
	return scan_text_found(text, (size_t)rule)->n_items;
}

#define assert_finds(text, rule, data) assert_int_equal(count(text, rule, data), 1)
#define assert_finds_none(text, rule, data) assert_int_equal(count(text, rule, data), 0)

static void a_number_counts_once_however_it_is_written(void **state)
{
	struct scan_text *text = *state;

	assert_int_equal(count(text, MOBILE,
			       "13900001234,139-0000-1234\n139 0000 1234\n+8613900001234;"
			       "86 13900001234 +86-139-0000-1234 008613900001234"),
			 1);
	assert_int_equal(count(text, MOBILE, "13900001234,13900001235\n"), 2);
	assert_int_equal(count(text, EMAIL, "Li.Wei@corp.cn li.wei@CORP.cn"), 1);
	assert_int_equal(count(text, ID, "11010519491231002X 11010519491231002x"), 1);
}

static void a_mobile_number_is_one_by_its_prefix_and_what_stands_around_it(void **state)
{
	struct scan_text *text = *state;

	assert_finds(text, MOBILE, "电话13900001234，地址");
	assert_finds(text, MOBILE, "{\"phone\":\"13900001234\"}");
	assert_finds(text, MOBILE, "{\"note\":\"call\\n13900001234\"}");
	assert_finds(text, MOBILE, "{\"note\":\"\\u624b\\u673a13900001234\"}");
	assert_finds(text, MOBILE, "13900001234.");
	assert_finds_none(text, MOBILE, "12900001234");
	assert_finds_none(text, MOBILE, "139000012345");
	assert_finds_none(text, MOBILE, "213900001234");
	assert_finds_none(text, MOBILE, "a13900001234f");
	assert_finds_none(text, MOBILE, "13900001234.56");
	assert_finds_none(text, MOBILE, "0.13900001234");
}

static void a_resident_id_has_a_birthday_and_a_check(void **state)
{
	struct scan_text *text = *state;

	/* The example of GB 11643-1999, and one with a digit. */
	assert_finds(text, ID, "11010519491231002X");
	assert_finds(text, ID, "440524188001010014");
	assert_finds_none(text, ID, "110105194912310021");
	assert_finds_none(text, ID, "110105194913310028");
	assert_finds_none(text, ID, "11010519491231002X1");
}

static void a_bank_card_passes_luhn(void **state)
{
	struct scan_text *text = *state;

	assert_finds(text, CARD, "4111111111111111");
	assert_finds(text, CARD, "4111 1111 1111 1111");
	assert_finds_none(text, CARD, "4111111111111112");
	assert_finds_none(text, CARD, "1111111111111117");
	assert_finds_none(text, CARD, "41111111111111111111");
}

static void an_email_ends_where_its_name_ends(void **state)
{
	struct scan_text *text = *state;

	assert_finds(text, EMAIL, "write to li.wei+crm@mail.corp.com.cn.");
	assert_finds(text, EMAIL, "<li@corp.cn>");
	assert_finds_none(text, EMAIL, "li@corp");
	assert_finds_none(text, EMAIL, "@corp.cn");
	assert_finds_none(text, EMAIL, "li@corp.c1");
	/* A number as a local part is part of the address. */
	assert_int_equal(count(text, MOBILE, "13900001234@139.com"), 0);
	assert_finds(text, EMAIL, "13900001234@139.com");
}

static void a_policy_number_is_a_word_of_its_own(void **state)
{
	struct scan_text *text = *state;

	assert_finds(text, NUMBER, "保单P2020123456，");
	assert_finds(text, NUMBER, "P2020123456,Zhang");
	assert_finds_none(text, NUMBER, "XP2020123456");
	assert_finds_none(text, NUMBER, "P20201234567");
	assert_finds_none(text, NUMBER, "P2020123456_old");
}

static void rows_are_lines_that_hold_a_record(void **state)
{
	struct scan_text *text = *state;

	count(text, MOBILE, "number,phone\nP2020123456,13900001234\n\nP2020123457,\nnone\n");
	assert_int_equal(scan_text_rows(text), 2);
	assert_int_equal(scan_text_found(text, NUMBER)->n_items, 2);
	count(text, MOBILE, "P2020123456\r\nP2020123457");
	assert_int_equal(scan_text_rows(text), 2);
}

/* 1,000 rows over several windows, in pieces that cut tokens anywhere. */
static void no_token_is_lost_between_two_pieces(void **state)
{
	static const size_t pieces[] = {1, 7, 4096, 16384, 100000};
	struct scan_text *text = *state;
	_cleanup_free_ char *data = NULL;
	size_t size;
	FILE *out = open_memstream(&data, &size);

	for (int i = 0; i < 1000; i++)
		fprintf(out, "P2020%06d,张伟,1390000%04d,%d Nanjing Rd,u%d@corp.cn,%*s\n", i, i, i,
			i, 150, "x");
	fclose(out);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_true(read_text(text, data, size, pieces[i]));
		assert_int_equal(scan_text_found(text, NUMBER)->n_items, 1000);
		assert_int_equal(scan_text_found(text, MOBILE)->n_items, 1000);
		assert_int_equal(scan_text_found(text, EMAIL)->n_items, 1000);
		assert_int_equal(scan_text_rows(text), 1000);
		assert_false(scan_text_is_cut(text));
	}
}

static void other_encodings_are_read(void **state)
{
	struct scan_text *text = *state;
	/* "保单" in GBK. */
	static const char gbk[] = "\xb1\xa3\xb5\xa5P2020123456\xa3\xac"
				  "13900001234\n";
	char utf16[200] = "\xff\xfe";
	size_t size = 2;

	assert_true(read_text(text, gbk, sizeof(gbk) - 1, SIZE_MAX));
	assert_int_equal(scan_text_found(text, NUMBER)->n_items, 1);
	assert_int_equal(scan_text_found(text, MOBILE)->n_items, 1);
	for (const char *c = "P2020123456\t13900001234\r\n"; *c; c++) {
		utf16[size++] = *c;
		utf16[size++] = 0;
	}
	assert_true(read_text(text, utf16, size, 3));
	assert_int_equal(scan_text_found(text, NUMBER)->n_items, 1);
	assert_int_equal(scan_text_found(text, MOBILE)->n_items, 1);
	assert_int_equal(scan_text_rows(text), 1);
	assert_false(read_text(text, utf16, size - 1, SIZE_MAX));
}

static void what_is_not_text_is_told(void **state)
{
	static const char binary[] = "P2020123456\0\1\2\3";
	struct scan_text *text = *state;

	assert_false(read_text(text, binary, sizeof(binary), SIZE_MAX));
	assert_false(read_text(text, "\1\2\3\4", 4, SIZE_MAX));
	assert_true(read_text(text, "", 0, 1));
}

static bool is_encoded(struct scan_text *text, const char *data)
{
	static const size_t pieces[] = {1, 7, SIZE_MAX};
	bool is = scan_text_is_encoded(text);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		read_text(text, data, strlen(data), pieces[i]);
		if (i > 0)
			assert_int_equal(scan_text_is_encoded(text), is);
		is = scan_text_is_encoded(text);
	}
	return is;
}

#define B64_20 "UDIwMjAxMjM0NTYsMTM5"
#define B64_60 B64_20 B64_20 B64_20

static void what_is_encoded_in_text_is_told(void **state)
{
	struct scan_text *text = *state;

	/* As base64(1) and MIME break lines, openssl(1) does, and JSON does not. */
	assert_true(is_encoded(text, "id\n" B64_60 "UDIwMjAxMjM0NTYs\nMTM="));
	assert_true(is_encoded(text, "\"" B64_60 "UDI+\n" B64_60 "UD/w\nMTM="));
	assert_true(is_encoded(text, "-\r\n" B64_60 "UDI+\r\n" B64_60 "UD/w\r\n"));
	assert_true(is_encoded(text, "{\"file\":\"" B64_60 B64_60 "==\"}"));
	/* xxd -p. */
	assert_true(is_encoded(text,
			       "50323032303132333435362c31333930303030313233340a503230323031\n"
			       "2c31333930303030313233350a50323032303132333435372c3133393030\n"));
	assert_true(is_encoded(text, "P2020123456," B64_60 B64_60 ",a\nnone\n"));
	assert_false(is_encoded(text, "P2020123456\n"));
}

static void what_is_only_long_is_not_taken_for_encoded(void **state)
{
	struct scan_text *text = *state;

	assert_false(is_encoded(text, ""));
	/* One checksum, as columns have it. */
	assert_false(is_encoded(text,
				"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
				"\n13900001234\n"));
	assert_false(is_encoded(text, B64_60 ",\n" B64_60 "\n"));
	assert_false(is_encoded(text, B64_60 "\n\n" B64_60 "\n"));
	assert_false(is_encoded(text, B64_60 "\nP2020123456," B64_60 "\n"));
	/* Lines of marks, and of words without a number. */
	assert_false(is_encoded(text,
				"////////////////////////////////////////////////////////////"
				"////////////////////////////////////////////////////////////"
				"============================================================"
				"============================================================"
				"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
	assert_false(is_encoded(text, "P2020123456\nP2020123457\nP2020123458\nP2020123459\n"
				      "P2020123456\nP2020123457\nP2020123458\nP2020123459\n"));
}

static void fingerprints_are_of_key_and_rule(void **state)
{
	struct scan_text *text = *state, *other = NULL;
	static const uint8_t other_key[SIPHASH_KEY_BYTES] = "another key";
	uint64_t ours = 0, theirs = 0;
	const struct scan_set *found;

	count(text, MOBILE, "13900001234");
	found = scan_text_found(text, MOBILE);
	for (size_t i = 0; i < found->n_slots; i++)
		ours |= found->slots[i];
	assert_int_equal(scan_text_new(rules, N_RULES, other_key, &other), 0);
	count(other, MOBILE, "13900001234");
	found = scan_text_found(other, MOBILE);
	for (size_t i = 0; i < found->n_slots; i++)
		theirs |= found->slots[i];
	scan_text_free(other);
	assert_true(ours != 0 && ours != theirs);
}

static void a_rule_that_is_none_is_refused(void **state)
{
	struct scan_rule wrong = {POLICY_RECORD_PATTERN, "w", "P20.*"};
	struct scan_text *text = NULL;

	(void)state;
	assert_int_equal(scan_text_new(&wrong, 1, key, &text), -EINVAL);
	wrong.kind = 99;
	assert_int_equal(scan_text_new(&wrong, 1, key, &text), -EINVAL);
	memset(wrong.name, 'x', sizeof(wrong.name));
	wrong.kind = POLICY_RECORD_MOBILE;
	assert_int_equal(scan_text_new(&wrong, 1, key, &text), -EINVAL);
	assert_int_equal(scan_text_new(rules, POLICY_MAX_RECORDS + 1, key, &text), -EINVAL);
	assert_null(text);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_scanner, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_number_counts_once_however_it_is_written),
		STORY(a_mobile_number_is_one_by_its_prefix_and_what_stands_around_it),
		STORY(a_resident_id_has_a_birthday_and_a_check),
		STORY(a_bank_card_passes_luhn),
		STORY(an_email_ends_where_its_name_ends),
		STORY(a_policy_number_is_a_word_of_its_own),
		STORY(rows_are_lines_that_hold_a_record),
		STORY(no_token_is_lost_between_two_pieces),
		STORY(other_encodings_are_read),
		STORY(what_is_not_text_is_told),
		STORY(what_is_encoded_in_text_is_told),
		STORY(what_is_only_long_is_not_taken_for_encoded),
		STORY(fingerprints_are_of_key_and_rule),
		STORY(a_rule_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
