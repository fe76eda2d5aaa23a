/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/scan/scan_file.h"
#include "agent/scan/scan_inflate.h"
#include "agent/scan/scan_obstacle.h"
#include "agent/scan/scan_text.h"
#include "agent/scan/scan_zip.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "support/zip_fixture.h"

#define ROWS "P2020123456,13900001234\nP2020123457,13900001235\nP2020123456,13900001236\n"
#define TEXT(name, text, method)                        \
	{                                               \
		name, text, sizeof(text) - 1, method, 0 \
	}

static int given_a_scanner(void **state)
{
	static const struct scan_rule rules[] = {
		{POLICY_RECORD_PATTERN, "policy-number", "P20\\d{8}"},
		{POLICY_RECORD_MOBILE, "mobile", ""},
	};
	static const uint8_t key[SIPHASH_KEY_BYTES] = "a key of a test";

	return scan_text_new(rules, 2, key, (struct scan_text **)state);
}

static int clean_up(void **state)
{
	scan_text_free(*state);
	return 0;
}

static uint32_t scan_bytes(struct scan_text *text, const void *data, size_t size)
{
	_cleanup_close_ int fd = zip_fixture_open(data, size);

	return scan_file(fd, size, text);
}

static uint32_t scan_zip(struct scan_text *text, const struct zip_fixture_entry *entries, size_t n)
{
	size_t size;
	_cleanup_free_ uint8_t *archive = zip_fixture_make(entries, n, &size, NULL);

	return scan_bytes(text, archive, size);
}

static void assert_found(struct scan_text *text, size_t n_numbers, size_t n_mobiles)
{
	assert_int_equal(scan_text_found(text, 0)->n_items, n_numbers);
	assert_int_equal(scan_text_found(text, 1)->n_items, n_mobiles);
}

static void a_table_is_counted(void **state)
{
	struct scan_text *text = *state;

	assert_int_equal(scan_bytes(text, ROWS, sizeof(ROWS) - 1), 0);
	assert_found(text, 2, 3);
	assert_int_equal(scan_text_rows(text), 3);
	/* And another file begins at nothing. */
	assert_int_equal(scan_bytes(text, "none", 4), 0);
	assert_found(text, 0, 0);
}

static void gzip_is_unpacked_with_all_its_members(void **state)
{
	struct scan_text *text = *state;
	size_t size, size_more;
	_cleanup_free_ uint8_t *packed = zip_fixture_gzip(ROWS, sizeof(ROWS) - 1, &size);
	_cleanup_free_ uint8_t *more = zip_fixture_gzip("P2020999999\n", 12, &size_more);
	_cleanup_free_ uint8_t *both = calloc(1, size + size_more + 512);

	memcpy(both, packed, size);
	memcpy(both + size, more, size_more);
	assert_int_equal(scan_bytes(text, both, size + size_more + 512), 0);
	assert_found(text, 3, 3);
	assert_int_equal(scan_bytes(text, both, size - 9), SCAN_DAMAGED);
	both[size / 2] ^= 0x55;
	assert_true(scan_bytes(text, both, size) & SCAN_DAMAGED);
}

static void what_stands_behind_packed_text_is_told(void **state)
{
	struct scan_text *text = *state;
	size_t size;
	_cleanup_free_ uint8_t *packed = zip_fixture_gzip(ROWS, sizeof(ROWS) - 1, &size);
	/* More zeros than are read at once. */
	_cleanup_free_ uint8_t *longer = calloc(1, 2 * size + 40000);

	memcpy(longer, packed, size);
	assert_int_equal(scan_bytes(text, longer, size + 40000), 0);
	longer[size + 39000] = 'P';
	assert_int_equal(scan_bytes(text, longer, size + 40000), SCAN_DAMAGED);
	assert_found(text, 2, 3);
	memcpy(longer + size, "P2020999999\n", 12);
	assert_int_equal(scan_bytes(text, longer, size + 12), SCAN_DAMAGED);
	/* Some programs go on behind padding, some do not: nothing is missed. */
	memset(longer + size, 0, 40000);
	memcpy(longer + size + 40000, packed, size);
	assert_int_equal(scan_bytes(text, longer, 2 * size + 40000), 0);
	assert_int_equal(scan_text_rows(text), 6);
}

