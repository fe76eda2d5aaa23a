/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_CLIPBOARD_BPF_H
#define WEIR_HOOKS_CLIPBOARD_BPF_H

/*
 * What the clients of an X server write to it, which passes it on and knows no label. Requests have
 * their effect at the entry of the call, bytes are counted when it has returned. But of what is
 * read the bytes are known at entry, before who wrote it may go on. Functions that take numbers are
 * not static: they are verified once, see name_hash().
 */

#include "../call.bpf.h"
#include "../screen.bpf.h"
#include "record.bpf.h"

/* Loops are in two levels, see call.bpf.h. Two steps for each request and buffer at most. */
#define CLIPBOARD_STEPS 128 /* times itself */

/* What is counted goes into a flow when all of a property is, or of what the call wrote. */
static __always_inline void clipboard_end_data(struct x11_stream *stream)
{
	struct weir_app *app = selection_get_app();

	if (app && stream->moved_bytes)
		selection_add(stream->seen.property, stream->moved_bytes, app->labels, app->hops,
			      WEIR_OUT);
	stream->moved_bytes = 0;
}

/* What is to be read for records when the call is over: one piece of the caller's memory. */
static __always_inline void clipboard_note_text(struct x11_stream *stream, __u64 bytes)
{
	if (!stream->text_bytes) {
		stream->text_address = stream->from.address;
		stream->text_property = stream->seen.property;
	}
	if (stream->from.address == stream->text_address + stream->text_bytes &&
	    stream->text_property == stream->seen.property)
		stream->text_bytes += bytes;
	else
		stream->is_text_cut = 1;
}

static __always_inline void clipboard_skip(struct x11_stream *stream)
{
	__u64 bytes = x11_available_bytes(stream), data;

	if (bytes > stream->seen.rest_bytes)
		bytes = stream->seen.rest_bytes;
	data = x11_skip(&stream->seen, bytes);
	if (stream->is_counting && data)
		clipboard_note_text(stream, data);
	x11_advance(stream, bytes);
	if (!stream->is_counting || !data)
		return;
	stream->moved_bytes += data;
	if (!stream->seen.data_bytes)
		clipboard_end_data(stream);
}

enum clipboard_head {
	CLIPBOARD_LOST = 0, /* no sense in it */
	CLIPBOARD_WANTS = 1,
	CLIPBOARD_COMPLETE = 2,
};

/* The next head, or what there is of it. On its own stack: below clipboard_step() there is hardly
 * any left of 512 bytes. */
__noinline int clipboard_read_head(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);

	if (!stream || !x11_read_request(stream))
		return CLIPBOARD_LOST;
	if (stream->seen.head_bytes < x11_wanted_bytes(&stream->seen))
		return CLIPBOARD_WANTS;
	if (x11_begin_request(&stream->seen))
		return CLIPBOARD_COMPLETE;
	stream->is_swapped |= x11_is_swapped_setup(&stream->seen);
	return CLIPBOARD_LOST;
}

/* False when there is no more of the call, or no sense in it. */
__noinline int clipboard_step(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);
	int head;

	if (!stream || !stream->left_bytes)
		return false;
	if (!stream->from.bytes) {
		if (user_buffers_next(&stream->from))
			return true;
		stream->left_bytes = 0;
		return false;
	}
	if (stream->seen.rest_bytes) {
		clipboard_skip(stream);
		if (!x11_available_bytes(stream))
			return true;
	}
	head = clipboard_read_head(key);
	if (head != CLIPBOARD_COMPLETE)
		return head == CLIPBOARD_WANTS;
	screen_look(key);
	selection_act(key, stream);
	x11_end_head(&stream->seen);
	return true;
}

__noinline int clipboard_walk_some(__u64 key)
{
	__u32 i;

	for (i = 0; i < CLIPBOARD_STEPS; i++)
		if (!clipboard_step(key))
			return false;
	return true;
}

/* Over so many bytes of the buffers that were set. */
static __always_inline void clipboard_walk(__u64 key, struct x11_stream *stream, __u64 bytes)
{
	__u32 i;

	stream->seen = stream->done;
	stream->left_bytes = stream->is_swapped ? 0 : bytes;
	for (i = 0; i < CLIPBOARD_STEPS; i++)
		if (!clipboard_walk_some(key))
			break;
	stream->is_gap |= stream->left_bytes != 0;
}

/* What the requests of the call had to say to all. Here and not where each is found, because no
 * more than eight functions may be under way. */
static __always_inline void clipboard_settle(__u64 key, struct x11_stream *stream,
					     struct weir_app *app)
{
	bool has_shown = stream->has_drawn && app->labels && screen_draw(stream->grab.server);
	const struct x11_read *read = x11_last_read(stream);

	if (stream->has_given || has_shown)
		selection_announce(stream->grab.server);
	stream->has_given = 0;
	stream->has_drawn = 0;
	if (stream->gained_labels && app->is_hub)
		relay_take(read->property, stream->gained_labels, read->hops + 1);
	else if (stream->gained_labels)
		label_app(app, stream->gained_labels, read->hops + 1,
			  (struct task_struct *)bpf_get_current_task());
	stream->gained_labels = 0;
	screen_settle(key, &stream->grab);
}

