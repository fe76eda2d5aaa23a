/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_CONNECT_BPF_H
#define WEIR_HOOKS_CONNECT_BPF_H

/*
 * Sockets that come to a peer: by connect and accept, and by what is sent first on them. They are
 * looked at whoever calls, because the peer may be where customer data comes from.
 *
 * Functions that take numbers are not static: they are verified once, see name_hash().
 */

#include "../screen.bpf.h"
#include "port.bpf.h"

#define CONNECT_TCP_CLOSE 7 /* include/net/tcp_states.h */

static __always_inline void connect_exit(struct call *call, long result)
{
	int fd = call->rule->call == WEIR_CALL_ACCEPT ? result : (int)call_arg(call, 0);
	struct file *file;

	call->gate = state_get();
	call->app = app_get_current();
	call->task = (struct task_struct *)bpf_get_current_task();
	file = object_file_of_fd(fd);
	if (!call->app || !file)
		return;
	label_watch_socket(call->app->id, (__u64)file, true);
	if (!call->gate || !call->gate->volatile_objects)
		return;
	/* Labelled data may have waited in the queue for this, or be in what a server keeps. */
	if (call->rule->call == WEIR_CALL_ACCEPT ||
	    selection_is_in_use(screen_server((__u64)object_sock_of_file(file))))
		app_open(call->app);
}

__noinline int connect_watch_sent(__u32 fd)
{
	struct file *file = object_file_of_fd(fd);
	struct weir_app *app;

	if (!file || object_kind_of_inode(object_inode_of_file(file)) != WEIR_KIND_INET)
		return 0;
	app = app_get_current();
	return app ? label_watch_socket(app->id, (__u64)file, true) : 0;
}

/* Whether what is sent to a name goes there: not where the socket has a peer that it goes to. */
static __always_inline bool connect_takes_names(struct sock *sock)
{
	__u16 protocol = BPF_CORE_READ(sock, sk_protocol);

	return protocol == IPPROTO_UDP ||
	       (protocol == IPPROTO_TCP &&
		BPF_CORE_READ(sock, __sk_common.skc_state) == CONNECT_TCP_CLOSE);
}

/* Whose a name is: labels, 0 of anybody else. */
static __noinline __u64 connect_find_labels(const struct weir_address *peer, bool *ret_is_crm)
{
	struct zone_peer zone = {};

	zone_find_destination(peer, &zone);
	*ret_is_crm = zone.is_crm;
	return zone.labels;
}

/* A socket without a peer that sends to the CRM: whatever it receives from now on may be from
 * there. What it sends is judged by whom it is for, see flow_out(). */
__noinline int connect_label(__u64 app_id, __u64 address, __u64 labels, __u32 is_crm)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct object object = {.kind = WEIR_KIND_INET};
	struct file *file = (struct file *)address;
	struct weir_object *known;

	object_read_key(object_inode_of_file(file), &object.key);
	known = app ? label_make_object(&object, labels, 0) : NULL;
	if (!known)
		return 0;
	known->labels |= labels;
	known->is_crm |= is_crm != 0;
	known->is_source = 1;
	app_open(app);
	return 0;
}

static __noinline bool connect_is_nameable(struct file *file)
{
	struct sock *sock;

	if (object_kind_of_inode(object_inode_of_file(file)) != WEIR_KIND_INET)
		return false;
	sock = object_sock_of_file(file);
	return sock && object_family_of_sock(sock) != AF_UNIX && connect_takes_names(sock);
}

__noinline int connect_watch_nameable(__u32 fd, __u64 labels, __u32 is_crm)
{
	struct file *file = object_file_of_fd(fd);
	struct weir_app *app;

	if (!file || !connect_is_nameable(file))
		return 0;
	app = app_get_current();
	return app ? connect_label(app->id, (__u64)file, labels, is_crm) : 0;
}

#define CONNECT_LABELS 0
#define CONNECT_IS_CRM 1

/* Finding and labelling are two steps, for the stack's sake. */
__noinline __u64 connect_ask_name(__u64 name, __u32 bytes, __u32 what)
{
	struct weir_address peer = {};
	bool is_crm = false;
	__u64 labels;

	if (!destination_read((const void *)name, bytes, NULL, &peer))
		return 0;
	labels = connect_find_labels(&peer, &is_crm);
	return what == CONNECT_LABELS ? labels : is_crm;
}

/* The name and its length stand first: struct msghdr, compat_msghdr. */
__noinline __u64 connect_ask_message(__u64 message, __u32 what)
{
	const void *user = (const void *)(message & ~USER_MESSAGE_COMPAT);
	__u64 head[2] = {};

	bpf_probe_read_user(head, sizeof(head), user);
	if (message & USER_MESSAGE_COMPAT) {
		head[1] = head[0] >> 32;
		head[0] = (__u32)head[0];
	}
	return head[0] ? connect_ask_name(head[0], head[1], what) : 0;
}

static __always_inline __u64 connect_ask(struct call *call, __u64 name, __u32 what)
{
	if (call->rule->form == WEIR_FORM_SENDTO)
		return connect_ask_name(name, call_arg(call, 5), what);
	return connect_ask_message(name | (call_compat_mask(call) & USER_MESSAGE_COMPAT), what);
}

/* Datagrams go to the CRM from sockets that are connected to nobody, too. Of those of one sendmmsg
 * the first is looked at. */
static __always_inline void connect_watch_datagram(struct call *call, __u64 name)
{
	__u64 labels = connect_ask(call, name, CONNECT_LABELS);

	if (labels)
		connect_watch_nameable(call_arg(call, 0), labels,
				       connect_ask(call, name, CONNECT_IS_CRM));
}

static __always_inline void connect_exit_write(struct call *call, long result)
{
	__u32 form = call->rule->form, flags;
	__u64 name;

	if (form != WEIR_FORM_SENDTO && form != WEIR_FORM_MSGHDR && form != WEIR_FORM_MMSGHDR)
		return;
	flags = call_arg(call, form == WEIR_FORM_MSGHDR ? 2 : 3);
	name = call_arg(call, form == WEIR_FORM_SENDTO ? 4 : 1);
	if (!name || (result < 0 && !label_may_have_peer(result)) || call_is_other(call))
		return;
	/* A connection of TCP that is made by what is sent first on it: tcp(7). */
	if (flags & MSG_FASTOPEN)
		connect_watch_sent(call_arg(call, 0));
	else
		connect_watch_datagram(call, name);
}

#endif
