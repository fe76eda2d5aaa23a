/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_QUESTION_BPF_H
#define WEIR_HOOKS_QUESTION_BPF_H

/*
 * What labelled apps ask name servers: a name can carry data to whoever answers for its domain,
 * whichever server passes it on. Read at exit, when what was sent still lies in the sender's
 * memory. A call that sent nothing but plain queries is counted in its flow: all of what it moved
 * is in the questions. Functions that take numbers are not static: they are verified once, see
 * name_hash().
 */

#include "../call.bpf.h"
#include "../user_message.h"

#define QUESTION_PORT 53
#define QUESTION_AT 12 /* behind the header, RFC 1035 4.1.1 */
#define QUESTION_LABELS_MAX 128
#define QUESTION_LABEL_BYTES 63
#define QUESTION_TYPE_BYTES 4   /* and class */
#define QUESTION_LENGTH_BYTES 2 /* before a message in a stream, RFC 1035 4.2.2 */
/* Of the rest: OPT with a cookie, RFC 6891 6.1.2 and RFC 7873 4. More may be anything. */
#define QUESTION_REST_BYTES 64

/* One question, and at most OPT with it. */
static __always_inline bool question_has_header(__u64 address)
{
	__u8 header[QUESTION_AT] = {};

	if (bpf_probe_read_user(header, sizeof(header), (const void *)address))
		return false;
	return !(header[2] & 0xf8) && !header[4] && header[5] == 1 &&
	       !(header[6] | header[7] | header[8] | header[9] | header[10]) && header[11] <= 1;
}

/* Where the question ends; 0: this is no query, or not all of its question is here. */
__noinline __u32 question_measure(__u64 address, __u32 bytes)
{
	__u32 at = QUESTION_AT, i;
	__u8 length = 1;

	if (bytes <= QUESTION_AT || !question_has_header(address))
		return 0;
	for (i = 0; i < QUESTION_LABELS_MAX; i++) {
		if (at >= bytes)
			return 0;
		bpf_probe_read_user(&length, sizeof(length), (const void *)(address + at));
		at++;
		if (!length)
			break;
		if (length > QUESTION_LABEL_BYTES)
			return 0;
		at += length;
	}
	at += QUESTION_TYPE_BYTES;
	return length || at > bytes || at > QUESTION_AT + WEIR_QUESTION_BYTES ? 0 : at;
}

/* A message of so many bytes, the first of which are here. Whether it is a plain query. */
__noinline __u32 question_ring(__u64 app_id, __u64 address, __u32 here_bytes, __u32 bytes)
{
	__u32 end = question_measure(address, here_bytes);
	struct weir_question *question;
	__u64 question_bytes;
	bool is_read;

	if (!end)
		return false;
	question = bpf_ringbuf_reserve(&ring, sizeof(*question), 0);
	if (!question) {
		edge_count_loss();
		return false;
	}
	edge_fill(&question->edge, WEIR_EDGE_QUESTION, sizeof(*question));
	question->edge.flow.app_id = app_id;
	question->message_bytes = bytes;
	question->padding = 0;
	question_bytes = end - QUESTION_AT;
	/* Checked right here, where the verifier sees it: clang would check end instead. */
	barrier_var(question_bytes);
	if (question_bytes > WEIR_QUESTION_BYTES)
		question_bytes = 0;
	question->question_bytes = question_bytes;
	is_read = !bpf_probe_read_user(question->question, question_bytes,
				       (const void *)(address + QUESTION_AT));
	if (!is_read)
		question->question_bytes = 0;
	bpf_ringbuf_submit(question, 0);
	return is_read && bytes - end <= QUESTION_REST_BYTES;
}

/* The same in a stream, where its length stands before it. Of several at once, the first. */
__noinline __u32 question_ring_stream(__u64 app_id, __u64 address, __u32 here_bytes, __u32 bytes)
{
	__u8 raw[QUESTION_LENGTH_BYTES] = {};
	__u32 length;

	if (here_bytes <= sizeof(raw) ||
	    bpf_probe_read_user(raw, sizeof(raw), (const void *)address))
		return false;
	length = (__u32)raw[0] << 8 | raw[1];
	if (length + sizeof(raw) > bytes)
		return false;
	return question_ring(app_id, address + sizeof(raw), here_bytes - sizeof(raw), length) &&
	       length + sizeof(raw) == bytes;
}

