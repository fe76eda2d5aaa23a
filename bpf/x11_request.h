/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_X11_REQUEST_H
#define WEIR_X11_REQUEST_H

/*
 * What an X11 client writes to its server, piece by piece: where each request begins, and the
 * fields of those that matter here. Nothing is known of a request before its head is complete, and
 * what follows the head is only counted. Memory-safe whatever is written. Clients of the other
 * byte order are told as such and not read. X Window System Protocol, X Version 11, appendix B.
 */

#ifdef __bpf__
#include "kernel.h"

#include <bpf/bpf_helpers.h>

#define X11_INLINE static __always_inline
#else
#include <linux/types.h>
#include <stdbool.h>
#define X11_INLINE static inline
#endif

#define X11_HEAD_ROOM 64      /* twice what a head needs, so that any position may be masked */
#define X11_HEAD_MASK 31      /* no head is longer */
#define X11_BIG_BYTES 4       /* of the length that BIG-REQUESTS puts behind a length of 0 */
#define X11_UNIT_BYTES 4      /* of a request's length */
#define X11_UNITS_MAX 4194303 /* MAX_BIG_REQUEST_SIZE, include/misc.h of the X server */
#define X11_WORDS_SETUP 11 /* where a request has its length, the first message has the version */
#define X11_SETUP_MAX 1024 /* with the name and the data of a key: fewer than 100 */
#define X11_SELECTION_NOTIFY 31
#define X11_TYPE_ATOM 4
#define X11_MODE_REPLACE 0

/* Requests of extensions are known by their form, because the opcode is what the server has given:
 * the minor one, the length, and whose ids are in it. shmproto.h, compositeproto.h */
#define X11_SHM_GET_IMAGE 4
#define X11_SHM_GET_IMAGE_BYTES 32
#define X11_XY_PIXMAP 1
#define X11_Z_PIXMAP 2
#define X11_NAME_PIXMAP 6 /* CompositeNameWindowPixmap */
#define X11_NAME_PIXMAP_BYTES 12

enum x11_opcode {
	X11_CREATE_WINDOW = 1,
	X11_CHANGE_PROPERTY = 18,
	X11_DELETE_PROPERTY = 19,
	X11_GET_PROPERTY = 20,
	X11_SET_SELECTION_OWNER = 22,
	X11_CONVERT_SELECTION = 24,
	X11_SEND_EVENT = 25,
	X11_OPEN_FONT = 45,
	X11_CREATE_PIXMAP = 53,
	X11_CREATE_GC = 55,
	X11_CHANGE_GC = 56,
	X11_CLEAR_AREA = 61,
	X11_COPY_AREA = 62,
	X11_COPY_PLANE = 63,
	X11_POLY_POINT = 64,
	X11_PUT_IMAGE = 72,
	X11_GET_IMAGE = 73,
	X11_POLY_TEXT8 = 74,
	X11_IMAGE_TEXT16 = 77,
	X11_CREATE_COLORMAP = 78,
	X11_CREATE_CURSOR = 93,
	X11_CREATE_GLYPH_CURSOR = 94,
	X11_EXTENSION = 128,    /* the first of those that a server gives to extensions */
	X11_SETUP_LITTLE = 'l', /* byte order of the client, at the start of the connection */
	X11_SETUP_BIG = 'B',
};

/* Of a head, in the form without a big length. */
enum x11_field {
	X11_AT_MODE = 1, /* of GetProperty: whether it is deleted */
	X11_AT_WINDOW = 4,
	X11_AT_SETUP_NAME = 6,
	X11_AT_PROPERTY = 8,
	X11_AT_TARGET = 8,
	X11_AT_SETUP_DATA = 8,
	X11_AT_TYPE = 12,
	X11_AT_EVENT = 12,
	X11_AT_SIZE = 12, /* of an image */
	X11_AT_FORMAT = 16,
	X11_AT_OFFSET = 16,
	X11_AT_UNITS = 20,
	X11_AT_IMAGE_FORMAT = 20,
	X11_AT_COPY_SIZE = 24,
	X11_AT_LENGTH = 20,
};

