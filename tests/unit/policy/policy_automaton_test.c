/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The kernel side reads by one table of all records and in pieces, the scanner of files by a table
 * of each and in a window: both find the same records in the same text.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/scan/scan_text.h"
#include "policy/policy_automaton.h"
#include "support/record_reader.h"

#define N_RECORDS 6
#define TEXT_BYTES 3000
#define N_TEXTS 400

static const struct policy_record records[N_RECORDS] = {
	{.name = "policy-number", .kind = POLICY_RECORD_PATTERN, .pattern = "P20\\d{8}"},
	{.name = "mobile", .kind = POLICY_RECORD_MOBILE, .pattern = ""},
	{.name = "resident-id", .kind = POLICY_RECORD_RESIDENT_ID, .pattern = ""},
	{.name = "email", .kind = POLICY_RECORD_EMAIL, .pattern = ""},
	{.name = "bank-card", .kind = POLICY_RECORD_BANK_CARD, .pattern = ""},
	{.name = "contract", .kind = POLICY_RECORD_PATTERN, .pattern = "C[-/]?\\d{6}[A-Z]+"},
};

static const uint8_t key[SIPHASH_KEY_BYTES] = "a key of a test";

struct story {
	struct weir_record_table table;
	struct record_reader reader;
	struct scan_text *text;
};

static int given_both_readers(void **state)
{
	struct story *story = calloc(1, sizeof(*story));
	struct scan_rule rules[N_RECORDS] = {};
	size_t n;

	for (size_t i = 0; i < N_RECORDS; i++) {
		rules[i].kind = records[i].kind;
		strcpy(rules[i].name, records[i].name);
		strcpy(rules[i].pattern, records[i].pattern);
	}
	*state = story;
	if (!story || scan_text_new(rules, N_RECORDS, key, &story->text) < 0 ||
	    policy_automaton_fill(records, N_RECORDS, key, &story->table, &n) < 0)
		return -1;
	story->reader.table = &story->table;
	return n == N_RECORDS ? 0 : -1;
}

static int clean_up(void **state)
{
	struct story *story = *state;

	scan_text_free(story->text);
	free(story);
	return 0;
}

static void read_both(struct story *story, const char *data, size_t size, size_t piece)
{
	memset(&story->reader.stream, 0, sizeof(story->reader.stream));
	story->reader.n_found = 0;
	for (size_t at = 0; at < size; at += piece) {
		size_t bytes = piece < size - at ? piece : size - at;

		record_reader_feed(&story->reader, (const uint8_t *)data + at, bytes);
		record_reader_finish(&story->reader);
	}
	for (uint32_t i = 0; i < story->reader.stream.n_maybes && i < WEIR_RECORD_MAYBES; i++)
		record_reader_note(&story->reader, story->reader.stream.maybes[i].rule,
				   story->reader.stream.maybes[i].fingerprint);
	scan_text_restart(story->text);
	scan_text_feed(story->text, (const uint8_t *)data, size);
	scan_text_end(story->text);
}

static bool has_found(const struct story *story, uint32_t rule, uint64_t fingerprint)
{
	for (size_t i = 0; i < story->reader.n_found; i++)
		if (story->reader.rules[i] == rule && story->reader.fingerprints[i] == fingerprint)
			return true;
	return false;
}

static size_t count_different(const struct story *story, uint32_t rule)
{
	size_t n = 0;

	for (size_t i = 0; i < story->reader.n_found; i++) {
		size_t j = 0;

		while (story->reader.rules[j] != rule ||
		       story->reader.fingerprints[j] != story->reader.fingerprints[i])
			if (j++ == i)
				break;
		n += j == i && story->reader.rules[i] == rule;
	}
	return n;
}

static void check_the_same(const struct story *story, const char *data, size_t size, size_t piece)
{
	for (uint32_t rule = 0; rule < N_RECORDS; rule++) {
		const struct scan_set *set = scan_text_found(story->text, rule);

		if (count_different(story, rule) != set->n_items)
			fail_msg(
				"%s: %zu in the kernel's way, %zu in a file's, in pieces of %zu of "
				"\"%.*s\"",
				records[rule].name, count_different(story, rule), set->n_items,
				piece, (int)size, data);
		for (size_t i = 0; i < set->n_slots; i++)
			assert_true(!set->slots[i] || has_found(story, rule, set->slots[i]));
	}
}

