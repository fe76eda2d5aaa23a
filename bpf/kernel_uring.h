/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_KERNEL_URING_H
#define WEIR_KERNEL_URING_H

/* The kernel's types of io_uring, cut down as those of kernel.h are. */

#include "kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* io_uring/, fs/io_uring.c in 5.10. What an operation needs lies at the front of its request. */
struct io_cqe { /* 5.19 */
	__u64 user_data;
	int fd;
};

struct io_fixed_file;

struct io_rsrc_node {
	unsigned long file_ptr;
};

struct io_rsrc_data {
	unsigned int nr;
	struct io_rsrc_node **nodes;
};

struct io_file_table {
	struct io_fixed_file *files; /* up to 6.12: words with a pointer and flags */
	struct io_rsrc_data data;
};

struct io_ring_ctx {
	unsigned int
		compat : 1; /* of a 32-bit program, as are the structs that requests point to */
	unsigned int nr_user_files; /* up to 6.12 */
	struct io_file_table file_table;
};

struct io_uring_task {
	struct task_struct *task;
};

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	__u32 flags;     /* the lower half, where there are 64 */
	__u64 user_data; /* up to 5.18 */
	struct io_cqe cqe;
	struct io_ring_ctx *ctx;
	struct task_struct *task; /* up to 6.12 */
	struct io_uring_task *tctx;
	void *async_data;
};

struct io_rw {
	__u64 addr;
	__u32 len;
};

struct io_sr_msg {
	struct user_msghdr *umsg;
	__u32 len;
	__u16 flags;
	void *addr; /* 6.1 to 6.12: whom a SEND is for */
	__u16 addr_len;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
};

struct io_async_msghdr {
	int namelen; /* 6.0: room in front of each message that RECVMSG gets */
	unsigned long controllen;
	struct msghdr msg; /* what it points to is the request's own */
};

struct io_splice {
	struct file *file_in; /* up to 5.18 */
	__u64 len;
	int splice_fd_in;
	unsigned int flags;
};

struct open_how {
	__u64 flags;
};

struct io_open {
	__u32 file_slot;
	struct open_how how;
};

struct io_accept {
	__u32 file_slot;
};

struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
	__u32 flags;
};

/* include/trace/events/io_uring.h; their arguments differ, their records do less. */
struct trace_event_raw_io_uring_submit_req {
	void *req;
};

struct trace_event_raw_io_uring_submit_sqe {
	void *req;
};

struct trace_event_raw_io_uring_complete {
	void *ctx;
	void *req;
	__u64 user_data;
	int res;
	unsigned int cflags;
};

struct trace_event_raw_io_uring_cqe_overflow {
	int res;
};

#pragma clang attribute pop

#endif
