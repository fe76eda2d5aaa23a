/* SPDX-License-Identifier: GPL-2.0-only */
#include "wire/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "wire/frame.h"
#include "wire/message.h"
#include "wire/socket.h"
#include "wire/tls.h"

#define READ_BYTES (64 * 1024)
#define REASON_MAX_BYTES 300
#define LINGER_US (1000 * 1000ULL)
enum stream_state {
	STREAM_OPENING,
	STREAM_OPEN,
	STREAM_CLOSING,  /* what is queued still goes out */
	STREAM_DRAINING, /* our end is shut; waiting for the peer's */
	STREAM_CLOSED,
};

struct stream {
	sd_event_source *io, *timer;
	sd_event_source *later; /* runs the state machine from the loop instead of from a caller */
	struct tls_session *tls;
	int fd;
	enum stream_state state;
	bool paused, peer_ended;
	struct frame_buffer frames;
	struct stream_handler handler;
	char reason[REASON_MAX_BYTES];
};

static void stream_run_later(struct stream *stream)
{
	sd_event_source_set_enabled(stream->later, SD_EVENT_ONESHOT);
}

/* The first reason is the cause; later ones are consequences. */
static void stream_end(struct stream *stream, const char *reason)
{
	if (stream->state >= STREAM_CLOSING)
		return;
	snprintf(stream->reason, sizeof(stream->reason), "%s", reason);
	stream->state = STREAM_CLOSING;
	sd_event_source_set_time_relative(stream->timer, LINGER_US);
	sd_event_source_set_enabled(stream->timer, SD_EVENT_ONESHOT);
	stream_run_later(stream);
}

static void stream_end_by_errno(struct stream *stream, int error)
{
	char text[REASON_MAX_BYTES];

	stream->peer_ended = true;
	snprintf(text, sizeof(text), "%s: %s",
		 stream->state == STREAM_OPENING ? "cannot connect" : "connection lost",
		 strerror(-error));
	stream_end(stream, text);
}

static void stream_update_events(struct stream *stream)
{
	const uint8_t *data;
	uint32_t events = 0;

	if (stream->state == STREAM_CLOSED)
		return;
	if (!stream->peer_ended && (!stream->paused || stream->state >= STREAM_CLOSING))
		events |= EPOLLIN;
	if (tls_session_pending(stream->tls, &data) > 0)
		events |= EPOLLOUT;
	sd_event_source_set_io_events(stream->io, events);
}

static void stream_flush(struct stream *stream)
{
	const uint8_t *data;
	size_t size;

	while (stream->state < STREAM_DRAINING &&
	       (size = tls_session_pending(stream->tls, &data))) {
		ssize_t n = send(stream->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			/* What the peer said before it went away may tell why: read on. */
			tls_session_sent(stream->tls, size);
			if (stream->state == STREAM_CLOSING)
				stream->peer_ended = true;
			return;
		}
		tls_session_sent(stream->tls, (size_t)n);
	}
}

int stream_send(struct stream *stream, const struct message *message)
{
	_cleanup_free_ uint8_t *body = NULL;
	uint8_t header[FRAME_HEADER_BYTES];
	size_t size;
	int r;

	if (stream->state != STREAM_OPEN)
		return -ENOTCONN;
	if (stream_output_bytes(stream) > STREAM_MAX_OUTPUT_BYTES)
		return -ENOBUFS;
	r = message_encode(message, &body, &size);
	if (r < 0)
		return r;
	frame_write_header(header, (uint32_t)size);
	r = tls_session_write(stream->tls, header, sizeof(header));
	if (r == 0)
		r = tls_session_write(stream->tls, body, size);
	if (r < 0)
		return r;
	stream_flush(stream);
	stream_update_events(stream);
	return 0;
}

size_t stream_output_bytes(const struct stream *stream)
{
	const uint8_t *data;

	return tls_session_pending(stream->tls, &data);
}

void stream_close(struct stream *stream, const char *reason)
{
	const struct message refusal = {.kind = MESSAGE_REFUSAL, .reason = reason};

	/* The peer learns the reason if it is still there to listen. */
	(void)stream_send(stream, &refusal);
	stream_end(stream, reason);
}

/* The text is the peer's: printable, and cut to what fits. */
static void stream_end_refused(struct stream *stream, const char *reason)
{
	char text[REASON_MAX_BYTES];

	snprintf(text, sizeof(text), "the other side refused us: %s", reason);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	stream_end(stream, text);
}

static void stream_deliver(struct stream *stream, const uint8_t *body, size_t size)
{
	struct message *message;
	int r;

	r = message_decode(body, size, &message);
	if (r < 0) {
		stream_close(stream, r == -ENOMEM ? "out of memory" : "a message cannot be read");
		return;
	}
	if (message->kind == MESSAGE_REFUSAL)
		stream_end_refused(stream, message->reason);
	else
		stream->handler.on_message(stream->handler.userdata, message);
	message_free(message);
}

/* Turns TLS records into bytes for the frame buffer. Returns whether there were any. */
static bool stream_decrypt(struct stream *stream)
{
	uint8_t plain[16 * 1024];
	int n = tls_session_read(stream->tls, plain, sizeof(plain));

	if (n > 0) {
		if (frame_buffer_append(&stream->frames, plain, (size_t)n) == 0)
			return true;
		stream_close(stream, "out of memory");
	} else if (n == -EPIPE) {
		stream_end(stream, "the other side closed the connection");
	} else if (n < 0) {
		stream_end(stream, tls_session_reason(stream->tls));
	}
	return false;
}