/* What a length of 0 means: to the server only from BigReqEnable on (bigreqsproto.h) that a longer
 * one follows, before it four bytes that it answers with an error (ReadRequestFromClient(),
 * os/io.c). Other extensions have requests of BigReqEnable's form: what client has sent one of
 * those is believed, too. */
enum x11_sizes {
	X11_SIZES_UNKNOWN = 0, /* not read from its first byte on */
	X11_SIZES_SMALL = 1,
	X11_SIZES_BIG = 2,
};

struct x11_reader {
	__u64 position;   /* in the stream, of the next byte */
	__u64 rest_bytes; /* of the request whose head was complete last */
	__u64 data_bytes; /* the first of those: of a property that is followed */
	__u64 property;   /* which one */
	__u32 head_bytes;
	__u32 sizes; /* enum x11_sizes */
	__u8 head[X11_HEAD_ROOM];
};

X11_INLINE __u32 x11_byte(const struct x11_reader *reader, __u32 at)
{
	return reader->head[at & X11_HEAD_MASK];
}

X11_INLINE __u32 x11_short(const struct x11_reader *reader, __u32 at)
{
	return x11_byte(reader, at) | x11_byte(reader, at + 1) << 8;
}

X11_INLINE __u32 x11_raw_word(const struct x11_reader *reader, __u32 at)
{
	return x11_short(reader, at) | x11_short(reader, at + 2) << 16;
}

X11_INLINE __u32 x11_big_bytes(const struct x11_reader *reader)
{
	return x11_short(reader, 2) || reader->sizes == X11_SIZES_SMALL ? 0 : X11_BIG_BYTES;
}

/* Where a field is that lies behind the length. */
X11_INLINE __u32 x11_word(const struct x11_reader *reader, __u32 at)
{
	return x11_raw_word(reader, at + x11_big_bytes(reader));
}

/* Only what the client says first, or was first seen to say: later it is a request like others. */
X11_INLINE bool x11_is_setup(const struct x11_reader *reader)
{
	return reader->position == reader->head_bytes && x11_byte(reader, 0) == X11_SETUP_LITTLE &&
	       x11_short(reader, 2) == X11_WORDS_SETUP;
}

/* PolySegment, which this would be otherwise, has no such length. */
X11_INLINE bool x11_is_swapped_setup(const struct x11_reader *reader)
{
	return x11_byte(reader, 0) == X11_SETUP_BIG && x11_short(reader, 2) == X11_WORDS_SETUP << 8;
}

/* Where in a request the client names something that only itself can have made; 0: nowhere. Of
 * those that draw it is the graphics context. */
X11_INLINE __u32 x11_at_own_id(__u32 opcode)
{
	switch (opcode) {
	case X11_CREATE_WINDOW:
	case X11_SET_SELECTION_OWNER:
	case X11_CONVERT_SELECTION:
	case X11_OPEN_FONT:
	case X11_CREATE_PIXMAP:
	case X11_CREATE_GC:
	case X11_CHANGE_GC:
	case X11_CREATE_COLORMAP:
	case X11_CREATE_CURSOR:
	case X11_CREATE_GLYPH_CURSOR:
		return 4;
	case X11_COPY_AREA:
	case X11_COPY_PLANE:
		return 12;
	}
	if (opcode >= X11_POLY_POINT && opcode <= X11_PUT_IMAGE)
		return 8;
	return opcode >= X11_POLY_TEXT8 && opcode <= X11_IMAGE_TEXT16 ? 8 : 0;
}

X11_INLINE __u64 x11_padded(__u32 bytes)
{
	return (bytes + 3ull) & ~3ull;
}

/* Of the whole request whose head is complete; less than the head: there is no such request. */
X11_INLINE __u64 x11_total_bytes(const struct x11_reader *reader)
{
	if (x11_is_setup(reader))
		return 12 + x11_padded(x11_short(reader, X11_AT_SETUP_NAME)) +
		       x11_padded(x11_short(reader, X11_AT_SETUP_DATA));
	if (x11_big_bytes(reader))
		return (__u64)x11_raw_word(reader, 4) * X11_UNIT_BYTES;
	if (!x11_short(reader, 2))
		return X11_UNIT_BYTES;
	return (__u64)x11_short(reader, 2) * X11_UNIT_BYTES;
}

