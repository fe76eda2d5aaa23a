/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_SCREEN_BPF_H
#define WEIR_SCREEN_BPF_H

/*
 * Pictures of the screen: who has the server give it, or put into a pixmap of its own, what another
 * client may have drawn, takes the labels of those who have drawn on that server's screens shortly
 * before. Whether the picture shows what they hold is not known: all of it is an estimate.
 * Functions that take numbers are not static: they are verified once, see name_hash().
 */

#include "selection.bpf.h"

#define SCREEN_PIXELS_MIN 64 /* fewer are a colour that somebody picks */
#define SCREEN_PIXEL_BYTES 4
#define SCREEN_NS_PER_S 1000000000ull

/* Of an app that others may see on the screen: its classes. Where a list came from is not seen. */
static __always_inline __u64 screen_labels(const struct weir_app *app,
					   const struct weir_state *gate)
{
	return app->labels & ~gate->origin_labels;
}

static __always_inline bool screen_is_own(const struct x11_stream *stream, __u32 id)
{
	return stream->has_base && (id & ~X11_CLIENT_IDS) == stream->base;
}

static __always_inline bool screen_may_be_own(const struct x11_stream *stream, __u32 id)
{
	return screen_is_own(stream, id) || (!stream->has_base && id > X11_CLIENT_IDS);
}

/* Low ids are the server's own: root windows. Who made something of its own has told its ids then,
 * unless that was not read. */
static __always_inline bool screen_is_foreign(const struct x11_stream *stream, __u32 id)
{
	if (!id || screen_is_own(stream, id))
		return false;
	return stream->has_base || stream->has_setup || id <= X11_CLIENT_IDS;
}

/* The head of a request is complete. */
__noinline int screen_look(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);
	__u64 pixels;

	if (!stream)
		return 0;
	stream->has_setup |= x11_is_setup(&stream->seen);
	if (!selection_has_effect(stream) || !x11_has_fields(&stream->seen))
		return 0;
	stream->has_drawn |= x11_is_drawing(x11_byte(&stream->seen, 0));
	if (!screen_is_foreign(stream, x11_pictured(&stream->seen)))
		return 0;
	if (!x11_is_get_image(&stream->seen) &&
	    !screen_may_be_own(stream, x11_picture_target(&stream->seen)))
		return 0;
	pixels = x11_picture_pixels(&stream->seen);
	if (!pixels)
		stream->taken_pixels += SCREEN_PIXELS_MIN;
	else if (pixels >= SCREEN_PIXELS_MIN)
		stream->taken_pixels += pixels;
	return 0;
}

/* Whether the running app shows something labelled by what it draws; it is remembered then. */
__noinline int screen_draw(__u64 server)
{
	struct weir_app *app = selection_get_app();
	struct weir_state *gate = state_get();
	struct screen *screen;
	__u32 i, at = 0;

	if (!app || !gate || !gate->screen_recent_s || !screen_labels(app, gate))
		return false;
	screen = bpf_map_lookup_elem(&screens, &server);
	if (!screen) {
		bpf_map_update_elem(&screens, &server, &empty_screen, BPF_NOEXIST);
		screen = bpf_map_lookup_elem(&screens, &server);
	}
	if (!screen)
		return false;
	for (i = 0; i < SCREEN_DRAWERS; i++) {
		if (screen->drawers[i].app_id == app->id) {
			at = i;
			break;
		}
		if (screen->drawers[i].drawn_ns < screen->drawers[at].drawn_ns)
			at = i;
	}
	at &= SCREEN_DRAWERS - 1;
	screen->drawers[at].app_id = app->id;
	screen->drawers[at].drawn_ns = bpf_ktime_get_boot_ns();
	return true;
}

static __always_inline void screen_set_object(const struct x11_stream *stream,
					      const struct weir_app *app, struct object *ret_object)
{
	ret_object->key.ino = object_mix(stream->server, app->id);
	ret_object->key.dev = WEIR_DEV_SCREEN;
	ret_object->kind = WEIR_KIND_SCREEN;
}

/* What one of those who drew is in the picture for. The time of its flow is when it drew. Returns
 * the labels that come from there. */
__noinline __u64 screen_show(__u64 key, __u64 app_id, __u64 drawn_ns)
{
	struct weir_app *drawer = bpf_map_lookup_elem(&apps, &app_id);
	struct transfer transfer = {.direction = WEIR_OUT, .is_estimated = true};
	struct weir_app *app = selection_get_app();
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_state *gate = state_get();
	struct object object = {};
	struct weir_flow *flow;

	if (!app || !stream || !gate || !drawer || drawer->ended_ns || drawer->id == app->id)
		return 0;
	if (bpf_ktime_get_boot_ns() - drawn_ns > gate->screen_recent_s * SCREEN_NS_PER_S)
		return 0;
	transfer.labels = screen_labels(drawer, gate);
	if (!transfer.labels)
		return 0;
	transfer.bytes = stream->taken_pixels * SCREEN_PIXEL_BYTES;
	transfer.hops = drawer->hops;
	screen_set_object(stream, app, &object);
	flow = flow_add(drawer, &object, &transfer);
	if (flow && flow->calls == 1)
		flow->first_ns = drawn_ns;
	if (flow)
		flow->last_ns = drawn_ns;
	if (drawer->hops > stream->taken_hops)
		stream->taken_hops = drawer->hops;
	return transfer.labels;
}

__noinline __u64 screen_show_all(__u64 key)
{
	struct x11_stream *stream = x11_stream_get(key);
	struct screen *screen = stream ? bpf_map_lookup_elem(&screens, &stream->server) : NULL;
	__u64 labels = 0;
	__u32 i;

	if (stream)
		stream->taken_hops = 0;
	for (i = 0; screen && i < SCREEN_DRAWERS; i++)
		labels |= screen_show(key, screen->drawers[i].app_id, screen->drawers[i].drawn_ns);
	return labels;
}

/* The running app takes what was shown, before the server can give it. Not called by that which
 * shows: up to 6.12 there is not enough stack for one within the other. */
__noinline int screen_take(__u64 key, __u64 labels)
{
	struct transfer transfer = {.direction = WEIR_IN, .labels = labels, .is_estimated = true};
	struct x11_stream *stream = x11_stream_get(key);
	struct weir_app *app = selection_get_app();
	struct object object = {};

	if (!stream || !app)
		return 0;
	transfer.bytes = stream->taken_pixels * SCREEN_PIXEL_BYTES;
	transfer.hops = stream->taken_hops + 1;
	label_app(app, labels, transfer.hops, (struct task_struct *)bpf_get_current_task());
	screen_set_object(stream, app, &object);
	flow_add(app, &object, &transfer);
	return 0;
}

/* What the running app's call has taken pictures of. */
static __always_inline void screen_settle(__u64 key, struct x11_stream *stream)
{
	__u64 labels = stream->taken_pixels ? screen_show_all(key) : 0;

	if (labels)
		screen_take(key, labels);
	stream->taken_pixels = 0;
}

/* Met by a walk: a client of a server where somebody has put something labelled. While such a one
 * is connected, what it has drawn is on the screen. */
static __always_inline void screen_watch(struct weir_app *app, __u64 server,
					 const struct weir_state *gate)
{
	struct weir_object_key key = {};
	struct weir_object *known;

	if (!server)
		return;
	selection_set_server_key(server, &key);
	known = bpf_map_lookup_elem(&objects, &key);
	if (!known)
		return;
	app_open(app);
	if (!app->is_hub && screen_labels(app, gate))
		known->seen_epoch = gate->epoch;
}

#endif