static void what_an_archive_does_not_speak_of_is_told(void **state)
{
	struct scan_text *text = *state;
	const struct zip_fixture_entry entries[] = {TEXT("a.csv", ROWS, 8), TEXT("b", ROWS, 0)};
	struct zip_fixture_places places;
	size_t size;
	_cleanup_free_ uint8_t *archive = zip_fixture_make(entries, 2, &size, &places);
	_cleanup_free_ uint8_t *longer = calloc(1, size + 100);
	size_t behind = size - places.directory;

	/* Fewer entries than its directory has. */
	memcpy(longer, archive, size);
	longer[places.end + 8] = longer[places.end + 10] = 1;
	assert_int_equal(scan_bytes(text, longer, size), SCAN_DAMAGED);
	/* A gap before the directory. */
	memcpy(longer, archive, places.directory);
	memset(longer + places.directory, 'x', 100);
	memcpy(longer + places.directory + 100, archive + places.directory, behind);
	bytes_put32(longer + places.end + 100 + 16, (uint32_t)places.directory + 100);
	assert_int_equal(scan_bytes(text, longer, size + 100), SCAN_DAMAGED);
	assert_found(text, 2, 3);
	/* The entry says more of its packed bytes than the stream in them has. */
	memcpy(longer, archive, size);
	longer[places.directory + 20] += 10;
	assert_true(scan_bytes(text, longer, size) & SCAN_DAMAGED);
}

static void a_zip_is_counted_through_all_its_entries(void **state)
{
	struct scan_text *text = *state;
	const struct zip_fixture_entry entries[] = {
		TEXT("folder/", "", 0),
		TEXT("folder/a.csv", ROWS, 8),
		TEXT("b.txt", "P2020555555\n", 0),
	};

	assert_int_equal(scan_zip(text, entries, 3), 0);
	assert_found(text, 3, 3);
	assert_int_equal(scan_zip(text, entries, 0), 0);
}

static void what_cannot_be_read_in_a_zip_is_told(void **state)
{
	struct scan_text *text = *state;
	struct zip_fixture_entry entries[] = {
		TEXT("a.csv", ROWS, 8),
		TEXT("b.csv", "P2020555555\n", 0),
	};
	size_t size;
	_cleanup_free_ uint8_t *inner = zip_fixture_make(entries, 2, &size, NULL);

	entries[1].flags = 1;
	assert_int_equal(scan_zip(text, entries, 2), SCAN_ENCRYPTED);
	assert_found(text, 2, 3);
	entries[1].flags = 0;
	entries[1].method = 12;
	assert_int_equal(scan_zip(text, entries, 2), SCAN_UNKNOWN_METHOD);
	entries[1] = (struct zip_fixture_entry){"c.zip", inner, size, 0, 0};
	assert_int_equal(scan_zip(text, entries, 2), SCAN_NESTED);
	entries[1] = (struct zip_fixture_entry)TEXT("p.png", "\x89PNG\0\0\0\1\2", 0);
	assert_int_equal(scan_zip(text, entries, 2), SCAN_NOT_TEXT);
	entries[1] = (struct zip_fixture_entry)TEXT("p.pdf", "%PDF-1.4", 0);
	assert_int_equal(scan_zip(text, entries, 2), SCAN_NOT_TEXT);
	assert_found(text, 2, 3);
}

static void a_spreadsheet_is_counted_by_its_strings_and_cells(void **state)
{
	struct scan_text *text = *state;
	const struct zip_fixture_entry entries[] = {
		TEXT("[Content_Types].xml", "<Types/>", 8),
		TEXT("xl/sharedStrings.xml",
		     "<sst><si><t>P2020123456</t></si><si><r><t>P20201</t></r><r><rPr><b/></rPr>"
		     "<t>23457</t></r></si><si><t>name</t></si></sst>",
		     8),
		TEXT("xl/worksheets/sheet1.xml",
		     "<row r=\"1\"><c t=\"s\"><v>0</v></c><c><v>13900001234</v></c></row>"
		     "<row r=\"2\"><c t=\"s\"><v>1</v></c><c><v>13900001235</v></c></row>",
		     8),
		TEXT("xl/media/image1.png", "\x89PNG\0\0\0", 0),
	};

	assert_int_equal(scan_zip(text, entries, 4), 0);
	assert_found(text, 2, 2);
}

static void a_document_is_counted_across_its_runs(void **state)
{
	struct scan_text *text = *state;
	const struct zip_fixture_entry entries[] = {
		TEXT("[Content_Types].xml", "<Types/>", 8),
		TEXT("word/document.xml",
		     "<w:document><w:p w:rsidR=\"13900009999\"><w:r><w:t>1390000</w:t></w:r>"
		     "<w:proofErr/><w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\">1234"
		     "</w:t></w:r></w:p><w:p><w:r><w:t>P2020123456</w:t></w:r></w:p><w:p><w:r>"
		     "<w:t>P2020</w:t></w:r></w:p><w:p><w:r><w:t>999999</w:t></w:r></w:p>",
		     8),
		TEXT("word/embeddings/sheet.xlsx", "PK\3\4....", 0),
	};

	assert_int_equal(scan_zip(text, entries, 2), 0);
	assert_found(text, 1, 1);
	assert_int_equal(scan_zip(text, entries, 3), SCAN_NESTED);
}

