/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_TRANSFER_BPF_H
#define WEIR_HOOKS_TRANSFER_BPF_H

/* Reads, writes and copies: outbound labels at entry, inbound labels and all counts at exit. */

#include "clipboard.bpf.h"
#include "clone.bpf.h"
#include "datagram.bpf.h"
#include "destination.bpf.h"
#include "host.bpf.h"
#include "terminal.bpf.h"
#include "tls.bpf.h"
#include "wayland.bpf.h"

static __always_inline bool transfer_is_addressed(const struct object *object)
{
	return object->kind == WEIR_KIND_INET && object->sock &&
	       destination_is_possible(object->sock);
}

static __always_inline bool transfer_is_udp(const struct object *object)
{
	struct sock *sock = object->sock;

	return object->kind == WEIR_KIND_INET && sock &&
	       BPF_CORE_READ(sock, sk_protocol) == IPPROTO_UDP;
}

/* Adds up one field of so many messages of a call; compat_at is where 32-bit calls have it. */
static __always_inline __u64 transfer_sum_messages(struct call *call, __u64 at, __u64 compat_at,
						   __u32 count)
{
	__u64 compat = call_compat_mask(call), step = sizeof(struct user_mmsghdr);

	at += compat & (compat_at - at);
	step += compat & (sizeof(struct compat_mmsghdr) - step);
	return call_sum_many_lengths(call_arg(call, 1) + at, count, step);
}

/* What was moved. Messages without content, such as the end of a stream, carry nothing. */
static __always_inline __u64 transfer_bytes(struct call *call, long result)
{
	if (result <= 0)
		return 0;
	if (call->rule->form == WEIR_FORM_MMSGHDR)
		return transfer_sum_messages(call, offsetof(struct user_mmsghdr, msg_len),
					     offsetof(struct compat_mmsghdr, msg_len), result);
	return result;
}

/* What an app writes can be read before it is told that it is written. */
static __always_inline void transfer_label_object(struct weir_app *app, const struct object *object)
{
	if (object->kind == WEIR_KIND_NONE || !app->labels || app->is_hub)
		return;
	/* What an internet socket carries leaves; only its loopback ends can be read here. */
	if (object->kind == WEIR_KIND_INET && object->key.dev != WEIR_DEV_LOOPBACK)
		return;
	label_object(object, app);
}

/* Whether the call may send to names on a unix socket, and not to its peer. */
static __always_inline bool transfer_may_be_named(struct call *call, const struct object *object)
{
	return object->family == AF_UNIX && object->sock && call->rule->call == WEIR_CALL_WRITE &&
	       call->rule->form != WEIR_FORM_PLAIN && call->rule->form != WEIR_FORM_IOVEC;
}

/* Who receives what is sent by name to ports of this machine; defined in port.bpf.h. */
static __noinline int port_label_all(struct call *call, struct sock *sock);

static __always_inline void transfer_label_out(struct call *call, int fd, __u32 slot)
{
	struct file *file = object_file_of_fd(fd);
	struct object object = {};

	/* What began on nothing is pinned, too: something may be swapped in meanwhile. */
	if (file)
		object_resolve(file, WEIR_OUT, &object);
	call_pin(call, &object, slot);
	transfer_label_object(call->app, &object);
	if (destination_has_room(call) && transfer_is_addressed(&object))
		destination_note(call, (__u64)object.sock);
	if (call->app->labels && transfer_may_be_named(call, &object))
		datagram_send(call, object.sock, 0, call_arg(call, 2), DATAGRAM_LABEL);
	else if (call->app->labels && call->rule->call == WEIR_CALL_WRITE &&
		 transfer_is_udp(&object))
		port_label_all(call, object.sock);
	if (call->rule->call == WEIR_CALL_WRITE && object.family == AF_UNIX && object.sock &&
	    clipboard_may_pass(call))
		clipboard_enter_call(call, object.sock);
	if (call->app->is_hub && object.kind == WEIR_KIND_PIPE)
		wayland_relay_out(fd);
	if (object.is_terminal && call->rule->call == WEIR_CALL_WRITE && call->app->labels)
		terminal_give(fd, call_arg(call, 1), call_arg(call, 2), call_buffers_how(call));
}

/* A copy writes before its exit is seen: the app takes the label at entry. */
static __always_inline void transfer_label_copier(struct call *call, const struct object *object)
{
	struct weir_object *known = bpf_map_lookup_elem(&objects, &object->key);

	if (known)
		label_app(call->app, known->labels, known->hops + 1, call->task);
}

static __always_inline void transfer_pin_in(struct call *call, int fd, __u32 slot, bool is_copy)
{
	struct file *file = object_file_of_fd(fd);
	struct object object = {};

	if (file)
		object_resolve(file, WEIR_IN, &object);
	call_pin(call, &object, slot);
	if (is_copy && object.kind != WEIR_KIND_NONE)
		transfer_label_copier(call, &object);
}

/* vmsplice fills the caller's memory where the descriptor cannot be written to (vmsplice_type(),
 * fs/splice.c, 5.10 to 7.x). Where it did so is in a slot of its own, for the exit to know. */