static void stream_process_frames(struct stream *stream)
{
	while (stream->state == STREAM_OPEN && !stream->paused) {
		const uint8_t *body;
		size_t size;
		int r = frame_buffer_next(&stream->frames, &body, &size);

		if (r < 0)
			stream_close(stream, "a frame's length is out of bounds");
		else if (r > 0)
			stream_deliver(stream, body, size);
		else if (!stream_decrypt(stream))
			return;
	}
}

static void stream_process_handshake(struct stream *stream)
{
	int r = tls_session_handshake(stream->tls);

	if (r < 0)
		stream_end(stream, tls_session_reason(stream->tls));
	if (r <= 0)
		return;
	stream->state = STREAM_OPEN;
	sd_event_source_set_enabled(stream->timer, SD_EVENT_OFF);
	stream->handler.on_open(stream->handler.userdata);
}

static void stream_receive(struct stream *stream)
{
	uint8_t data[READ_BYTES];
	ssize_t n = recv(stream->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		stream_end_by_errno(stream, -errno);
	else if (n == 0)
		stream->peer_ended = true;
	else if (stream->state < STREAM_CLOSING &&
		 tls_session_feed(stream->tls, data, (size_t)n) < 0)
		stream_end(stream, "out of memory");
}

static void stream_process(struct stream *stream)
{
	if (stream->state == STREAM_OPENING)
		stream_process_handshake(stream);
	stream_process_frames(stream);
	if (!stream->peer_ended || stream->paused)
		return;
	if (stream->state == STREAM_OPENING)
		stream_end(stream, "the other side closed the connection during the handshake");
	else
		stream_end(stream, "the other side closed the connection");
}

/* Flush, then shut our end, then wait for the peer's: closing with unread input would reset the
 * connection, and a reset can overtake the alert that tells the peer why. */
static void stream_process_end(struct stream *stream)
{
	if (stream->state == STREAM_CLOSING) {
		stream_flush(stream);
		if (stream_output_bytes(stream) == 0) {
			tls_session_finish(stream->tls);
			stream_flush(stream);
			shutdown(stream->fd, SHUT_WR);
			stream->state = STREAM_DRAINING;
		}
	}
	if (stream->peer_ended)
		stream->state = STREAM_CLOSED;
}

/* The last thing that any callback of the loop does: the handler may free the stream. */
static int stream_finish_turn(struct stream *stream)
{
	if (stream->state >= STREAM_CLOSING)
		stream_process_end(stream);
	else
		stream_flush(stream);
	if (stream->state != STREAM_CLOSED) {
		stream_update_events(stream);
		return 0;
	}
	sd_event_source_set_enabled(stream->io, SD_EVENT_OFF);
	sd_event_source_set_enabled(stream->timer, SD_EVENT_OFF);
	sd_event_source_set_enabled(stream->later, SD_EVENT_OFF);
	stream->handler.on_closed(stream->handler.userdata, stream->reason);
	return 0;
}

static int stream_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct stream *stream = userdata;

	(void)source;
	(void)fd;
	/* A reset is reported even while paused, again and again: it has to end the stream. */
	if (stream->paused && (revents & (EPOLLHUP | EPOLLERR)))
		stream_end_by_errno(stream, -ECONNRESET);
	else if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		stream_receive(stream);
	stream_process(stream);
	return stream_finish_turn(stream);
}

static int stream_on_later(sd_event_source *source, void *userdata)
{
	struct stream *stream = userdata;

	(void)source;
	stream_process(stream);
	return stream_finish_turn(stream);
}

static int stream_on_time(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct stream *stream = userdata;

	(void)source;
	(void)now_us;
	if (stream->state >= STREAM_CLOSING)
		stream->state = STREAM_CLOSED;
	else
		stream_end(stream, "no connection or no TLS handshake in time");
	return stream_finish_turn(stream);
}

void stream_pause(struct stream *stream, bool paused)
{
	if (stream->paused == paused)
		return;
	stream->paused = paused;
	if (!paused)
		stream_run_later(stream);
	stream_update_events(stream);
}

void stream_set_frame_limit(struct stream *stream, size_t limit_bytes)
{
	stream->frames.limit_bytes = limit_bytes;
}

const char *stream_peer_name(const struct stream *stream)
{
	return tls_session_peer_name(stream->tls);
}

static int stream_add_sources(struct stream *stream, sd_event *event, int fd,
			      uint64_t open_timeout_ns)
{
	int r;

	r = sd_event_add_io(event, &stream->io, fd, EPOLLIN | EPOLLOUT, stream_on_io, stream);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(event, &stream->timer, CLOCK_MONOTONIC,
				       open_timeout_ns / 1000, 0, stream_on_time, stream);
	if (r < 0)
		return r;
	r = sd_event_add_defer(event, &stream->later, stream_on_later, stream);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(stream->later, SD_EVENT_OFF);
}

int stream_new(sd_event *event, struct tls_context *context, int fd, uint64_t open_timeout_ns,
	       const struct stream_handler *handler, struct stream **ret_stream)
{
	struct stream *stream;
	int r;

	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->fd = -1;
	stream->handler = *handler;
	stream->frames.limit_bytes = FRAME_HELLO_MAX_BYTES;
	r = tls_session_new(context, &stream->tls);
	if (r == 0)
		r = stream_add_sources(stream, event, fd, open_timeout_ns);
	if (r < 0) {
		stream_free(stream);
		return r;
	}
	stream->fd = fd;
	socket_set_tcp_options(fd);
	*ret_stream = stream;
	return 0;
}

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	sd_event_source_disable_unref(stream->io);
	sd_event_source_disable_unref(stream->timer);
	sd_event_source_disable_unref(stream->later);
	tls_session_free(stream->tls);
	frame_buffer_reset(&stream->frames);
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream);
}
