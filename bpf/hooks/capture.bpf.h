/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_CAPTURE_BPF_H
#define WEIR_HOOKS_CAPTURE_BPF_H

/*
 * What the clients of a Wayland compositor have it show, and have it copy for them of what others
 * show. The copy comes by memory that both have, which no call tells of: who asks for it takes it.
 * All is read when the call has returned, of the bytes that it wrote: what the compositor answers
 * is for a later call. Functions that take numbers are not static: they are verified once, see
 * name_hash().
 */

#include "../call.bpf.h"
#include "../screen.bpf.h"
#include "../user_buffers.bpf.h"

/* Loops are in two levels, see call.bpf.h. Two steps for each request and buffer at most. */
#define CAPTURE_STEPS 128 /* times itself */

static __always_inline struct wayland_stream *capture_get_stream(__u64 key)
{
	return bpf_map_lookup_elem(&wayland_streams, &key);
}

static __always_inline struct wayland_stream *capture_make_stream(__u64 key)
{
	struct wayland_stream *stream = capture_get_stream(key);

	if (stream)
		return stream;
	LRU_ADD(wayland_streams, WEIR_LRU_WAYLAND_STREAMS, &key, &empty_wayland_stream);
	return capture_get_stream(key);
}

static __always_inline __u64 capture_available_bytes(const struct wayland_stream *stream)
{
	__u64 bytes = stream->from.bytes;

	return bytes < stream->left_bytes ? bytes : stream->left_bytes;
}

static __always_inline void capture_advance(struct wayland_stream *stream, __u64 bytes)
{
	stream->from.address += bytes;
	stream->from.bytes -= bytes;
	stream->left_bytes -= bytes;
}

static __always_inline void capture_skip(struct wayland_stream *stream)
{
	__u64 bytes = capture_available_bytes(stream);

	if (bytes > stream->reader.rest_bytes)
		bytes = stream->reader.rest_bytes;
	stream->reader.rest_bytes -= bytes;
	capture_advance(stream, bytes);
}

/* As much of a head as is wanted and there. False when it cannot be read. */
static __always_inline bool capture_read_head(struct wayland_stream *stream, __u32 wanted)
{
	struct wayland_reader *reader = &stream->reader;
	__u32 have = reader->head_bytes & WAYLAND_HEAD_MASK;
	__u64 available = capture_available_bytes(stream), bytes = wanted - have;

	if (bytes > available)
		bytes = available;
	bytes &= WAYLAND_HEAD_MASK;
	if (bpf_probe_read_user((__u8 *)reader->head + have, bytes,
				(const void *)stream->from.address))
		return false;
	reader->head_bytes = have + bytes;
	capture_advance(stream, bytes);
	return true;
}

/* The next head, or what there is of it: the form, and then what it has. */
static __always_inline bool capture_read_request(struct wayland_stream *stream)
{
	int i;

	for (i = 0; i < 2; i++) {
		__u32 wanted = wayland_wanted_bytes(&stream->reader);

		if (stream->reader.head_bytes >= wanted)
			break;
		if (!capture_read_head(stream, wanted))
			return false;
	}
	return true;
}

static __always_inline void capture_act(struct wayland_stream *stream)
{
	enum wayland_deed deed = wayland_follow(&stream->reader);

	if (deed == WAYLAND_DRAWS)
		stream->has_drawn = 1;
	if (deed == WAYLAND_PICTURES)
		screen_add_picture(&stream->grab, wayland_picture_pixels(&stream->reader));
}

/* False when there is no more of the call, or no sense in it. */
__noinline int capture_step(__u64 key)
{
	struct wayland_stream *stream = capture_get_stream(key);

	if (!stream || !stream->left_bytes)
		return false;
	if (!stream->from.bytes)
		return user_buffers_next(&stream->from);
	if (stream->reader.rest_bytes) {
		capture_skip(stream);
		if (!capture_available_bytes(stream))
			return true;
	}
	if (!capture_read_request(stream))
		return false;
	if (stream->reader.head_bytes < wayland_wanted_bytes(&stream->reader))
		return true;
	if (!wayland_begin_request(&stream->reader))
		return false;
	capture_act(stream);
	wayland_end_head(&stream->reader);
	return true;
}

__noinline int capture_walk_some(__u64 key)
{
	__u32 i;

	for (i = 0; i < CAPTURE_STEPS; i++)
		if (!capture_step(key))
			return false;
	return true;
}

/* What the requests of the call had to say to all. */
static __always_inline void capture_settle(__u64 key, struct wayland_stream *stream,
					   const struct weir_app *app)
{
	if (stream->has_drawn && app->labels && screen_draw(stream->grab.server))
		selection_announce(stream->grab.server);
	stream->has_drawn = 0;
	screen_settle(key, &stream->grab);
}

/* Of a call that has written so many bytes to a unix socket, which leads to no X server. */
__noinline int capture_exit(__u64 sock, __u64 address, __u64 count, __u32 how, __u64 bytes)
{
	struct weir_app *app = selection_get_app();
	__u64 server = wayland_server(sock), key;
	struct wayland_stream *stream;
	__u32 i;

	if (!server || !app || app->is_hub)
		return 0;
	key = object_ino_of_sock((struct sock *)sock);
	stream = capture_make_stream(key);
	if (!stream || !user_buffers_set(&stream->from, address, count, how))
		return 0;
	stream->grab.server = server;
	stream->left_bytes = bytes;
	for (i = 0; i < CAPTURE_STEPS; i++)
		if (!capture_walk_some(key))
			break;
	if (stream->left_bytes)
		wayland_lose(&stream->reader);
	capture_settle(key, stream, app);
	return 0;
}

static __always_inline void capture_exit_call(struct call *call, __u64 bytes)
{
	capture_exit(call->unix_sock, call_arg(call, 1), call_arg(call, 2), call_buffers_how(call),
		     bytes);
}

#endif
