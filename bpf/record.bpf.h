/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_RECORD_BPF_H
#define WEIR_RECORD_BPF_H

/*
 * What may be a record in a stream, from its begin to the table of what was found. Functions take
 * numbers and are not static: they are verified once, see name_hash().
 */

#include "maps.bpf.h"
#include "record.h"

static __always_inline const struct weir_record_table *record_get_table(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&record_table, &zero);
}

static __always_inline struct weir_record_counts *record_get_counts(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&record_counts, &zero);
}

static __always_inline struct weir_record_stream *record_get_stream(__u64 id)
{
	return bpf_map_lookup_elem(&record_streams, &id);
}

/* Where the message was, so that it takes nothing of the stack. */
struct record_note {
	struct weir_record_key key;
	struct weir_record_found found;
};

static __always_inline void record_note(struct weir_record_stream *stream, __u32 rule,
					__u64 fingerprint)
{
	struct record_note *note = (struct record_note *)stream->message;
	struct weir_record_counts *counts = record_get_counts();
	long error;

	note->key.stream = stream->id;
	note->key.fingerprint = fingerprint;
	note->found.order = stream->found + 1;
	note->found.rule = rule;
	note->found.padding = 0;
	error = bpf_map_update_elem(&records_found, &note->key, &note->found, BPF_NOEXIST);
	if (!error)
		stream->found++;
	if (!maps_is_full(error))
		return;
	stream->is_cut = 1;
	if (counts)
		COUNT(counts->found_full);
}

/* Where the token is from and to, in one number. */
#define RECORD_RANGE(start, end) ((__u64)(start) << 32 | (end))

__noinline int record_begin_token(__u64 id, __u32 at)
{
	struct weir_record_stream *stream = record_get_stream(id);
	const struct weir_record_table *table = record_get_table();

	return stream && table ? record_begin(stream, table, at) : 0;
}

__noinline int record_hit_token(__u64 id, __u32 end, __u32 rules)
{
	struct weir_record_stream *stream = record_get_stream(id);
	const struct weir_record_table *table = record_get_table();

	if (stream && table)
		record_hit(stream, table, end, rules);
	return 0;
}

/* A token as the rule counts it. Apart, as is what follows, so that the verifier does not follow
 * each way through one through all of the next. */
__noinline int record_read_token(__u64 id, __u32 rule, __u64 range)
{
	struct weir_record_stream *stream = record_get_stream(id);
	const struct weir_record_table *table = record_get_table();

	if (!stream || !table)
		return false;
	record_normalise(stream, table, table->rules[rule & (WEIR_RECORD_RULES - 1)].kind,
			 range >> 32, range);
	return true;
}

/* Where its form begins in it, and 1 more; 0: it is no record. */
__noinline int record_check_token(__u64 id, __u32 rule)
{
	struct weir_record_stream *stream = record_get_stream(id);
	const struct weir_record_table *table = record_get_table();
	__u32 offset;

	if (!stream || !table)
		return 0;
	if (!record_check(stream, table->rules[rule & (WEIR_RECORD_RULES - 1)].kind, &offset))
		return 0;
	return offset + 1;
}

__noinline int record_count_token(__u64 id, __u32 rule, __u32 offset)
{
	struct weir_record_stream *stream = record_get_stream(id);
	const struct weir_record_table *table = record_get_table();
	__u64 fingerprint;
	__u32 bytes;

	if (!stream || !table)
		return false;
	rule &= WEIR_RECORD_RULES - 1;
	offset &= 15;
	bytes = (stream->token_bytes - offset) & RECORD_TOKEN_MASK;
	__builtin_memset(stream->message, 0, sizeof(stream->message));
	bpf_probe_read_kernel(stream->message, bytes, stream->token + offset);
	fingerprint = record_fingerprint(stream, table, table->rules[rule].tag, bytes);
	if (stream->is_trying)
		record_maybe(stream, rule, fingerprint);
	else
		record_note(stream, rule, fingerprint);
	return true;
}

/* Of the rules whose token ends in one place, the policy's first. */
static __always_inline bool record_try_rules(__u64 id, __u32 rules, __u64 range)
{
	__u32 rule, offset;

	for (rule = 0; rule < WEIR_RECORD_RULES; rule++) {
		if (!(rules >> rule & 1))
			continue;
		record_read_token(id, rule, range);
		offset = record_check_token(id, rule);
		if (!offset)
			continue;
		record_count_token(id, rule, offset - 1);
		return true;
	}
	return false;
}

__noinline int record_resolve(__u64 id)
{
	struct weir_record_stream *stream = record_get_stream(id);
	const struct weir_record_table *table = record_get_table();
	__u32 back, rules, tried = 0, end = 0;

	if (!stream || !table)
		return false;
	for (back = 0; back < WEIR_RECORD_HITS; back++) {
		rules = record_rules_of_hit(stream, back, tried, &end);
		if (rules && record_try_rules(id, rules, RECORD_RANGE(stream->place.start, end)))
			break;
		tried |= rules;
		end = 0;
	}
	record_go_on(stream, table, end);
	return true;
}

#endif