/* struct iovec, and its twin of 32-bit calls. */
static __always_inline void question_read_buffer(__u64 vector, __u32 index, __u64 *ret_address,
						 __u64 *ret_bytes)
{
	__u64 compat = -(vector >> 63);
	__u32 word_bytes = sizeof(__u64) >> (compat & 1);
	const void *user = (const void *)((vector & ~USER_MESSAGE_COMPAT) + 2 * index * word_bytes);

	*ret_address = *ret_bytes = 0;
	bpf_probe_read_user(ret_address, sizeof(*ret_address), user);
	bpf_probe_read_user(ret_bytes, sizeof(*ret_bytes), user + word_bytes);
	*ret_address &= ~(compat << 32);
	*ret_bytes &= ~(compat << 32);
}

/* Of several buffers, the first; the length of a message in a stream may be a buffer of its own, as
 * of the resolver of glibc (send_vc(), resolv/res_send.c). */
__noinline __u32 question_ring_vector(__u64 app_id, __u64 vector, __u32 count, __u32 bytes,
				      __u32 is_stream)
{
	__u64 address, here_bytes;
	__u32 length_bytes = QUESTION_LENGTH_BYTES;

	question_read_buffer(vector, 0, &address, &here_bytes);
	if (is_stream && here_bytes == length_bytes && count > 1 && bytes > length_bytes) {
		question_read_buffer(vector, 1, &address, &here_bytes);
		bytes -= length_bytes;
		is_stream = false;
	}
	if (here_bytes > bytes)
		here_bytes = bytes;
	return is_stream ? question_ring_stream(app_id, address, here_bytes, bytes)
			 : question_ring(app_id, address, here_bytes, bytes);
}

/* Of so many bytes; 0: the message says how many. */
__noinline __u32 question_ring_message(__u64 app_id, __u64 message, __u32 bytes, __u32 is_stream)
{
	__u64 compat = -(message >> 63), vector = 0, count = 0;
	__u64 vector_at = offsetof(struct user_msghdr, msg_iov);
	__u64 count_at = offsetof(struct user_msghdr, msg_iovlen);
	__u64 bytes_at = offsetof(struct user_mmsghdr, msg_len);
	const void *user = (const void *)(message & ~USER_MESSAGE_COMPAT);

	vector_at += compat & (offsetof(struct compat_msghdr, msg_iov) - vector_at);
	count_at += compat & (offsetof(struct compat_msghdr, msg_iovlen) - count_at);
	bytes_at += compat & (offsetof(struct compat_mmsghdr, msg_len) - bytes_at);
	if (!bytes)
		bpf_probe_read_user(&bytes, sizeof(bytes), user + bytes_at);
	bpf_probe_read_user(&vector, sizeof(vector), user + vector_at);
	bpf_probe_read_user(&count, sizeof(__u32), user + count_at);
	vector &= ~(compat << 32);
	return question_ring_vector(app_id, vector | (compat & USER_MESSAGE_COMPAT), count, bytes,
				    is_stream);
}

/* Whether all of them are plain queries; of many, the first are told. */
__noinline __u32 question_ring_messages(__u64 app_id, __u64 message, __u32 count, __u32 is_stream)
{
	__u64 step = sizeof(struct user_mmsghdr);
	__u32 plain = 0, i;

	step += -(message >> 63) & (sizeof(struct compat_mmsghdr) - step);
	for (i = 0; i < SENT_MAX; i++) {
		if (i >= count)
			break;
		plain += question_ring_message(app_id, message, 0, is_stream);
		message += step;
	}
	return plain == count;
}

static __always_inline bool question_is_asked(const struct weir_flow *flow)
{
	return flow && flow->kind == WEIR_KIND_INET && flow->peer.port == QUESTION_PORT &&
	       (flow->peer.protocol == IPPROTO_UDP || flow->peer.protocol == IPPROTO_TCP);
}

static __noinline int question_note(struct call *call, __u32 result)
{
	__u64 compat = call_compat_mask(call) & USER_MESSAGE_COMPAT, app_id = call->app->id;
	struct weir_flow *flow = call->flow;
	__u32 is_stream, is_plain;

	if (!flow)
		return 0;
	is_stream = flow->peer.protocol == IPPROTO_TCP;
	switch (call->rule->form) {
	case WEIR_FORM_MMSGHDR:
		is_plain = question_ring_messages(app_id, call_arg(call, 1) | compat, result,
						  is_stream);
		break;
	case WEIR_FORM_MSGHDR:
		is_plain = question_ring_message(app_id, call_arg(call, 1) | compat, result,
						 is_stream);
		break;
	case WEIR_FORM_IOVEC:
		is_plain = question_ring_vector(app_id, call_arg(call, 1) | compat,
						call_arg(call, 2), result, is_stream);
		break;
	default:
		is_plain = is_stream
				   ? question_ring_stream(app_id, call_arg(call, 1), result, result)
				   : question_ring(app_id, call_arg(call, 1), result, result);
	}
	if (is_plain && flow->questions < 0xffff)
		flow->questions++;
	return 0;
}

#endif
