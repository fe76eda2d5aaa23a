/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_SELECTION_BPF_H
#define WEIR_SELECTION_BPF_H

/*
 * Selections of X11: who pastes names a property of a window of its own, who has copied writes the
 * data there (ChangeProperty), and who pastes reads it (GetProperty); in pieces (INCR), by drag and
 * drop and for the clipboard alike. What a client writes to its own windows are titles and the
 * like: those are not followed. Here is what the requests of a client do, as they are found.
 * Functions that take numbers are not static: they are verified once, see name_hash().
 */

#include "relay.bpf.h"
#include "x11.bpf.h"

#define SELECTION_TYPE_LAST 68 /* of those that every server knows, Xatom.h */
#define SELECTION_OF_SERVER 1  /* generation of the object that stands for all of a server's */

static __always_inline struct weir_app *selection_get_app(void)
{
	return app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);
}

static __always_inline void selection_set_server_key(__u64 server, struct weir_object_key *ret_key)
{
	ret_key->ino = server;
	ret_key->dev = WEIR_DEV_CLIPBOARD;
	ret_key->generation = SELECTION_OF_SERVER;
}

/* Whether labelled data was on its way through the server. */
static __always_inline bool selection_is_in_use(__u64 server)
{
	struct weir_object_key key = {};

	selection_set_server_key(server, &key);
	return server && bpf_map_lookup_elem(&objects, &key);
}

__noinline int selection_add(__u64 property, __u64 bytes, __u64 labels, __u32 hops, __u32 direction)
{
	struct transfer transfer = {
		.bytes = bytes, .labels = labels, .hops = hops, .direction = direction};
	struct object object = {.key = {property, WEIR_DEV_CLIPBOARD}, .kind = WEIR_KIND_CLIPBOARD};
	struct weir_app *app = selection_get_app();

	if (app)
		flow_add(app, &object, &transfer);
	return 0;
}

/* Opens the gate for the server's clients. */
__noinline int selection_announce(__u64 server)
{
	struct object object = {.kind = WEIR_KIND_CLIPBOARD};
	struct weir_app *app = selection_get_app();
	struct weir_state *gate = state_get();
	struct weir_object *known;

	if (!app || !gate)
		return 0;
	selection_set_server_key(server, &object.key);
	label_resting(&object, app);
	known = bpf_map_lookup_elem(&objects, &object.key);
	if (known)
		known->seen_epoch = gate->epoch;
	return 0;
}

static __always_inline bool selection_has_effect(const struct x11_stream *stream)
{
	return !stream->is_counting && stream->seen.position > stream->acted;
}

static __always_inline __u64 selection_property(const struct x11_stream *stream)
{
	__u64 hash = object_mix(stream->grab.server, x11_word(&stream->seen, X11_AT_WINDOW));

	return object_mix(hash, x11_word(&stream->seen, X11_AT_PROPERTY));
}

static __always_inline bool selection_is_own_window(const struct x11_stream *stream)
{
	__u32 window = x11_word(&stream->seen, X11_AT_WINDOW);

	return (window & ~X11_CLIENT_IDS) == stream->base;
}

/* Selections are for the windows of others. A compositor writes much else there, as their manager,
 * but text only for that; whose windows are its own need not be known then. */
static __always_inline bool selection_may_pass(const struct x11_stream *stream,
					       const struct weir_app *app)
{
	if (stream->has_base && selection_is_own_window(stream))
		return false;
	if (!app->is_hub)
		return stream->has_base;
	return (x11_word(&stream->seen, X11_AT_FORMAT) & 0xff) == 8 &&
	       x11_word(&stream->seen, X11_AT_WINDOW) > X11_CLIENT_IDS; /* not the root */
}

/* Others write over what is labelled, or behind it. */
static __always_inline void selection_overwrite(__u64 property, __u64 bytes, bool is_replaced)
{
	struct weir_clipboard *known = bpf_map_lookup_elem(&clipboards, &property);

	if (known && is_replaced)
		bpf_map_delete_elem(&clipboards, &property);
	else if (known)
		known->bytes += bytes;
}

