/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_FOLDER_BPF_H
#define WEIR_FOLDER_BPF_H

/* Folders that are sources: which of them a file lies in. */

#include "object.bpf.h"

#define FOLDER_DEPTH 32

static __always_inline bool folder_is_on(__u32 dev, const struct weir_state *gate)
{
	int i;

	for (i = 0; i < WEIR_FOLDER_DEVICES; i++)
		if (gate->folder_devices[i] == dev || gate->folder_devices[i] == ~0u)
			return true;
	return false;
}

/* Of the folders that a file is in. Not static: verified once, see name_hash(). */
__noinline __u64 folder_labels_of_parents(__u64 address, __u32 dev)
{
	struct dentry *dentry = (struct dentry *)address;
	struct weir_folder_key key = {.dev = dev};
	__u64 labels = 0;
	int i;

	for (i = 0; i < FOLDER_DEPTH; i++) {
		struct dentry *parent;
		__u64 *found;

		if (bpf_rdonly_cast)
			parent = object_cast(struct dentry, dentry)->d_parent;
		else
			parent = BPF_CORE_READ(dentry, d_parent);
		if (parent == dentry)
			break;
		dentry = parent;
		if (bpf_rdonly_cast)
			key.ino = object_cast(struct dentry, dentry)->d_inode->i_ino;
		else
			key.ino = BPF_CORE_READ(dentry, d_inode, i_ino);
		found = bpf_map_lookup_elem(&folders, &key);
		if (found)
			labels |= *found;
	}
	return labels;
}

static __always_inline __u64 folder_labels(const struct object *object, struct weir_state *gate)
{
	struct file *file = object->file;
	__u32 dev = object->key.dev;
	__u64 labels = 0, real;

	if (object->is_stacked) {
		real = overlay_find_real((__u64)BPF_CORE_READ(file, f_inode));
		if (real && folder_is_on(dev, gate))
			labels = folder_labels_of_parents(real, dev);
		dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	}
	if (folder_is_on(dev, gate))
		labels |= folder_labels_of_parents((__u64)BPF_CORE_READ(file, f_path.dentry), dev);
	return labels;
}

#endif
