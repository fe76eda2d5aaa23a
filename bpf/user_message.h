/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_USER_MESSAGE_H
#define WEIR_USER_MESSAGE_H

/* Messages in the memory of whoever sends or receives them: read as they stand, never relocated. */

#include "kernel.h"

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

#endif