static void check_text(struct story *story, const char *text)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		read_both(story, text, strlen(text), piece);
		check_the_same(story, text, strlen(text), piece);
	}
}

static void what_people_write_counts_as_in_a_file_wherever_it_is_cut(void **state)
{
	static const char *const texts[] = {
		"13900001234,139-0000-1234\n139 0000 1234\n+8613900001234;86 13900001234 "
		"+86-139-0000-1235 008613900001236",
		"Li.Wei@corp.cn li.wei@CORP.cn a@b.cn. c@d.cn.x e@f.co-g",
		"11010519491231002X 11010519491231002x 110105194912310021 440524188001010014",
		"{\"note\":\"call\\n13900001234\"} \\u624b\\u673a13900001237 \\t139000012388",
		"13900001234.56 0.13900001234 a13900001234f 213900001234 13900001239.",
		"4111111111111111 4111 1111 1111 1111 4111-1111-1111-1112 378282246310005",
		"P2020000001 P2020000002,P20200000034 xP2020000005 P2020000006",
		"C-123456AB C/123456X C123456 C123456abc C-123456A.b@c.de",
		"4111 1111 1111 139 0000 1234 6222021234567 13900004321 P2020000009@x.cn",
		"",
	};

	for (size_t i = 0; texts[i][0]; i++)
		check_text(*state, texts[i]);
	check_text(*state, "13900001234");
	assert_int_equal(((struct story *)*state)->reader.n_found, 1);
}

static size_t put_fragment(char *text, size_t room)
{
	static const char *const fragments[] = {"P2020",
						"139",
						"0000",
						"1234",
						"+86",
						"86",
						"0086",
						" ",
						"-",
						".",
						"@",
						",",
						"\n",
						"\"",
						"\\n",
						"\\u4e2d",
						"a",
						"li",
						"corp.cn",
						"4111",
						"1111",
						"11010519491231002X",
						"C",
						"/",
						"123456",
						"AB",
						"_",
						"%",
						"\xe4\xb8\xad",
						"13900001234",
						"P2020000001",
						"a.b@c.de",
						"4111111111111111",
						":",
						"\\",
						"\t",
						"0",
						"2"};
	const char *fragment = fragments[(size_t)rand() % (sizeof(fragments) / sizeof(*fragments))];
	size_t size = strlen(fragment);

	if (size > room)
		size = room;
	memcpy(text, fragment, size);
	return size;
}

static void any_text_in_any_pieces_counts_as_in_a_file(void **state)
{
	static char text[TEXT_BYTES];
	size_t n_records = 0;

	srand(20200201);
	for (int i = 0; i < N_TEXTS; i++) {
		size_t size = 1 + (size_t)rand() % TEXT_BYTES, piece = 1 + (size_t)rand() % 1500;

		for (size_t at = 0; at < size;)
			at += put_fragment(text + at, size - at);
		read_both(*state, text, size, piece);
		check_the_same(*state, text, size, piece);
		n_records += ((struct story *)*state)->reader.n_found;
	}
	assert_true(n_records > N_TEXTS);
}

static void what_is_no_text_is_told(void **state)
{
	struct story *story = *state;
	uint8_t noise[4096];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)rand();
	read_both(story, (const char *)noise, sizeof(noise), sizeof(noise));
	assert_true(record_is_binary(&story->reader.stream));
	read_both(story, "a,b\tc\r\n", 7, 7);
	assert_false(record_is_binary(&story->reader.stream));
}

/* A file's scanner takes all of such a token, the kernel's reader what ends early enough. */
static void what_is_too_long_for_the_kernel_is_told(void **state)
{
	struct story *story = *state;
	char text[sizeof("c@d.cn..") + RECORD_TOKEN_MAX + sizeof(".de")] = "c@d.cn..";

	memset(text + strlen(text), 'J', RECORD_TOKEN_MAX);
	strcat(text, ".de");
	read_both(story, text, strlen(text), 40);
	assert_int_equal(scan_text_found(story->text, 3)->n_items, 1);
	assert_true(story->reader.stream.is_cut);
	read_both(story, "c@d.cn.. JJ.de", 14, 40);
	assert_false(story->reader.stream.is_cut);
}

