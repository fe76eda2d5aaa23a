/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_RECORD_BPF_H
#define WEIR_HOOKS_RECORD_BPF_H

/*
 * Counts the records in what labelled apps write to pipes and sockets, when the call has returned
 * and the bytes still lie in the writer's memory. Functions that take numbers are not static: they
 * are verified once, see name_hash(). All they work with lies in the stream, whose values the
 * verifier does not know: so each step of a loop is like the one before.
 */

#include "../call.bpf.h"
#include "../record.bpf.h"
#include "../user_buffers.bpf.h"

/* Loops are in two levels, see call.bpf.h. */
#define RECORD_STEPS 24
#define RECORD_STEP_LISTS 44 /* twice what a piece has bytes: some are read again */
#define RECORD_LAST_LISTS 11 /* of what is kept */
#define RECORD_PIECES 64
#define RECORD_PIECE_LISTS 8
#define RECORD_PIECE_MASK 511
#define RECORD_KEPT_MASK 255
#define RECORD_TEXT (1u << 9) /* beside the form of a call: not a piece of a stream, but all */
#define RECORD_PREFACE 0x5448202a20495250ull /* "PRI * HT" */

static const __u8 record_blank[WEIR_RECORD_WINDOW_BYTES];

/* Whether there is more to be read. */
__noinline int record_walk_some(__u64 id)
{
	struct weir_record_stream *stream = record_get_stream(id);
	const struct weir_record_table *table = record_get_table();
	__u32 i;

	if (!stream || !table)
		return false;
	for (i = 0; i < RECORD_STEPS; i++) {
		enum record_step step = record_step(stream, table);

		if (step == RECORD_WAIT)
			return false;
		if (step == RECORD_RESOLVE)
			record_resolve(id);
		barrier();
	}
	return true;
}

/* As much as may be at once of the buffer at hand, behind what is kept. */
static __always_inline bool record_read_piece(struct weir_record_stream *stream)
{
	__u64 bytes = stream->left_bytes;
	__u32 kept;

	record_begin_piece(stream);
	if (bytes > stream->from.bytes)
		bytes = stream->from.bytes;
	if (bytes > RECORD_PIECE_MASK)
		bytes = RECORD_PIECE_MASK;
	bytes &= RECORD_PIECE_MASK;
	kept = stream->kept_bytes & RECORD_KEPT_MASK;
	if (kept > sizeof(stream->kept))
		return false;
	bpf_probe_read_kernel(stream->window, kept, stream->kept);
	if (bpf_probe_read_user(stream->window + kept, bytes, (const void *)stream->from.address))
		return false;
	stream->size = kept + bytes;
	stream->limit = stream->size - RECORD_AHEAD_BYTES;
	stream->from.address += bytes;
	stream->from.bytes -= bytes;
	stream->left_bytes -= bytes;
	stream->bytes += bytes;
	return true;
}

static __always_inline void record_keep(struct weir_record_stream *stream)
{
	__u32 settled = record_settled(stream) & RECORD_WINDOW_MASK;
	__u32 kept = (stream->size - settled) & RECORD_KEPT_MASK;

	__builtin_memset(stream->kept, 0, sizeof(stream->kept));
	if (kept > sizeof(stream->kept) || settled > WEIR_RECORD_WINDOW_BYTES - RECORD_KEPT_MASK) {
		record_lose_place(stream);
		return;
	}
	bpf_probe_read_kernel(stream->kept, kept, stream->window + settled);
	stream->kept_bytes = kept;
	record_move(&stream->place, settled);
}

/* False when no more of the call can be read. */
__noinline int record_read(__u64 id)
{
	struct weir_record_stream *stream = record_get_stream(id);
	__u32 i;

	if (!stream || !stream->left_bytes)
		return false;
	if (!stream->from.bytes)
		return user_buffers_next(&stream->from);
	if (!record_read_piece(stream)) {
		record_lose_place(stream);
		return false;
	}
	for (i = 0; i < RECORD_STEP_LISTS; i++)
		if (!record_walk_some(id))
			break;
	if (i == RECORD_STEP_LISTS)
		record_lose_place(stream);
	else
		record_keep(stream);
	return true;
}

__noinline int record_read_some(__u64 id)
{
	__u32 i;

	for (i = 0; i < RECORD_PIECES; i++)
		if (!record_read(id))
			return false;
	return true;
}

/* What is there if nothing more comes; that it comes is no harm. */
__noinline int record_finish(__u64 id, __u32 is_trying)
{
	struct weir_record_stream *stream = record_get_stream(id);
	__u64 odd_bytes;
	__u32 i, kept;

	if (!stream)
		return false;
	odd_bytes = stream->odd_bytes;
	stream->n_maybes = 0;
	kept = stream->kept_bytes & RECORD_KEPT_MASK;
	if (kept > sizeof(stream->kept))
		return false;
	bpf_probe_read_kernel(stream->window, WEIR_RECORD_WINDOW_BYTES, record_blank);
	bpf_probe_read_kernel(stream->window, kept, stream->kept);
	stream->kept_place = stream->place;
	stream->is_trying = is_trying;
	stream->limit = kept + 1; /* the byte behind the end ends a token */
	for (i = 0; i < RECORD_LAST_LISTS; i++)
		if (!record_walk_some(id))
			break;
	stream->is_trying = 0;
	stream->odd_bytes = odd_bytes;
	stream->place = stream->kept_place;
	return true;
}

