/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_NAMING_BPF_H
#define WEIR_HOOKS_NAMING_BPF_H

/*
 * Whether a connection is the CRM's by what it says of itself: at the entry of its first writes, so
 * that the label is there, or is gone, before the answer can be read. Only connections to addresses
 * that others have as well, and to proxies, are looked at; see struct candidate.
 *
 * Functions that take numbers are not static: they are verified once, see name_hash().
 */

#include "host.bpf.h"

#define NAMING_WRITES_MAX 8  /* without a greeting: there will be none */
#define NAMING_BUFFERS_MAX 8 /* of a write */
#define NAMING_IPV4_BYTES_MAX 15
#define NAMING_ESTABLISHED 1 /* TCP_ESTABLISHED, include/net/tcp_states.h */
#define NAMING_CUT (~0ull)   /* a greeting goes on in the next write */

/* enum weir_host_source in the upper byte, then where the name is and its length, see HOST_PAIR. */
__noinline __u64 naming_read(__u64 address, __u32 bytes)
{
	__u32 source = WEIR_HOST_NONE;
	__u64 found;

	if (host_is_cut(address, bytes))
		return NAMING_CUT;
	found = host_find(address, bytes, &source);
	if (!found && source >= WEIR_HOST_CONNECT && host_is_cut_request(address, bytes))
		return NAMING_CUT;
	return (__u64)source << 56 | found;
}

__noinline __u64 naming_labels_of(__u64 hash, __u32 port)
{
	struct weir_zone *zone = bpf_map_lookup_elem(&names, &hash);
	__u64 labels = 0;
	int i;

	for (i = 0; zone && i < WEIR_ZONE_RULES; i++)
		if (zone_is_of_port(&zone->rules[i], port))
			labels |= zone->rules[i].labels;
	return labels;
}

/* The labels of whose name this is: its own, or those of the longest end that a rule has. */
__noinline __u64 naming_find_labels(__u64 address, __u32 at, __u32 bytes, __u32 port)
{
	struct weir_state *gate = state_get();
	__u64 labels = 0, found, hash;
	__u32 i;

	if (!gate)
		return 0;
	hash = gate->basename_seed;
	/* The root's dot, RFC 1034 3.1. */
	if (bytes && host_read8(address, at + bytes - 1) == '.')
		bytes--;
	for (i = 0; i < HOST_NAME_BYTES; i++) {
		__u32 letter;

		if (i >= bytes)
			break;
		letter = host_read8(address, at + bytes - 1 - i);
		if (letter >= 'A' && letter <= 'Z')
			letter += 'a' - 'A';
		hash = name_hash_letter(hash, letter);
		if (letter != '.')
			continue;
		found = naming_labels_of(hash, port);
		if (found)
			labels = found;
	}
	found = naming_labels_of(hash, port);
	return found ? found : labels;
}

/* Adds to a greeting. Returns how long it is then. */
__noinline __u32 naming_copy(__u32 index, __u32 used, __u64 address, __u32 bytes)
{
	struct greeting *greeting = bpf_map_lookup_elem(&greetings, &index);

	if (!greeting || used >= GREETING_BYTES)
		return used;
	if (bytes > GREETING_BYTES)
		bytes = GREETING_BYTES;
	if (bpf_probe_read_user(greeting->text + (used & (GREETING_BYTES - 1)), bytes,
				(const void *)address))
		return used;
	return used + bytes;
}

/* compat: of 32-bit calls all ones, else 0. */
__noinline __u32 naming_copy_all(__u32 index, __u32 used, __u64 list, __u32 count, __u64 compat)
{
	__u32 word_bytes = sizeof(__u64) >> (compat & 1), i;

	for (i = 0; i < NAMING_BUFFERS_MAX; i++) {
		__u64 address = 0, bytes = 0;

		if (i >= count)
			break;
		bpf_probe_read_user(&address, sizeof(address), (void *)list);
		bpf_probe_read_user(&bytes, sizeof(bytes), (void *)(list + word_bytes));
		address &= ~(compat << 32);
		bytes &= ~(compat << 32);
		used = naming_copy(index, used, address,
				   bytes > GREETING_BYTES ? GREETING_BYTES : bytes);
		list += 2 * word_bytes;
	}
	return used;
}

/* Where the greeting is of which this call writes a part; 0: nowhere. */
static __noinline __u64 naming_gather(struct call *call, struct candidate *candidate, __u64 ino)
{
	__u32 index = ino & (GREETINGS_MAX - 1), used = candidate->heard_bytes;
	struct greeting *greeting = bpf_map_lookup_elem(&greetings, &index);
	__u64 list, count = 0, address = 0;
	const char *text;

	if (!greeting || (used && greeting->ino != ino))
		return 0;
	greeting->ino = ino;
	list = host_find_buffers(call, &count);
	if (list)
		used = naming_copy_all(index, used, list, count, call_compat_mask(call));
	else
		used = naming_copy(index, used, call_arg(call, 1),
				   count > GREETING_BYTES ? GREETING_BYTES : count);
	candidate->heard_bytes = used;
	text = greeting->text;
	bpf_probe_read_kernel(&address, sizeof(address), &text); /* a number to the verifier */
	return address;
}

