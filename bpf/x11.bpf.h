/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_X11_BPF_H
#define WEIR_X11_BPF_H

/*
 * Connections to X servers: which sockets are such, to which server they lead, and what the running
 * call writes there, read from the buffers of the caller.
 */

#include "object.bpf.h"
#include "user_message.h"

/* Both halves of "/tmp/.X11-unix/X", as little-endian words: where X servers listen, by a path or,
 * with a NUL in front, by an abstract name (Xtranssock.c of xtrans). */
#define X11_ADDRESS_FIRST 0x31582e2f706d742full
#define X11_ADDRESS_SECOND 0x582f78696e752d31ull

/* Ids of one client: 2^29 by 256 clients, which is the default. resource.h of the X server */
#define X11_CLIENT_IDS 0x1fffffu

#define X11_FORM(how) ((how)&0xff)
#define X11_COMPAT (1u << 8) /* beside the form of a call: it is a 32-bit one */

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

static __always_inline __u64 x11_stream_key(struct sock *sock)
{
	return BPF_CORE_READ(sock, sk_socket, file, f_inode, i_ino);
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
	bpf_map_update_elem(&x11_streams, &key, &empty_stream, BPF_NOEXIST);
	stream = x11_stream_get(key);
	if (stream)
		stream->server = server;
	return stream;
}

/* What the call writes: one buffer, or several. */
static __always_inline void x11_set_buffers(struct x11_stream *stream, __u64 address, __u64 count,
					    __u32 how)
{
	__u64 compat = -(__u64) !!(how & X11_COMPAT), at;

	stream->is_compat = !!compat;
	stream->buffers = 0;
	stream->buffer_bytes = 0;
	stream->vector = address;
	switch (X11_FORM(how)) {
	case WEIR_FORM_MSGHDR:
		at = offsetof(struct user_msghdr, msg_iov);
		at += compat & (offsetof(struct compat_msghdr, msg_iov) - at);
		bpf_probe_read_user(&stream->vector, sizeof(__u64), (const void *)address + at);
		at = offsetof(struct user_msghdr, msg_iovlen);
		at += compat & (offsetof(struct compat_msghdr, msg_iovlen) - at);
		bpf_probe_read_user(&stream->buffers, sizeof(__u64), (const void *)address + at);
		stream->vector &= ~(compat << 32);
		stream->buffers &= ~(compat << 32);
		break;
	case WEIR_FORM_IOVEC:
		stream->buffers = count;
		break;
	default:
		stream->address = address;
		stream->buffer_bytes = count;
	}
}

/* False when there is none. struct iovec, struct compat_iovec */
static __always_inline bool x11_next_buffer(struct x11_stream *stream)
{
	__u64 compat = -(__u64) !!stream->is_compat, word = sizeof(__u64);
	__u64 parts[2] = {};

	if (!stream->buffers)
		return false;
	word += compat & (sizeof(__u32) - word);
	bpf_probe_read_user(&parts[0], sizeof(__u64), (const void *)stream->vector);
	bpf_probe_read_user(&parts[1], sizeof(__u64), (const void *)stream->vector + word);
	stream->address = parts[0] & ~(compat << 32);
	stream->buffer_bytes = parts[1] & ~(compat << 32);
	stream->vector += 2 * word;
	stream->buffers--;
	return true;
}

static __always_inline __u64 x11_available_bytes(const struct x11_stream *stream)
{
	__u64 bytes = stream->buffer_bytes;

	return bytes < stream->left_bytes ? bytes : stream->left_bytes;
}

static __always_inline void x11_advance(struct x11_stream *stream, __u64 bytes)
{
	stream->address += bytes;
	stream->buffer_bytes -= bytes;
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
	if (bpf_probe_read_user(reader->head + have, bytes, (const void *)stream->address))
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
