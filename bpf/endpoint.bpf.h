/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_ENDPOINT_BPF_H
#define WEIR_ENDPOINT_BPF_H

/*
 * To which socket a name leads: datagrams may be sent to a name, and no kernel tells who got them.
 * A name is its text and where the text starts: a network namespace for those that are abstract, a
 * root or working directory (a mount and a dentry, which no other mount namespace has) for paths.
 * Whoever calls the socket by another text does not find it here, and that is said.
 */

#include "name.bpf.h"
#include "object.bpf.h"

#define ENDPOINT_TEXT_BYTES 108 /* sun_path, include/uapi/linux/un.h */
#define ENDPOINT_TEXT_AT 2      /* offsetof(struct sockaddr_un, sun_path) */
#define ENDPOINT_GONE (~0ull)   /* the place of an unlinked socket */

static __always_inline bool endpoint_is_named(struct sock *sock)
{
	return object_family_of_sock(sock) == AF_UNIX && BPF_CORE_READ(sock, sk_type) == SOCK_DGRAM;
}

static __always_inline __u64 endpoint_hash_start(struct task_struct *task, struct sock *sock,
						 char first)
{
	struct fs_struct *fs = BPF_CORE_READ(task, fs);

	if (!first)
		return object_mix(0, BPF_CORE_READ(sock, __sk_common.skc_net.net, ns.inum));
	if (first == '/')
		return object_mix(object_mix(0, (__u64)BPF_CORE_READ(fs, root.mnt)),
				  (__u64)BPF_CORE_READ(fs, root.dentry));
	return object_mix(object_mix(0, (__u64)BPF_CORE_READ(fs, pwd.mnt)),
			  (__u64)BPF_CORE_READ(fs, pwd.dentry));
}

/* Of a path up to its NUL, of an abstract name all. Not static: verified once, see name_hash(). */
__noinline __u64 endpoint_hash_text(__u64 hash, __u64 text, __u32 bytes, __u32 is_user,
				    __u32 is_abstract)
{
	__u32 i;

	for (i = 0; i < ENDPOINT_TEXT_BYTES; i++) {
		__u8 letter = 0;

		if (i >= bytes)
			break;
		if (is_user)
			bpf_probe_read_user(&letter, sizeof(letter), (const void *)text + i);
		else
			bpf_probe_read_kernel(&letter, sizeof(letter), (const void *)text + i);
		if (!(letter | is_abstract))
			break;
		hash = name_hash_letter(hash, letter);
	}
	return hash;
}

/* Changes when the socket's file is unlinked or renamed; not when a folder above it is. */
static __always_inline __u64 endpoint_place(struct sock *sock)
{
	struct dentry *dentry = BPF_CORE_READ((struct unix_sock *)sock, path.dentry);

	if (!dentry)
		return 0;
	if (!BPF_CORE_READ(dentry, d_hash.pprev))
		return ENDPOINT_GONE;
	return object_mix(object_mix(0, (__u64)BPF_CORE_READ(dentry, d_parent)),
			  BPF_CORE_READ(dentry, d_name.hash));
}

static __always_inline bool endpoint_is_current(const struct endpoint *known)
{
	struct sock *sock = (struct sock *)known->sock;
	struct weir_object_key key = {};

	object_key_of_unix_sock(sock, &key);
	return key.ino == known->key.ino && key.dev == known->key.dev &&
	       known->place != ENDPOINT_GONE && endpoint_place(sock) == known->place;
}

/* A path says the same to whoever holds the socket as it did to whoever bound it only where both
 * see the same mounts; where a relative one started is not known later. */
static __always_inline bool endpoint_is_known_by(struct task_struct *task, struct sock *sock,
						 char first)
{
	struct vfsmount *vfsmount = BPF_CORE_READ((struct unix_sock *)sock, path.mnt);
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);

	if (!first)
		return true;
	return first == '/' && vfsmount &&
	       BPF_CORE_READ(mount, mnt_ns) == BPF_CORE_READ(task, nsproxy, mnt_ns);
}

/* A task has bound the socket just now, and what had that name before has it no more, or holds it.
 */
static __noinline int endpoint_remember(struct task_struct *task, struct sock *sock, bool is_bound)
{
	struct unix_address *address = BPF_CORE_READ((struct unix_sock *)sock, addr);
	struct endpoint made = {.sock = (__u64)sock, .place = endpoint_place(sock)}, *known;
	__u64 text, name;
	char first = 0;

	if (!address)
		return 0;
	text = object_unix_text(address);
	bpf_probe_read_kernel(&first, sizeof(first), (const void *)text);
	if (!is_bound && !endpoint_is_known_by(task, sock, first))
		return 0;
	name = endpoint_hash_text(endpoint_hash_start(task, sock, first), text,
				  BPF_CORE_READ(address, len) - ENDPOINT_TEXT_AT, false, !first);
	known = bpf_map_lookup_elem(&endpoints, &name);
	if (known && !is_bound && endpoint_is_current(known))
		return 0;
	object_key_of_unix_sock(sock, &made.key);
	LRU_SET(endpoints, WEIR_LRU_ENDPOINTS, &name, &made);
	return 0;
}

/* The address of the socket that a name leads to which the running task gives, or 0. */
__noinline __u64 endpoint_find(__u64 own, __u64 address, __u32 bytes)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 text = address + ENDPOINT_TEXT_AT, name;
	struct endpoint *known;
	char first = 0;

	if (bytes <= ENDPOINT_TEXT_AT)
		return 0;
	bpf_probe_read_user(&first, sizeof(first), (const void *)text);
	name = endpoint_hash_text(endpoint_hash_start(task, (struct sock *)own, first), text,
				  bytes - ENDPOINT_TEXT_AT, true, !first);
	known = bpf_map_lookup_elem(&endpoints, &name);
	return known && endpoint_is_current(known) ? known->sock : 0;
}

#endif