static bool is_cut(struct story *story, const char *text, size_t piece)
{
	read_both(story, text, strlen(text), piece);
	return story->reader.stream.is_cut;
}

/* What stands in a code is not read, as a file's scanner does not read it. */
static void what_is_written_in_a_code_is_told(void **state)
{
	static const char *const coded[] = {
		"P2020000001 a=li%40corp.cn&b=1",
		"row=P2020000001%2C13900001234",
		"name=%e5%bc%a0&n=13900001234",
		"P2020000001\r\nTransfer-Encoding: chunked\r\n\r\n",
		"transfer-encoding: chunked",
		"Content-Transfer-Encoding: quoted-printable\r\n\r\n13900001234=\r\n",
		"Content-Transfer-Encoding: base64\r\n",
		"P2020000001 dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZ"
		"yBhbmQgcnVucyBhd2F5IQ\r\n",
	};
	static const char *const plain[] = {
		"Content-Type: "
		"application/x-www-form-urlencoded\r\n\r\nP2020000001,13900001234\r\n",
		"P2020000001,5%,13900001234,100% of it,3%4",
		"GET /?a=1&b=P2020000001 HTTP/1.1\r\nAccept-Encoding: gzip, deflate, br\r\n",
		"Content-Type: multipart/form-data; boundary=-----1\r\nEncoding: 8bit\r\n",
		"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n13900001234",
	};

	for (size_t i = 0; i < sizeof(coded) / sizeof(*coded); i++)
		for (size_t piece = 1; piece < 100; piece++)
			if (!is_cut(*state, coded[i], piece))
				fail_msg("in pieces of %zu it is exact: %s", piece, coded[i]);
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		for (size_t piece = 1; piece < 100; piece++)
			if (is_cut(*state, plain[i], piece))
				fail_msg("in pieces of %zu it is an estimate: %s", piece, plain[i]);
}

/* An agent tells what may be a record when nothing follows for a while. */
static void more_that_may_be_records_than_are_kept_are_told(void **state)
{
	struct story *story = *state;

	read_both(story, "P2020000001+P2020000002", 23, 40);
	assert_int_equal(story->reader.stream.n_maybes, 2);
	check_the_same(story, "P2020000001+P2020000002", 23, 40);
	read_both(story, "P2020000001+P2020000002+P2020000003", 35, 40);
	assert_int_equal(scan_text_found(story->text, 0)->n_items, 3);
	assert_true(story->reader.stream.n_maybes > WEIR_RECORD_MAYBES);
	assert_false(story->reader.stream.is_cut);
}

/* Of more records than the table has room for the first ones count. */
static void what_does_not_fit_is_left_out(void **state)
{
	struct policy_record many[POLICY_MAX_RECORDS];
	struct story *story = *state;
	size_t n = 0;

	for (size_t i = 0; i < POLICY_MAX_RECORDS; i++)
		many[i] = (struct policy_record){.name = "many",
						 .pattern = i % 2 ? "[A-Z]{100}[0-9]{20}"
								  : "[A-Z0-9]{1,120}-\\d{6}"};
	assert_int_equal(policy_automaton_fill(many, POLICY_MAX_RECORDS, key, &story->table, &n),
			 0);
	assert_true(n > 0);
	assert_int_equal(story->table.n_rules, n);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_both_readers, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_people_write_counts_as_in_a_file_wherever_it_is_cut),
		STORY(any_text_in_any_pieces_counts_as_in_a_file),
		STORY(what_is_no_text_is_told),
		STORY(what_is_too_long_for_the_kernel_is_told),
		STORY(what_is_written_in_a_code_is_told),
		STORY(more_that_may_be_records_than_are_kept_are_told),
		STORY(what_does_not_fit_is_left_out),
	};

	return cmocka_run_group_tests_name("policy automaton", tests, NULL, NULL);
}
