/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_USER_BUFFERS_BPF_H
#define WEIR_USER_BUFFERS_BPF_H

/* The buffers of a call in the memory of the caller, one after the other. */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "user_message.h"

/* False for a form that has several messages. */
static __always_inline bool user_buffers_set(struct weir_user_buffers *from, __u64 address,
					     __u64 count, __u32 how)
{
	__u64 compat = -(__u64) !!(how & USER_BUFFERS_COMPAT), at;

	from->is_compat = !!compat;
	from->n_vector = 0;
	from->bytes = 0;
	from->vector = address;
	switch (USER_BUFFERS_FORM(how)) {
	case WEIR_FORM_MMSGHDR:
		return false;
	case WEIR_FORM_MSGHDR:
		at = offsetof(struct user_msghdr, msg_iov);
		at += compat & (offsetof(struct compat_msghdr, msg_iov) - at);
		bpf_probe_read_user(&from->vector, sizeof(__u64), (const void *)address + at);
		at = offsetof(struct user_msghdr, msg_iovlen);
		at += compat & (offsetof(struct compat_msghdr, msg_iovlen) - at);
		bpf_probe_read_user(&from->n_vector, sizeof(__u64), (const void *)address + at);
		from->vector &= ~(compat << 32);
		from->n_vector &= ~(compat << 32);
		break;
	case WEIR_FORM_IOVEC:
		from->n_vector = count;
		break;
	default:
		from->address = address;
		from->bytes = count;
	}
	return true;
}

/* False when there is none. struct iovec, struct compat_iovec */
static __always_inline bool user_buffers_next(struct weir_user_buffers *from)
{
	__u64 compat = -(__u64) !!from->is_compat, word = sizeof(__u64);
	__u64 parts[2] = {};

	if (!from->n_vector)
		return false;
	word += compat & (sizeof(__u32) - word);
	bpf_probe_read_user(&parts[0], sizeof(__u64), (const void *)from->vector);
	bpf_probe_read_user(&parts[1], sizeof(__u64), (const void *)from->vector + word);
	from->address = parts[0] & ~(compat << 32);
	from->bytes = parts[1] & ~(compat << 32);
	from->vector += 2 * word;
	from->n_vector--;
	return true;
}

#endif
