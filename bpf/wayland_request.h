/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WAYLAND_REQUEST_H
#define WEIR_WAYLAND_REQUEST_H

/*
 * What a Wayland client writes to its compositor, piece by piece: where each request begins, and
 * what those that draw, or take a picture of the screen, say. Memory-safe whatever is written.
 *
 * Requests are known by their form, which is opcode and length, and by what they are about: of
 * which interface an object is a client says once, when it binds or makes it, and that is mostly
 * long before anything is labelled and anybody looks. "Wire Format" of the Wayland documentation:
 * words of the host's byte order, of which the first is the object, the second the form.
 */

#ifdef __bpf__
#include "kernel.h"

#include <bpf/bpf_helpers.h>

#define WAYLAND_INLINE static __always_inline
#else
#include <linux/types.h>
#include <stdbool.h>
#define WAYLAND_INLINE static inline
#endif

#define WAYLAND_HEADER_BYTES 8
#define WAYLAND_HEAD_WORDS 16 /* twice what is needed, so that any position may be masked */
#define WAYLAND_HEAD_MASK 31  /* no head is longer, in bytes */
#define WAYLAND_FRAMES 4      /* pictures asked for at once; a power of two */
#define WAYLAND_CLIENT_IDS 0x00f00000u /* and no more: WL_MAP_MAX_OBJECTS, wayland-private.h */
#define WAYLAND_SIDE_MAX 0xffff

#define WAYLAND_FORM(opcode, bytes) ((bytes) << 16 | (opcode))

enum wayland_form {
	/* wl_surface: attach(buffer, x, y), commit() */
	WAYLAND_ATTACH = WAYLAND_FORM(1, 20),
	WAYLAND_COMMIT = WAYLAND_FORM(6, 8),
	/* wl_shm_pool.create_buffer(buffer, offset, width, height, stride, format) */
	WAYLAND_CREATE_BUFFER = WAYLAND_FORM(0, 32),
	/* zwlr_screencopy_manager_v1, zwlr_export_dmabuf_manager_v1: capture_output(frame, cursor,
	 * output); hyprland_toplevel_export_manager_v1.capture_toplevel(frame, cursor, window);
	 * ext_image_copy_capture_manager_v1.create_session(session, source, options) */
	WAYLAND_CAPTURE = WAYLAND_FORM(0, 20),
	/* zwlr_screencopy_manager_v1.capture_output_region(frame, cursor, output, x, y, w, h) */
	WAYLAND_CAPTURE_REGION = WAYLAND_FORM(1, 36),
	/* zwlr_screencopy_frame_v1: copy(buffer), copy_with_damage(buffer);
	 * ext_image_copy_capture_session_v1.create_frame(frame) */
	WAYLAND_COPY = WAYLAND_FORM(0, 12),
	WAYLAND_COPY_WITH_DAMAGE = WAYLAND_FORM(2, 12),
	/* hyprland_toplevel_export_frame_v1.copy(buffer, ignore_damage) */
	WAYLAND_COPY_WINDOW = WAYLAND_FORM(0, 16),
	/* zwlr_export_dmabuf_frame_v1.destroy(): its picture came unasked */
	WAYLAND_RELEASE = WAYLAND_FORM(0, 8),
	/* destroy() of the other frames, and of sessions */
	WAYLAND_DROP = WAYLAND_FORM(1, 8),
};

/* What a request does that matters here. */
enum wayland_deed {
	WAYLAND_NOTHING,
	WAYLAND_DRAWS,
	WAYLAND_PICTURES,
};

/* Zeroed at the start. */
struct wayland_reader {
	__u32 rest_bytes; /* of the request whose head was complete last */
	__u32 head_bytes;
	__u32 head[WAYLAND_HEAD_WORDS];
	__u32 frames[WAYLAND_FRAMES]; /* ids of what pictures are asked of; 0: none */
	__u32 next_frame;
	__u32 surface; /* that was given something to show last; 0: none since it was shown */
	__u32 buffer;  /* that was made last, of so many */
	__u32 buffer_pixels;
};

WAYLAND_INLINE __u32 wayland_total_bytes(const struct wayland_reader *reader)
{
	return reader->head[1] >> 16;
}

