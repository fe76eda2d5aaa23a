/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

/*
 * Finds records in a stream of bytes, as the scanner of files does (userspace/agent/scan/): at each
 * place the longest token of all rules counts, once, by a keyed fingerprint of its one form. What
 * comes in pieces is read as if it had come whole, and what may still become a token or not waits.
 * Memory-safe whatever is written. A token of 128 bytes and more is not counted as the whole it is;
 * the stream is then told to be cut.
 */

#ifdef __bpf__
#include "kernel.h"

#include <bpf/bpf_helpers.h>

#define RECORD_INLINE static __always_inline
/* What a loop counts is read from memory again: the verifier would follow each value of it. */
#define RECORD_BARRIER() barrier()
#else
#include <assert.h>
#include <linux/types.h>
#include <stdbool.h>
#define RECORD_INLINE static inline
#define RECORD_BARRIER() ((void)0)
#endif

#include "abi.h"

#define RECORD_WINDOW_MASK (WEIR_RECORD_WINDOW_BYTES - 1)
#define RECORD_TOKEN_MAX 128
#define RECORD_TOKEN_MASK (RECORD_TOKEN_MAX - 1)
#define RECORD_CONTEXT_BYTES 8 /* before a token, that are looked at */
#define RECORD_AHEAD_BYTES 2   /* behind it */
#define RECORD_ESCAPE_BYTES 6  /* \uXXXX */
#define RECORD_WORD_BYTES 64   /* no longer one is in an address, RFC 5321 4.5.3.1.1 */
#define RECORD_BINARY_LEAST 16 /* odd bytes; of HTTP/2, whose frames have some, so many: */
#define RECORD_BINARY_LEAST_FRAMED 512
#define RECORD_BARREN_BYTES (256 * 1024)
#define RECORD_BINARY_ONE_IN 16 /* bytes */

enum record_step {
	RECORD_WAIT, /* more must come */
	RECORD_ON,
	RECORD_RESOLVE, /* a token ended, if it was one */
};

RECORD_INLINE __u32 record_byte(const struct weir_record_stream *stream, __u32 at)
{
	return stream->window[at & RECORD_WINDOW_MASK];
}

RECORD_INLINE __u32 record_sign(const struct weir_record_stream *stream,
				const struct weir_record_table *table, __u32 at)
{
	return table->signs[record_byte(stream, at) & 0xff];
}

RECORD_INLINE bool record_is_hex(__u32 byte)
{
	return byte - '0' < 10 || (byte | 0x20) - 'a' < 6;
}

/* Whether the byte before ends an escape of JSON: then it belongs to no word. */
RECORD_INLINE bool record_is_escaped(const struct weir_record_stream *stream, __u32 at)
{
	__u32 letter = record_byte(stream, at - 1);

	if (record_byte(stream, at - 2) == '\\')
		return letter == 'n' || letter == 'r' || letter == 't' || letter == 'b' ||
		       letter == 'f';
	return record_byte(stream, at - 6) == '\\' && record_byte(stream, at - 5) == 'u' &&
	       record_is_hex(record_byte(stream, at - 4)) &&
	       record_is_hex(record_byte(stream, at - 3)) &&
	       record_is_hex(record_byte(stream, at - 2)) && record_is_hex(letter);
}

#define RECORD_CODING 0x636f64696e673a20ull /* "coding: " */
#define RECORD_PAIR(first, second) ((first) << 8 | (second))

/*
 * Whether what begins here says that the text is written in a code, in which records may stand that
 * are not read: it follows the percent of an URL's or a form's, or is a header's word for pieces
 * with their length between them, or for one of mail's codes. RFC 3986 2.1, RFC 9112 7.1, RFC 2045
 * 6.1. That a header calls what follows a form says nothing: curl does of whatever it sends.
 */
RECORD_INLINE bool record_is_coded(const struct weir_record_stream *stream, __u32 at)
{
	__u32 first = record_byte(stream, at), second = record_byte(stream, at + 1), i;
	__u32 pair = RECORD_PAIR(first, second);
	__u64 words = 0;

	for (i = 0; i < RECORD_CONTEXT_BYTES; i++)
		words = words << 8 | record_byte(stream, at - RECORD_CONTEXT_BYTES + i);
	if ((words & 0xff) == '%')
		return record_is_hex(first) && record_is_hex(second);
	return words == RECORD_CODING &&
	       (pair == RECORD_PAIR('c', 'h') || pair == RECORD_PAIR('q', 'u') ||
		pair == RECORD_PAIR('b', 'a'));
}

