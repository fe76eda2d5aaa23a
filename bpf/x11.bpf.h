/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_X11_BPF_H
#define WEIR_X11_BPF_H

/*
 * Connections to X servers: which sockets are such, to which server they lead, and what the running
 * call writes there, read from the buffers of the caller.
 */

#include "object.bpf.h"
#include "user_buffers.bpf.h"

/* Both halves of "/tmp/.X11-unix/X", as little-endian words: where X servers listen, by a path or,
 * with a NUL in front, by an abstract name (Xtranssock.c of xtrans). */
#define X11_ADDRESS_FIRST 0x31582e2f706d742full
#define X11_ADDRESS_SECOND 0x582f78696e752d31ull

/* Ids of one client: 2^29 by 256 clients, which is the default. resource.h of the X server */
#define X11_CLIENT_IDS 0x1fffffu

static __always_inline bool x11_is_address(struct unix_address *address)
{
	__u64 text = object_unix_text(address);
	__u64 words[2] = {};
	char first = 0;

	bpf_probe_read_kernel(&first, sizeof(first), (const void *)text);
	text += !first;
	bpf_probe_read_kernel(words, sizeof(words), (const void *)text);
	return words[0] == X11_ADDRESS_FIRST && words[1] == X11_ADDRESS_SECOND;
}

/*
 * The key of the server that a client's socket leads to; 0 for any other socket. A server is the
 * process that listened, so that it is one by whatever name it was reached. Not static: verified
 * once, see name_hash().
 */
__noinline __u64 x11_server(__u64 socket)
{
	struct sock *sock = (struct sock *)socket, *peer;
	struct unix_address *address;

	if (object_family_of_sock(sock) != AF_UNIX || BPF_CORE_READ(sock, sk_type) != SOCK_STREAM)
		return 0;
	peer = BPF_CORE_READ((struct unix_sock *)sock, peer);
	if (!peer)
		return 0;
	address = BPF_CORE_READ((struct unix_sock *)peer, addr);
	if (!address || !x11_is_address(address))
		return 0;
	return object_mix(1, BPF_CORE_READ(sock, sk_peer_pid, numbers[0].nr));
}

/*
 * The same of a pair of sockets that a process has made: a compositor talks by one to its Xwayland,
 * whose window manager it is ("-wm" of xwayland(1)). It is the compositor that listens for the
 * clients of that server. 0: there is no such pair. Not static: verified once.
 */
__noinline __u64 x11_server_of_manager(__u64 socket, __u32 tgid)
{
	struct unix_sock *own = (struct unix_sock *)socket, *peer;
	struct sock *sock = (struct sock *)socket;

	if (object_family_of_sock(sock) != AF_UNIX || BPF_CORE_READ(sock, sk_type) != SOCK_STREAM ||
	    BPF_CORE_READ(sock, sk_peer_pid, numbers[0].nr) != tgid)
		return 0;
	peer = (struct unix_sock *)BPF_CORE_READ(own, peer);
	if (!peer || BPF_CORE_READ(own, addr) || BPF_CORE_READ(peer, addr))
		return 0;
	return object_mix(1, tgid);
}

static __always_inline struct x11_stream *x11_stream_get(__u64 key)
{
	return bpf_map_lookup_elem(&x11_streams, &key);
}

static __always_inline struct x11_stream *x11_stream_make(__u64 key, __u64 server)
{
	struct x11_stream *stream = x11_stream_get(key);

	if (stream)
		return stream;
	LRU_ADD(x11_streams, WEIR_LRU_X11_STREAMS, &key, &empty_stream);
	stream = x11_stream_get(key);
	if (stream)
		stream->grab.server = server;
	return stream;
}

static __always_inline struct x11_read *x11_last_read(struct x11_stream *stream)
{
	return &stream->reads[stream->last_read & (X11_READS - 1)];
}

/*
 * Whether what a compositor writes begins with a request. If not it is Wayland, which it talks over
 * other such pairs: there the ids of objects come first, and those of clients end with two zeros,
 * those of servers with 0 and 0xff. Requests as long as that are in nobody's stream: who passes a
 * selection on does it in pieces. Not static: verified once.
 */
__noinline int x11_is_request(__u64 address, __u32 how)
{
	__u8 head[4] = {};

	address = user_first_buffer(address, how);
	if (bpf_probe_read_user(head, sizeof(head), (const void *)address))
		return false;
	return (head[2] || head[3]) && !(head[2] == 0 && head[3] == 0xff);
}

static __always_inline __u64 x11_available_bytes(const struct x11_stream *stream)
{
	__u64 bytes = stream->from.bytes;

	return bytes < stream->left_bytes ? bytes : stream->left_bytes;
}

static __always_inline void x11_advance(struct x11_stream *stream, __u64 bytes)
{
	stream->from.address += bytes;
	stream->from.bytes -= bytes;
	stream->left_bytes -= bytes;
}

/* As much of a head as is wanted and there. False when it cannot be read. */
static __always_inline bool x11_read_head(struct x11_stream *stream, __u32 wanted)
{
	struct x11_reader *reader = &stream->seen;
	__u32 have = reader->head_bytes & X11_HEAD_MASK;
	__u64 available = x11_available_bytes(stream), bytes = wanted - have;

	if (bytes > available)
		bytes = available;
	bytes &= X11_HEAD_MASK;
	if (bpf_probe_read_user(reader->head + have, bytes, (const void *)stream->from.address))
		return false;
	reader->head_bytes = have + bytes;
	reader->position += bytes;
	x11_advance(stream, bytes);
	return true;
}

/* The next head, or what there is of it. False when the stream makes no sense. */
static __always_inline bool x11_read_request(struct x11_stream *stream)
{
	int i;

	/* The length, the big length, the fields. */
	for (i = 0; i < 3; i++) {
		__u32 wanted = x11_wanted_bytes(&stream->seen);

		if (stream->seen.head_bytes >= wanted)
			break;
		if (!x11_read_head(stream, wanted))
			return false;
	}
	return true;
}

#endif
