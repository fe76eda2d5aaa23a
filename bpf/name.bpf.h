/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_NAME_BPF_H
#define WEIR_NAME_BPF_H

/* Names and paths, for people: an object is never known by them. */

#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>

/*
 * Writes the path of a dentry, across mounts, into a map value. The length lives
 * in the value, not in a register: what is loaded from a map is any number to the
 * verifier, so that it follows each round of the loop once. include/linux/dcache.h
 */
static __noinline int name_read_path(struct dentry *dentry, struct vfsmount *vfsmount,
				     struct weir_name *ret_name)
{
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
	int i;

	ret_name->bytes = 0;
	ret_name->is_cut = 0;
	for (i = 0; i < WEIR_NAME_PARTS; i++) {
		struct dentry *parent = BPF_CORE_READ(dentry, d_parent);
		__u32 used = ret_name->bytes;
		const unsigned char *text;
		long length;

		if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (above == mount || !above)
				return 0;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			mount = above;
			continue;
		}
		if (used > WEIR_NAME_BYTES - WEIR_NAME_PART_BYTES)
			break;
		text = BPF_CORE_READ(dentry, d_name.name);
		length = bpf_probe_read_kernel_str(ret_name->text + used, WEIR_NAME_PART_BYTES,
						   text);
		if (length <= 0)
			break;
		ret_name->bytes = used + length;
		dentry = parent;
	}
	ret_name->is_cut = 1;
	return 0;
}

static __always_inline void name_read_file(struct file *file, struct weir_name *ret_name)
{
	ret_name->is_unlinked = BPF_CORE_READ(file, f_inode, i_nlink) == 0;
	name_read_path(BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt),
		       ret_name);
}

/* FNV-1a; the agent computes the same over names it learns. */
static __always_inline __u64 name_hash_letter(__u64 hash, __u8 letter)
{
	return (hash ^ letter) * 0x100000001b3ULL;
}

/*
 * Letter by letter: a buffer for a whole name does not fit beside the callers on the stack.
 * Not static, as are the other functions with loops that need only numbers: such a
 * function is verified once and not once per caller's state, which is too much for 6.1.
 * Kernel pointers come as numbers that were read, because the verifier takes no typed
 * pointer there.
 */
__noinline __u64 name_hash(__u64 name_address)
{
	const unsigned char *name = (const unsigned char *)name_address;
	struct weir_state *gate = state_get();
	__u64 hash;
	__u32 i;

	if (!gate)
		return 0;
	hash = gate->basename_seed;
	for (i = 0; i < WEIR_USER_PATH_BYTES; i++) {
		__u8 letter = 0;

		bpf_probe_read_kernel(&letter, sizeof(letter), name + i);
		if (!letter)
			break;
		hash = name_hash_letter(hash, letter);
	}
	return hash;
}

static __always_inline void name_remember_hash(__u64 hash)
{
	struct weir_state *gate = state_get();
	__u64 one = 1;
	long error = bpf_map_update_elem(&basenames, &hash, &one, BPF_NOEXIST);

	if (maps_is_full(error) && gate)
		COUNT(gate->losses.names_full);
}

static __always_inline void name_remember_basename(__u64 name_address)
{
	name_remember_hash(name_hash(name_address));
}

__noinline int name_remember_app(__u64 id, __u64 exe_address)
{
	struct file *exe = (struct file *)exe_address;
	struct weir_state *gate = state_get();
	struct weir_name *name;
	long error;

	if (!exe)
		return 0;
	error = bpf_map_update_elem(&app_paths, &id, &empty_name, BPF_NOEXIST);
	if (maps_is_full(error) && gate)
		COUNT(gate->losses.names_full);
	if (error)
		return 0;
	name = bpf_map_lookup_elem(&app_paths, &id);
	if (name)
		name_read_file(exe, name);
	return 0;
}

#endif