#define TRANSFER_SLOT_EMPTIED 1

static __always_inline bool transfer_cannot_write(int fd)
{
	struct file *file = object_file_of_fd(fd);

	return file && !(BPF_CORE_READ(file, f_mode) & FMODE_WRITE);
}

static __always_inline void transfer_enter_vmsplice(struct call *call)
{
	int fd = call_arg(call, 0);

	if (transfer_cannot_write(fd))
		transfer_pin_in(call, fd, TRANSFER_SLOT_EMPTIED, false);
	else
		transfer_label_out(call, fd, 0);
}

/* At exit, whatever is behind the descriptor by then. */
static __noinline bool transfer_is_emptying(struct call *call)
{
	if (call_must_pin(call) && call_has_pin(call, TRANSFER_SLOT_EMPTIED))
		return true;
	if (call_must_pin(call) && call_has_pin(call, 0))
		return false;
	return transfer_cannot_write(call_arg(call, 0));
}

static __always_inline bool transfer_is_message(const struct call *call)
{
	return call->rule->form == WEIR_FORM_MSGHDR || call->rule->form == WEIR_FORM_MMSGHDR;
}

/* Whether something came along with what was received: it may be a descriptor. Of how much it is
 * the lower half is enough. Not to be seen in the messages: what came before a call failed to say
 * from whom (move_addr_to_user(), net/socket.c), if it was there. */
static __noinline int transfer_has_passed(struct call *call, long result)
{
	__u32 count = result + 1, room = 1; /* one may have failed after its descriptors came */

	if (result < 0 && result != -EFAULT && result != -EINVAL)
		return false;
	if (result < 0)
		count = 1;
	if (call->rule->form == WEIR_FORM_MMSGHDR)
		room = call_arg(call, 2);
	if (count > room)
		count = room;
	return count > LENGTHS_MAX * LENGTH_LISTS_MAX ||
	       transfer_sum_messages(call, offsetof(struct user_msghdr, msg_controllen),
				     offsetof(struct compat_msghdr, msg_controllen), count);
}

/* Of a closed app. Whoever passes a descriptor may have read nothing from it, and may be gone when
 * it is received. */
static __always_inline void transfer_watch_passed(struct call *call, long result)
{
	if (!transfer_is_message(call) || !call->gate || !label_is_anywhere(call->gate))
		return;
	if (call_is_other(call) || !transfer_has_passed(call, result))
		return;
	call->app = app_get_current();
	if (call->app)
		app_open(call->app);
	wayland_note_passed(call, result);
}

static __noinline int transfer_exit_read(struct call *call, long result)
{
	__u32 slot = call->rule->call == WEIR_CALL_VMSPLICE ? TRANSFER_SLOT_EMPTIED : 0;
	struct object object = {};
	__u64 bytes = transfer_bytes(call, result);

	/* The app must look at its objects from now on. */
	if (!call->app->is_open && transfer_is_message(call) && transfer_has_passed(call, result))
		app_open(call->app);
	if (!call_take_object(call, call_arg(call, 0), WEIR_IN, slot, &object) || !bytes) {
		call->is_terminal = object.is_terminal;
		return 0;
	}
	flow_in(call->app, &object, bytes, NULL, false);
	return 0;
}

/* Who reads it is not known: the peer of a unix socket is gone, or nothing is known of the socket's
 * family (vsock, Bluetooth, raw packets). What netlink and AF_ALG take the kernel itself reads. */
static __always_inline bool transfer_is_lost(const struct object *object)
{
	return object->kind == WEIR_KIND_NONE && object->family && object->family != AF_NETLINK &&
	       object->family != AF_ALG;
}

/*
 * One message of several. Returns its bytes when it names no peer of its own. Takes numbers only,
 * and has its app looked up: verified once, not 1024 times.
 */
__noinline __u64 transfer_send_message(__u64 ino, __u64 dev_generation, __u64 sock, __u64 message)
{
	struct weir_app *app = app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);
	__u64 compat = -(message >> 63), at = offsetof(struct user_mmsghdr, msg_len);
	struct object object = {.key = {ino, dev_generation, dev_generation >> 32},
				.sock = (struct sock *)sock,
				.kind = WEIR_KIND_INET};
	const void *user = (const void *)(message & ~USER_MESSAGE_COMPAT);
	struct weir_address peer = {};
	__u32 bytes = 0;

	at += compat & (offsetof(struct compat_mmsghdr, msg_len) - at);
	bpf_probe_read_user(&bytes, sizeof(bytes), user + at);
	if (!app || !bytes || !destination_read_message(user, compat, object.sock, &peer))
		return bytes;
	object.family = object_family_of_sock(object.sock);
	flow_out(app, &object, bytes, &peer, false);
	return 0;
}

