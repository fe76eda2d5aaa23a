/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_TLS_SESSION_H
#define WEIR_WIRE_TLS_SESSION_H

/* What tls.c (contexts) and tls_session.c (sessions) share, for them alone; tls.h is the interface.
 */

#include <openssl/ssl.h>

#include "wire/tls.h"

#define TLS_REASON_MAX_BYTES 256

struct tls_context {
	SSL_CTX *ssl_context;
	bool is_server;
	char peer_name[IDENTITY_NAME_MAX_BYTES + 1];
};

struct tls_session {
	SSL *ssl;
	BIO *input, *output; /* owned by ssl */
	bool is_server, is_open;
	char wanted_name[IDENTITY_NAME_MAX_BYTES + 1];
	char peer_name[IDENTITY_NAME_MAX_BYTES + 1];
	char reason[TLS_REASON_MAX_BYTES];
};

/* The verify callback: asks for a role and a usable name on top of OpenSSL's own checks. */
int tls_verify_peer(int is_good, X509_STORE_CTX *store);

#endif
