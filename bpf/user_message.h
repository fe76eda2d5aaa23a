/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_USER_MESSAGE_H
#define WEIR_USER_MESSAGE_H

/* Messages in the memory of whoever sends or receives them: read as they stand, never relocated. */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "abi.h"

#define USER_MESSAGE_COMPAT (1ull << 63) /* with the address of a message: a 32-bit call's */

/* uapi/linux/socket.h, as userspace lays it out on 64-bit machines. */
struct user_msghdr {
	void *msg_name;
	int msg_namelen;
	void *msg_iov;
	unsigned long msg_iovlen;
	void *msg_control;
	unsigned long msg_controllen;
	unsigned int msg_flags;
};

struct user_mmsghdr {
	struct user_msghdr msg_hdr;
	unsigned int msg_len;
};

/* The same as 32-bit programs lay them out. include/net/compat.h */
struct compat_msghdr {
	__u32 msg_name;
	__s32 msg_namelen;
	__u32 msg_iov;
	__u32 msg_iovlen;
	__u32 msg_control;
	__u32 msg_controllen;
	__u32 msg_flags;
};

struct compat_mmsghdr {
	struct compat_msghdr msg_hdr;
	__u32 msg_len;
};

/* How a call has its buffers: its form, and whether it is a 32-bit one. */
#define USER_BUFFERS_FORM(how) ((how)&0xff)
#define USER_BUFFERS_COMPAT (1u << 8)

/* Where the first byte lies of what a call writes. struct iovec, compat_iovec */
static __always_inline __u64 user_first_buffer(__u64 address, __u32 how)
{
	__u64 compat = -(__u64) !!(how & USER_BUFFERS_COMPAT), at;

	if (USER_BUFFERS_FORM(how) == WEIR_FORM_MSGHDR) {
		at = offsetof(struct user_msghdr, msg_iov);
		at += compat & (offsetof(struct compat_msghdr, msg_iov) - at);
		bpf_probe_read_user(&address, sizeof(address), (const void *)address + at);
		address &= ~(compat << 32);
	}
	if (USER_BUFFERS_FORM(how) == WEIR_FORM_MSGHDR ||
	    USER_BUFFERS_FORM(how) == WEIR_FORM_IOVEC) {
		bpf_probe_read_user(&address, sizeof(address), (const void *)address);
		address &= ~(compat << 32);
	}
	return address;
}

#endif
