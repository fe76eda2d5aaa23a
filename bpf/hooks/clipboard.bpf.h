/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_CLIPBOARD_BPF_H
#define WEIR_HOOKS_CLIPBOARD_BPF_H

/*
 * Selections of X11: who pastes names a property of a window of its own, who has copied writes the
 * data there (ChangeProperty), and who pastes reads it (GetProperty); in pieces (INCR), by drag and
 * drop and for the clipboard alike. The X server passes it on and knows no label. What a client
 * writes to its own windows are titles and the like: those are not followed.
 *
 * Requests have their effect at the entry of the call, bytes are counted when it has returned. One
 * answer is expected: of what is read the bytes are known at entry, before the writer may go on.
 * Functions that take numbers are not static: they are verified once, see name_hash().
 */

#include "../call.bpf.h"
#include "../x11.bpf.h"
#include "datagram.bpf.h"

#define CLIPBOARD_OF_SERVER 1 /* generation of the object that stands for all of a server's */

/* Loops are in two levels, see call.bpf.h. Two steps for each request and buffer at most. */
#define CLIPBOARD_STEPS 128 /* times itself */

static __always_inline struct weir_app *clipboard_get_app(void)
{
	struct weir_app *app = app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);

	return app && !app->is_hub ? app : NULL;
}

static __always_inline void clipboard_set_server_key(__u64 server, struct weir_object_key *ret_key)
{
	ret_key->ino = server;
	ret_key->dev = WEIR_DEV_CLIPBOARD;
	ret_key->generation = CLIPBOARD_OF_SERVER;
}

/* Whether labelled data was on its way through the server that the socket leads to. */
static __always_inline bool clipboard_is_in_use(struct sock *sock)
{
	struct weir_object_key key = {};
	__u64 server = x11_server((__u64)sock);

	clipboard_set_server_key(server, &key);
	return server && bpf_map_lookup_elem(&objects, &key);
}

__noinline int clipboard_add(__u64 property, __u64 bytes, __u64 labels, __u32 hops, __u32 direction)
{
	struct transfer transfer = {
		.bytes = bytes, .labels = labels, .hops = hops, .direction = direction};
	struct object object = {.key = {property, WEIR_DEV_CLIPBOARD}, .kind = WEIR_KIND_CLIPBOARD};
	struct weir_app *app = clipboard_get_app();

	if (app)
		flow_add(app, &object, &transfer);
	return 0;
}

/* Opens the gate for the server's clients. */
__noinline int clipboard_announce(__u64 server)
{
	struct object object = {.kind = WEIR_KIND_CLIPBOARD};
	struct weir_app *app = clipboard_get_app();
	struct weir_state *gate = state_get();
	struct weir_object *known;

	if (!app || !gate)
		return 0;
	clipboard_set_server_key(server, &object.key);
	label_resting(&object, app);
	known = bpf_map_lookup_elem(&objects, &object.key);
	if (known)
		known->seen_epoch = gate->epoch;
	return 0;
}

static __always_inline bool clipboard_has_effect(const struct x11_stream *stream)
{
	return !stream->is_counting && stream->seen.position > stream->acted;
}

static __always_inline __u64 clipboard_property(const struct x11_stream *stream)
{
	__u64 hash = object_mix(stream->server, x11_word(&stream->seen, X11_AT_WINDOW));

	return object_mix(hash, x11_word(&stream->seen, X11_AT_PROPERTY));
}

static __always_inline bool clipboard_is_own_window(const struct x11_stream *stream)
{
	__u32 window = x11_word(&stream->seen, X11_AT_WINDOW);

	return (window & ~X11_CLIENT_IDS) == stream->base;
}

/* Others write over what is labelled, or behind it. */
static __always_inline void clipboard_overwrite(__u64 property, __u64 bytes, bool is_replaced)
{
	struct weir_clipboard *known = bpf_map_lookup_elem(&clipboards, &property);

	if (known && is_replaced)
		bpf_map_delete_elem(&clipboards, &property);
	else if (known)
		known->bytes += bytes;
}

/* Filled in place: who is to read it waits until it is there. */
static __always_inline void clipboard_write(struct x11_stream *stream, const struct weir_app *app,
					    __u64 property, __u64 bytes, bool is_replaced)
{
	long error = bpf_map_update_elem(&clipboards, &property, &empty_clipboard, BPF_NOEXIST);
	struct weir_clipboard *known = bpf_map_lookup_elem(&clipboards, &property);
	struct weir_state *gate = state_get();

	if (maps_is_full(error) && gate)
		COUNT(gate->losses.objects_full);
	if (!known)
		return;
	known->labels = is_replaced ? app->labels : known->labels | app->labels;
	known->bytes = is_replaced ? bytes : known->bytes + bytes;
	known->type = x11_word(&stream->seen, X11_AT_TYPE);
	known->hops = app->hops + 1;
	if (gate)
		known->epoch = gate->epoch;
	stream->has_given = 1;
}

