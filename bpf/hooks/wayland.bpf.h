/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_WAYLAND_BPF_H
#define WEIR_HOOKS_WAYLAND_BPF_H

/*
 * Selections, and drag and drop, of Wayland. Who pastes makes a pipe; its write end goes over the
 * compositor to who has copied, and the data by no other way (wl_data_offer.receive and
 * wl_data_source.send of wayland.xml, and the same in the protocols of the primary selection and of
 * clipboard managers). Labels and bytes are those of any pipe. Here such a pipe is known by how it
 * came, because nothing else that is a pipe is passed there.
 * Functions that take numbers are not static: they are verified once, see name_hash().
 */

#include "../call.bpf.h"
#include "../relay.bpf.h"
#include "../user_message.h"
#include "../wayland.bpf.h"

#define WAYLAND_FDS_MAX 28            /* MAX_FDS_OUT, src/connection.c of wayland */
#define WAYLAND_RIGHTS 0x100000001ull /* SOL_SOCKET and SCM_RIGHTS, in a row */

/* False when the descriptor is not that of a pipe. */
static __always_inline bool wayland_read_pipe(int fd, struct weir_object_key *ret_key)
{
	struct file *file = object_file_of_fd(fd);
	struct inode *inode;

	if (!file)
		return false;
	inode = object_inode_of_file(file);
	if (object_kind_of_inode(inode) != WEIR_KIND_PIPE)
		return false;
	object_read_key(inode, ret_key);
	return true;
}

__noinline int wayland_note_pipe(int fd)
{
	struct weir_object_key key = {};
	__u64 one = 1;

	if (wayland_read_pipe(fd, &key))
		LRU_SET(pastes, WEIR_LRU_PASTES, &key, &one);
	return 0;
}

/* Of one control message, which is what wl_connection_read() gets. struct cmsghdr,
 * compat_cmsghdr */
__noinline int wayland_note_pipes(__u64 control, __u64 control_bytes, __u64 compat)
{
	__u64 head_bytes = sizeof(__u64), length = 0, rights = 0;
	__u32 i;

	head_bytes += compat & (sizeof(__u32) - head_bytes);
	bpf_probe_read_user(&length, sizeof(length), (const void *)control);
	bpf_probe_read_user(&rights, sizeof(rights), (const void *)(control + head_bytes));
	length &= ~(compat << 32);
	head_bytes += sizeof(rights);
	if (rights != WAYLAND_RIGHTS || length > control_bytes)
		return 0;
	for (i = 0; i < WAYLAND_FDS_MAX; i++) {
		int fd = -1;

		if (length < head_bytes + sizeof(fd))
			break;
		bpf_probe_read_user(&fd, sizeof(fd), (const void *)(control + head_bytes));
		wayland_note_pipe(fd);
		head_bytes += sizeof(fd);
	}
	return 0;
}

/* A message was received by this socket. */
__noinline int wayland_note_message(int fd, __u64 message)
{
	__u64 compat = -(message >> 63), control = 0, bytes = 0, at;
	const void *user = (const void *)(message & ~USER_MESSAGE_COMPAT);
	struct file *file = object_file_of_fd(fd);
	struct sock *sock;

	at = offsetof(struct user_msghdr, msg_controllen);
	at += compat & (offsetof(struct compat_msghdr, msg_controllen) - at);
	bpf_probe_read_user(&bytes, sizeof(bytes), user + at);
	bytes &= ~(compat << 32);
	if (!bytes || !file ||
	    (BPF_CORE_READ(object_inode_of_file(file), i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	sock = object_sock_of_file(file);
	if (!sock || !wayland_is_socket(sock))
		return 0;
	at = offsetof(struct user_msghdr, msg_control);
	at += compat & (offsetof(struct compat_msghdr, msg_control) - at);
	bpf_probe_read_user(&control, sizeof(control), user + at);
	return wayland_note_pipes(control & ~(compat << 32), bytes, compat);
}

static __always_inline void wayland_note_passed(struct call *call, long result)
{
	__u64 compat = call_compat_mask(call) & USER_MESSAGE_COMPAT;

	if (call->rule->form == WEIR_FORM_MSGHDR && result > 0)
		wayland_note_message(call_arg(call, 0), call_arg(call, 1) | compat);
}

static __always_inline bool wayland_read_paste(int fd, struct weir_object_key *ret_key)
{
	return wayland_read_pipe(fd, ret_key) && bpf_map_lookup_elem(&pastes, ret_key);
}

/* A hub has read from the descriptor. */
__noinline int wayland_relay_in(int fd)
{
	struct weir_object_key pipe = {};
	struct weir_object *known;

	if (!wayland_read_paste(fd, &pipe))
		return 0;
	known = bpf_map_lookup_elem(&objects, &pipe);
	return relay_take(object_mix(pipe.dev, pipe.ino), known ? known->labels : 0,
			  known ? known->hops + 1 : 0);
}

/* A hub is about to write to the descriptor. */
__noinline int wayland_relay_out(int fd)
{
	struct object object = {.kind = WEIR_KIND_PIPE};
	struct weir_app *app = relay_get_app();

	if (app && app->labels && wayland_read_paste(fd, &object.key))
		label_resting(&object, app);
	return 0;
}

/* And has written. */
__noinline int wayland_relay_count(int fd, __u64 bytes)
{
	struct object object = {.kind = WEIR_KIND_PIPE};
	struct transfer transfer = {.bytes = bytes, .direction = WEIR_OUT};
	struct weir_app *app = relay_get_app();

	if (!app || !app->labels || !bytes || !wayland_read_paste(fd, &object.key))
		return 0;
	transfer.labels = app->labels;
	transfer.hops = app->hops;
	flow_add(app, &object, &transfer);
	return 0;
}

#endif
