/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_URING_PENDING_BPF_H
#define WEIR_URING_PENDING_BPF_H

/* The table of requests that complete without saying which they are: all in 5.10, later those that
 * complete more than once, but for their last time. */

#include "uring.bpf.h"

/* Whether completions of this request may come without it. */
static __always_inline bool uring_is_pending(struct io_kiocb *request,
					     const struct weir_syscall *rule)
{
	return uring_complete_form == 4 || uring_completes_often(request, rule);
}

static __always_inline __u64 uring_key(struct io_ring_ctx *ring, __u64 user_data)
{
	return object_mix(object_mix(0, uring_number(ring)), user_data);
}

static __always_inline __u64 uring_user_data(struct io_kiocb *request)
{
	if (bpf_core_field_exists(request->cqe))
		return BPF_CORE_READ(request, cqe.user_data);
	return BPF_CORE_READ(request, user_data);
}

/*
 * RECVMSG that completes more than once puts each message behind a header of its own, room for a
 * name and for what comes along, whether they are used or not, and its results are of all of it:
 * io_recvmsg_multishot(), io_uring/net.c of 6.1 to 6.18. Where the kernel has no copy yet of how
 * much room was asked for (up to 6.9), it is read where the kernel will read it.
 */
#define URING_HEADER_BYTES 16 /* struct io_uring_recvmsg_out */

static __noinline __u32 uring_header_bytes(struct io_kiocb *request)
{
	const struct weir_syscall *rule = uring_rule(request);
	struct io_async_msghdr *copied = BPF_CORE_READ(request, async_data);
	__u64 at = offsetof(struct user_msghdr, msg_namelen), compat = uring_compat_mask(request);
	const void *message = uring_message(request);
	__u32 name_bytes = 0, control_bytes = 0;

	if (rule->call != WEIR_CALL_READ || rule->form != WEIR_FORM_MSGHDR)
		return 0;
	if (copied && bpf_core_field_exists(copied->namelen))
		return URING_HEADER_BYTES + BPF_CORE_READ(copied, namelen) +
		       BPF_CORE_READ(copied, controllen);
	at += compat & (offsetof(struct compat_msghdr, msg_namelen) - at);
	bpf_probe_read_user(&name_bytes, sizeof(name_bytes), message + at);
	at = offsetof(struct user_msghdr, msg_controllen);
	at += compat & (offsetof(struct compat_msghdr, msg_controllen) - at);
	bpf_probe_read_user(&control_bytes, sizeof(control_bytes), message + at);
	return URING_HEADER_BYTES + name_bytes + control_bytes;
}

/* Those with one user_data are taken to complete in the order in which they came, which only linked
 * ones are bound to: what is counted by that is estimated. */
static __always_inline bool uring_remember_next(struct uring_pending *known, __u64 request)
{
	known->requests[(known->first + known->count) % URING_ALIKE] = request;
	known->count++;
	return true;
}

/* Which of those with one user_data it is that a completion is of, nobody can tell then. One that
 * is there already has ended unseen. */
static __always_inline bool uring_remember_alike(struct uring_pending *known, __u64 request)
{
	for (int i = 0; i < URING_ALIKE; i++) {
		if (known->requests[i] == request)
			return true;
		if (!known->requests[i]) {
			known->requests[i] = request;
			known->count++;
			return true;
		}
	}
	return false;
}

static __noinline int uring_remember(struct io_kiocb *request)
{
	__u64 key = uring_key(BPF_CORE_READ(request, ctx), uring_user_data(request));
	struct uring_pending made = {.requests = {(__u64)request}, .count = 1}, *known;
	struct weir_state *gate = state_get();
	bool is_known;

	known = bpf_map_lookup_elem(&uring_pending, &key);
	if (known && known->count) {
		is_known = uring_complete_form == 4 ? uring_remember_next(known, made.requests[0])
						    : uring_remember_alike(known, made.requests[0]);
	} else {
		if (uring_complete_form != 4)
			made.header_bytes = uring_header_bytes(request);
		is_known = !bpf_map_update_elem(&uring_pending, &key, &made, BPF_ANY);
	}
	if (!is_known && gate)
		COUNT(gate->losses.inflight_full);
	return 0;
}

/* What a completion tells besides its request. */
struct uring_told {
	__u64 key;
	int result;
	__u32 flags;
	bool is_estimated;
	bool is_alike; /* it may be of any of several requests */
	bool is_empty; /* but for its header, or who asked changed what the header's size is */
};

static __always_inline void uring_strip_header(const struct uring_pending *known,
					       struct uring_told *told)
{
	__u32 header_bytes = known->header_bytes, result = told->result;

	if (told->result <= 0 || known->count != 1 || header_bytes > result)
		return;
	told->result = result - header_bytes;
	told->is_empty = !told->result;
}

/* It completes for the last time. */
static __noinline int uring_forget(struct uring_told *told, __u64 request)
{
	struct uring_pending *known = bpf_map_lookup_elem(&uring_pending, &told->key);

	if (!known)
		return 0;
	uring_strip_header(known, told);
	for (int i = 0; i < URING_ALIKE; i++) {
		if (known->requests[i] != request)
			continue;
		known->requests[i] = 0;
		known->count--;
	}
	if (known->count == 0)
		bpf_map_delete_elem(&uring_pending, &told->key);
	return 0;
}

static __always_inline __u64 uring_recall_next(struct uring_pending *known, struct uring_told *told)
{
	__u64 request = known->requests[known->first % URING_ALIKE];

	told->is_estimated = known->count > 1 || known->first;
	if (told->flags & URING_CQE_MORE)
		return request;
	known->first++;
	if (--known->count == 0)
		bpf_map_delete_elem(&uring_pending, &told->key);
	return request;
}

/* What says that it is the last and comes without its request is no request's, but what another
 * ring sent (MSG_RING): io_req_post_cqe() has URING_CQE_MORE from all who call it. */
static __always_inline __u64 uring_recall_often(const struct uring_pending *known,
						struct uring_told *told)
{
	if (!(told->flags & URING_CQE_MORE))
		return 0;
	told->is_estimated = told->is_alike = known->count > 1;
	uring_strip_header(known, told);
	for (int i = 0; i < URING_ALIKE; i++)
		if (known->requests[i])
			return known->requests[i];
	return 0;
}

static __noinline struct io_kiocb *uring_recall(struct uring_told *told)
{
	struct uring_pending *known = bpf_map_lookup_elem(&uring_pending, &told->key);

	if (!known)
		return NULL;
	if (uring_complete_form == 4)
		return (struct io_kiocb *)uring_recall_next(known, told);
	return (struct io_kiocb *)uring_recall_often(known, told);
}

#endif