X11_INLINE bool x11_is_extension(const struct x11_reader *reader, __u32 minor, __u64 bytes)
{
	return x11_byte(reader, 0) >= X11_EXTENSION && x11_byte(reader, 1) == minor &&
	       x11_total_bytes(reader) == bytes + x11_big_bytes(reader);
}

/* What of a request is looked at, when its length is there. A copy's size is not where the length
 * is a big one: the head has no room for it. */
X11_INLINE __u32 x11_fields_bytes(const struct x11_reader *reader)
{
	__u32 opcode = x11_byte(reader, 0), own_id;

	switch (opcode) {
	case X11_CHANGE_PROPERTY:
	case X11_GET_PROPERTY:
		return 24;
	case X11_COPY_AREA:
	case X11_COPY_PLANE:
		return x11_big_bytes(reader) ? 16 : 28;
	case X11_SEND_EVENT:
	case X11_GET_IMAGE:
		return 16;
	case X11_DELETE_PROPERTY:
		return 12;
	}
	if (x11_is_extension(reader, X11_SHM_GET_IMAGE, X11_SHM_GET_IMAGE_BYTES))
		return 24;
	if (x11_is_extension(reader, X11_NAME_PIXMAP, X11_NAME_PIXMAP_BYTES))
		return X11_NAME_PIXMAP_BYTES;
	own_id = x11_at_own_id(opcode);
	return own_id ? own_id + 4 : 4;
}

/* How long the head must be, as far as it tells by now. */
X11_INLINE __u32 x11_wanted_bytes(const struct x11_reader *reader)
{
	__u32 least, wanted;
	__u64 total;

	if (reader->head_bytes < 4)
		return 4;
	if (x11_is_setup(reader))
		return 12;
	least = 4 + x11_big_bytes(reader);
	if (reader->head_bytes < least)
		return least;
	wanted = x11_fields_bytes(reader) + least - 4;
	total = x11_total_bytes(reader);
	return total < wanted && total >= least ? total : wanted;
}

/* Whether the fields that x11_fields_bytes() counts are there. */
X11_INLINE bool x11_has_fields(const struct x11_reader *reader)
{
	return reader->head_bytes >= x11_fields_bytes(reader) + x11_big_bytes(reader);
}

/* BigReqEnable, or what has its form. */
X11_INLINE bool x11_is_turning_big(const struct x11_reader *reader)
{
	return x11_byte(reader, 0) >= X11_EXTENSION && !x11_byte(reader, 1) &&
	       x11_short(reader, 2) == 1;
}

/* The head is complete. False: the stream makes no sense from here on. */
X11_INLINE bool x11_begin_request(struct x11_reader *reader)
{
	__u64 total = x11_total_bytes(reader);

	if (total < reader->head_bytes || total > (__u64)X11_UNITS_MAX * X11_UNIT_BYTES ||
	    x11_is_swapped_setup(reader))
		return false;
	if (x11_is_setup(reader)) {
		if (total > X11_SETUP_MAX)
			return false;
		reader->sizes = X11_SIZES_SMALL;
	} else if (x11_is_turning_big(reader)) {
		reader->sizes = X11_SIZES_BIG;
	}
	reader->rest_bytes = total - reader->head_bytes;
	reader->data_bytes = 0;
	return true;
}

/* Between calls: whether the server may be reading requests where here there is one long one.
 * Libraries give a long request to the kernel in one call. */
X11_INLINE bool x11_is_in_doubt(const struct x11_reader *reader)
{
	return reader->rest_bytes && reader->sizes == X11_SIZES_UNKNOWN && x11_big_bytes(reader);
}

X11_INLINE void x11_end_head(struct x11_reader *reader)
{
	reader->head_bytes = 0;
}

/* Goes past so many bytes of the rest. Returns how many of them are data that is followed. */
X11_INLINE __u64 x11_skip(struct x11_reader *reader, __u64 bytes)
{
	__u64 data = reader->data_bytes < bytes ? reader->data_bytes : bytes;

	reader->rest_bytes -= bytes;
	reader->data_bytes -= data;
	reader->position += bytes;
	return data;
}

