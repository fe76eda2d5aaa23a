/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_HOST_BPF_H
#define WEIR_HOOKS_HOST_BPF_H

/* Which host labelled data goes to, as the sender's first writes on a TCP connection say: at exit,
 * when what was written still lies in the sender's memory. */

#include "../call.bpf.h"
#include "../host.h"
#include "../user_message.h"
#include "hello.bpf.h"

#define HOST_USER_MASK (~0ull >> 1) /* whoever writes names no place in the kernel's memory */
#define HOST_CALLS_MAX 8            /* a greeting that comes later is none */

static __always_inline bool host_is_awaited(const struct weir_flow *flow)
{
	return flow && flow->kind == WEIR_KIND_INET && !flow->host_source &&
	       flow->calls <= HOST_CALLS_MAX;
}

/* Where the list of buffers is, and how many there are; 0: there is one, in the call itself. A
 * struct mmsghdr begins with its message. */
static __always_inline __u64 host_find_buffers(struct call *call, __u64 *ret_count)
{
	__u64 compat = call_compat_mask(call), address = call_arg(call, 1), list = 0;
	__u64 at = offsetof(struct user_msghdr, msg_iov);
	__u32 word_bytes = sizeof(__u64) >> (compat & 1);

	*ret_count = call_arg(call, 2);
	if (call->rule->form == WEIR_FORM_IOVEC)
		return address;
	if (call->rule->form != WEIR_FORM_MSGHDR && call->rule->form != WEIR_FORM_MMSGHDR)
		return 0;
	at += compat & (offsetof(struct compat_msghdr, msg_iov) - at);
	bpf_probe_read_user(&list, sizeof(list), (void *)(address + at));
	bpf_probe_read_user(ret_count, sizeof(*ret_count), (void *)(address + at + word_bytes));
	*ret_count &= ~(compat << 32);
	return list & ~(compat << 32);
}

/* Of several buffers, the first; it has no more bytes than were written. */
static __noinline __u64 host_first_buffer(struct call *call, __u64 bytes, __u32 *ret_bytes)
{
	__u64 compat = call_compat_mask(call), length = 0, count = 0;
	__u64 address = host_find_buffers(call, &count);
	__u32 word_bytes = sizeof(__u64) >> (compat & 1);

	*ret_bytes = bytes > HOST_BYTES_MAX ? HOST_BYTES_MAX : bytes;
	if (!address)
		return call_arg(call, 1) & HOST_USER_MASK;
	bpf_probe_read_user(&length, sizeof(length), (void *)(address + word_bytes));
	length &= ~(compat << 32);
	if (length < *ret_bytes)
		*ret_bytes = length;
	bpf_probe_read_user(&length, sizeof(length), (void *)address);
	return length & ~(compat << 32) & HOST_USER_MASK;
}

/* Who writes to a TCP connection says whom it is for. */
static __noinline int host_note_stream(struct weir_flow *flow, __u64 address, __u32 bytes)
{
	__u32 source = 0, length;
	__u64 found = host_find(address, bytes, &source);

	length = found & 0xff; /* no more, see HOST_NAME_BYTES */
	if (!found ||
	    bpf_probe_read_user(flow->name.text, length, (void *)(address + (found >> 32))))
		return 0;
	flow->name.bytes = length;
	flow->host_source = source;
	return 0;
}

/* After the flow is counted, so that what that needs is off the stack again. */
static __noinline int host_note(struct call *call, __u64 bytes)
{
	struct weir_flow *flow = call->flow;
	__u32 here_bytes = 0;
	__u64 address;

	/* Of several messages, the first: how long that is it says itself. */
	if (call->rule->form == WEIR_FORM_MMSGHDR)
		bytes = HOST_BYTES_MAX;
	address = host_first_buffer(call, bytes, &here_bytes);
	if (!flow || !call->app)
		return 0;
	if (flow->peer.protocol == IPPROTO_TCP)
		return host_note_stream(flow, address, here_bytes);
	if (hello_is_initial(address, here_bytes))
		hello_tell(flow, call->app->id, address, here_bytes);
	return 0;
}

#endif
