/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/tls_session.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "wire/tls_reason.h"

static int session_set_bios(struct tls_session *session)
{
	session->input = BIO_new(BIO_s_mem());
	session->output = BIO_new(BIO_s_mem());
	if (!session->input || !session->output) {
		BIO_free(session->input);
		BIO_free(session->output);
		return -ENOMEM;
	}
	SSL_set_bio(session->ssl, session->input, session->output);
	return 0;
}

int tls_session_new(struct tls_context *context, struct tls_session **ret_session)
{
	struct tls_session *session;

	session = calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->is_server = context->is_server;
	snprintf(session->wanted_name, sizeof(session->wanted_name), "%s", context->peer_name);
	session->ssl = SSL_new(context->ssl_context);
	if (!session->ssl || session_set_bios(session) < 0) {
		tls_session_free(session);
		return -ENOMEM;
	}
	if (context->is_server) {
		SSL_set_accept_state(session->ssl);
	} else {
		SSL_set_hostflags(session->ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
		if (SSL_set1_host(session->ssl, context->peer_name) != 1) {
			tls_session_free(session);
			return -ENOMEM;
		}
		SSL_set_connect_state(session->ssl);
	}
	*ret_session = session;
	return 0;
}

void tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	SSL_free(session->ssl);
	free(session);
}

int tls_session_feed(struct tls_session *session, const void *data, size_t size)
{
	if (size == 0)
		return 0;
	if (size > INT_MAX || BIO_write(session->input, data, (int)size) != (int)size)
		return -ENOMEM;
	return 0;
}

size_t tls_session_pending(struct tls_session *session, const uint8_t **ret_data)
{
	char *data = NULL;
	long size = BIO_get_mem_data(session->output, &data);

	*ret_data = (const uint8_t *)data;
	return size > 0 ? (size_t)size : 0;
}

void tls_session_sent(struct tls_session *session, size_t size)
{
	uint8_t discarded[4096];

	while (size > 0) {
		int n = BIO_read(session->output, discarded,
				 size < sizeof(discarded) ? (int)size : (int)sizeof(discarded));

		if (n <= 0)
			return;
		size -= (size_t)n;
	}
}

/* Copies the first common name when it is a name that Weir gives out. */
static int certificate_get_name(X509 *certificate, char ret_name[IDENTITY_NAME_MAX_BYTES + 1])
{
	char name[IDENTITY_NAME_MAX_BYTES + 1];
	int size = X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
					     name, sizeof(name));

	/* A size that differs from the text's means a NUL inside. */
	if (size < 0 || strlen(name) != (size_t)size || identity_check_name(name) < 0)
		return -EINVAL;
	memcpy(ret_name, name, sizeof(name));
	return 0;
}

int tls_verify_peer(int is_good, X509_STORE_CTX *store)
{
	char name[IDENTITY_NAME_MAX_BYTES + 1];
	X509 *certificate = X509_STORE_CTX_get_current_cert(store);

	if (!is_good || X509_STORE_CTX_get_error_depth(store) != 0 || !certificate)
		return is_good;
	/* OpenSSL takes a certificate without extended key usage as good for every role. */
	if (!(X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
		return 0;
	}
	if (certificate_get_name(certificate, name) < 0) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_SUBJECT_ISSUER_MISMATCH);
		return 0;
	}
	return 1;
}

static int session_fail(struct tls_session *session)
{
	const struct tls_failure failure = {
		.we_are_collector = session->is_server,
		.is_open = session->is_open,
		.wanted_name = session->wanted_name,
		.verify_error = SSL_get_verify_result(session->ssl),
		.ssl_error = ERR_peek_last_error(),
	};

	if (!session->reason[0])
		tls_reason_describe(&failure, session->reason, sizeof(session->reason));
	ERR_clear_error();
	return -EPROTO;
}

int tls_session_handshake(struct tls_session *session)
{
	X509 *certificate;
	int r;

	if (session->is_open)
		return 1;
	ERR_clear_error();
	r = SSL_do_handshake(session->ssl);
	if (r != 1)
		return SSL_get_error(session->ssl, r) == SSL_ERROR_WANT_READ
			       ? 0
			       : session_fail(session);
	certificate = SSL_get0_peer_certificate(session->ssl);
	if (!certificate || certificate_get_name(certificate, session->peer_name) < 0)
		return session_fail(session);
	session->is_open = true;
	return 1;
}

int tls_session_read(struct tls_session *session, void *buffer, size_t size)
{
	int r;

	ERR_clear_error();
	r = SSL_read(session->ssl, buffer, size > INT_MAX ? INT_MAX : (int)size);
	if (r > 0)
		return r;
	switch (SSL_get_error(session->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return -EPIPE;
	default:
		return session_fail(session);
	}
}

int tls_session_write(struct tls_session *session, const void *data, size_t size)
{
	if (size == 0)
		return 0;
	ERR_clear_error();
	/* The output is a memory BIO: it takes everything or memory is out. */
	if (size > INT_MAX || SSL_write(session->ssl, data, (int)size) != (int)size)
		return session_fail(session);
	return 0;
}

void tls_session_finish(struct tls_session *session)
{
	ERR_clear_error();
	if (session->is_open)
		SSL_shutdown(session->ssl);
	ERR_clear_error();
}

const char *tls_session_peer_name(const struct tls_session *session)
{
	return session->is_open ? session->peer_name : NULL;
}

const char *tls_session_reason(const struct tls_session *session)
{
	return session->reason[0] ? session->reason : "the connection ended";
}
