/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WIRE_STREAM_H
#define WEIR_WIRE_STREAM_H

/*
 * One connection on an sd-event loop: socket, TLS and frames together, for
 * either end. It delivers whole messages of a verified peer, never blocks, and
 * at its end says why in a sentence. An end is orderly where it can be: the
 * TLS alert or the refusal reaches the peer before the socket is closed.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

struct message;
struct stream;
struct tls_context;

/* Output that may wait for a slow peer; above it stream_send() returns -ENOBUFS. */
#define STREAM_MAX_OUTPUT_BYTES (8 * 1024 * 1024)

struct stream_handler {
	/* The handshake is done and stream_peer_name() is known. */
	void (*on_open)(void *userdata);
	/* Never a refusal: that ends the stream. May call stream_send(), stream_pause() and
	 * stream_close(), not stream_free(). */
	void (*on_message)(void *userdata, const struct message *message);
	/* Called once, last; may call stream_free(). */
	void (*on_closed)(void *userdata, const char *reason);
	void *userdata;
};

/*
 * fd is a connected or connecting non-blocking socket, owned by the stream on
 * success. Which end it plays is the context's. The context must live longer.
 * open_timeout_ns bounds connecting and handshake together.
 */
int stream_new(sd_event *event, struct tls_context *context, int fd, uint64_t open_timeout_ns,
	       const struct stream_handler *handler, struct stream **ret_stream);
/* Closes at once, without a callback. */
void stream_free(struct stream *stream);

/* Returns 0, -ENOBUFS when too much waits, -ENOTCONN before open or after the end, -EPROTO,
 * -ENOMEM. */
int stream_send(struct stream *stream, const struct message *message);
/* Bytes queued that the kernel has not taken yet. */
size_t stream_output_bytes(const struct stream *stream);

/* While paused nothing is read from the socket and no message is delivered. */
void stream_pause(struct stream *stream, bool paused);
/* The limit for the next frames: small until the peer has said who it is. */
void stream_set_frame_limit(struct stream *stream, size_t limit_bytes);

/* Sends what is queued and the reason, waits a second at most for the peer, then calls on_closed.
 */
void stream_close(struct stream *stream, const char *reason);

const char *stream_peer_name(const struct stream *stream);

#endif