/* The stream of a pipe or connection, made when it is new; 0: it is not to be looked at. is_plain:
 * what comes out of a TLS library for it. */
__noinline __u64 record_open(__u64 app_id, __u64 ino, __u64 dev_generation, __u32 is_plain)
{
	__u64 id = object_mix(object_mix(object_mix(is_plain, app_id), ino), dev_generation);
	const struct weir_record_table *table = record_get_table();
	struct weir_record_stream *stream = record_get_stream(id);
	struct weir_record_counts *counts = record_get_counts();

	if (!table || !table->n_rules)
		return 0;
	if (stream)
		return id;
	bpf_map_update_elem(&record_streams, &id, &empty_record_stream, BPF_NOEXIST);
	stream = record_get_stream(id);
	if (!stream) {
		if (counts)
			COUNT(counts->streams_full);
		return 0;
	}
	stream->flow.app_id = app_id;
	stream->flow.object.ino = ino;
	stream->flow.object.dev = dev_generation;
	stream->flow.object.generation = dev_generation >> 32;
	stream->flow.direction = WEIR_OUT;
	stream->is_plain = is_plain;
	stream->last_ns = bpf_ktime_get_boot_ns();
	stream->id = id;
	return id;
}

/* What goes to the CRM is the question, and what goes into a file is read there. */
static __always_inline bool record_is_wanted(const struct weir_flow *flow)
{
	if (flow->is_crm)
		return false;
	return flow->kind == WEIR_KIND_PIPE || flow->kind == WEIR_KIND_UNIX ||
	       (flow->kind == WEIR_KIND_INET && flow->peer.protocol == IPPROTO_TCP);
}

/* Nothing of what was read stays. */
static __always_inline void record_wipe(struct weir_record_stream *stream)
{
	bpf_probe_read_kernel(stream->window, WEIR_RECORD_WINDOW_BYTES, record_blank);
	bpf_probe_read_kernel(stream->token, WEIR_RECORD_TOKEN_BYTES, record_blank);
	__builtin_memset(stream->message, 0, sizeof(stream->message));
}

static __always_inline void record_miss(struct weir_record_stream *stream, __u64 bytes)
{
	struct weir_record_counts *counts = record_get_counts();

	stream->missed_bytes += bytes;
	if (bytes && counts)
		__sync_fetch_and_add(&counts->missed_bytes, bytes);
}

/* Frames of HTTP/2 stand between what belongs together. RFC 9113 3.4 */
static __always_inline void record_look_at_start(struct weir_record_stream *stream)
{
	__u64 first = 0;

	if (stream->bytes || stream->from.bytes < sizeof(first))
		return;
	bpf_probe_read_user(&first, sizeof(first), (const void *)stream->from.address);
	stream->is_framed = first == RECORD_PREFACE;
}

/*
 * Somebody else may be looking at the same stream: two threads may write to one pipe. Who sees the
 * other leaves it to him, and the count is an estimate. That neither does is as good as impossible,
 * and harms nothing but the count.
 */
__noinline int record_begin_call(__u64 id, __u64 address, __u64 count, __u32 how, __u64 bytes)
{
	struct weir_record_stream *stream = record_get_stream(id);

	if (!stream || stream->is_binary)
		return false;
	COUNT(stream->begun);
	if (*(volatile __u64 *)&stream->begun - stream->ended != 1 ||
	    !user_buffers_set(&stream->from, address, count, how)) {
		stream->is_cut = 1;
		record_miss(stream, bytes);
		COUNT(stream->ended);
		return false;
	}
	stream->left_bytes = bytes;
	record_look_at_start(stream);
	return true;
}

__noinline int record_end_call(__u64 id)
{
	struct weir_record_stream *stream = record_get_stream(id);
	struct weir_record_counts *counts = record_get_counts();

	if (!stream || !counts)
		return 0;
	record_wipe(stream);
	stream->last_ns = bpf_ktime_get_boot_ns();
	COUNT(counts->changes);
	COUNT(stream->ended);
	return 0;
}

/* is_text: it is a text of its own, and nothing that comes later belongs to it. */
__noinline int record_end_text(__u64 id, __u32 is_text)
{
	struct weir_record_stream *stream = record_get_stream(id);

	if (!stream)
		return 0;
	if (stream->left_bytes)
		record_lose_place(stream);
	record_miss(stream, stream->left_bytes);
	stream->is_binary = record_is_binary(stream) || record_is_barren(stream);
	record_finish(id, !is_text);
	if (is_text)
		record_forget_place(stream);
	return 0;
}

__noinline int record_written(__u64 id, __u64 address, __u64 count, __u32 how, __u64 bytes)
{
	__u32 i, is_text = how & RECORD_TEXT;

	if (!record_begin_call(id, address, count, how, bytes))
		return 0;
	for (i = 0; i < RECORD_PIECE_LISTS; i++)
		if (!record_read_some(id))
			break;
	record_end_text(id, is_text);
	record_end_call(id);
	return 0;
}

#endif
