/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_URING_MESSAGE_BPF_H
#define WEIR_HOOKS_URING_MESSAGE_BPF_H

/* Whom a message that a ring sends is for, and what comes along with one that it receives. */

#include "../uring.bpf.h"
#include "connect.bpf.h"

/*
 * Whom a message is for is read at submission: in 5.10 the request's completion is written over it
 * (io_completion over io_sr_msg, io_uring/io_uring.c of 5.15, which 5.10.162 took), later ones give
 * up their copy of it before (io_req_msg_cleanup(), io_uring/net.c of 6.14), and what stands in
 * the sender's memory by then may be something else.
 */
static __always_inline bool uring_has_destination(const struct weir_syscall *rule)
{
	return rule->call == WEIR_CALL_WRITE &&
	       (rule->form == WEIR_FORM_MSGHDR || rule->form == WEIR_FORM_SENDTO);
}

/* The socket that a request is about, or NULL. */
static __always_inline struct sock *uring_sock(struct io_kiocb *request)
{
	struct file *file = uring_file(request);

	if (!file || object_kind_of_inode(object_inode_of_file(file)) != WEIR_KIND_INET)
		return NULL;
	return object_sock_of_file(file);
}

static __noinline bool uring_is_addressed(struct io_kiocb *request)
{
	struct sock *sock = uring_sock(request);

	return sock && destination_is_possible(sock);
}

static __noinline struct sock *uring_unix_sock(struct io_kiocb *request)
{
	struct sock *sock = uring_sock(request);

	return sock && object_family_of_sock(sock) == AF_UNIX ? sock : NULL;
}

/* The name in the request's own copy of its message, and its length; NULL where the kernel keeps
 * none. */
static __always_inline void *uring_copied_name(struct io_kiocb *request, int *ret_bytes)
{
	struct io_async_msghdr *copied = BPF_CORE_READ(request, async_data);

	if (!bpf_core_field_exists(request->tctx) || !copied)
		return NULL;
	*ret_bytes = BPF_CORE_READ(copied, msg.msg_namelen);
	return BPF_CORE_READ(copied, msg.msg_name);
}

/* SEND may name whom it is for from 6.1 on. From 6.13 on it is copied before it is submitted. */
static __noinline bool uring_read_sendto(struct io_kiocb *request, struct weir_address *ret_peer)
{
	struct sock *sock = uring_sock(request);
	struct io_sr_msg *send = (struct io_sr_msg *)request;
	__u8 raw[DESTINATION_BYTES] = {};
	int bytes = 0;
	void *name;

	if (bpf_core_field_exists(send->addr))
		return destination_read(BPF_CORE_READ(send, addr), BPF_CORE_READ(send, addr_len),
					sock, ret_peer);
	name = uring_copied_name(request, &bytes);
	if (!name || bpf_probe_read_kernel(raw, sizeof(raw), name))
		return false;
	return destination_take(raw, bytes, sock, ret_peer);
}

/* Whether a SEND names a socket, which is nowhere in the sender's memory any more from 6.13 on. */
static __noinline bool uring_is_sent_to_name(struct io_kiocb *request, struct sock *sock)
{
	struct io_sr_msg *send = (struct io_sr_msg *)request;
	int bytes = 0;

	if (uring_rule(request)->form != WEIR_FORM_SENDTO || !sock || !endpoint_is_named(sock))
		return false;
	if (bpf_core_field_exists(send->addr))
		return BPF_CORE_READ(send, addr_len);
	return uring_copied_name(request, &bytes);
}

static __noinline bool uring_name_destination(struct io_kiocb *request,
					      struct weir_address *ret_peer)
{
	if (uring_rule(request)->form == WEIR_FORM_SENDTO)
		return uring_read_sendto(request, ret_peer);
	return destination_read_message(uring_message(request), uring_compat_mask(request),
					uring_sock(request), ret_peer);
}