/* ChangeProperty. */
__noinline int clipboard_change(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_app *app = clipboard_get_app();
	bool is_followed, is_replaced;
	__u64 property, bytes;

	if (!stream || !app)
		return 0;
	if (!stream->has_base)
		stream->strange_window = x11_word(&stream->seen, X11_AT_WINDOW);
	property = clipboard_property(stream);
	bytes = x11_value_bytes(&stream->seen);
	is_replaced = x11_byte(&stream->seen, X11_AT_MODE) == X11_MODE_REPLACE;
	is_followed = app->labels && stream->has_base && !clipboard_is_own_window(stream) &&
		      bytes && !x11_is_talk(&stream->seen);
	if (is_followed) {
		stream->seen.data_bytes = bytes;
		stream->seen.property = property;
		stream->has_data = 1;
	}
	if (!clipboard_has_effect(stream))
		return 0;
	if (is_followed)
		clipboard_write(stream, app, property, bytes, is_replaced);
	else
		clipboard_overwrite(property, bytes, is_replaced);
	return 0;
}

/* GetProperty. */
__noinline int clipboard_read(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_app *app = clipboard_get_app();
	struct weir_clipboard *known;
	__u64 property, bytes;
	__u32 type;

	if (!stream || !app || !clipboard_has_effect(stream))
		return 0;
	property = clipboard_property(stream);
	known = bpf_map_lookup_elem(&clipboards, &property);
	type = x11_word(&stream->seen, X11_AT_TYPE);
	if (!known || (type && type != known->type)) /* 0: of any type */
		return 0;
	bytes = x11_answer_bytes(&stream->seen, known->bytes);
	if (bytes) {
		if (!stream->read_bytes) /* several at once are told as one */
			stream->read_property = property;
		stream->read_bytes += bytes;
		stream->read_end = stream->seen.position;
		stream->read_labels = known->labels;
		stream->read_hops = known->hops;
		stream->gained_labels |= known->labels;
	}
	if (x11_is_taken(&stream->seen, known->bytes))
		bpf_map_delete_elem(&clipboards, &property);
	return 0;
}

/* Whose windows those are that it writes to is not known, and now it tells another client that
 * what it wanted is there. */
static __always_inline bool clipboard_is_strange(const struct x11_stream *stream)
{
	return !stream->has_base && stream->strange_window &&
	       (x11_word(&stream->seen, X11_AT_EVENT) & 0x7f) == X11_SELECTION_NOTIFY &&
	       x11_word(&stream->seen, X11_AT_WINDOW) == stream->strange_window;
}

static __always_inline void clipboard_learn_base(struct x11_stream *stream, __u32 opcode)
{
	__u32 at = x11_at_own_id(opcode), id;

	if (!at || stream->has_base)
		return;
	id = x11_word(&stream->seen, at);
	if (id <= X11_CLIENT_IDS) /* the server's own, or none */
		return;
	stream->base = id & ~X11_CLIENT_IDS;
	stream->has_base = 1;
}

static __always_inline void clipboard_act(__u64 key, struct x11_stream *stream)
{
	__u32 opcode = x11_byte(&stream->seen, 0);
	__u64 property;

	if (x11_is_setup(&stream->seen) || !x11_has_fields(&stream->seen))
		return;
	switch (opcode) {
	case X11_CHANGE_PROPERTY:
		clipboard_change(key);
		break;
	case X11_GET_PROPERTY:
		clipboard_read(key);
		break;
	case X11_DELETE_PROPERTY:
		property = clipboard_property(stream);
		if (clipboard_has_effect(stream))
			bpf_map_delete_elem(&clipboards, &property);
		break;
	case X11_SEND_EVENT:
		stream->is_gap |= clipboard_is_strange(stream);
		break;
	default:
		clipboard_learn_base(stream, opcode);
	}
	if (clipboard_has_effect(stream))
		stream->acted = stream->seen.position;
}

/* What is counted goes into a flow when all of a property is, or of what the call wrote. */
static __always_inline void clipboard_end_data(struct x11_stream *stream)
{
	struct weir_app *app = clipboard_get_app();

	if (app && stream->moved_bytes)
		clipboard_add(stream->seen.property, stream->moved_bytes, app->labels, app->hops,
			      WEIR_OUT);
	stream->moved_bytes = 0;
}