/* The state in which a token can begin here; 0: none can. */
RECORD_INLINE __u32 record_begin(struct weir_record_stream *stream,
				 const struct weir_record_table *table, __u32 at)
{
	__u32 before = stream->place.before, groups = (1 << WEIR_RECORD_GROUPS) - 1;

	stream->is_cut |= record_is_coded(stream, at);
	if (before & WEIR_SIGN_WORD) {
		if (at > stream->place.escape_end || !record_is_escaped(stream, at))
			return 0;
	} else {
		/* Digits behind a decimal point are no number of anybody. */
		if (before & WEIR_SIGN_DOT && record_sign(stream, table, at - 2) & WEIR_SIGN_DIGIT)
			groups &= ~(1 << WEIR_RECORD_DIGITS);
		if (before & WEIR_SIGN_MAIL)
			groups &= ~(1 << WEIR_RECORD_MAIL);
	}
	return table->starts[groups & ((1 << WEIR_RECORD_GROUPS) - 1)];
}

/* Rules of which a token may end before this place, for what stands behind it. */
RECORD_INLINE __u32 record_may_end(const struct weir_record_stream *stream,
				   const struct weir_record_table *table, __u32 end)
{
	__u32 next = record_sign(stream, table, end), second = record_sign(stream, table, end + 1);
	__u32 rules = 0;

	if (!(next & WEIR_SIGN_WORD)) {
		rules |= table->of_group[WEIR_RECORD_WORDS];
		if (!(next & WEIR_SIGN_DOT) || !(second & WEIR_SIGN_DIGIT))
			rules |= table->of_group[WEIR_RECORD_DIGITS];
	}
	/* The full stop of a sentence may follow an address, another part of its name may not. */
	if (next & WEIR_SIGN_DOT ? !(second & WEIR_SIGN_WORD)
				 : !(next & (WEIR_SIGN_WORD | WEIR_SIGN_DASH_AT)))
		rules |= table->of_group[WEIR_RECORD_MAIL];
	return rules;
}

RECORD_INLINE void record_hit(struct weir_record_stream *stream,
			      const struct weir_record_table *table, __u32 end, __u32 rules)
{
	struct weir_record_hit *hit =
		&stream->place.hits[stream->place.n_hits & (WEIR_RECORD_HITS - 1)];

	rules &= record_may_end(stream, table, end);
	if (!rules)
		return;
	hit->end = end;
	hit->rules = rules;
	stream->place.n_hits++;
}

#ifdef __bpf__
/* Functions of their own, that are verified once. hooks/record.bpf.h */
__noinline int record_begin_token(__u64 id, __u32 at);
__noinline int record_hit_token(__u64 id, __u32 end, __u32 rules);
#define RECORD_BEGIN(stream, table, at) record_begin_token((stream)->id, at)
#define RECORD_HIT(stream, table, end, rules) record_hit_token((stream)->id, end, rules)
#else
#define RECORD_BEGIN record_begin
#define RECORD_HIT record_hit
#endif

/* All ones if a is the smaller, else 0. Both are places in the window. Without a branch, as is what
 * follows: each would double the verifier's ways through a step. */
RECORD_INLINE __u32 record_mask_less(__u32 a, __u32 b)
{
	return -((a - b) >> 31);
}

/* A sign of a byte: all ones if it has it, else 0. */
RECORD_INLINE __u32 record_mask_sign(__u32 sign, __u32 bit)
{
	return -((sign / bit) & 1);
}

/* Where another token might begin within this one: the first such place is kept. */
RECORD_INLINE __u32 record_retry(const struct weir_record_place *place, __u32 sign, __u32 at)
{
	__u32 may_begin = record_mask_sign(sign, WEIR_SIGN_ESCAPE) |
			  ~record_mask_sign(place->before, WEIR_SIGN_WORD);

	return place->retry | (at & may_begin & record_mask_less(place->retry, 1));
}

/* Past one byte, or to the end of what may be a token. */
RECORD_INLINE enum record_step record_step(struct weir_record_stream *stream,
					   const struct weir_record_table *table)
{
	struct weir_record_place *place = &stream->place;
	__u32 at = place->position & RECORD_WINDOW_MASK, state = place->state;
	__u32 byte, sign, begin = 0, next, rules, escapes;

	if (at >= stream->limit)
		return RECORD_WAIT;
	byte = record_byte(stream, at);
	sign = table->signs[byte & 0xff];
	if (!state && sign & WEIR_SIGN_BEGINS)
		begin = RECORD_BEGIN(stream, table, at);
	next = (state | (begin & (WEIR_RECORD_STATES - 1))) * WEIR_RECORD_COLUMNS +
	       table->columns[byte & 0xff];
	next = table->next[next & (WEIR_RECORD_STATES * WEIR_RECORD_COLUMNS - 1)];
	if (state) {
		if (!next || at - place->start >= RECORD_TOKEN_MAX - 1)
			return RECORD_RESOLVE;
		place->retry = record_retry(place, sign, at);
	} else if (next) {
		place->start = at;
		place->retry = (at + 1) & record_mask_less(at, place->escape_end);
		place->n_hits = 0;
	}
	place->state = next;
	rules = table->accepts[next & (WEIR_RECORD_STATES - 1)];
	if (rules)
		RECORD_HIT(stream, table, at + 1, rules);
	escapes = record_mask_sign(sign, WEIR_SIGN_ESCAPE);
	place->escape_end = (place->escape_end & ~escapes) | ((at + RECORD_ESCAPE_BYTES) & escapes);
	stream->odd_bytes += record_mask_sign(sign, WEIR_SIGN_ODD) & 1;
	place->before = sign;
	place->position = at + 1;
	return RECORD_ON;
}

