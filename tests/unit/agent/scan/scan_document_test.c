/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/scan/scan_file.h"
#include "agent/scan/scan_obstacle.h"
#include "agent/scan/scan_text.h"
#include "base/cleanup.h"
#include "support/zip_fixture.h"

/* What is in a document beside the parts that everybody knows. */

#define PART(name, data)                           \
	{                                          \
		name, data, sizeof(data) - 1, 8, 0 \
	}
#define TYPES PART("[Content_Types].xml", "<Types/>")

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

static uint32_t scan(struct scan_text *text, const struct zip_fixture_entry *entries, size_t n)
{
	size_t size;
	_cleanup_free_ uint8_t *archive = zip_fixture_make(entries, n, &size, NULL);
	_cleanup_close_ int fd = zip_fixture_open(archive, size);

	return scan_file(fd, size, text);
}

/* A document with one number in its text, and a part. */
static uint32_t scan_beside(struct scan_text *text, struct zip_fixture_entry part)
{
	const struct zip_fixture_entry entries[] = {
		TYPES, PART("word/document.xml", "<w:p><w:t>P2020123456</w:t></w:p>"), part};

	return scan(text, entries, 3);
}

static void assert_found(struct scan_text *text, size_t n_numbers, size_t n_mobiles)
{
	assert_int_equal(scan_text_found(text, 0)->n_items, n_numbers);
	assert_int_equal(scan_text_found(text, 1)->n_items, n_mobiles);
}

#define assert_beside(text, name, data, obstacles, n_numbers, n_mobiles)                        \
	do {                                                                                    \
		assert_int_equal(scan_beside(text, (struct zip_fixture_entry)PART(name, data)), \
				 obstacles);                                                    \
		assert_found(text, n_numbers, n_mobiles);                                       \
	} while (0)

static void rows_in_a_form_that_is_not_read_are_told(void **state)
{
	struct scan_text *text = *state;

	assert_beside(text, "xl/worksheets/sheet1.bin", "\1\0\2P\0002\0000\0", SCAN_NOT_TEXT, 1, 0);
	assert_beside(text, "xl/model/item.data", "\0\0\1\2", SCAN_NOT_TEXT, 1, 0);
	assert_beside(text, "word/embeddings/object.bin", "\xd0\xcf\x11\xe0\0", SCAN_NOT_TEXT, 1,
		      0);
}

static void text_beside_the_markup_is_read(void **state)
{
	struct scan_text *text = *state;

	assert_beside(text, "word/afchunk.htm",
		      "<table><td>P2020999999</td><td>13900001234</td></table>", 0, 2, 1);
	assert_beside(text, "word/afchunk2.rtf", "{\\rtf1 P2020999999\\par 13900001234}", 0, 2, 1);
	assert_beside(text, "customers.csv", "P2020999999,13900001234\n", 0, 2, 1);
	assert_beside(text, "word/media/customers.csv", "P2020999999,13900001234\n", 0, 2, 1);
	assert_beside(text, "word/_rels/customers.rels", "P2020999999,13900001234\n", 0, 2, 1);
}

static void values_of_data_that_is_no_prose_stand_apart(void **state)
{
	struct scan_text *text = *state;

	assert_beside(text, "customXml/item1.xml",
		      "<customer><id>P2020999999</id><phone>13900001234</phone></customer>", 0, 2,
		      1);
	assert_beside(text, "docProps/custom.xml", "<v>P2020999999</v><w>13900001234</w>", 0, 2, 1);
	assert_beside(text, "data/customers.xml", "<id>P2020999999</id><tel>13900001234</tel>", 0,
		      2, 1);
	assert_beside(text, "xl/pivotCache/pivotCacheRecords1.xml",
		      "<r><s v=\"P2020999999\"/><s v=\"13900001234\"/></r>", 0, 2, 1);
}

