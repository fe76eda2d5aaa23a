/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_BASE_CIPHER_H
#define WEIR_BASE_CIPHER_H

/* AES-128, for what others sent under keys that everybody can derive. Outputs are untouched on
 * failure. */

#include <stddef.h>
#include <stdint.h>

#define CIPHER_KEY_SIZE 16
#define CIPHER_BLOCK_SIZE 16
#define CIPHER_IV_SIZE 12
#define CIPHER_TAG_SIZE 16

/* One block (ECB). 0 or -ENOMEM. */
int cipher_encrypt_block(const uint8_t key[CIPHER_KEY_SIZE], const uint8_t block[CIPHER_BLOCK_SIZE],
			 uint8_t ret_block[CIPHER_BLOCK_SIZE]);

struct cipher_sealed {
	const uint8_t *data; /* with the tag behind it */
	size_t size;
	const uint8_t *more; /* that is authenticated, too */
	size_t more_size;
};

/* GCM. ret_plain has room for sealed->size - CIPHER_TAG_SIZE bytes, and is overwritten also where
 * the tag is wrong. 0, -EBADMSG when it is, -EINVAL when there is none, -ENOMEM. */
int cipher_open(const uint8_t key[CIPHER_KEY_SIZE], const uint8_t iv[CIPHER_IV_SIZE],
		const struct cipher_sealed *sealed, uint8_t *ret_plain);

#endif
