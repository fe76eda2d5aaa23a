/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_OVERLAY_BPF_H
#define WEIR_OVERLAY_BPF_H

/*
 * Overlayfs, which containers live on: the data of a file rests in a file of another file system,
 * in the upper folder, or in a lower one until it is changed. That is the object: the overlay's
 * own inode can get another number when it is met again, and nobody outside the container sees it.
 *
 * Overlayfs may be a module that comes later than the sensor, so its types may not be there to ask.
 * What follows the inode in struct ovl_inode (fs/overlayfs/ovl_entry.h) begins with the dentry in
 * the upper folder in all kernels; then come
 *
 *	struct inode *lower;         up to 5.18
 *	struct ovl_path lowerpath;   from 5.19 on: layer, dentry
 *	struct ovl_entry *oe;        from 6.5 on: their number, then layer and dentry of each
 *
 * and each is known by what it points to, so a distribution's kernel may be older than it says.
 */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>

#define LAYERS_MAX 500 /* OVL_MAX_STACK, fs/overlayfs/params.h */

struct overlay_path {
	void *layer;
	struct dentry *dentry;
};

static __always_inline void *overlay_read_pointer(const void *address)
{
	void *pointer = NULL;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), address);
	return pointer;
}

static __always_inline bool overlay_is_regular(struct inode *inode)
{
	return (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFREG;
}

/* Whether this is a dentry at all, and one of a regular file. */
static __always_inline bool overlay_is_dentry(struct dentry *dentry)
{
	struct super_block *super = BPF_CORE_READ(dentry, d_sb);
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);

	return super && inode && BPF_CORE_READ(inode, i_sb) == super && overlay_is_regular(inode);
}

static __always_inline struct dentry *overlay_upper(struct inode *inode)
{
	return overlay_read_pointer((void *)inode + bpf_core_type_size(struct inode));
}

/* The lowest is where the data is; it is looked up late (lowerdata_redirect, 6.5). */
static __always_inline struct dentry *overlay_lowest(const void *entry)
{
	const struct overlay_path *paths = entry + sizeof(__u64);
	struct dentry *lowest;
	__u32 n = 0;

	bpf_probe_read_kernel(&n, sizeof(n), entry);
	if (!n || n > LAYERS_MAX)
		return NULL;
	lowest = overlay_read_pointer(&paths[n - 1].dentry);
	return lowest ?: overlay_read_pointer(&paths[0].dentry);
}

/* A name of an inode that is in use has a dentry. */
static __always_inline struct dentry *overlay_dentry_of(struct inode *inode)
{
	struct dentry *dentry = NULL;
	void *alias = BPF_CORE_READ(inode, i_dentry.first);

	if (alias && bpf_core_field_exists(dentry->d_u.d_alias))
		return alias - bpf_core_field_offset(struct dentry, d_u.d_alias);
	return NULL;
}

static __always_inline struct dentry *overlay_lower(struct inode *inode)
{
	void *behind = (void *)inode + bpf_core_type_size(struct inode) + sizeof(void *);
	void *first = overlay_read_pointer(behind);
	struct dentry *dentry;

	if (!first)
		return NULL;
	dentry = overlay_lowest(first);
	if (overlay_is_dentry(dentry))
		return dentry;
	dentry = overlay_read_pointer(behind + sizeof(void *));
	if (overlay_is_dentry(dentry))
		return dentry;
	dentry = overlay_is_regular(first) ? overlay_dentry_of(first) : NULL;
	return overlay_is_dentry(dentry) ? dentry : NULL;
}

/* A lower folder may be on an overlay, and that is all: FILESYSTEM_MAX_STACK_DEPTH, linux/fs.h. */
static __always_inline struct dentry *overlay_unstack(struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	struct dentry *upper;

	if (BPF_CORE_READ(inode, i_sb, s_magic) != OVERLAYFS_SUPER_MAGIC)
		return dentry;
	upper = overlay_upper(inode);
	return overlay_is_dentry(upper) ? upper : overlay_lower(inode);
}

/* The label of the lower file comes onto the copy in the upper one; in label.bpf.h. */
static __always_inline void label_copy_up(struct inode *lower, struct inode *upper);

/*
 * The dentry of the file that an inode of the overlay stands for, or 0. Not static: verified once,
 * see name_hash().
 */
__noinline __u64 overlay_find_real(__u64 address)
{
	struct inode *inode = (struct inode *)address;
	struct dentry *upper = overlay_upper(inode), *lower = overlay_lower(inode);

	if (lower)
		lower = overlay_unstack(lower);
	if (!overlay_is_dentry(upper))
		return (__u64)lower;
	/* It was changed: by an open, or by a call that is not looked at, as chmod(). */
	if (lower)
		label_copy_up(BPF_CORE_READ(lower, d_inode), BPF_CORE_READ(upper, d_inode));
	return (__u64)upper;
}

#endif
