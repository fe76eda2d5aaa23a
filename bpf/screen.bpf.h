/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_SCREEN_BPF_H
#define WEIR_SCREEN_BPF_H

/*
 * Pictures of the screen: who has an X server give it, or put into a pixmap of its own, what
 * another client may have drawn, or a Wayland compositor copy it into its buffer, takes the labels
 * of those who have drawn on that server's screens shortly before. Whether the picture shows what
 * they hold is not known: all of it is an estimate. Functions that take numbers are not static:
 * they are verified once, see name_hash().
 */

#include "selection.bpf.h"
#include "wayland.bpf.h"

#define SCREEN_PIXELS_MIN 64 /* fewer are a colour that somebody picks */
#define SCREEN_PIXEL_BYTES 4
#define SCREEN_NS_PER_S 1000000000ull

/* Of an app that others may see on the screen: its classes. Where a list came from is not seen. */
static __always_inline __u64 screen_labels(const struct weir_app *app,
					   const struct weir_state *gate)
{
	return app->labels & ~gate->origin_labels;
}

/* The key of the display server that a client's socket leads to; 0 for any other socket. */
__noinline __u64 screen_server(__u64 socket)
{
	return x11_server(socket) ?: wayland_server(socket);
}

/* Of a connection, by its key; the keys of both kinds are inodes of sockets. */
static __always_inline struct screen_grab *screen_get_grab(__u64 key)
{
	struct x11_stream *x11 = x11_stream_get(key);
	struct wayland_stream *wayland;

	if (x11)
		return &x11->grab;
	wayland = bpf_map_lookup_elem(&wayland_streams, &key);
	return wayland ? &wayland->grab : NULL;
}

/* One more picture, of so many pixels; 0: not known how many. */
static __always_inline void screen_add_picture(struct screen_grab *grab, __u64 pixels)
{
	if (!pixels)
		grab->pixels += SCREEN_PIXELS_MIN;
	else if (pixels >= SCREEN_PIXELS_MIN)
		grab->pixels += pixels;
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
	screen_add_picture(&stream->grab, x11_picture_pixels(&stream->seen));
	return 0;
}

/* Whether the running app shows something labelled by what it draws; it is remembered then. The
 * labels of a hub are of what it hands on, see relay.bpf.h: not of its own panels. */
__noinline int screen_draw(__u64 server)
{
	struct weir_app *app = selection_get_app();
	struct weir_state *gate = state_get();
	struct screen *screen;
	__u32 i, at = 0;

	if (!app || app->is_hub || !gate || !gate->screen_recent_s || !screen_labels(app, gate))
		return false;
	screen = bpf_map_lookup_elem(&screens, &server);
	if (!screen) {
		LRU_ADD(screens, WEIR_LRU_SCREENS, &server, &empty_screen);
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

static __always_inline void screen_set_object(const struct screen_grab *grab,
					      const struct weir_app *app, struct object *ret_object)
{
	ret_object->key.ino = object_mix(grab->server, app->id);
	ret_object->key.dev = WEIR_DEV_SCREEN;
	ret_object->kind = WEIR_KIND_SCREEN;
}

/* What one of those who drew is in the picture for. The time of its flow is when it drew. */
__noinline int screen_show(__u64 key, __u64 app_id, __u64 drawn_ns)
{
	struct weir_app *drawer = bpf_map_lookup_elem(&apps, &app_id);
	struct transfer transfer = {.direction = WEIR_OUT, .is_estimated = true};
	struct weir_app *app = selection_get_app();
	struct screen_grab *grab = screen_get_grab(key);
	struct weir_state *gate = state_get();
	struct object object = {};
	struct weir_flow *flow;

	if (!app || !grab || !gate || !drawer || drawer->ended_ns || drawer->id == app->id)
		return 0;
	if (bpf_ktime_get_boot_ns() - drawn_ns > gate->screen_recent_s * SCREEN_NS_PER_S)
		return 0;
	transfer.labels = screen_labels(drawer, gate);
	if (!transfer.labels)
		return 0;
	transfer.bytes = grab->pixels * SCREEN_PIXEL_BYTES;
	transfer.hops = drawer->hops;
	screen_set_object(grab, app, &object);
	flow = flow_add(drawer, &object, &transfer);
	if (flow && flow->calls == 1)
		flow->first_ns = drawn_ns;
	if (flow)
		flow->last_ns = drawn_ns;
	if (drawer->hops > grab->hops)
		grab->hops = drawer->hops;
	grab->labels |= transfer.labels;
	return 0;
}

__noinline int screen_show_all(__u64 key)
{
	struct screen_grab *grab = screen_get_grab(key);
	struct screen *screen = grab ? bpf_map_lookup_elem(&screens, &grab->server) : NULL;
	__u32 i;

	for (i = 0; screen && i < SCREEN_DRAWERS; i++)
		screen_show(key, screen->drawers[i].app_id, screen->drawers[i].drawn_ns);
	return 0;
}

/* The running app takes what was shown, before the server can give it. Not called by that which
 * shows: up to 6.12 there is not enough stack for one within the other. */
__noinline int screen_take(__u64 key)
{
	struct transfer transfer = {.direction = WEIR_IN, .is_estimated = true};
	struct screen_grab *grab = screen_get_grab(key);
	struct weir_app *app = selection_get_app();
	struct object object = {};

	if (!grab || !app || !grab->labels)
		return 0;
	transfer.bytes = grab->pixels * SCREEN_PIXEL_BYTES;
	transfer.labels = grab->labels;
	transfer.hops = grab->hops + 1;
	label_app(app, transfer.labels, transfer.hops,
		  (struct task_struct *)bpf_get_current_task());
	screen_set_object(grab, app, &object);
	flow_add(app, &object, &transfer);
	return 0;
}

/* What the running app's call has taken pictures of. */
static __always_inline void screen_settle(__u64 key, struct screen_grab *grab)
{
	if (!grab->pixels)
		return;
	grab->labels = 0;
	grab->hops = 0;
	screen_show_all(key);
	screen_take(key);
	grab->pixels = 0;
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