__noinline __u64 transfer_send_messages(__u64 ino, __u64 dev_generation, __u64 sock, __u64 message,
					__u32 count)
{
	__u64 bytes = 0, step = sizeof(struct user_mmsghdr);
	__u32 i;

	step += -(message >> 63) & (sizeof(struct compat_mmsghdr) - step);
	for (i = 0; i < SENT_MAX; i++) {
		if (i >= count)
			break;
		bytes += transfer_send_message(ino, dev_generation, sock, message);
		message += step;
	}
	return bytes;
}

/* Each message to its own peer. Returns the bytes of those that name none: they go to the socket's.
 */
static __always_inline __u64 transfer_send_each(struct call *call, const struct object *object,
						__u32 count)
{
	__u64 compat = call_compat_mask(call), message = call_arg(call, 1), bytes = 0;
	__u64 dev_generation = (__u64)object->key.generation << 32 | object->key.dev;
	__u64 step = sizeof(struct user_mmsghdr);
	__u32 i;

	step += compat & (sizeof(struct compat_mmsghdr) - step);
	message |= compat & USER_MESSAGE_COMPAT;
	for (i = 0; i < SENT_MAX; i++) {
		bytes += transfer_send_messages(object->key.ino, dev_generation,
						(__u64)object->sock, message, count);
		if (count <= SENT_MAX)
			break;
		count -= SENT_MAX;
		message += SENT_MAX * step;
	}
	return bytes;
}

/* Apart, as is what follows, so that what each needs is off the stack again for the next: together
 * they have 512 bytes up to 6.12. */
static __noinline int transfer_take_out(struct call *call, struct object *ret_object)
{
	return call_take_object(call, call_arg(call, 0), WEIR_OUT, 0, ret_object);
}

static __noinline int transfer_add_out(struct call *call, struct object *object, __u64 bytes)
{
	struct weir_address peer = {};
	bool has_peer = false;

	if (destination_has_room(call) && transfer_is_addressed(object)) {
		has_peer = destination_read_call(call, (__u64)object->sock, &peer);
		has_peer = destination_compare(call, (__u64)object->sock, has_peer, &peer);
	}
	if (has_peer && transfer_is_udp(object))
		loopback_find_port(object, &peer);
	call->flow = flow_out(call->app, object, bytes, has_peer ? &peer : NULL, false);
	if (call->flow)
		call->stream = tls_open_stream(call->app, object, call->flow);
	return 0;
}

static __noinline int transfer_exit_write(struct call *call, long result)
{
	struct object object = {};
	__u64 bytes = transfer_bytes(call, result);
	bool is_taken = transfer_take_out(call, &object);

	if (bytes && transfer_may_be_named(call, &object))
		bytes = datagram_send(call, object.sock, bytes, result, call->number);
	if (object.family == AF_UNIX)
		call->unix_sock = (__u64)object.sock;
	call->is_terminal = object.is_terminal;
	if (!bytes && destination_has_room(call))
		destination_forget();
	if (!is_taken || !bytes)
		return bytes && transfer_is_lost(&object)
			       ? flow_note_gap(call->app->id, call->number)
			       : 0;
	if (call->rule->form == WEIR_FORM_MMSGHDR && transfer_is_addressed(&object))
		bytes = transfer_send_each(call, &object, result);
	return bytes ? transfer_add_out(call, &object, bytes) : 0;
}

/* Two functions: in one, the verifier would follow each outcome of the first half through the
 * second one. */
static __noinline int transfer_copy_in(struct call *call, long result)
{
	struct object from = {};

	if (call_take_object(call, clone_find_source(call), WEIR_IN, 0, &from) && result > 0)
		flow_in(call->app, &from, result, NULL, false);
	return 0;
}

static __noinline int transfer_copy_out(struct call *call, long result)
{
	struct object to = {};
	bool is_taken =
		call_take_object(call, call_arg(call, call->rule->fd2_arg), WEIR_OUT, 1, &to);

	if (result <= 0)
		return 0;
	if (is_taken)
		flow_out(call->app, &to, result, NULL, false);
	else if (transfer_is_lost(&to))
		flow_note_gap(call->app->id, call->number);
	return 0;
}

static __always_inline void transfer_exit_copy(struct call *call, long result)
{
	transfer_copy_in(call, result);
	transfer_copy_out(call, result);
}

/* A mapping moves an unknown number of bytes: its length is the estimate. */
static __noinline int transfer_exit_mmap(struct call *call, long result)
{
	struct object object = {};
	__u64 bytes = call_arg(call, 1), size;
	struct file *file;

	if (result < 0 && result > -4096)
		return 0;
	if (!call_take_object(call, call_arg(call, 4), WEIR_IN, 0, &object) ||
	    object.kind != WEIR_KIND_FILE || !object.file)
		return 0;
	file = object.file;
	size = BPF_CORE_READ(file, f_inode, i_size);
	if (bytes > size)
		bytes = size;
	flow_in(call->app, &object, bytes, NULL, true);
	if (!(call_arg(call, 3) & MAP_SHARED) || !(call_arg(call, 2) & PROT_WRITE))
		return 0;
	if (!call->app->labels || call->app->is_hub)
		return 0;
	label_object(&object, call->app);
	flow_out(call->app, &object, bytes, NULL, true);
	return 0;
}

#endif
