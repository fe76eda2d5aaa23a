/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_INODE_BPF_H
#define WEIR_INODE_BPF_H

/*
 * Labelled files of file systems in memory: tmpfs, memfds, ramfs, hugetlbfs. Such a file is there
 * as long as its inode is, whoever holds that: a name, a descriptor, a mapping, a message on its
 * way. So it is remembered where the inode is, and looked at again by each walk. Of a file on a
 * disk the inode comes and goes; it is asked for by its number, see keeper_prune.c.
 */

#include "object.bpf.h"

/* Where the inodes of labelled files are that are in memory only. Written when such a file gets its
 * label, and by the walk; deleted with the label. A sixteenth of objects, as each walk looks at
 * all places, also empty ones. Full: the label stays until the machine restarts, or a walk meets
 * who has the file open when there is room again; inodes_full of the state. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 16);
	__type(key, struct weir_object_key);
	__type(value, __u64);
} inodes SEC(".maps");

static __always_inline bool inode_is_in_memory(struct inode *inode)
{
	__u64 magic = BPF_CORE_READ(inode, i_sb, s_magic);

	return magic == TMPFS_MAGIC || magic == RAMFS_MAGIC || magic == HUGETLBFS_MAGIC;
}

/* Not of files on overlayfs, whose key is that of a file below. False: there is no room. */
static __always_inline bool inode_try_remember(const struct object *object)
{
	struct inode *inode;
	__u64 address;

	if (object->kind != WEIR_KIND_FILE || object->is_stacked || !object->file)
		return true;
	inode = object_inode_of_file(object->file);
	if (!inode_is_in_memory(inode))
		return true;
	bpf_probe_read_kernel(&address, sizeof(address), &inode); /* no pointer, to the verifier */
	return !maps_is_full(bpf_map_update_elem(&inodes, &object->key, &address, BPF_ANY));
}

/* When it gets its label. */
static __always_inline void inode_remember(const struct object *object)
{
	struct weir_state *gate = inode_try_remember(object) ? NULL : state_get();

	if (gate)
		COUNT(gate->inodes_full);
}

/* In memory, and without a name that it could be found by. Its address, or 0. */
static __always_inline __u64 inode_nameless(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u64 address = 0;

	if (BPF_CORE_READ(inode, i_nlink) || !inode_is_in_memory(inode))
		return 0;
	bpf_probe_read_kernel(&address, sizeof(address), &inode);
	return address;
}

/*
 * Whether what is at the address is that file still. The last to let go of an inode leaves its
 * count at zero (iput(), fs/inode.c); whatever takes its place has another number. Where the count
 * has another form than up to 6.18, nothing is ever taken for gone.
 */
static __always_inline bool inode_is_there(const struct weir_object_key *key, __u64 address)
{
	struct inode *inode = (struct inode *)address;
	struct weir_object_key now = {};

	if (!bpf_core_field_exists(inode->i_count.counter))
		return true;
	now.ino = BPF_CORE_READ(inode, i_ino);
	now.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	now.generation = BPF_CORE_READ(inode, i_generation);
	return now.ino == key->ino && now.dev == key->dev && now.generation == key->generation &&
	       BPF_CORE_READ(inode, i_count.counter) > 0;
}

#endif