static void what_is_encoded_is_told_with_the_file(void **state)
{
	static const char mail[] = "P2020123456\n\nUDIwMjAxMjM0NTYsMTM5MDAwMDEyMzQKUDIwMjAxMjM0NTc"
				   "sMTM5MDAwMDEyMzUKUDIwMjAxMjM0NTYsMTM5MDAw\nMDEyMzYK\n";

	assert_int_equal(scan_bytes(*state, mail, sizeof(mail) - 1), SCAN_ENCODED);
	assert_found(*state, 1, 0);
	assert_int_equal(scan_bytes(*state, ROWS, sizeof(ROWS) - 1), 0);
}

static void a_bomb_is_given_up(void **state)
{
	struct scan_text *text = *state;
	size_t size, n_zeros = 32 << 20;
	_cleanup_free_ char *zeros = malloc(n_zeros);
	_cleanup_free_ uint8_t *bomb = NULL;

	memset(zeros, 'x', n_zeros);
	bomb = zip_fixture_gzip(zeros, n_zeros, &size);
	assert_true(scan_bytes(text, bomb, size) & SCAN_TOO_LARGE);
}

static void a_file_that_is_too_large_is_not_begun(void **state)
{
	struct scan_text *text = *state;
	_cleanup_close_ int fd = memfd_create("weir-test", MFD_CLOEXEC);

	assert_int_equal(scan_file(fd, SCAN_FILE_MAX_BYTES + 1, text), SCAN_TOO_LARGE);
	/* One that has become shorter than it was. */
	assert_int_equal(scan_file(fd, 100, text), SCAN_DAMAGED);
}

/* Every byte of the archive in turn, and every length: nothing is read that is not there. */
static void a_damaged_archive_is_told_and_does_no_harm(void **state)
{
	struct scan_text *text = *state;
	const struct zip_fixture_entry entries[] = {TEXT("a.csv", ROWS, 8), TEXT("b", ROWS, 0)};
	struct zip_fixture_places places;
	size_t size;
	_cleanup_free_ uint8_t *archive = zip_fixture_make(entries, 2, &size, &places);

	for (size_t at = 0; at < size; at++) {
		archive[at] ^= 0xff;
		scan_bytes(text, archive, size);
		archive[at] ^= 0xff;
		if (at >= 4)
			assert_true(scan_bytes(text, archive, at) & (SCAN_DAMAGED | SCAN_NOT_TEXT));
	}
	/* A directory beyond the end, and more entries than it holds. */
	memset(archive + places.end + 16, 0x7f, 4);
	assert_true(scan_bytes(text, archive, size) & SCAN_DAMAGED);
}

static void what_is_behind_the_directory_is_read(void **state)
{
	struct scan_text *text = *state;
	const struct zip_fixture_entry entry = TEXT("a.csv", ROWS, 8);
	struct zip_fixture_places places;
	size_t size;
	_cleanup_free_ uint8_t *archive = zip_fixture_make(&entry, 1, &size, &places);

	for (size_t n = 1; n < 20000; n = n * 3 + 1) {
		_cleanup_free_ uint8_t *longer = malloc(size + n);

		memset(longer, ' ', size + n);
		memcpy(longer, archive, size);
		longer[size - 2] = (uint8_t)n;
		longer[size - 1] = (uint8_t)(n >> 8);
		assert_int_equal(scan_bytes(text, longer, size + n), 0);
		assert_found(text, 2, 3);
		if (n < 20)
			continue;
		memcpy(longer + size + n - 13, ",P2020777777,", 13);
		assert_int_equal(scan_bytes(text, longer, size + n), 0);
		assert_found(text, 3, 3);
		/* No comment: somebody has put it behind. */
		longer[size - 2] = longer[size - 1] = 0;
		assert_int_equal(scan_bytes(text, longer, size + n), 0);
		assert_found(text, 3, 3);
	}
}

static void reasons_are_told_in_words(void **state)
{
	char words[600];

	(void)state;
	scan_obstacle_describe(SCAN_ENCRYPTED | SCAN_GONE, words, sizeof(words));
	assert_string_equal(words, "some of it is encrypted; it was gone");
	scan_obstacle_describe(SCAN_ALL_OBSTACLES, words, sizeof(words));
	assert_non_null(strstr(words, "ended at a limit"));
	scan_obstacle_describe(SCAN_ALL_OBSTACLES, words, 20);
	assert_int_equal(strlen(words), 19);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_scanner, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_table_is_counted),
		STORY(gzip_is_unpacked_with_all_its_members),
		STORY(what_stands_behind_packed_text_is_told),
		STORY(what_an_archive_does_not_speak_of_is_told),
		STORY(a_zip_is_counted_through_all_its_entries),
		STORY(what_cannot_be_read_in_a_zip_is_told),
		STORY(a_spreadsheet_is_counted_by_its_strings_and_cells),
		STORY(a_document_is_counted_across_its_runs),
		STORY(what_is_encoded_is_told_with_the_file),
		STORY(a_bomb_is_given_up),
		STORY(a_file_that_is_too_large_is_not_begun),
		STORY(a_damaged_archive_is_told_and_does_no_harm),
		STORY(what_is_behind_the_directory_is_read),
		STORY(reasons_are_told_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
