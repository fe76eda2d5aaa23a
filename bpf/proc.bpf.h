/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_PROC_BPF_H
#define WEIR_PROC_BPF_H

/* From numbers of processes, and from files of procfs, to the tasks that they mean. */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>

#define NAME_OF_MEMORY 0x6d656d /* "mem", with its NUL: /proc/PID/mem, /proc/PID/task/TID/mem */
#define XA_LEVELS 6             /* of 6 bits each. lib/xarray.c, CONFIG_BASE_SMALL=n */

/* The first task of a struct pid, which is the thread that has this number. */
static __always_inline struct task_struct *proc_task_of_pid(struct pid *pid)
{
	void *link = BPF_CORE_READ(pid, tasks[0].first);

	return link ? link - bpf_core_field_offset(struct task_struct, pid_links) : NULL;
}

/* Whose memory a file of procfs is, or NULL. fs/proc/base.c */
static __always_inline struct task_struct *proc_task_of_memory(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct proc_inode *own =
		(void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	__u32 letters = 0;
	struct pid *pid;

	bpf_probe_read_kernel(&letters, sizeof(letters), name);
	if (letters != NAME_OF_MEMORY)
		return NULL;
	pid = BPF_CORE_READ(own, pid);
	return pid ? proc_task_of_pid(pid) : NULL;
}

/* What idr_find() finds: an inner node of an xarray is marked by 2 in its lowest bits. */
static __always_inline struct pid *proc_find_pid(struct pid_namespace *namespace, __u32 number)
{
	__u64 entry = (__u64)BPF_CORE_READ(namespace, idr.idr_rt.xa_head);
	int i;

	for (i = 0; i < XA_LEVELS; i++) {
		struct xa_node *node = (struct xa_node *)(entry - 2);
		__u64 next = 0;
		__u8 shift;

		if ((entry & 3) != 2)
			break;
		shift = BPF_CORE_READ(node, shift) & 31;
		bpf_probe_read_kernel(&next, sizeof(next),
				      (void *)node + bpf_core_field_offset(struct xa_node, slots) +
					      (number >> shift & 63) * sizeof(next));
		entry = next;
	}
	return entry & 3 ? NULL : (struct pid *)entry;
}

/* A struct pid has a number in each namespace from the first one down to its own. */
static __always_inline struct upid *proc_number_at(struct pid *pid, __u32 level)
{
	return (void *)pid + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
}

/*
 * The thread that a number means to the running task, whatever pid namespace that is in.
 * find_task_by_vpid(), kernel/pid.c. Not static: verified once, see name_hash().
 */
__noinline __u64 proc_find_task(__u32 number)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid *own = proc_number_at(pid, level), *found;
	struct pid_namespace *namespace = BPF_CORE_READ(own, ns);

	pid = proc_find_pid(namespace, number);
	if (!pid)
		return 0;
	found = proc_number_at(pid, level);
	if (BPF_CORE_READ(found, ns) != namespace || BPF_CORE_READ(found, nr) != (int)number)
		return 0;
	return (__u64)proc_task_of_pid(pid);
}

/* The thread that has a number in the first namespace, which has all of them. Not static: verified
 * once, see name_hash(). */
__noinline __u64 proc_find_global(__u32 number)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct upid *own = proc_number_at(BPF_CORE_READ(task, thread_pid), 0);
	struct pid *pid = proc_find_pid(BPF_CORE_READ(own, ns), number);

	return pid ? (__u64)proc_task_of_pid(pid) : 0;
}

#endif