static __always_inline void clipboard_skip(struct x11_stream *stream)
{
	__u64 bytes = x11_available_bytes(stream), data;

	if (bytes > stream->seen.rest_bytes)
		bytes = stream->seen.rest_bytes;
	data = x11_skip(&stream->seen, bytes);
	x11_advance(stream, bytes);
	if (!stream->is_counting || !data)
		return;
	stream->moved_bytes += data;
	if (!stream->seen.data_bytes)
		clipboard_end_data(stream);
}

/* False when there is no more of the call, or no sense in it. */
__noinline int clipboard_step(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);

	if (!stream || !stream->left_bytes)
		return false;
	if (!stream->buffer_bytes) {
		if (x11_next_buffer(stream))
			return true;
		stream->left_bytes = 0;
		return false;
	}
	if (stream->seen.rest_bytes) {
		clipboard_skip(stream);
		if (!x11_available_bytes(stream))
			return true;
	}
	if (!x11_read_request(stream))
		return false;
	if (stream->seen.head_bytes < x11_wanted_bytes(&stream->seen))
		return true;
	if (!x11_begin_request(&stream->seen)) {
		stream->is_swapped |= x11_is_swapped_setup(&stream->seen);
		return false;
	}
	clipboard_act(key, stream);
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
static __always_inline void clipboard_settle(struct x11_stream *stream, struct weir_app *app)
{
	if (stream->has_given)
		clipboard_announce(stream->server);
	stream->has_given = 0;
	if (stream->gained_labels)
		label_app(app, stream->gained_labels, stream->read_hops + 1,
			  (struct task_struct *)bpf_get_current_task());
	stream->gained_labels = 0;
}

__noinline int clipboard_enter(__u64 key, __u64 address, __u64 count, __u32 how)
{
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_app *app = clipboard_get_app();

	if (!stream || !app)
		return 0;
	stream->is_gap = stream->is_swapped;
	stream->is_counting = 0;
	stream->has_data = stream->done.data_bytes != 0;
	stream->is_seen = 1;
	x11_set_buffers(stream, address, count, how);
	clipboard_walk(key, stream, ~0ull);
	stream->seen_bytes = stream->seen.position - stream->done.position;
	clipboard_settle(stream, app);
	return 0;
}

/* The next call is taken to begin with a request. */
static __always_inline void clipboard_lose(struct x11_stream *stream, __u64 bytes)
{
	__u64 position = stream->done.position + bytes;

	__builtin_memset(&stream->done, 0, sizeof(stream->done));
	stream->done.position = position;
}

static __always_inline void clipboard_end_read(struct x11_stream *stream)
{
	if (stream->read_bytes)
		clipboard_add(stream->read_property, stream->read_bytes, stream->read_labels,
			      stream->read_hops, WEIR_IN);
	stream->read_bytes = 0;
}

/* Whether what the call wrote could not be followed. */
__noinline int clipboard_exit(__u64 key, __u64 address, __u64 count, __u32 how, __u64 bytes)
{
	struct x11_stream *stream = x11_stream_get(key);

	if (!stream)
		return true;
	if (stream->has_data || !stream->is_seen || bytes != stream->seen_bytes) {
		stream->is_counting = 1;
		x11_set_buffers(stream, address, count, how);
		clipboard_walk(key, stream, bytes);
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
	return !call->app->is_hub && (call->app->labels || call->gate->volatile_objects);
}

static __always_inline __u32 clipboard_how(struct call *call)
{
	return call->rule->form | (call->whole->is_compat ? X11_COMPAT : 0);
}

static __noinline int clipboard_enter_call(struct call *call, struct sock *sock)
{
	__u64 server = x11_server((__u64)sock), key;

	if (!server || call->rule->form == WEIR_FORM_MMSGHDR)
		return 0;
	key = x11_stream_key(sock);
	if (x11_stream_make(key, server))
		clipboard_enter(key, call_arg(call, 1), call_arg(call, 2), clipboard_how(call));
	return 0;
}

/* Of the socket that transfer_exit_write() found. */
static __noinline int clipboard_exit_call(struct call *call, __u64 bytes)
{
	__u64 server = x11_server(call->unix_sock), key;
	bool is_gap = true;

	if (!server)
		return 0;
	key = x11_stream_key((struct sock *)call->unix_sock);
	if (call->rule->form != WEIR_FORM_MMSGHDR && x11_stream_make(key, server))
		is_gap = clipboard_exit(key, call_arg(call, 1), call_arg(call, 2),
					clipboard_how(call), bytes);
	if (is_gap && bytes)
		datagram_note_gap(call->number);
	return 0;
}

#endif