__noinline int clipboard_enter(__u64 key, __u64 address, __u64 count, __u32 how)
{
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_app *app = selection_get_app();

	if (!stream || !app)
		return 0;
	stream->is_gap = stream->is_swapped;
	stream->is_counting = 0;
	stream->has_data = stream->done.data_bytes != 0;
	stream->is_seen = 1;
	user_buffers_set(&stream->from, address, count, how);
	clipboard_walk(key, stream, ~0ull);
	stream->is_gap |= x11_is_in_doubt(&stream->seen);
	stream->seen_bytes = stream->seen.position - stream->done.position;
	clipboard_settle(key, stream, app);
	return 0;
}

/* The next call is taken to begin with a request. */
static __always_inline void clipboard_lose(struct x11_stream *stream, __u64 bytes)
{
	__u64 position = stream->done.position + bytes;
	__u32 sizes = stream->done.sizes;

	__builtin_memset(&stream->done, 0, sizeof(stream->done));
	stream->done.position = position;
	stream->done.sizes = sizes;
}

static __always_inline void clipboard_end_read(struct x11_stream *stream)
{
	__u32 i;

	for (i = 0; i < X11_READS; i++) {
		struct x11_read *read = &stream->reads[i];

		if (read->bytes)
			selection_add(read->property, read->bytes, read->labels, read->hops,
				      WEIR_IN);
		read->bytes = 0;
	}
	stream->last_read = 0;
}

/* Whether what the call wrote could not be followed. */
__noinline int clipboard_exit(__u64 key, __u64 address, __u64 count, __u32 how, __u64 bytes)
{
	struct x11_stream *stream = x11_stream_get(key);

	if (!stream)
		return true;
	if (stream->has_data || !stream->is_seen || bytes != stream->seen_bytes) {
		stream->is_counting = 1;
		stream->text_bytes = 0;
		/* A row may be partly in what another call has written, or will. */
		stream->is_text_cut = stream->done.data_bytes || stream->n_pieced;
		user_buffers_set(&stream->from, address, count, how);
		clipboard_walk(key, stream, bytes);
		stream->is_text_cut |= stream->seen.data_bytes != 0;
		clipboard_end_data(stream);
	}
	stream->is_seen = 0;
	if (stream->seen.position != stream->done.position + bytes)
		clipboard_lose(stream, bytes);
	else
		stream->done = stream->seen;
	if (stream->done.position >= stream->read_end)
		clipboard_end_read(stream);
	return stream->is_gap;
}

/* Nobody else pays for a look at the socket. */
static __always_inline bool clipboard_may_pass(struct call *call)
{
	return call->app->labels || call->gate->volatile_objects;
}

static __always_inline __u64 clipboard_server(struct call *call, __u64 sock)
{
	__u64 server = x11_server(sock);

	if (!server && call->app->is_hub)
		server = x11_server_of_manager(sock, bpf_get_current_pid_tgid() >> 32);
	return server;
}

static __noinline int clipboard_enter_call(struct call *call, struct sock *sock)
{
	__u64 server = clipboard_server(call, (__u64)sock), key;

	if (!server || call->rule->form == WEIR_FORM_MMSGHDR)
		return 0;
	key = object_ino_of_sock(sock);
	if (call->app->is_hub && !x11_stream_get(key) &&
	    !x11_is_request(call_arg(call, 1), call_buffers_how(call)))
		return 0;
	if (x11_stream_make(key, server))
		clipboard_enter(key, call_arg(call, 1), call_arg(call, 2), call_buffers_how(call));
	return 0;
}

/* The data of a property is a stream of its own; what the server is told otherwise is no text. */
static __always_inline void clipboard_set_text(struct call *call, __u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_record_stream *text;

	call->stream = 0;
	if (!stream || !stream->text_bytes)
		return;
	call->text = stream->text_address;
	call->text_bytes = stream->text_bytes;
	call->stream = record_open(call->app->id, stream->text_property, WEIR_DEV_CLIPBOARD, false);
	text = record_get_stream(call->stream);
	if (text && stream->is_text_cut)
		text->is_cut = 1;
	stream->text_bytes = 0;
}

/* Of the socket that transfer_exit_write() found. Whether it leads to an X server. */
static __noinline int clipboard_exit_call(struct call *call, __u64 bytes)
{
	__u64 server = clipboard_server(call, call->unix_sock), key;
	bool is_gap = true;

	if (!server)
		return false;
	key = object_ino_of_sock((struct sock *)call->unix_sock);
	if (call->app->is_hub && !x11_stream_get(key))
		return true;
	if (call->rule->form != WEIR_FORM_MMSGHDR && x11_stream_make(key, server))
		is_gap = clipboard_exit(key, call_arg(call, 1), call_arg(call, 2),
					call_buffers_how(call), bytes);
	clipboard_set_text(call, key);
	if (is_gap && bytes)
		selection_note_gap(server, call->number);
	return true;
}

#endif