/* Filled in place: who is to read it waits until it is there. */
static __always_inline void selection_write(struct x11_stream *stream, const struct weir_app *app,
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

/*
 * A client could not be followed, in a call of this number. What it may have given is a gap of its
 * own labels; of what it may have taken it has none yet: those are of all that was on its way
 * through the server.
 */
__noinline int selection_note_gap(__u64 server, __u64 number)
{
	struct object object = {.key = {.ino = number, .dev = WEIR_DEV_GAP}};
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct transfer transfer = {.direction = WEIR_IN};
	struct weir_app *app = selection_get_app();
	struct weir_object_key key = {};
	struct weir_object *known;

	if (!app || app->is_hub)
		return 0;
	if (app->labels)
		return flow_note_gap(app->id, number);
	selection_set_server_key(server, &key);
	known = bpf_map_lookup_elem(&objects, &key);
	if (!known)
		return 0;
	transfer.labels = known->labels;
	transfer.hops = known->hops;
	name_remember_app(app->id, (__u64)BPF_CORE_READ(task, mm, exe_file));
	flow_add(app, &object, &transfer);
	return 0;
}

/* Of ChangeProperty: whether the data will come in pieces, each in place of the one before. The
 * type is called INCR, by a number that each server gives. ICCCM 2.0, 2.7.2 */
static __always_inline bool selection_is_announced(const struct x11_reader *reader)
{
	return (x11_word(reader, X11_AT_FORMAT) & 0xff) == 32 &&
	       x11_word(reader, X11_AT_UNITS) == 1 &&
	       x11_word(reader, X11_AT_TYPE) > SELECTION_TYPE_LAST;
}

/* An empty piece is the last one. */
static __always_inline void selection_count_pieced(struct x11_stream *stream, __u64 bytes)
{
	if (!bytes && stream->n_pieced)
		stream->n_pieced--;
	else if (selection_is_announced(&stream->seen) && stream->n_pieced < 0xff &&
		 !(stream->has_base && selection_is_own_window(stream)))
		stream->n_pieced++;
}

/* ChangeProperty. */
__noinline int selection_change(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_app *app = selection_get_app();
	bool is_followed, is_replaced;
	__u64 property, bytes;

	if (!stream || !app)
		return 0;
	if (!stream->has_base)
		stream->strange_window = x11_word(&stream->seen, X11_AT_WINDOW);
	property = selection_property(stream);
	bytes = x11_value_bytes(&stream->seen);
	is_replaced = x11_byte(&stream->seen, X11_AT_MODE) == X11_MODE_REPLACE;
	is_followed = app->labels && selection_may_pass(stream, app) && bytes &&
		      !x11_is_talk(&stream->seen);
	if (is_followed) {
		stream->seen.data_bytes = bytes;
		stream->seen.property = property;
		stream->has_data = 1;
	}
	if (!selection_has_effect(stream))
		return 0;
	selection_count_pieced(stream, bytes);
	if (is_followed)
		selection_write(stream, app, property, bytes, is_replaced);
	else
		selection_overwrite(property, bytes, is_replaced);
	return 0;
}

static __always_inline void selection_note_read(struct x11_stream *stream, __u64 property,
						__u64 bytes, const struct weir_clipboard *known)
{
	struct x11_read *read = x11_last_read(stream);

	if (read->bytes && read->property != property && stream->last_read < X11_READS - 1) {
		stream->last_read++;
		read = x11_last_read(stream);
	}
	if (!read->bytes)
		read->labels = 0;
	read->property = property;
	read->bytes += bytes;
	read->labels |= known->labels;
	read->hops = known->hops;
	stream->read_end = stream->seen.position;
	stream->gained_labels |= known->labels;
}

/* GetProperty. */
__noinline int selection_read(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_app *app = selection_get_app();
	struct weir_clipboard *known;
	__u64 property, bytes;
	__u32 type;

	if (!stream || !app || !selection_has_effect(stream))
		return 0;
	property = selection_property(stream);
	known = bpf_map_lookup_elem(&clipboards, &property);
	type = x11_word(&stream->seen, X11_AT_TYPE);
	if (!known || (type && type != known->type)) /* 0: of any type */
		return 0;
	bytes = x11_answer_bytes(&stream->seen, known->bytes);
	if (bytes)
		selection_note_read(stream, property, bytes, known);
	if (x11_is_taken(&stream->seen, known->bytes))
		bpf_map_delete_elem(&clipboards, &property);
	return 0;
}

/* Whose windows those are that it writes to is not known, and now it tells another client that
 * what it wanted is there. */
static __always_inline bool selection_is_strange(const struct x11_stream *stream)
{
	struct weir_app *app;

	if (stream->has_base || !stream->strange_window ||
	    (x11_word(&stream->seen, X11_AT_EVENT) & 0x7f) != X11_SELECTION_NOTIFY ||
	    x11_word(&stream->seen, X11_AT_WINDOW) != stream->strange_window)
		return false;
	app = selection_get_app();
	return app && app->labels;
}

static __always_inline void selection_learn_base(struct x11_stream *stream, __u32 opcode)
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

static __always_inline void selection_act(__u64 key, struct x11_stream *stream)
{
	__u32 opcode = x11_byte(&stream->seen, 0);
	__u64 property;

	if (x11_is_setup(&stream->seen) || !x11_has_fields(&stream->seen))
		return;
	switch (opcode) {
	case X11_CHANGE_PROPERTY:
		selection_change(key);
		break;
	case X11_GET_PROPERTY:
		selection_read(key);
		break;
	case X11_DELETE_PROPERTY:
		property = selection_property(stream);
		if (selection_has_effect(stream))
			bpf_map_delete_elem(&clipboards, &property);
		break;
	case X11_SEND_EVENT:
		stream->is_gap |= selection_is_strange(stream);
		break;
	case X11_CONVERT_SELECTION:
		if (selection_has_effect(stream)) /* another one */
			relay_take(stream->seen.position, 0, 0);
		selection_learn_base(stream, opcode);
		break;
	default:
		selection_learn_base(stream, opcode);
	}
	if (selection_has_effect(stream))
		stream->acted = stream->seen.position;
}

#endif
