/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_ARCH_BPF_H
#define WEIR_ARCH_BPF_H

/*
 * What differs between processors: where a system call's number and arguments
 * are, how a 32-bit call is told, how large a kernel stack is. Everything here
 * holds at entry and at exit of a call alike.
 */

#include "object.bpf.h"

#if defined(__TARGET_ARCH_x86)

#define ARCH_THREAD_SIZE (16 * 1024) /* arch/x86/include/asm/page_64_types.h, without KASAN */
#define TS_COMPAT 0x2                /* arch/x86/include/asm/thread_info.h */

static __always_inline long arch_call_number(struct pt_regs *regs)
{
	return regs->orig_ax;
}

static __always_inline __u64 arch_call_arg(struct pt_regs *regs, __u32 index)
{
	switch (index) {
	case 0:
		return BPF_CORE_READ(regs, di);
	case 1:
		return BPF_CORE_READ(regs, si);
	case 2:
		return BPF_CORE_READ(regs, dx);
	case 3:
		return BPF_CORE_READ(regs, r10);
	case 4:
		return BPF_CORE_READ(regs, r8);
	default:
		return BPF_CORE_READ(regs, r9);
	}
}

/* TS_COMPAT is set for the time of one call: a 64-bit program may use int 0x80, too. */
static __always_inline bool arch_call_is_compat(struct task_struct *task)
{
	__u32 status;

	if (!bpf_core_field_exists(task->thread_info.status))
		return false;
	if (object_has_typed_task())
		status = bpf_get_current_task_btf()->thread_info.status;
	else
		status = BPF_CORE_READ(task, thread_info.status);
	return status & TS_COMPAT;
}

#elif defined(__TARGET_ARCH_arm64)

#define ARCH_THREAD_SIZE (16 * 1024) /* MIN_THREAD_SHIFT of asm/memory.h, pages below 64 KiB */
#define TIF_32BIT 22                 /* arch/arm64/include/asm/thread_info.h, 5.10 to 7.3 */

static __always_inline long arch_call_number(struct pt_regs *regs)
{
	return regs->syscallno;
}

/*
 * x0 is both the first argument and the result: at exit it holds the result, and what
 * the caller passed is in orig_x0, which arch/arm64/kernel/syscall.c fills before entry
 * is traced. A tracer that changes x0 at entry is not followed; ptrace is a gap anyway.
 */
static __always_inline __u64 arch_call_arg(struct pt_regs *regs, __u32 index)
{
	switch (index) {
	case 0:
		return BPF_CORE_READ(regs, orig_x0);
	case 1:
		return BPF_CORE_READ(regs, regs[1]);
	case 2:
		return BPF_CORE_READ(regs, regs[2]);
	case 3:
		return BPF_CORE_READ(regs, regs[3]);
	case 4:
		return BPF_CORE_READ(regs, regs[4]);
	default:
		return BPF_CORE_READ(regs, regs[5]);
	}
}

/* A program is of 32 or of 64 bits from exec on; a call cannot choose. */
static __always_inline bool arch_call_is_compat(struct task_struct *task)
{
	unsigned long flags;

	if (object_has_typed_task())
		flags = bpf_get_current_task_btf()->thread_info.flags;
	else
		flags = BPF_CORE_READ(task, thread_info.flags);
	return flags & 1UL << TIF_32BIT;
}

#endif

#endif
