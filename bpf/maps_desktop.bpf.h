/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_MAPS_DESKTOP_BPF_H
#define WEIR_MAPS_DESKTOP_BPF_H

/* The tables of what goes by X servers, compositors and terminals, see maps.bpf.h. */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "wayland_request.h"
#include "x11_request.h"

/* What the running call of a display server's client takes of what others have drawn. First in what
 * it is a part of: no address is computed then before it is seen that there is one. */
struct screen_grab {
	__u64 server; /* its key */
	__u64 pixels;
	__u64 labels;
	__u32 hops;
	__u32 padding;
};

/* Connections to X servers, by the inode of the client's socket: how far each was read, in what it
 * writes. Full: the one that was not used for the longest time goes; its next write is taken to
 * begin with a request, and whose its windows are it tells again. */
#define X11_STREAMS_MAX 4096

/* Of one property, asked for, but not known to be asked for to the end. */
struct x11_read {
	__u64 property;
	__u64 bytes; /* 0: there is none */
	__u64 labels;
	__u32 hops;
	__u32 padding;
};

/* That are told apart; a power of two. Those that come later are told as one. */
#define X11_READS 4

struct x11_stream {
	struct screen_grab grab;
	struct x11_reader done, seen; /* what calls have returned; what the running one would */
	struct weir_user_buffers from;
	__u64 left_bytes;  /* of the call */
	__u64 seen_bytes;  /* of the call, all */
	__u64 acted;       /* position up to which requests had their effect */
	__u64 moved_bytes; /* of a property, not yet in a flow */
	struct x11_read reads[X11_READS];
	__u64 read_end;      /* position where all of them are asked for */
	__u64 gained_labels; /* by the running call */
	__u64 text_address; /* of data of a property that the running call has written; likewise: */
	__u64 text_bytes;
	__u64 text_property;
	__u32 last_read;      /* of reads */
	__u32 base;           /* of the ids that the client may give to its windows */
	__u32 strange_window; /* written to before that was known */
	__u8 has_base;
	__u8 has_setup;   /* read from its first byte on: what it has made is known */
	__u8 has_drawn;   /* by the running call */
	__u8 is_counting; /* the call has returned */
	__u8 is_seen;     /* at its entry */
	__u8 has_given;   /* put labelled data into a property */
	__u8 has_data;    /* must be read again when it has returned */
	__u8 is_gap;      /* it made no sense, or was too long, or its windows are not known */
	__u8 is_swapped;
	__u8 is_text_cut; /* there is more of it elsewhere */
	__u8 n_pieced;    /* properties that it writes in pieces (INCR) */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, X11_STREAMS_MAX);
	__type(key, __u64);
	__type(value, struct x11_stream);
} x11_streams SEC(".maps");

/* Connections to Wayland compositors of apps that may take pictures, or show what is labelled, by
 * the inode of the client's socket. Written at the exit of the call that writes there. Full: the
 * one that was not used for the longest time goes; a picture that it has asked for, and not been
 * given yet, is not seen then. */
struct wayland_stream {
	struct screen_grab grab;
	struct wayland_reader reader;
	struct weir_user_buffers from;
	__u64 left_bytes; /* of the call */
	__u64 has_drawn;  /* by the call */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct wayland_stream);
} wayland_streams SEC(".maps");

/* Who holds labels and has drawn on the screens of a display server, and when, by the server's key.
 * Written at the entry of the call that draws. Full: the server goes on whose screens nobody such
 * has drawn for the longest time. More drawers than there is room for: the one goes who has not
 * drawn for the longest time. */
#define SCREEN_DRAWERS 4 /* a power of two */

struct screen_drawer {
	__u64 app_id;
	__u64 drawn_ns;
};

struct screen {
	struct screen_drawer drawers[SCREEN_DRAWERS];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct screen);
} screens SEC(".maps");

/* Labelled data in properties, by the ino of its object. Written at the entry of the call that
 * writes it, deleted when it is taken or overwritten, and by the agent when it was left for some
 * walks. Full: the label cannot be set, losses.objects_full. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct weir_clipboard);
} clipboards SEC(".maps");

/* Pipes by which a selection of Wayland is passed. Written when one is received over a socket of
 * that name. Full: the one that was not used for the longest time goes, and is told as a pipe. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct weir_object_key);
	__type(value, __u64);
} pastes SEC(".maps");

/* What compositors read from selections to hand it on themselves, by the id of their app. Written
 * at the exit of the call that reads. Full: the one that was not used for the longest time goes;
 * what it hands on then has no label. */
struct relay {
	__u64 selection;      /* the last one: hash of a pipe or a property */
	__u64 labels;         /* of what came out of it */
	__u64 earlier_labels; /* and of the one before: there are two that count */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u64);
	__type(value, struct relay);
} relays SEC(".maps");

/* What was pasted into terminals and not read yet, by the ino of the direction's object, and what
 * labelled programs have shown on consoles. Written at the entry of the call that does it. Full:
 * the one that was not used for the longest time goes; its label stays with who has pasted. */
struct terminal {
	__u64 bytes;
	__u64 written_ns;
	__u64 screen; /* that it was taken off, on consoles; or 0 */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct terminal);
} terminals SEC(".maps");

/* The selection of the consoles: the kernel has one for all of them. */
struct console_selection {
	__u64 screen; /* that it was taken off; 0: no labelled program had shown something there */
	__u64 bytes;  /* no less than it has */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct console_selection);
} console_selections SEC(".maps");

static const struct x11_stream empty_stream;
static const struct wayland_stream empty_wayland_stream;
static const struct screen empty_screen;
static const struct weir_clipboard empty_clipboard;
static const struct relay empty_relay;

#endif
