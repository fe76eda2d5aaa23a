/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_TLS_H
#define WEIR_WIRE_TLS_H

/*
 * TLS 1.3 with certificates on both sides, as a transformer of bytes: it does
 * no input or output of its own, so it never blocks and never raises SIGPIPE.
 * A peer without a valid certificate of the same authority, the right role and
 * the right name never gets as far as one byte of data.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/identity.h"

struct tls_context;
struct tls_session;

/*
 * Loads the files. peer_name is the name that the collector's certificate must
 * bear. Returns 0, -ENOENT, -EACCES, -EBADMSG (not PEM), -EKEYREJECTED (key and
 * certificate do not belong together), -errno; on failure *ret_reason (may be
 * NULL) receives a sentence that names the file and that the caller frees.
 */
int tls_context_new_client(const struct identity_files *files, const char *peer_name,
			   struct tls_context **ret_context, char **ret_reason);
int tls_context_new_server(const struct identity_files *files, struct tls_context **ret_context,
			   char **ret_reason);
void tls_context_free(struct tls_context *context);

int tls_session_new(struct tls_context *context, struct tls_session **ret_session);
void tls_session_free(struct tls_session *session);

/* Bytes as they came from the peer. 0 or -ENOMEM. */
int tls_session_feed(struct tls_session *session, const void *data, size_t size);

/* Bytes waiting to go to the peer; stays valid until the next call. */
size_t tls_session_pending(struct tls_session *session, const uint8_t **ret_data);
/* Says that the first SIZE of them were sent. */
void tls_session_sent(struct tls_session *session, size_t size);

/* 1 done (the peer is verified), 0 needs more bytes, -EPROTO failed: see tls_session_reason(). */
int tls_session_handshake(struct tls_session *session);

/* Plain bytes: returns their number, 0 when more input is needed, -EPIPE at the
 * peer's orderly end, -EPROTO on failure. */
int tls_session_read(struct tls_session *session, void *buffer, size_t size);
/* Takes all of it. 0 or -EPROTO. */
int tls_session_write(struct tls_session *session, const void *data, size_t size);
/* Queues the orderly end. */
void tls_session_finish(struct tls_session *session);

/* The verified peer's common name, NULL before the handshake is done. */
const char *tls_session_peer_name(const struct tls_session *session);
/* Why it failed, in plain words. Never NULL. */
const char *tls_session_reason(const struct tls_session *session);

#endif
