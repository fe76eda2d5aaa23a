/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_URING_BPF_H
#define WEIR_URING_BPF_H

/* Requests of io_uring: what the kernel's struct io_kiocb says, in all its shapes. */

#include "call.bpf.h"
#include "kernel_uring.h"
#include "user_message.h"

/* Bits of io_kiocb.flags, which are those of struct io_uring_sqe. uapi/linux/io_uring.h */
#define URING_FIXED_FILE (1u << 0)
#define URING_LINK (1u << 2 | 1u << 3)
#define URING_BUFFER_SELECT (1u << 5)
#define URING_CQE_SKIP (1u << 6)

#define URING_CQE_MORE (1u << 1)
#define URING_RECV_MULTISHOT (1u << 1)
#define URING_SEND_BUNDLE (1u << 4)  /* 6.10 */
#define URING_SEND_VECTORS (1u << 5) /* 6.17 */
#define URING_SPLICE_IN_FIXED (1u << 31)
#define URING_OVERFLOW 0xffff /* an operation's number that none has */

/* What a request does, one entry per operation, as of system calls; written by the loader. */
const volatile struct weir_syscall uring_operations[WEIR_URING_OPERATIONS];

/* How this kernel's tracepoints pass their arguments; written by the loader. */
const volatile __u32 uring_submit_form;   /* which argument is the request */
const volatile __u32 uring_complete_form; /* how many arguments there are */

/* A pointer that has a type may not be reckoned with, nor be handed to a function that takes
 * numbers; a number that was read may. */
