/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_URING_MESSAGE_BPF_H
#define WEIR_HOOKS_URING_MESSAGE_BPF_H

/* Whom a message that a ring sends is for, and what comes along with one that it receives. */

#include "../uring.bpf.h"
#include "transfer.bpf.h"

/*
 * In 5.10 a request's completion is written over whom its message is for (io_completion over
 * io_sr_msg, io_uring/io_uring.c of 5.15, which 5.10.162 took): it is read at submission.
 */
static __always_inline bool uring_hides_destination(struct io_kiocb *request)
{
	const struct weir_syscall *rule = uring_rule(request);

	return uring_complete_form == 4 && rule->call == WEIR_CALL_WRITE &&
	       rule->form == WEIR_FORM_MSGHDR;
}

static __noinline int uring_remember_destination(struct io_kiocb *request)
{
	__u64 key = uring_number(request);
	struct weir_state *gate = state_get();
	struct weir_address peer = {};

	if (!transfer_read_message_destination(uring_message(request), uring_compat_mask(request),
					       &peer))
		bpf_map_delete_elem(&uring_destinations, &key); /* of who had its place before */
	else if (bpf_map_update_elem(&uring_destinations, &key, &peer, BPF_ANY) && gate)
		COUNT(gate->losses.inflight_full);
	return 0;
}

static __noinline int uring_forget_destination(struct io_kiocb *request)
{
	__u64 key = uring_number(request);

	bpf_map_delete_elem(&uring_destinations, &key);
	return 0;
}

static __always_inline bool uring_read_destination(struct io_kiocb *request,
						   const struct object *object,
						   struct weir_address *ret_peer)
{
	__u64 key = uring_number(request);
	const struct weir_address *known;

	if (!uring_reads_destination(request, object))
		return false;
	if (!uring_hides_destination(request))
		return transfer_read_message_destination(uring_message(request),
							 uring_compat_mask(request), ret_peer);
	known = bpf_map_lookup_elem(&uring_destinations, &key);
	if (known)
		*ret_peer = *known;
	return known;
}

/*
 * A descriptor may have come along: the app must look at its objects from now on. Whether one did
 * is told in user memory, which whoever completes a request need not have.
 */
static __noinline int uring_watch_passed(struct io_kiocb *request)
{
	struct file *file = uring_file(request);
	struct weir_state *gate = state_get();
	struct sock *sock;
	struct weir_app *app;

	if (!gate || !label_is_anywhere(gate) || !file ||
	    object_kind_of_inode(object_inode_of_file(file)) != WEIR_KIND_INET)
		return 0;
	sock = object_sock_of_file(file);
	if (!sock || object_family_of_sock(sock) != AF_UNIX)
		return 0;
	app = uring_app(request);
	if (app)
		app_open(app);
	return 0;
}

#endif
