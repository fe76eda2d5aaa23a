/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cipher.h"

/* FIPS 197 appendix C.1 */
static void a_block_is_that_of_the_standard(void **state)
{
	static const uint8_t expected[] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30,
					   0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
	uint8_t key[CIPHER_KEY_SIZE], block[CIPHER_BLOCK_SIZE], made[CIPHER_BLOCK_SIZE];

	(void)state;
	for (uint8_t i = 0; i < 16; i++) {
		key[i] = i;
		block[i] = (uint8_t)(i << 4 | i);
	}
	assert_int_equal(cipher_encrypt_block(key, block, made), 0);
	assert_memory_equal(made, expected, sizeof(expected));
}

/* The GCM specification's test case 2: all zeros. */
static const uint8_t sealed_zeros[] = {0x03, 0x88, 0xda, 0xce, 0x60, 0xb6, 0xa3, 0x92,
				       0xf3, 0x28, 0xc2, 0xb9, 0x71, 0xb2, 0xfe, 0x78,
				       0xab, 0x6e, 0x47, 0xd4, 0x2c, 0xec, 0x13, 0xbd,
				       0xf5, 0x3a, 0x67, 0xb2, 0x12, 0x57, 0xbd, 0xdf};
static const uint8_t zeros[16];

static void what_was_sealed_is_opened(void **state)
{
	const struct cipher_sealed sealed = {.data = sealed_zeros, .size = sizeof(sealed_zeros)};
	uint8_t plain[16] = {1};

	(void)state;
	assert_int_equal(cipher_open(zeros, zeros, &sealed, plain), 0);
	assert_memory_equal(plain, zeros, sizeof(zeros));
}

static void what_was_changed_is_not_believed(void **state)
{
	uint8_t changed[sizeof(sealed_zeros)], plain[16];
	struct cipher_sealed sealed = {.data = changed, .size = sizeof(changed)};

	(void)state;
	memcpy(changed, sealed_zeros, sizeof(changed));
	changed[20] ^= 1;
	assert_int_equal(cipher_open(zeros, zeros, &sealed, plain), -EBADMSG);
	changed[20] ^= 1;
	sealed.more = zeros;
	sealed.more_size = 1;
	assert_int_equal(cipher_open(zeros, zeros, &sealed, plain), -EBADMSG);
	sealed.size = CIPHER_TAG_SIZE;
	assert_int_equal(cipher_open(zeros, zeros, &sealed, plain), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_that_of_the_standard),
		cmocka_unit_test(what_was_sealed_is_opened),
		cmocka_unit_test(what_was_changed_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
