/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_LOOPBACK_BPF_H
#define WEIR_LOOPBACK_BPF_H

/*
 * What goes from one program of this machine to another by the network: both ends arrive at one
 * key. Not from one network namespace to another one, whose addresses tell nothing of where they
 * are.
 */

#include "object.bpf.h"

static __always_inline bool loopback_has_ip(const __u8 *ip)
{
	const __u32 *words = (const __u32 *)ip;

	if (words[0] || words[1])
		return false;
	if (words[2] == 0xffff0000)
		return ip[12] == 127;
	return !words[2] && words[3] == 0x01000000;
}

/* What stands for all datagrams that are sent to a port of this machine, whatever the addresses:
 * who receives them need not be connected to anybody. */
static __always_inline void loopback_key_of_port(struct sock *sock, __u16 port,
						 struct weir_object_key *ret_key)
{
	__u64 hash = object_mix(0, BPF_CORE_READ(sock, __sk_common.skc_net.net, ns.inum));

	ret_key->ino = object_mix(object_mix(hash, port), IPPROTO_UDP);
	ret_key->dev = WEIR_DEV_LOOPBACK;
	ret_key->generation = 0;
}

/* A resolver here is asked by everybody and answers everybody: who asks it does not label it, and
 * is told by what he asks, see hooks/question.bpf.h. */
#define LOOPBACK_RESOLVER_PORT 53

/* The same for one that names whom it is for. False: not a port of this machine. */
static __always_inline bool loopback_key_of_datagram(struct sock *sock,
						     const struct weir_address *peer,
						     struct weir_object_key *ret_key)
{
	if (!loopback_has_ip(peer->ip) || peer->port == LOOPBACK_RESOLVER_PORT)
		return false;
	loopback_key_of_port(sock, peer->port, ret_key);
	return true;
}

static __always_inline bool loopback_key_of_udp(struct sock *sock, __u32 direction, __u16 peer_port,
						__u16 local_port, bool is_here,
						struct weir_object_key *ret_key)
{
	struct weir_object_key key = {};

	if (direction == WEIR_OUT && (!is_here || peer_port == LOOPBACK_RESOLVER_PORT))
		return false;
	if (direction == WEIR_IN && peer_port && !is_here)
		return false;
	loopback_key_of_port(sock, direction == WEIR_OUT ? peer_port : local_port, &key);
	/* Who is connected to nobody receives from elsewhere as well. */
	if (!peer_port && !bpf_map_lookup_elem(&objects, &key))
		return false;
	*ret_key = key;
	return true;
}

/* The peer is on this machine: on loopback, or at the very address that the socket has itself, as
 * whoever connects to an address of his machine gets it for his own
 * (ip_route_output_key_hash_rcu(), net/ipv4/route.c). */
static __always_inline bool loopback_is_here(const __u64 *peer, const __u64 *local, __u16 peer_port)
{
	return loopback_has_ip((const __u8 *)peer) ||
	       (peer_port && peer[0] == local[0] && peer[1] == local[1]);
}

static __noinline int loopback_find_key(struct sock *sock, __u32 family, __u32 direction,
					struct weir_object_key *ret_key)
{
	__u64 peer[2], local[2], ports, hash;
	__u16 peer_port, local_port, protocol;
	bool is_here;

	object_read_ip(sock, family, (__u8 *)peer, (__u8 *)local);
	peer_port = object_swap16(BPF_CORE_READ(sock, __sk_common.skc_dport));
	local_port = BPF_CORE_READ(sock, __sk_common.skc_num);
	protocol = BPF_CORE_READ(sock, sk_protocol);
	is_here = loopback_is_here(peer, local, peer_port);
	if (protocol == IPPROTO_UDP)
		return loopback_key_of_udp(sock, direction, peer_port, local_port, is_here,
					   ret_key);
	if (!is_here)
		return false;
	/* The high words are the same at both ends, and 0 on loopback. */
	hash = object_mix(peer[0], BPF_CORE_READ(sock, __sk_common.skc_net.net, ns.inum));
	/* The low word tells 127.0.0.1 from 127.0.0.2. */
	if (direction == WEIR_OUT)
		ports = (__u64)local_port << 16 | peer_port;
	else
		ports = (__u64)peer_port << 16 | local_port;
	hash = object_mix(hash, direction == WEIR_OUT ? local[1] : peer[1]);
	hash = object_mix(hash, direction == WEIR_OUT ? peer[1] : local[1]);
	hash = object_mix(hash, ports);
	ret_key->ino = object_mix(hash, protocol);
	ret_key->dev = WEIR_DEV_LOOPBACK;
	ret_key->generation = 0;
	return true;
}

/* What is sent to a port of this machine is what is received there: one object. Not of each message
 * of several, for which there is no stack left. */
static __noinline int loopback_find_port(struct object *object, const struct weir_address *peer)
{
	if (!bpf_map_lookup_elem(&objects, &object->key))
		loopback_key_of_datagram(object->sock, peer, &object->key);
	return 0;
}

#endif
