/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_USER_BUFFERS_BPF_H
#define WEIR_USER_BUFFERS_BPF_H

/* The buffers of a call in the memory of the caller, one after the other. */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "user_message.h"

#define USER_BUFFERS_FORM(how) ((how)&0xff)
#define USER_BUFFERS_COMPAT (1u << 8) /* beside the form of a call: it is a 32-bit one */

/* False for a form that has several messages. */
static __always_inline bool user_buffers_set(struct weir_record_stream *stream, __u64 address,
					     __u64 count, __u32 how)
{
	__u64 compat = -(__u64) !!(how & USER_BUFFERS_COMPAT), at;

	stream->is_compat = !!compat;
	stream->buffers = 0;
	stream->buffer_bytes = 0;
	stream->vector = address;
	switch (USER_BUFFERS_FORM(how)) {
	case WEIR_FORM_MMSGHDR:
		return false;
	case WEIR_FORM_MSGHDR:
		at = offsetof(struct user_msghdr, msg_iov);
		at += compat & (offsetof(struct compat_msghdr, msg_iov) - at);
		bpf_probe_read_user(&stream->vector, sizeof(__u64), (const void *)address + at);
		at = offsetof(struct user_msghdr, msg_iovlen);
		at += compat & (offsetof(struct compat_msghdr, msg_iovlen) - at);
		bpf_probe_read_user(&stream->buffers, sizeof(__u64), (const void *)address + at);
		stream->vector &= ~(compat << 32);
		stream->buffers &= ~(compat << 32);
		break;
	case WEIR_FORM_IOVEC:
		stream->buffers = count;
		break;
	default:
		stream->address = address;
		stream->buffer_bytes = count;
	}
	return true;
}

/* False when there is none. struct iovec, struct compat_iovec */
static __always_inline bool user_buffers_next(struct weir_record_stream *stream)
{
	__u64 compat = -(__u64) !!stream->is_compat, word = sizeof(__u64);
	__u64 parts[2] = {};

	if (!stream->buffers)
		return false;
	word += compat & (sizeof(__u32) - word);
	bpf_probe_read_user(&parts[0], sizeof(__u64), (const void *)stream->vector);
	bpf_probe_read_user(&parts[1], sizeof(__u64), (const void *)stream->vector + word);
	stream->address = parts[0] & ~(compat << 32);
	stream->buffer_bytes = parts[1] & ~(compat << 32);
	stream->vector += 2 * word;
	stream->buffers--;
	return true;
}

#endif