/* How long the head must be, as far as it tells by now. */
WAYLAND_INLINE __u32 wayland_wanted_bytes(const struct wayland_reader *reader)
{
	if (reader->head_bytes < WAYLAND_HEADER_BYTES)
		return WAYLAND_HEADER_BYTES;
	switch (reader->head[1]) {
	case WAYLAND_CREATE_BUFFER:
		return 24;
	case WAYLAND_CAPTURE:
	case WAYLAND_CAPTURE_REGION:
		return 20;
	case WAYLAND_ATTACH:
	case WAYLAND_COPY:
	case WAYLAND_COPY_WITH_DAMAGE:
	case WAYLAND_COPY_WINDOW:
		return 12;
	}
	return WAYLAND_HEADER_BYTES;
}

/* The head is complete. False: the stream makes no sense from here on. */
WAYLAND_INLINE bool wayland_begin_request(struct wayland_reader *reader)
{
	__u32 total = wayland_total_bytes(reader);

	if (total < reader->head_bytes)
		return false;
	reader->rest_bytes = total - reader->head_bytes;
	return true;
}

WAYLAND_INLINE void wayland_end_head(struct wayland_reader *reader)
{
	reader->head_bytes = 0;
}

/* What was written since is not known: the next call is taken to begin with a request. */
WAYLAND_INLINE void wayland_lose(struct wayland_reader *reader)
{
	reader->rest_bytes = 0;
	reader->head_bytes = 0;
}

WAYLAND_INLINE bool wayland_is_id(__u32 id)
{
	return id && id < WAYLAND_CLIENT_IDS;
}

/* A cursor is wanted or not; of a session that is the third argument, its options. Text, as it is
 * in the offer of a clipboard ("TEXT"), is larger than any id. */
WAYLAND_INLINE void wayland_await(struct wayland_reader *reader)
{
	__u32 frame = reader->head[2];
	bool is_output = reader->head[3] <= 1 && reader->head[4];
	bool is_session = wayland_is_id(reader->head[3]) && reader->head[4] <= 1;

	if (wayland_is_id(frame) && (is_output || is_session))
		reader->frames[reader->next_frame++ & (WAYLAND_FRAMES - 1)] = frame;
}

/* Whether the request's object is one that a picture is asked of. */
WAYLAND_INLINE bool wayland_is_frame(struct wayland_reader *reader, bool is_forgotten)
{
	__u32 i;

	if (!reader->head[0])
		return false;
	for (i = 0; i < WAYLAND_FRAMES; i++) {
		if (reader->frames[i] != reader->head[0])
			continue;
		if (is_forgotten)
			reader->frames[i] = 0;
		return true;
	}
	return false;
}

WAYLAND_INLINE void wayland_note_buffer(struct wayland_reader *reader)
{
	__u32 width = reader->head[4], height = reader->head[5];

	reader->buffer = reader->head[2];
	reader->buffer_pixels = 0;
	if (width <= WAYLAND_SIDE_MAX && height <= WAYLAND_SIDE_MAX)
		reader->buffer_pixels = width * height;
}

WAYLAND_INLINE enum wayland_deed wayland_show(struct wayland_reader *reader)
{
	if (!reader->surface || reader->surface != reader->head[0])
		return WAYLAND_NOTHING;
	reader->surface = 0;
	return WAYLAND_DRAWS;
}

/* Once for each request, when its head is complete. */
WAYLAND_INLINE enum wayland_deed wayland_follow(struct wayland_reader *reader)
{
	switch (reader->head[1]) {
	case WAYLAND_ATTACH:
		if (reader->head[2]) /* else it is to show nothing */
			reader->surface = reader->head[0];
		break;
	case WAYLAND_COMMIT:
		return wayland_show(reader);
	case WAYLAND_CREATE_BUFFER:
		wayland_note_buffer(reader);
		break;
	case WAYLAND_CAPTURE:
	case WAYLAND_CAPTURE_REGION:
		wayland_await(reader);
		break;
	case WAYLAND_COPY:
	case WAYLAND_COPY_WITH_DAMAGE:
	case WAYLAND_COPY_WINDOW:
		return wayland_is_frame(reader, false) ? WAYLAND_PICTURES : WAYLAND_NOTHING;
	case WAYLAND_RELEASE:
		return wayland_is_frame(reader, true) ? WAYLAND_PICTURES : WAYLAND_NOTHING;
	case WAYLAND_DROP:
		wayland_is_frame(reader, true);
		break;
	}
	return WAYLAND_NOTHING;
}

/* Of a request that takes a picture: how large it is; 0: it does not tell. */
WAYLAND_INLINE __u32 wayland_picture_pixels(const struct wayland_reader *reader)
{
	if (reader->head[1] == WAYLAND_RELEASE || reader->head[2] != reader->buffer)
		return 0;
	return reader->buffer_pixels;
}

#endif
