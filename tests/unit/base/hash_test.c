/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/hash.h"

/* FIPS 180-2, appendix B.1. */
#define SHA256_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void the_digest_is_the_standards(void **state)
{
	uint8_t digest[HASH_SHA256_SIZE];
	char hex[HASH_SHA256_HEX_SIZE];

	(void)state;
	assert_int_equal(hash_sha256("abc", 3, digest), 0);
	hash_to_hex(digest, sizeof(digest), hex);
	assert_string_equal(hex, SHA256_OF_ABC);
	assert_int_equal(hash_sha256(NULL, 0, digest), 0);
	hash_to_hex(digest, sizeof(digest), hex);
	assert_string_equal(hex, SHA256_OF_NOTHING);
}

/* RFC 4231, test case 2. */
static void the_keyed_digest_is_the_standards(void **state)
{
	uint8_t digest[HASH_SHA256_SIZE];
	char hex[HASH_SHA256_HEX_SIZE];

	(void)state;
	assert_int_equal(hash_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest),
			 0);
	hash_to_hex(digest, sizeof(digest), hex);
	assert_string_equal(hex,
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void an_empty_key_is_a_key(void **state)
{
	uint8_t digest[HASH_SHA256_SIZE];
	char hex[HASH_SHA256_HEX_SIZE];

	(void)state;
	assert_int_equal(hash_hmac_sha256(NULL, 0, "", 0, digest), 0);
	hash_to_hex(digest, sizeof(digest), hex);
	assert_string_equal(hex,
			    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void a_file_hashes_as_its_content(void **state)
{
	char path[] = "/tmp/weir-hash-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	char hex[HASH_SHA256_HEX_SIZE];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(hash_sha256_file(path, hex), 0);
	assert_string_equal(hex, SHA256_OF_ABC);
	unlink(path);
}

static void hashing_leaves_the_offset_of_a_descriptor(void **state)
{
	char path[] = "/tmp/weir-hash-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	char hex[HASH_SHA256_HEX_SIZE];

	(void)state;
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(hash_sha256_fd(fd, hex), 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 3);
	assert_string_equal(hex, SHA256_OF_ABC);
	unlink(path);
}

static void a_pipe_in_the_place_of_a_file_is_refused_at_once(void **state)
{
	char path[64];
	char hex[HASH_SHA256_HEX_SIZE] = "untouched";

	(void)state;
	snprintf(path, sizeof(path), "/tmp/weir-hash-fifo-%d", (int)getpid());
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(hash_sha256_file(path, hex), -EINVAL);
	assert_int_equal(hash_sha256_file("/nowhere", hex), -ENOENT);
	assert_string_equal(hex, "untouched");
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_digest_is_the_standards),
		cmocka_unit_test(the_keyed_digest_is_the_standards),
		cmocka_unit_test(an_empty_key_is_a_key),
		cmocka_unit_test(a_file_hashes_as_its_content),
		cmocka_unit_test(hashing_leaves_the_offset_of_a_descriptor),
		cmocka_unit_test(a_pipe_in_the_place_of_a_file_is_refused_at_once),
	};

	return cmocka_run_group_tests_name("base/hash", tests, NULL, NULL);
}
