/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/quic_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/core_names.h>

#define VERSION_2 0x6b3343cfu
#define HEADER_BYTES 22 /* with a packet number of four */
#define NUMBER_AT 18
#define TAG_BYTES 16

static size_t read_hex(const char *text, uint8_t *ret_bytes)
{
	size_t n = strlen(text) / 2;

	for (size_t i = 0; i < n; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(text + 2 * i, "%2x", &byte), 1);
		ret_bytes[i] = (uint8_t)byte;
	}
	return n;
}

struct quic_client quic_client_of_rfc(void)
{
	struct quic_client client = {.version = 1, .number = 2};

	read_hex("8394c8f03e515708", client.id);
	read_hex("8394c8f03e515708", client.header);
	return client;
}

size_t quic_client_rfc_frame(uint8_t ret_frame[QUIC_CLIENT_ROOM_BYTES])
{
	return read_hex("060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
			"04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
			"616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
			"04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
			"baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
			"0d0010000e0403050306030203080408050806002d00020101001c0002400100"
			"3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
			"75300901100f088394c8f03e51570806048000ffff",
			ret_frame);
}

/* RFC 9000 16, in two bytes. */
static void put_number(uint8_t *to, size_t number)
{
	to[0] = (uint8_t)(0x40 | number >> 8);
	to[1] = (uint8_t)number;
}

size_t quic_client_add_frame(uint8_t frames[QUIC_CLIENT_ROOM_BYTES], size_t used,
			     const uint8_t *hello, size_t offset, size_t bytes)
{
	assert_true(used + 5 + bytes <= QUIC_CLIENT_ROOM_BYTES);
	frames[used] = 6;
	put_number(frames + used + 1, offset);
	put_number(frames + used + 3, bytes);
	memcpy(frames + used + 5, hello + offset, bytes);
	return used + 5 + bytes;
}

/* mode: EXTRACT_ONLY with what is in the salt, or EXPAND_ONLY. */
static void derive(int mode, const uint8_t *key, size_t key_bytes, const uint8_t *more,
		   size_t more_bytes, uint8_t *ret_out, size_t bytes)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	const char *name =
		mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY ? OSSL_KDF_PARAM_SALT : OSSL_KDF_PARAM_INFO;
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, key_bytes),
		OSSL_PARAM_construct_octet_string(name, (void *)more, more_bytes),
		OSSL_PARAM_construct_end(),
	};

	assert_int_equal(EVP_KDF_derive(context, ret_out, bytes, parameters), 1);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
}

static void expand(const uint8_t secret[32], const char *label, uint8_t *ret_out, uint8_t bytes)
{
	uint8_t info[64] = {0, bytes, (uint8_t)(6 + strlen(label))};

	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, strlen(label));
	derive(EVP_KDF_HKDF_MODE_EXPAND_ONLY, secret, 32, info, 10 + strlen(label), ret_out, bytes);
}

static void derive_keys(const struct quic_client *client, uint8_t ret_key[16], uint8_t ret_iv[12],
			uint8_t ret_header_key[16])
{
	bool is_2 = client->version == VERSION_2;
	uint8_t salt[20], initial[32], secret[32];

	read_hex(is_2 ? "0dede3def700a6db819381be6e269dcbf9bd2ed9"
		      : "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
		 salt);
	derive(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, client->id, sizeof(client->id), salt, sizeof(salt),
	       initial, sizeof(initial));
	expand(initial, "client in", secret, sizeof(secret));
	expand(secret, is_2 ? "quicv2 key" : "quic key", ret_key, 16);
	expand(secret, is_2 ? "quicv2 iv" : "quic iv", ret_iv, 12);
	expand(secret, is_2 ? "quicv2 hp" : "quic hp", ret_header_key, 16);
}

static void put_header(const struct quic_client *client, uint8_t *to)
{
	to[0] = client->version == VERSION_2 ? 0xd3 : 0xc3;
	for (int i = 0; i < 4; i++) {
		to[1 + i] = (uint8_t)(client->version >> (24 - 8 * i));
		to[NUMBER_AT + i] = (uint8_t)(client->number >> (24 - 8 * i));
	}
	to[5] = 8;
	memcpy(to + 6, client->header, 8);
	to[14] = to[15] = 0; /* no id of its own, no token */
	put_number(to + 16, QUIC_CLIENT_DATAGRAM_BYTES - NUMBER_AT);
}

static void encrypt(const uint8_t key[16], const uint8_t iv[12], const uint8_t *plain,
		    uint8_t *datagram)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int n;

	assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, key, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(context, NULL, &n, datagram, HEADER_BYTES), 1);
	assert_int_equal(EVP_EncryptUpdate(context, datagram + HEADER_BYTES, &n, plain,
					   QUIC_CLIENT_ROOM_BYTES),
			 1);
	assert_int_equal(EVP_EncryptFinal_ex(context, NULL, &n), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
					     datagram + QUIC_CLIENT_DATAGRAM_BYTES - TAG_BYTES),
			 1);
	EVP_CIPHER_CTX_free(context);
}

static void cover_header(const uint8_t key[16], uint8_t *datagram)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	uint8_t mask[32];
	int n;

	assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL), 1);
	assert_int_equal(EVP_EncryptUpdate(context, mask, &n, datagram + NUMBER_AT + 4, 16), 1);
	EVP_CIPHER_CTX_free(context);
	datagram[0] ^= mask[0] & 0x0f;
	for (int i = 0; i < 4; i++)
		datagram[NUMBER_AT + i] ^= mask[1 + i];
}

void quic_client_seal(struct quic_client *client, const uint8_t *frames, size_t bytes,
		      uint8_t ret_datagram[QUIC_CLIENT_DATAGRAM_BYTES])
{
	uint8_t key[16], iv[12], header_key[16], plain[QUIC_CLIENT_ROOM_BYTES] = {};

	assert_true(bytes <= sizeof(plain));
	memcpy(plain, frames, bytes);
	derive_keys(client, key, iv, header_key);
	put_header(client, ret_datagram);
	for (int i = 0; i < 4; i++)
		iv[8 + i] ^= ret_datagram[NUMBER_AT + i];
	encrypt(key, iv, plain, ret_datagram);
	cover_header(header_key, ret_datagram);
	client->number++;
}
