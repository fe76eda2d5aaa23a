/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cipher.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"

DEFINE_CLEANUP(cipher_context_cleanup, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)

int cipher_encrypt_block(const uint8_t key[CIPHER_KEY_SIZE], const uint8_t block[CIPHER_BLOCK_SIZE],
			 uint8_t ret_block[CIPHER_BLOCK_SIZE])
{
	_cleanup_(cipher_context_cleanup) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t made[2 * CIPHER_BLOCK_SIZE];
	int size = 0;

	if (!context || EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL) != 1 ||
	    EVP_EncryptUpdate(context, made, &size, block, CIPHER_BLOCK_SIZE) != 1 ||
	    size != CIPHER_BLOCK_SIZE)
		return -ENOMEM;
	memcpy(ret_block, made, CIPHER_BLOCK_SIZE);
	return 0;
}

static bool decrypt(EVP_CIPHER_CTX *context, const struct cipher_sealed *sealed, uint8_t *ret_plain)
{
	int size = (int)(sealed->size - CIPHER_TAG_SIZE), n = 0;

	return EVP_DecryptUpdate(context, NULL, &n, sealed->more, (int)sealed->more_size) == 1 &&
	       EVP_DecryptUpdate(context, ret_plain, &n, sealed->data, size) == 1 && n == size;
}

int cipher_open(const uint8_t key[CIPHER_KEY_SIZE], const uint8_t iv[CIPHER_IV_SIZE],
		const struct cipher_sealed *sealed, uint8_t *ret_plain)
{
	_cleanup_(cipher_context_cleanup) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t tag[CIPHER_TAG_SIZE], rest[CIPHER_BLOCK_SIZE];
	int n = 0;

	if (sealed->size <= CIPHER_TAG_SIZE || sealed->size > INT_MAX ||
	    sealed->more_size > INT_MAX)
		return -EINVAL;
	memcpy(tag, sealed->data + sealed->size - CIPHER_TAG_SIZE, CIPHER_TAG_SIZE);
	if (!context || EVP_DecryptInit_ex(context, EVP_aes_128_gcm(), NULL, key, iv) != 1 ||
	    !decrypt(context, sealed, ret_plain) ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, CIPHER_TAG_SIZE, tag) != 1)
		return -ENOMEM;
	return EVP_DecryptFinal_ex(context, rest, &n) == 1 ? 0 : -EBADMSG;
}