static __always_inline __u64 uring_number(const void *pointer)
{
	__u64 number;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

static __always_inline const struct weir_syscall *uring_rule(struct io_kiocb *request)
{
	__u8 operation = BPF_CORE_READ(request, opcode);

	return (const struct weir_syscall *)&uring_operations[operation];
}

static __always_inline __u32 uring_flags(struct io_kiocb *request)
{
	return BPF_CORE_READ(request, flags);
}

static __always_inline struct task_struct *uring_task(struct io_kiocb *request)
{
	if (bpf_core_field_exists(request->tctx)) /* 6.13 */
		return BPF_CORE_READ(request, tctx, task);
	return BPF_CORE_READ(request, task);
}

static __noinline struct weir_app *uring_adopt(struct task_struct *task)
{
	return app_adopt(task);
}

/* Of whoever asked: workers that carry the request out are of his process. */
static __always_inline struct weir_app *uring_app(struct io_kiocb *request)
{
	struct task_struct *task = uring_task(request);
	struct weir_app *app = app_get_of_tgid(BPF_CORE_READ(task, tgid));

	return app ?: uring_adopt(task);
}

/* From a ring's table of files. The lowest bits of an entry are flags. io_uring/filetable.h */
static __noinline struct file *uring_fixed_file(struct io_ring_ctx *ring, __u32 slot)
{
	__u64 entry = 0;

	if (bpf_core_field_exists(ring->file_table.data)) { /* 6.13 */
		struct io_rsrc_node **nodes = BPF_CORE_READ(ring, file_table.data.nodes), *node;

		if (slot >= BPF_CORE_READ(ring, file_table.data.nr))
			return NULL;
		bpf_probe_read_kernel(&node, sizeof(node), nodes + slot);
		entry = node ? BPF_CORE_READ(node, file_ptr) : 0;
	} else if (bpf_core_field_exists(ring->nr_user_files)) {
		struct io_fixed_file *files = BPF_CORE_READ(ring, file_table.files);

		if (slot >= BPF_CORE_READ(ring, nr_user_files))
			return NULL;
		bpf_probe_read_kernel(&entry, sizeof(entry), (__u64 *)files + slot);
	}
	return (struct file *)(entry & ~7ULL);
}

/* Until it runs, a request has no file from 6.1 on. */
static __noinline struct file *uring_file(struct io_kiocb *request)
{
	struct file *file = BPF_CORE_READ(request, file);
	int fd;

	if (file || !bpf_core_field_exists(request->cqe))
		return file;
	fd = BPF_CORE_READ(request, cqe.fd);
	if (uring_flags(request) & URING_FIXED_FILE)
		return uring_fixed_file(BPF_CORE_READ(request, ctx), fd);
	return object_file_of_fd(fd);
}

/* What a splice reads from. Its own fields lie where every operation's do: at the front. */
static __noinline struct file *uring_splice_file(struct io_kiocb *request)
{
	struct io_splice *splice = (struct io_splice *)request;
	int fd;

	if (bpf_core_field_exists(splice->file_in)) /* up to 5.18 */
		return BPF_CORE_READ(splice, file_in);
	fd = BPF_CORE_READ(splice, splice_fd_in);
	if (BPF_CORE_READ(splice, flags) & URING_SPLICE_IN_FIXED)
		return uring_fixed_file(BPF_CORE_READ(request, ctx), fd);
	return object_file_of_fd(fd);
}

/* Whether it names any of its files by their place in a table of the ring. */
static __always_inline bool uring_uses_table(struct io_kiocb *request)
{
	struct io_splice *splice = (struct io_splice *)request;

	if (uring_flags(request) & URING_FIXED_FILE)
		return true;
	return uring_rule(request)->call == WEIR_CALL_COPY &&
	       BPF_CORE_READ(splice, flags) & URING_SPLICE_IN_FIXED;
}

/* 0, or all ones where a 32-bit program made the ring; 7.x keeps that elsewhere: not known. */
static __always_inline __u64 uring_compat_mask(struct io_kiocb *request)
{
	struct io_ring_ctx *ring = BPF_CORE_READ(request, ctx);

	if (!bpf_core_field_exists(ring->compat))
		return 0;
	return -(__u64)BPF_CORE_READ_BITFIELD_PROBED(ring, compat);
}

static __always_inline const struct user_msghdr *uring_message(struct io_kiocb *request)
{
	return BPF_CORE_READ((struct io_sr_msg *)request, umsg);
}

/* Of buffers in a struct iovec or compat_iovec each, whose second word is the length (less than
 * 4 GiB: MAX_RW_COUNT). */
static __always_inline __u64 uring_sum_iovecs(__u64 address, __u32 count, __u32 word_bytes)
{
	return call_sum_many_lengths(address + word_bytes, count, 2 * word_bytes);
}

/* Where a message says that its buffers are, and how many. */
static __always_inline __u64 uring_sum_message(const void *message, __u64 compat, __u32 word_bytes)
{
	__u64 at = offsetof(struct user_msghdr, msg_iov), vectors = 0;
	__u32 count = 0;

	at += compat & (offsetof(struct compat_msghdr, msg_iov) - at);
	bpf_probe_read_user(&vectors, sizeof(vectors), message + at);
	bpf_probe_read_user(&count, sizeof(count), message + at + word_bytes);
	return uring_sum_iovecs(vectors & ~(compat << 32), count, word_bytes);
}

/* Whether it completes more than once; all completions but the last come without it then. */
static __always_inline bool uring_completes_often(struct io_kiocb *request,
						  const struct weir_syscall *rule)
{
	struct io_sr_msg *message = (struct io_sr_msg *)request;
	__u32 often;

	if (rule->call == WEIR_CALL_ACCEPT || rule->form == WEIR_FORM_MULTISHOT)
		return true;
	if ((rule->form != WEIR_FORM_SENDTO && rule->form != WEIR_FORM_MSGHDR) ||
	    !bpf_core_field_exists(message->flags))
		return false;
	often = rule->call == WEIR_CALL_WRITE ? URING_SEND_BUNDLE : URING_RECV_MULTISHOT;
	return BPF_CORE_READ(message, flags) & often;
}

static __always_inline __u64 uring_wanted_of_send(struct io_sr_msg *send, __u32 word_bytes)
{
	__u32 len = BPF_CORE_READ(send, len);

	if (bpf_core_field_exists(send->flags) && BPF_CORE_READ(send, flags) & URING_SEND_VECTORS)
		return uring_sum_iovecs((__u64)BPF_CORE_READ(send, umsg), len, word_bytes);
	return len;
}

/* How much was asked for; 0 where it is for the kernel to choose a buffer. */
static __noinline __u64 uring_wanted_bytes(struct io_kiocb *request)
{
	const struct weir_syscall *rule = uring_rule(request);
	__u64 compat = uring_compat_mask(request);
	__u32 word_bytes = sizeof(__u64) >> (compat & 1);

	switch (rule->form) {
	case WEIR_FORM_PLAIN:
	case WEIR_FORM_MULTISHOT:
		return BPF_CORE_READ((struct io_rw *)request, len);
	case WEIR_FORM_SENDTO:
		return uring_wanted_of_send((struct io_sr_msg *)request, word_bytes);
	case WEIR_FORM_IOVEC:
		return uring_sum_iovecs(BPF_CORE_READ((struct io_rw *)request, addr),
					BPF_CORE_READ((struct io_rw *)request, len), word_bytes);
	case WEIR_FORM_MSGHDR:
		return uring_sum_message(uring_message(request), compat, word_bytes);
	}
	return BPF_CORE_READ((struct io_splice *)request, len);
}

/* Whether a result that is a descriptor is one of the process, and this is the process. */
static __noinline bool uring_is_own_fd(struct io_kiocb *request, const struct weir_syscall *rule)
{
	struct io_accept *accept = (struct io_accept *)request;
	struct io_open *open = (struct io_open *)request;

	if (BPF_CORE_READ(uring_task(request), tgid) != bpf_get_current_pid_tgid() >> 32)
		return false;
	if (rule->call == WEIR_CALL_OPEN && bpf_core_field_exists(open->file_slot))
		return !BPF_CORE_READ(open, file_slot);
	if (rule->call == WEIR_CALL_ACCEPT && bpf_core_field_exists(accept->file_slot))
		return !BPF_CORE_READ(accept, file_slot);
	return true;
}

static __always_inline bool uring_is_truncating(struct io_kiocb *request)
{
	return BPF_CORE_READ((struct io_open *)request, how.flags) & O_TRUNC;
}

static __always_inline int uring_note_gap(const struct weir_app *app, __u32 operation)
{
	return flow_note_gap(app->id, WEIR_GAP_URING | operation);
}

#endif