/* The hits of a token from the longest on: which rules are to be tried there. */
RECORD_INLINE __u32 record_rules_of_hit(const struct weir_record_stream *stream, __u32 back,
					__u32 tried, __u32 *ret_end)
{
	__u32 n_hits = stream->place.n_hits;
	const struct weir_record_hit *hit;

	if (back >= n_hits)
		return 0;
	hit = &stream->place.hits[(n_hits - 1 - back) & (WEIR_RECORD_HITS - 1)];
	*ret_end = hit->end;
	return hit->rules & ~tried;
}

/* Goes on behind the token that ended here, or where the next might begin. end 0: it was none. */
RECORD_INLINE void record_go_on(struct weir_record_stream *stream,
				const struct weir_record_table *table, __u32 end)
{
	struct weir_record_place *place = &stream->place;
	__u32 length = place->position - place->start;

	/* Of one that is too long, what may count is only how it begins. */
	if (length >= RECORD_TOKEN_MAX - 1 || (!end && place->n_hits > WEIR_RECORD_HITS))
		stream->is_cut = 1;
	/* Nobody writes such words: it is base64 or the like. */
	if (!end && length >= RECORD_WORD_BYTES &&
	    record_sign(stream, table, place->position) & WEIR_SIGN_WORD)
		stream->is_cut = 1;
	if (end)
		place->position = end;
	else if (place->retry)
		place->position = place->retry;
	place->before = record_sign(stream, table, place->position - 1);
	place->state = 0;
	place->n_hits = 0;
	place->retry = 0;
}

RECORD_INLINE void record_maybe(struct weir_record_stream *stream, __u32 rule, __u64 fingerprint)
{
	struct weir_record_maybe *maybe =
		&stream->maybes[stream->n_maybes & (WEIR_RECORD_MAYBES - 1)];

	maybe->rule = rule;
	maybe->fingerprint = fingerprint;
	stream->n_maybes++;
}

/* Before bytes are put behind what is kept. */
RECORD_INLINE void record_begin_piece(struct weir_record_stream *stream)
{
	if (stream->kept_bytes)
		return;
	stream->kept_bytes = RECORD_CONTEXT_BYTES; /* zeros: nothing stands before */
	stream->place.position = RECORD_CONTEXT_BYTES;
}

/* How much of the window need not be kept. */
RECORD_INLINE __u32 record_settled(const struct weir_record_stream *stream)
{
	const struct weir_record_place *place = &stream->place;
	__u32 from = place->state ? place->start : place->position;

	return from - RECORD_CONTEXT_BYTES;
}

RECORD_INLINE __u32 record_less(__u32 place, __u32 bytes)
{
	return place > bytes ? place - bytes : 0;
}

RECORD_INLINE void record_move(struct weir_record_place *place, __u32 bytes)
{
	__u32 i;

	place->position = record_less(place->position, bytes);
	place->start = record_less(place->start, bytes);
	place->retry = record_less(place->retry, bytes);
	place->escape_end = record_less(place->escape_end, bytes);
	for (i = 0; i < WEIR_RECORD_HITS; i++)
		place->hits[i].end = record_less(place->hits[i].end, bytes);
}

/* What comes next is a text of its own. */
RECORD_INLINE void record_forget_place(struct weir_record_stream *stream)
{
	stream->kept_bytes = 0;
	stream->place.state = 0;
	stream->place.retry = 0;
	stream->place.escape_end = 0;
	stream->place.before = 0;
	__builtin_memset(stream->kept, 0, sizeof(stream->kept));
}

/* It is read as if it were one. */
RECORD_INLINE void record_lose_place(struct weir_record_stream *stream)
{
	stream->is_cut = 1;
	record_forget_place(stream);
}

/* A long text without a single record is none that is worth reading on: what a database or a web
 * server says all day. If records come later, the count is an estimate. */
RECORD_INLINE bool record_is_barren(const struct weir_record_stream *stream)
{
	return !stream->found && stream->bytes > RECORD_BARREN_BYTES;
}

RECORD_INLINE bool record_is_binary(const struct weir_record_stream *stream)
{
	__u32 least = stream->is_framed ? RECORD_BINARY_LEAST_FRAMED : RECORD_BINARY_LEAST;

	return stream->odd_bytes >= least &&
	       stream->odd_bytes * RECORD_BINARY_ONE_IN > stream->bytes;
}

#include "record_token.h"

#endif
