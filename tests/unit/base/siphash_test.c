/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

/* The key 00 01 02 ... and texts 00 01 02 ... of the authors' reference (vectors.h). */
static void the_authors_vectors_come_out(void **state)
{
	static const struct {
		size_t size;
		uint64_t hash;
	} vectors[] = {
		{0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd}, {7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462},  {9, 0x9e0082df0ba9e4b0}, {15, 0xa129ca6149be45e5},
		{16, 0x3f2acc7f57c29bdb},
	};
	uint8_t key[SIPHASH_KEY_BYTES], text[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = text[i] = i;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		assert_true(siphash(key, text, vectors[i].size) == vectors[i].hash);
}

static void another_key_makes_another_fingerprint(void **state)
{
	uint8_t key[SIPHASH_KEY_BYTES] = {1}, other[SIPHASH_KEY_BYTES] = {2};

	(void)state;
	assert_true(siphash(key, "13900001234", 11) != siphash(other, "13900001234", 11));
	assert_true(siphash(key, "13900001234", 11) != siphash(key, "13900001235", 11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_authors_vectors_come_out),
		cmocka_unit_test(another_key_makes_another_fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
