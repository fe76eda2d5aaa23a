/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/tls.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "wire/tls_session.h"

__attribute__((format(printf, 2, 3))) static void reason_set(char **ret_reason, const char *format,
							     ...)
{
	va_list arguments;

	if (!ret_reason)
		return;
	va_start(arguments, format);
	if (vasprintf(ret_reason, format, arguments) < 0)
		*ret_reason = NULL;
	va_end(arguments);
}

/* OpenSSL hides the errno of a file it cannot open; opening it here keeps it. */
static int file_check(const char *path, const char *what, char **ret_reason)
{
	_cleanup_fclose_ FILE *file = NULL;
	int r;

	if (!path) {
		reason_set(ret_reason, "no %s is named", what);
		return -EINVAL;
	}
	file = fopen(path, "re");
	if (file)
		return 0;
	r = -errno;
	reason_set(ret_reason, "cannot read %s %s: %s", what, path, strerror(-r));
	return r;
}

static int context_load_files(SSL_CTX *context, const struct identity_files *files,
			      char **ret_reason)
{
	int r;

	r = file_check(files->authority, "authority", ret_reason);
	if (r == 0)
		r = file_check(files->certificate, "certificate", ret_reason);
	if (r == 0)
		r = file_check(files->key, "key", ret_reason);
	if (r < 0)
		return r;
	if (SSL_CTX_load_verify_file(context, files->authority) != 1) {
		reason_set(ret_reason, "%s holds no PEM certificate", files->authority);
		return -EBADMSG;
	}
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1) {
		reason_set(ret_reason, "%s holds no PEM certificate", files->certificate);
		return -EBADMSG;
	}
	if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(context) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH) {
		reason_set(ret_reason, "key %s does not belong to certificate %s", files->key,
			   files->certificate);
		return -EKEYREJECTED;
	}
	reason_set(ret_reason, "%s holds no PEM private key", files->key);
	return -EBADMSG;
}

static int ssl_context_set(SSL_CTX *context)
{
	if (SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1)
		return -ENOTSUP;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   tls_verify_peer);
	/* Connections live for days: resuming one would only keep a revoked peer alive. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_num_tickets(context, 0);
	return 0;
}

static int context_new(const struct identity_files *files, bool is_server,
		       struct tls_context **ret_context, char **ret_reason)
{
	struct tls_context *context;
	int r;

	ERR_clear_error();
	context = calloc(1, sizeof(*context));
	if (!context)
		return -ENOMEM;
	context->is_server = is_server;
	context->ssl_context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
	r = context->ssl_context ? ssl_context_set(context->ssl_context) : -ENOMEM;
	if (r == 0)
		r = context_load_files(context->ssl_context, files, ret_reason);
	ERR_clear_error();
	if (r < 0) {
		tls_context_free(context);
		return r;
	}
	*ret_context = context;
	return 0;
}

int tls_context_new_client(const struct identity_files *files, const char *peer_name,
			   struct tls_context **ret_context, char **ret_reason)
{
	struct tls_context *context;
	int r;

	if (identity_check_name(peer_name) < 0) {
		reason_set(ret_reason, "the collector's name is empty or has odd characters");
		return -EINVAL;
	}
	r = context_new(files, false, &context, ret_reason);
	if (r < 0)
		return r;
	snprintf(context->peer_name, sizeof(context->peer_name), "%s", peer_name);
	*ret_context = context;
	return 0;
}

int tls_context_new_server(const struct identity_files *files, struct tls_context **ret_context,
			   char **ret_reason)
{
	return context_new(files, true, ret_context, ret_reason);
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ssl_context);
	free(context);
}
