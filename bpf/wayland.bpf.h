/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_WAYLAND_BPF_H
#define WEIR_WAYLAND_BPF_H

/* Connections to Wayland compositors: which sockets are such, and to which compositor they lead. */

#include "object.bpf.h"

#define WAYLAND_NAME_START 0x2d646e616c796177ull /* "wayland-", as a little-endian word */

/* A listener's socket has the path, and so have the ends that are accepted from it
 * (unix_stream_connect(), net/unix/af_unix.c). */
static __always_inline bool wayland_is_bound(struct unix_sock *sock)
{
	__u64 start = 0;

	bpf_probe_read_kernel(&start, sizeof(start), BPF_CORE_READ(sock, path.dentry, d_name.name));
	return start == WAYLAND_NAME_START;
}

static __always_inline bool wayland_is_socket(struct sock *sock)
{
	struct unix_sock *own = (struct unix_sock *)sock, *peer;

	if (object_family_of_sock(sock) != AF_UNIX || BPF_CORE_READ(sock, sk_type) != SOCK_STREAM)
		return false;
	peer = (struct unix_sock *)BPF_CORE_READ(own, peer);
	return wayland_is_bound(own) || (peer && wayland_is_bound(peer));
}

/*
 * The key of the compositor that a client's socket leads to; 0 for any other socket. It is that of
 * the X server which the compositor runs, and listens for, see x11_server(): both show the same
 * screens. Not static: verified once, see name_hash().
 */
__noinline __u64 wayland_server(__u64 socket)
{
	struct sock *sock = (struct sock *)socket, *peer;

	if (object_family_of_sock(sock) != AF_UNIX || BPF_CORE_READ(sock, sk_type) != SOCK_STREAM)
		return 0;
	peer = BPF_CORE_READ((struct unix_sock *)sock, peer);
	if (!peer || !wayland_is_bound((struct unix_sock *)peer))
		return 0;
	return object_mix(1, BPF_CORE_READ(sock, sk_peer_pid, numbers[0].nr));
}

#endif
