/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_CLONE_BPF_H
#define WEIR_HOOKS_CLONE_BPF_H

/*
 * Copies that share blocks, as cp makes them where the file system can: ioctl_ficlonerange(2). They
 * go as other copies do; apart from those are how much it is, and where the source is named.
 * FIDEDUPERANGE moves nothing: what it shares was equal before.
 */

#include "../call.bpf.h"

/* uapi/linux/fs.h; the same in 32-bit calls. */
#define CLONE_FILE 0x40049409
#define CLONE_RANGE 0x4020940d

struct clone_range { /* struct file_clone_range */
	__s64 source;
	__u64 from, bytes, to; /* of 0 bytes: all that follows */
};

static __always_inline bool clone_is_asked(struct call *call)
{
	__u32 command = call_arg(call, 1);

	return command == CLONE_FILE || command == CLONE_RANGE;
}

/* Of any copy. */
static __always_inline int clone_find_source(struct call *call)
{
	__u64 source = call_arg(call, call->rule->fd_arg);

	if (call->rule->call == WEIR_CALL_IOCTL && (__u32)call_arg(call, 1) == CLONE_RANGE)
		bpf_probe_read_user(&source, sizeof(source), (const void *)source);
	return source;
}

/* The kernel shares all that it is asked for, or nothing (ioctl_file_clone(), fs/ioctl.c). */
static __always_inline __u64 clone_measure(struct call *call)
{
	struct clone_range range = {};
	struct file *file = object_file_of_fd(clone_find_source(call));
	__u64 size = file ? BPF_CORE_READ(file, f_inode, i_size) : 0;

	if ((__u32)call_arg(call, 1) == CLONE_RANGE)
		bpf_probe_read_user(&range, sizeof(range), (const void *)call_arg(call, 2));
	if (range.bytes)
		return range.bytes;
	return size > range.from ? size - range.from : 0;
}

/* Before the call: the range lies in memory that others may write to meanwhile. */
static __noinline int clone_note_bytes(struct call *call)
{
	struct inflight pin = {.syscall = call->number};
	__u64 key = call_pin_key(CALL_SLOT_NOTE);

	pin.key.ino = clone_measure(call);
	if (bpf_map_update_elem(&inflight, &key, &pin, BPF_ANY))
		COUNT(call->gate->losses.inflight_full);
	return 0;
}

/* What a call that asks for a clone has moved. */
static __noinline long clone_take_bytes(struct call *call, long result)
{
	__u64 key = call_pin_key(CALL_SLOT_NOTE);
	struct inflight *pin = bpf_map_lookup_elem(&inflight, &key);
	long bytes = result;

	if (!pin)
		return result ? result : (long)clone_measure(call);
	if (!result)
		bytes = pin->key.ino;
	bpf_map_delete_elem(&inflight, &key);
	return bytes;
}

#endif
