/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_DATAGRAM_BPF_H
#define WEIR_HOOKS_DATAGRAM_BPF_H

/*
 * Unix datagrams that are sent to a name. As of all that goes out, the receiving socket is labelled
 * at entry and bytes are counted at exit. A name goes before the socket's own peer. Functions that
 * take numbers are not static: they are verified once, see name_hash().
 */

#include "../call.bpf.h"
#include "../endpoint.bpf.h"
#include "../user_message.h"

#define DATAGRAM_LABEL 0 /* in place of a call's or operation's number: it has only begun */

static __always_inline struct weir_app *datagram_get_app(void)
{
	struct weir_app *app = app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);

	return app && app->labels && !app->is_hub ? app : NULL;
}

__noinline int datagram_label(__u64 receiver)
{
	struct object object = {.kind = WEIR_KIND_UNIX};
	struct weir_app *app = datagram_get_app();

	if (!app || !receiver)
		return 0;
	object_key_of_unix_sock((struct sock *)receiver, &object.key);
	label_resting(&object, app);
	return 0;
}

/* Whether the label came too late: the name was in memory that was not there yet at entry, and so
 * could not be read. What is received until now is not labelled. */
__noinline int datagram_add(__u64 receiver, __u64 bytes)
{
	struct transfer transfer = {.direction = WEIR_OUT, .bytes = bytes};
	struct object object = {.kind = WEIR_KIND_UNIX};
	struct weir_app *app = datagram_get_app();
	struct weir_object_key key;
	struct weir_object *known;

	if (!app || !bytes)
		return false;
	object_key_of_unix_sock((struct sock *)receiver, &key);
	known = bpf_map_lookup_elem(&objects, &key);
	object.key = key; /* of its own: it is seen here that there is no file whose name is read */
	transfer.labels = app->labels;
	transfer.hops = app->hops;
	flow_add(app, &object, &transfer);
	return !known || transfer.labels & ~known->labels;
}

__noinline int datagram_note_gap(__u64 number)
{
	struct weir_app *app = datagram_get_app();

	return app ? flow_note_gap(app->id, number) : 0;
}

static __always_inline void datagram_send_name(__u64 sock, __u64 name, __u32 name_bytes,
					       __u64 bytes, __u64 number)
{
	__u64 receiver = endpoint_find(sock, name, name_bytes);

	if (number == DATAGRAM_LABEL) {
		datagram_label(receiver);
	} else if (!receiver) {
		datagram_note_gap(number);
	} else if (datagram_add(receiver, bytes)) {
		datagram_label(receiver);
		datagram_note_gap(number);
	}
}

/* Of so many bytes; 0: the message says how many. Returns them when it has no name. */
__noinline __u64 datagram_send_message(__u64 sock, __u64 message, __u64 bytes, __u64 number)
{
	__u64 compat = -(message >> 63), name = 0, length_at, bytes_at;
	const void *user = (const void *)(message & ~USER_MESSAGE_COMPAT);
	__u32 name_bytes = 0;

	length_at = offsetof(struct user_msghdr, msg_namelen);
	length_at += compat & (offsetof(struct compat_msghdr, msg_namelen) - length_at);
	bytes_at = offsetof(struct user_mmsghdr, msg_len);
	bytes_at += compat & (offsetof(struct compat_mmsghdr, msg_len) - bytes_at);
	if (!bytes && number != DATAGRAM_LABEL)
		bpf_probe_read_user(&bytes, sizeof(__u32), user + bytes_at);
	bpf_probe_read_user(&name, sizeof(name), user);
	bpf_probe_read_user(&name_bytes, sizeof(name_bytes), user + length_at);
	name &= ~(compat << 32);
	if (!name || !name_bytes)
		return bytes;
	datagram_send_name(sock, name, name_bytes, bytes, number);
	return 0;
}

/* Each to its name. Returns the bytes of those that have none: they go to the socket's peer. */
__noinline __u64 datagram_send_messages(__u64 sock, __u64 message, __u32 count, __u64 number)
{
	__u64 bytes = 0, step = sizeof(struct user_mmsghdr);
	__u32 i;

	step += -(message >> 63) & (sizeof(struct compat_mmsghdr) - step);
	for (i = 0; i < SENT_MAX; i++) {
		if (i >= count)
			break;
		bytes += datagram_send_message(sock, message, 0, number);
		message += step;
	}
	return bytes;
}

__noinline __u64 datagram_send_all(__u64 sock, __u64 message, __u32 count, __u64 number)
{
	__u64 bytes = 0, step = sizeof(struct user_mmsghdr);
	__u32 i;

	step += -(message >> 63) & (sizeof(struct compat_mmsghdr) - step);
	for (i = 0; i < SENT_MAX; i++) {
		bytes += datagram_send_messages(sock, message, count, number);
		if (count <= SENT_MAX)
			break;
		count -= SENT_MAX;
		message += SENT_MAX * step;
	}
	return bytes;
}

static __noinline __u64 datagram_send(struct call *call, struct sock *sock, __u64 bytes,
				      __u32 count, __u64 number)
{
	__u64 compat = call_compat_mask(call) & USER_MESSAGE_COMPAT, name;

	if (!endpoint_is_named(sock))
		return bytes;
	switch (call->rule->form) {
	case WEIR_FORM_SENDTO:
		name = call_arg(call, 4);
		if (!name || !call_arg(call, 5))
			return bytes;
		datagram_send_name((__u64)sock, name, call_arg(call, 5), bytes, number);
		return 0;
	case WEIR_FORM_MSGHDR:
		return datagram_send_message((__u64)sock, call_arg(call, 1) | compat, bytes,
					     number);
	case WEIR_FORM_MMSGHDR:
		return datagram_send_all((__u64)sock, call_arg(call, 1) | compat, count, number);
	}
	return bytes;
}

#endif
