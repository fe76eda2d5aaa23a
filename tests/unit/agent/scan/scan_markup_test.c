/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/scan/scan_markup.h"
#include "agent/scan/scan_text.h"

static int given_a_scanner(void **state)
{
	static const struct scan_rule rules[] = {
		{POLICY_RECORD_PATTERN, "policy-number", "P20\\d{8}"},
		{POLICY_RECORD_EMAIL, "email", ""},
	};
	static const uint8_t key[SIPHASH_KEY_BYTES] = "a key of a test";

	return scan_text_new(rules, 2, key, (struct scan_text **)state);
}

static int clean_up(void **state)
{
	scan_text_free(*state);
	return 0;
}

/* Whole, and in pieces that cut tags anywhere. */
static void assert_finds(struct scan_text *text, const char *markup, size_t n_numbers,
			 size_t n_addresses)
{
	size_t size = strlen(markup);

	for (size_t piece = size; piece > 0; piece = piece > 3 ? 3 : piece - 1) {
		struct scan_markup state = {};

		scan_text_restart(text);
		for (size_t at = 0; at < size; at += piece)
			scan_markup_feed(&state, text, (const uint8_t *)markup + at,
					 piece < size - at ? piece : size - at);
		assert_true(scan_text_end(text));
		assert_int_equal(scan_text_found(text, 0)->n_items, n_numbers);
		assert_int_equal(scan_text_found(text, 1)->n_items, n_addresses);
	}
}

static void runs_are_joined_and_cells_are_not(void **state)
{
	assert_finds(*state, "<w:p><w:t>P2020</w:t></w:r><w:r><w:t>123456</w:t></w:p>", 1, 0);
	assert_finds(*state, "<si><t>P2020123456</t></si><si><t>P2020123457</t></si>", 2, 0);
	assert_finds(*state, "<c><v>P2020123456</v></c><c><v>P2020123457</v></c>", 2, 0);
}

static void a_prefix_of_a_name_is_the_writers_choice(void **state)
{
	assert_finds(*state,
		     "<x:si><x:t>P2020123456</x:t></x:si><x:si><x:t>P2020123457</x:t></x:si>", 2,
		     0);
	assert_finds(*state,
		     "<c:pt><c:v>P2020123456</c:v></c:pt><c:pt><c:v>P2020123457</c:v></c:pt>", 2,
		     0);
	assert_finds(*state, "<p:cm><p:text>P2020123456</p:text></p:cm><p:cm>P2020123457</p:cm>", 2,
		     0);
}

static void text_that_is_quoted_as_a_whole_is_read(void **state)
{
	assert_finds(*state, "<w:t><![CDATA[P2020123456]]></w:t>", 1, 0);
	assert_finds(*state, "<t><![CDATA[<b>]P2020123456]] >x]]></t><t>,P2020123457</t>", 2, 0);
	assert_finds(*state, "<t>P2020<![CDATA[123456]]></t>", 1, 0);
	/* A declaration is none. */
	assert_finds(*state, "<!DOCTYPE P2020123457><t>P2020123456</t>", 1, 0);
}

static void characters_that_are_named_by_number_are_read(void **state)
{
	assert_finds(*state, "<t>P&#50;020123456</t>", 1, 0);
	assert_finds(*state, "<t>li&#x40;corp.cn</t>", 0, 1);
	assert_finds(*state, "<t>li&#X40;corp.cn</t>", 0, 0);
	assert_finds(*state, "<t>&#20445;&#21333;P2020123456&#65292;P2020123457&#13;</t>", 2, 0);
	assert_finds(*state, "<t>&lt;P2020123456&gt;&amp;li@corp.cn&#;</t>", 1, 1);
	assert_finds(*state, "<t>&P2020123456;R&D,P2020123457 &&#50;</t>", 2, 0);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_scanner, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(runs_are_joined_and_cells_are_not),
		STORY(a_prefix_of_a_name_is_the_writers_choice),
		STORY(text_that_is_quoted_as_a_whole_is_read),
		STORY(characters_that_are_named_by_number_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