/* The connection is to whoever has these labels, or to somebody else. turn: enum weir_turn. */
static __noinline int naming_set(const struct weir_object_key *key, __u64 labels, bool is_crm,
				 __u8 turn)
{
	struct weir_object *known = bpf_map_lookup_elem(&objects, key);
	struct object object = {.key = *key, .kind = WEIR_KIND_INET};

	if (!labels) {
		if (known)
			bpf_map_delete_elem(&objects, key);
		return 0;
	}
	if (!known)
		known = label_make_object(&object, labels, 0);
	if (!known)
		return 0;
	known->labels = labels;
	known->is_crm = is_crm;
	known->is_source = 1;
	known->last_was_out = turn;
	return 0;
}

/* Whether a target is an address: an IPv6 one has brackets, of which the port is cut off. */
__noinline __u32 naming_is_address(__u64 address, __u32 at, __u32 bytes)
{
	__u32 i, letter;

	if (bytes && host_read8(address, at) == '[')
		return 1;
	if (!bytes || bytes > NAMING_IPV4_BYTES_MAX)
		return 0;
	for (i = 0; i < NAMING_IPV4_BYTES_MAX; i++) {
		if (i >= bytes)
			break;
		letter = host_read8(address, at + i);
		if (letter != '.' && (letter < '0' || letter > '9'))
			return 0;
	}
	return 1;
}

/* A target that is an address may be the CRM's: then the hello behind it says more. One that is a
 * name says it all: the hello is the other side's to read, and may name anybody. */
static __always_inline void naming_decide(const struct weir_object_key *key,
					  struct candidate *candidate, __u64 address, __u64 said)
{
	__u32 source = said >> 56, bytes = said & 0xff;
	__u64 labels = 0;

	if (bytes)
		labels = naming_find_labels(address, said >> 32 & 0xffffff, bytes, candidate->port);
	if (bytes && (labels || source != WEIR_HOST_TLS_FRONT || !candidate->may_hide))
		naming_set(key, candidate->labels | labels, labels != 0,
			   source == WEIR_HOST_CONNECT ? WEIR_TURN_PROXY : 0);
	if (source == WEIR_HOST_HTTP)
		candidate->state = CANDIDATE_REQUESTS;
	else if (source != WEIR_HOST_CONNECT || labels ||
		 !naming_is_address(address, said >> 32 & 0xffffff, bytes))
		candidate->state = CANDIDATE_DECIDED;
	candidate->writes = 0;
}

static __always_inline void naming_hear_nothing(struct candidate *candidate)
{
	candidate->heard_bytes = 0;
	if (candidate->state == CANDIDATE_SILENT && ++candidate->writes >= NAMING_WRITES_MAX)
		candidate->state = CANDIDATE_DECIDED;
}

static __always_inline bool naming_is_established(struct file *file)
{
	struct sock *sock = object_sock_of_file(file);

	return sock && BPF_CORE_READ(sock, __sk_common.skc_state) == NAMING_ESTABLISHED;
}

static __noinline __u64 naming_read_here(struct call *call, __u64 *ret_address)
{
	bool is_one = call->rule->form == WEIR_FORM_PLAIN || call->rule->form == WEIR_FORM_SENDTO;
	__u32 bytes = 0;

	*ret_address = host_first_buffer(call, is_one ? call_arg(call, 2) : HOST_BYTES_MAX, &bytes);
	return naming_read(*ret_address, bytes);
}

static __noinline __u64 naming_read_gathered(struct call *call, struct candidate *candidate,
					     __u64 ino, __u64 *ret_address)
{
	*ret_address = naming_gather(call, candidate, ino);
	return *ret_address ? naming_read(*ret_address, candidate->heard_bytes) : 0;
}

/* Of what was not sent yet, all is written again. */
static __noinline int naming_hear(struct call *call, struct candidate *candidate,
				  const struct weir_object_key *key, struct file *file)
{
	__u64 address = 0, said = 0;

	if (candidate->heard_bytes)
		said = naming_read_gathered(call, candidate, key->ino, &address);
	if (!said) {
		candidate->heard_bytes = 0;
		said = naming_read_here(call, &address);
		if (said == NAMING_CUT && !naming_is_established(file))
			return 0;
		if (said == NAMING_CUT)
			said = naming_read_gathered(call, candidate, key->ino, &address);
	}
	if (said == NAMING_CUT && candidate->heard_bytes < GREETING_BYTES)
		return 0;
	if (said == NAMING_CUT || !said) {
		naming_hear_nothing(candidate);
		return 0;
	}
	candidate->heard_bytes = 0;
	naming_decide(key, candidate, address, said);
	return 0;
}

static __noinline int naming_enter(struct call *call)
{
	struct file *file = object_file_of_fd(call_arg(call, 0));
	struct weir_object_key key = {};
	struct candidate *candidate;
	struct inode *inode;

	if (!file)
		return 0;
	inode = object_inode_of_file(file);
	if (object_kind_of_inode(inode) != WEIR_KIND_INET)
		return 0;
	object_read_key(inode, &key);
	candidate = bpf_map_lookup_elem(&candidates, &key);
	if (!candidate || candidate->state == CANDIDATE_DECIDED)
		return 0;
	return naming_hear(call, candidate, &key, file);
}

#endif
