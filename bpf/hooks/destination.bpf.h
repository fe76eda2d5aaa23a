/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_DESTINATION_BPF_H
#define WEIR_HOOKS_DESTINATION_BPF_H

/*
 * Whom a datagram is for, as the kernel takes what the sender wrote. One that cannot be told is all
 * zeros, which no datagram goes to: the kernel takes that address for this machine's.
 */

#include "../call.bpf.h"

#define DESTINATION_BYTES 24   /* SIN6_LEN_RFC2133, net/ipv6.h: less is no name of IPv6 */
#define DESTINATION_BYTES_4 16 /* struct sockaddr_in */

/* Sockets that send to their peer alone ignore names; those of the other families have none of
 * these. */
static __always_inline bool destination_is_possible(struct sock *sock)
{
	__u16 family = object_family_of_sock(sock);

	return (family == AF_INET || family == AF_INET6) &&
	       BPF_CORE_READ(sock, sk_type) != SOCK_STREAM;
}

/*
 * What a name of no family is one of: udp_sendmsg() and raw_sendmsg() of net/ipv4, rawv6_sendmsg()
 * of net/ipv6, 5.10 to 7.x. 0: it is none, and the peer of the socket is meant (udpv6_sendmsg()).
 */
static __always_inline __u16 destination_family_of_none(struct sock *sock)
{
	__u16 family = object_family_of_sock(sock);

	return family == AF_INET || BPF_CORE_READ(sock, sk_type) == SOCK_RAW ? family : 0;
}

static __always_inline bool destination_has_port(struct sock *sock)
{
	__u16 protocol = BPF_CORE_READ(sock, sk_protocol);

	return BPF_CORE_READ(sock, sk_type) != SOCK_RAW && protocol != IPPROTO_ICMP &&
	       protocol != IPPROTO_ICMPV6;
}

/* All zeros go to this machine: ip_route_output_key_hash_rcu(), udpv6_sendmsg(). */
static __always_inline void destination_settle_zeros(__u8 *ip)
{
	__u32 *words = (__u32 *)ip;

	if (words[0] || words[1] || words[3])
		return;
	if (!words[2]) {
		ip[15] = 1;
	} else if (words[2] == 0xffff0000) {
		ip[12] = 127;
		ip[15] = 1;
	}
}

/* Whether a name says whom it is for: of struct sockaddr_in, or the start of sockaddr_in6. */
static __always_inline bool destination_take(const __u8 *raw, __u32 length, struct sock *sock,
					     struct weir_address *ret_peer)
{
	__u16 family = *(__u16 *)raw;

	if (!family)
		family = destination_family_of_none(sock);
	if (!family)
		return false;
	if (destination_has_port(sock))
		ret_peer->port = (__u16)raw[2] << 8 | raw[3];
	if (family == AF_INET6 && length >= DESTINATION_BYTES) {
		__builtin_memcpy(ret_peer->ip, raw + 8, 16);
	} else if (family == AF_INET) {
		ret_peer->ip[10] = ret_peer->ip[11] = 0xff;
		__builtin_memcpy(ret_peer->ip + 12, raw + 4, 4);
	} else {
		return true;
	}
	destination_settle_zeros(ret_peer->ip);
	return true;
}

/* The peer of an unconnected datagram as the caller names it. */
static __always_inline bool destination_read(const void *user, __u32 length, struct sock *sock,
					     struct weir_address *ret_peer)
{
	__u8 raw[DESTINATION_BYTES] = {};

	if (!user || length < DESTINATION_BYTES_4)
		return false;
	if (bpf_probe_read_user(raw, length >= sizeof(raw) ? sizeof(raw) : DESTINATION_BYTES_4,
				user))
		return true;
	return destination_take(raw, length, sock, ret_peer);
}

/* The name is the first field, the length of it the next one. */
static __always_inline bool destination_read_message(const void *user, __u64 compat,
						     struct sock *sock,
						     struct weir_address *ret_peer)
{
	__u64 name = 0, length_at = offsetof(struct user_msghdr, msg_namelen);
	__u32 length = 0;

	length_at += compat & (offsetof(struct compat_msghdr, msg_namelen) - length_at);
	if (bpf_probe_read_user(&name, sizeof(name), user) ||
	    bpf_probe_read_user(&length, sizeof(length), user + length_at))
		return true;
	return destination_read((void *)(name & ~(compat << 32)), length, sock, ret_peer);
}

/* Whether the call has room for a name, of one message. */
static __always_inline bool destination_has_room(struct call *call)
{
	return call->rule->form == WEIR_FORM_SENDTO || call->rule->form == WEIR_FORM_MSGHDR;
}

/* Apart from what is done with it: together they need more stack than there is up to 6.12. */
static __noinline bool destination_read_call(struct call *call, __u64 sock,
					     struct weir_address *ret_peer)
{
	if (call->rule->form == WEIR_FORM_SENDTO)
		return destination_read((void *)call_arg(call, 4), call_arg(call, 5),
					(struct sock *)sock, ret_peer);
	return destination_read_message((void *)call_arg(call, 1), call_compat_mask(call),
					(struct sock *)sock, ret_peer);
}

/*
 * Another thread, or whoever shares the memory, can write another name there while the call goes
 * on. So it is read twice, and one that is not the same is unknown. An inflight has room for it:
 * the address for a key, the port for a kind.
 */
static __noinline int destination_note(struct call *call, __u64 sock)
{
	struct inflight note = {.syscall = call->number};
	__u64 key = call_pin_key(CALL_SLOT_NOTE);
	struct weir_address peer = {};

	if (!destination_read_call(call, sock, &peer))
		return 0;
	__builtin_memcpy(&note.key, peer.ip, sizeof(peer.ip));
	note.kind = peer.port;
	if (bpf_map_update_elem(&inflight, &key, &note, BPF_ANY))
		COUNT(call->gate->losses.inflight_full);
	return 0;
}

static __always_inline bool destination_is_noted(const struct inflight *note,
						 const struct weir_address *peer)
{
	const __u64 *words = (const __u64 *)peer->ip;

	/* It was not in memory yet. */
	if (!note->key.ino && !note->key.dev && !note->key.generation)
		return true;
	return note->key.ino == words[0] && note->kind == peer->port &&
	       ((__u64)note->key.generation << 32 | note->key.dev) == words[1];
}

/* A message that names nobody goes to the peer of its socket. */
static __always_inline bool destination_may_be_peer(struct call *call, struct sock *sock)
{
	return call->rule->form == WEIR_FORM_MSGHDR && BPF_CORE_READ(sock, __sk_common.skc_dport);
}

/* Whether the call names a destination. All zeros where that is not what it named at entry. Whose
 * app was closed then was not looked at. */
static __noinline bool destination_compare(struct call *call, __u64 sock, bool is_named,
					   struct weir_address *peer)
{
	__u64 key = call_pin_key(CALL_SLOT_NOTE);
	struct inflight *note = bpf_map_lookup_elem(&inflight, &key);
	bool was_named = note && note->syscall == call->number;

	if (was_named ? !is_named || !destination_is_noted(note, peer)
		      : is_named && destination_may_be_peer(call, (struct sock *)sock))
		*peer = (struct weir_address){};
	if (note)
		bpf_map_delete_elem(&inflight, &key);
	return is_named || was_named;
}

static __always_inline void destination_forget(void)
{
	__u64 key = call_pin_key(CALL_SLOT_NOTE);

	bpf_map_delete_elem(&inflight, &key);
}

#endif