static void pictures_and_fonts_are_not_missed(void **state)
{
	struct scan_text *text = *state;

	assert_beside(text, "word/media/image1.png", "\x89PNG\0\0", 0, 1, 0);
	assert_beside(text, "docProps/thumbnail.jpeg", "\xff\xd8\xff\xe0\0\x10JFIF\0", 0, 1, 0);
	assert_beside(text, "word/fonts/font1.odttf", "\1\2\0\3", 0, 1, 0);
	assert_beside(text, "xl/printerSettings/printerSettings1.bin", "\0\0H\0P\0", 0, 1, 0);
	/* Nor is what is written into one of them a record. */
	assert_beside(text, "word/media/image2.jpeg", "\xff\xd8\0 13900001234 ", 0, 1, 0);
	assert_beside(text, "word/media/list.zip", "PK\3\4\0\0", SCAN_NESTED, 1, 0);
}

static void a_long_name_hides_no_part(void **state)
{
	struct scan_text *text = *state;
	char name[300] = "word/";

	memset(name + 5, 'x', 200);
	strcpy(name + 205, ".xml");
	assert_beside(text, name, "<w:p><w:t>P2020</w:t><w:t>999999</w:t></w:p>", 0, 2, 0);
	strcpy(name + 205, ".bin");
	assert_beside(text, name, "\0\1", SCAN_NOT_TEXT, 1, 0);
}

static void a_name_beyond_all_measure_hides_none_either(void **state)
{
	struct scan_text *text = *state;
	char name[700] = "word/media/";

	memset(name + 11, 'x', 600);
	strcpy(name + 611, ".png");
	assert_beside(text, name, "P2020999999,13900001234\n", 0, 2, 1);
	assert_beside(text, name, "\0\1", SCAN_NOT_TEXT, 1, 0);
}

static void folders_are_parted_as_windows_does_too(void **state)
{
	struct scan_text *text = *state;

	assert_beside(text, "word\\footnotes.xml", "<w:p><w:t>P2020</w:t><w:t>999999</w:t></w:p>",
		      0, 2, 0);
	assert_beside(text, "/word/footnotes.xml", "<w:p><w:t>P2020</w:t><w:t>999999</w:t></w:p>",
		      0, 2, 0);
}

static void names_of_parts_are_the_same_in_capitals(void **state)
{
	const struct zip_fixture_entry entries[] = {
		PART("[CONTENT_TYPES].XML", "<Types/>"),
		PART("WORD/DOCUMENT.XML", "<w:p><w:t>P2020</w:t><w:t>123456</w:t></w:p>"),
		PART("WORD/MEDIA/IMAGE1.PNG", "\x89PNG\0\0")};

	assert_int_equal(scan(*state, entries, 3), 0);
	assert_found(*state, 1, 0);
}

static void markup_in_units_of_two_bytes_is_told(void **state)
{
	static const char utf16[] = "\xff\xfe<\0w\0:\0t\0>"
				    "\0P\0002\0000\0002\0000\0009\0009\0009\0009\0009\0009\0<\0/\0";
	struct scan_text *text = *state;

	assert_beside(text, "word/footnotes.xml", utf16, SCAN_NOT_TEXT, 2, 0);
	assert_true(scan_beside(text, (struct zip_fixture_entry){"word/footnotes.xml", utf16 + 2,
								 sizeof(utf16) - 3, 8, 0}) &
		    SCAN_NOT_TEXT);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_scanner, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(rows_in_a_form_that_is_not_read_are_told),
		STORY(text_beside_the_markup_is_read),
		STORY(values_of_data_that_is_no_prose_stand_apart),
		STORY(pictures_and_fonts_are_not_missed),
		STORY(a_long_name_hides_no_part),
		STORY(a_name_beyond_all_measure_hides_none_either),
		STORY(folders_are_parted_as_windows_does_too),
		STORY(names_of_parts_are_the_same_in_capitals),
		STORY(markup_in_units_of_two_bytes_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