/* What is sent to the CRM by a socket without a peer, MSG_FASTOPEN of TCP included. */
static __noinline int uring_watch_destination(struct io_kiocb *request)
{
	struct weir_address peer = {};
	struct weir_app *app;
	bool is_crm = false;
	struct file *file;
	__u64 labels;

	if (!uring_name_destination(request, &peer))
		return 0;
	labels = connect_find_labels(&peer, &is_crm);
	file = labels ? uring_file(request) : NULL;
	if (!file || !connect_is_nameable(file))
		return 0;
	app = uring_app(request);
	return app ? connect_label(app->id, (__u64)file, labels, is_crm) : 0;
}

static __noinline int uring_remember_destination(struct io_kiocb *request)
{
	__u64 key = uring_number(request);
	struct weir_state *gate = state_get();
	struct weir_address peer = {};

	if (!uring_is_addressed(request) || !uring_name_destination(request, &peer))
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

static __always_inline bool uring_recall_destination(struct io_kiocb *request,
						     struct weir_address *ret_peer)
{
	__u64 key = uring_number(request);
	const struct weir_address *known;

	if (!uring_has_destination(uring_rule(request)))
		return false;
	known = bpf_map_lookup_elem(&uring_destinations, &key);
	if (known)
		*ret_peer = *known;
	return known;
}

__noinline int uring_label_port(__u64 app_id, __u64 address)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct io_kiocb *request = (struct io_kiocb *)address;
	struct object object = {.kind = WEIR_KIND_INET};
	struct weir_object_key key = {};
	struct weir_address peer = {};
	struct sock *sock;

	if (!app || !app->labels || app->is_hub || !uring_recall_destination(request, &peer))
		return 0;
	sock = uring_sock(request);
	if (!sock || !loopback_key_of_datagram(sock, &peer, &key))
		return 0;
	object.key = key;
	label_resting(&object, app);
	return 0;
}

/* Whether the message may be for a name on a unix socket, and not for its peer, and the name can be
 * read: not in 5.10, where the completion is written over it. */
static __always_inline bool uring_may_be_named(struct io_kiocb *request, struct sock *sock)
{
	const struct weir_syscall *rule = uring_rule(request);

	return rule->call == WEIR_CALL_WRITE && rule->form == WEIR_FORM_MSGHDR && sock &&
	       uring_complete_form != 4 && endpoint_is_named(sock);
}

/* Returns the bytes of a message that has no name. */
static __noinline __u64 uring_send_named(struct io_kiocb *request, struct sock *sock, __u64 bytes,
					 bool has_begun)
{
	__u64 number = DATAGRAM_LABEL, message = uring_number(uring_message(request));

	if (!has_begun)
		number = WEIR_GAP_URING | BPF_CORE_READ(request, opcode);
	message |= uring_compat_mask(request) & USER_MESSAGE_COMPAT;
	return datagram_send_message((__u64)sock, message, bytes, number);
}

/* Apart from uring_label_out(): together they need more stack than there is up to 6.12. */
__noinline int uring_label_named(__u64 app_id, __u64 address)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct io_kiocb *request = (struct io_kiocb *)address;
	struct sock *sock = uring_unix_sock(request);

	if (!app || !app->labels || app->is_hub || !sock)
		return 0;
	if (uring_may_be_named(request, sock))
		uring_send_named(request, sock, 0, true);
	/* And not to its peer: without one, it is said when it completes. */
	if (BPF_CORE_READ((struct unix_sock *)sock, peer) && uring_is_sent_to_name(request, sock))
		return uring_note_gap(app, BPF_CORE_READ(request, opcode));
	return 0;
}

/*
 * A descriptor may have come along: the app must look at its objects from now on. Whether one did
 * is told in user memory, which whoever completes a request need not have.
 */
static __noinline int uring_watch_passed(struct io_kiocb *request)
{
	struct weir_state *gate = state_get();
	struct weir_app *app;

	if (!gate || !label_is_anywhere(gate) || !uring_unix_sock(request))
		return 0;
	app = uring_app(request);
	if (app)
		app_open(app);
	return 0;
}

#endif