/* Of ChangeProperty: bytes of the value, never more than the request has. */
X11_INLINE __u64 x11_value_bytes(const struct x11_reader *reader)
{
	__u64 bytes = (__u64)x11_word(reader, X11_AT_UNITS) *
		      ((x11_word(reader, X11_AT_FORMAT) & 0xff) / 8);

	return bytes < reader->rest_bytes ? bytes : reader->rest_bytes;
}

/* Of ChangeProperty: lists of the forms that can be had, and single numbers, are how clients come
 * to terms. ICCCM 2.0, 2.6.2 and 2.7.2 */
X11_INLINE bool x11_is_talk(const struct x11_reader *reader)
{
	return (x11_word(reader, X11_AT_FORMAT) & 0xff) == 32 &&
	       (x11_word(reader, X11_AT_TYPE) == X11_TYPE_ATOM ||
		x11_word(reader, X11_AT_UNITS) <= 1);
}

/* Of GetProperty: what is answered of a property that holds so much. ProcGetProperty(),
 * dix/property.c of the X server */
X11_INLINE __u64 x11_answer_bytes(const struct x11_reader *reader, __u64 held_bytes)
{
	__u64 start = (__u64)x11_word(reader, X11_AT_OFFSET) * 4;
	__u64 most = (__u64)x11_word(reader, X11_AT_LENGTH) * 4;

	if (start >= held_bytes)
		return 0;
	return held_bytes - start < most ? held_bytes - start : most;
}

/* Of GetProperty: whether that property is gone then. */
X11_INLINE bool x11_is_taken(const struct x11_reader *reader, __u64 held_bytes)
{
	__u64 start = (__u64)x11_word(reader, X11_AT_OFFSET) * 4;

	return x11_byte(reader, X11_AT_MODE) && start <= held_bytes &&
	       held_bytes - start <= (__u64)x11_word(reader, X11_AT_LENGTH) * 4;
}

/* Most of what extensions are used for is drawing. */
X11_INLINE bool x11_is_drawing(__u32 opcode)
{
	return (opcode >= X11_CLEAR_AREA && opcode <= X11_IMAGE_TEXT16 &&
		opcode != X11_GET_IMAGE) ||
	       opcode >= X11_EXTENSION;
}

X11_INLINE bool x11_is_copy(const struct x11_reader *reader)
{
	return x11_byte(reader, 0) == X11_COPY_AREA || x11_byte(reader, 0) == X11_COPY_PLANE;
}

X11_INLINE bool x11_is_name_pixmap(const struct x11_reader *reader)
{
	return x11_is_extension(reader, X11_NAME_PIXMAP, X11_NAME_PIXMAP_BYTES);
}

X11_INLINE bool x11_is_get_image(const struct x11_reader *reader)
{
	__u32 format = x11_word(reader, X11_AT_IMAGE_FORMAT) & 0xff;

	if (x11_byte(reader, 0) == X11_GET_IMAGE)
		return true;
	return x11_is_extension(reader, X11_SHM_GET_IMAGE, X11_SHM_GET_IMAGE_BYTES) &&
	       (format == X11_XY_PIXMAP || format == X11_Z_PIXMAP);
}

/* The fields are there. Of what the request takes a picture, a window or a pixmap; 0: of nothing.
 */
X11_INLINE __u32 x11_pictured(const struct x11_reader *reader)
{
	if (x11_is_get_image(reader) || x11_is_copy(reader) || x11_is_name_pixmap(reader))
		return x11_word(reader, X11_AT_WINDOW);
	return 0;
}

/* Of those that do not give it to the client: the pixmap that has it then. */
X11_INLINE __u32 x11_picture_target(const struct x11_reader *reader)
{
	return x11_word(reader, X11_AT_TARGET);
}

/* 0: the request does not tell. */
X11_INLINE __u64 x11_picture_pixels(const struct x11_reader *reader)
{
	__u32 at = X11_AT_SIZE, size;

	if (x11_is_copy(reader))
		at = X11_AT_COPY_SIZE;
	if (x11_is_name_pixmap(reader) || (at == X11_AT_COPY_SIZE && x11_big_bytes(reader)))
		return 0;
	size = x11_word(reader, at);
	return (__u64)(size & 0xffff) * (size >> 16);
}

#endif
