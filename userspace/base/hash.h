/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

/*
 * SHA-256 and HMAC-SHA-256, for identities and pseudonyms. Outputs are
 * untouched on failure.
 */

#include <stddef.h>
#include <stdint.h>

#define HASH_SHA256_SIZE 32
#define HASH_SHA256_HEX_SIZE (2 * HASH_SHA256_SIZE + 1)

/* Returns 0, or -ENOMEM when the cryptographic library cannot. */
int hash_sha256(const void *data, size_t size, uint8_t ret_digest[HASH_SHA256_SIZE]);
int hash_hmac_sha256(const void *key, size_t key_size, const void *data, size_t size,
		     uint8_t ret_digest[HASH_SHA256_SIZE]);

/* Of a regular file's content, as lower-case hex with a final NUL. Returns 0, -ENOENT, -EACCES,
 * ..., or -EINVAL when path is no regular file. */
int hash_sha256_file(const char *path, char ret_hex[HASH_SHA256_HEX_SIZE]);
/* Likewise of an open file, from its start; the file offset stays. */
int hash_sha256_fd(int fd, char ret_hex[HASH_SHA256_HEX_SIZE]);

/* Writes 2 * size lower-case digits and a NUL. */
void hash_to_hex(const uint8_t *bytes, size_t size, char *ret_hex);

#endif
