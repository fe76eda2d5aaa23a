/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_PORT_BPF_H
#define WEIR_HOOKS_PORT_BPF_H

/*
 * Datagrams that are sent by name to a port of this machine: whoever receives there is labelled at
 * entry. Of those of one sendmmsg the first SENT_MAX are looked at. Functions that take numbers are
 * not static: they are verified once, see name_hash().
 */

#include "transfer.bpf.h"

__noinline int port_label(__u64 sock, __u64 name, __u32 bytes)
{
	struct object object = {.kind = WEIR_KIND_INET};
	struct weir_app *app = datagram_get_app();
	struct weir_object_key key = {};
	struct weir_address peer = {};

	if (!app || !destination_read((const void *)name, bytes, (struct sock *)sock, &peer) ||
	    !loopback_key_of_datagram((struct sock *)sock, &peer, &key))
		return 0;
	object.key = key;
	label_resting(&object, app);
	return 0;
}

__noinline int port_label_message(__u64 sock, __u64 message)
{
	__u64 compat = -(message >> 63), name = 0, length_at;
	const void *user = (const void *)(message & ~USER_MESSAGE_COMPAT);
	__u32 bytes = 0;

	length_at = offsetof(struct user_msghdr, msg_namelen);
	length_at += compat & (offsetof(struct compat_msghdr, msg_namelen) - length_at);
	bpf_probe_read_user(&name, sizeof(name), user);
	bpf_probe_read_user(&bytes, sizeof(bytes), user + length_at);
	name &= ~(compat << 32);
	return name ? port_label(sock, name, bytes) : 0;
}

__noinline int port_label_messages(__u64 sock, __u64 message, __u32 count)
{
	__u64 step = sizeof(struct user_mmsghdr);
	__u32 i;

	step += -(message >> 63) & (sizeof(struct compat_mmsghdr) - step);
	for (i = 0; i < SENT_MAX; i++) {
		if (i >= count)
			break;
		port_label_message(sock, message);
		message += step;
	}
	return 0;
}

static __noinline int port_label_all(struct call *call, struct sock *sock)
{
	__u64 message = call_arg(call, 1) | (call_compat_mask(call) & USER_MESSAGE_COMPAT);

	switch (call->rule->form) {
	case WEIR_FORM_SENDTO:
		return port_label((__u64)sock, call_arg(call, 4), call_arg(call, 5));
	case WEIR_FORM_MSGHDR:
		return port_label_message((__u64)sock, message);
	case WEIR_FORM_MMSGHDR:
		return port_label_messages((__u64)sock, message, call_arg(call, 2));
	}
	return 0;
}

/* Whether the socket has come to a port that labelled data was sent to while another one had it:
 * its holder opens its gate, as whoever comes to hold an object that has a label already. */
static __noinline bool port_is_labelled(struct file *file)
{
	struct weir_state *gate = state_get();
	struct object object = {};

	if (!gate || !gate->volatile_objects)
		return false;
	object_resolve(file, WEIR_IN, &object);
	return object.key.dev == WEIR_DEV_LOOPBACK && bpf_map_lookup_elem(&objects, &object.key);
}

#endif
