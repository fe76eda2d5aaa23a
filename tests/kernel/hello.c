/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

size_t hello_make(const char *host, char ret_hello[HELLO_BYTES])
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *tls = SSL_new(context);
	int bytes;

	SSL_set_bio(tls, in, out);
	if (host)
		assert_int_equal(SSL_set_tlsext_host_name(tls, host), 1);
	SSL_connect(tls); /* there is nobody to answer */
	ERR_clear_error();
	bytes = BIO_read(out, ret_hello, HELLO_BYTES);
	assert_true(bytes > 100);
	SSL_free(tls);
	SSL_CTX_free(context);
	return (size_t)bytes;
}

/* The length of the hello, of its handshake and of its extensions grow with it. */
size_t hello_make_front(const char *host, char ret_hello[HELLO_BYTES])
{
	static const char more[] = {(char)0xfe, 0x0d, 0, 2, 1, 0};
	size_t bytes = hello_make(host, ret_hello), at = 43;

	at += 1 + (size_t)(uint8_t)ret_hello[at];
	at += 2 + (size_t)((uint8_t)ret_hello[at] << 8 | (uint8_t)ret_hello[at + 1]);
	at += 1 + (size_t)(uint8_t)ret_hello[at];
	for (size_t place = 3;; place = place == 3 ? 7 : at) {
		unsigned int length =
			(uint8_t)ret_hello[place] << 8 | (uint8_t)ret_hello[place + 1];

		length += sizeof(more);
		ret_hello[place] = (char)(length >> 8);
		ret_hello[place + 1] = (char)length;
		if (place == at)
			break;
	}
	assert_true(bytes + sizeof(more) <= HELLO_BYTES);
	memcpy(ret_hello + bytes, more, sizeof(more));
	return bytes + sizeof(more);
}
