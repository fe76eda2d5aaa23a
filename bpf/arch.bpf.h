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

/*
 * A register, or the one that stands for it in a 32-bit call: compat is 0 or all ones. Without a
 * branch, which would have the verifier follow each kind of call to its end.
 */
static __always_inline __u64 arch_read_register(struct pt_regs *regs, __u64 offset,
						__u64 compat_offset, __u64 compat)
{
	__u64 value = 0;

	barrier_var(compat); /* the compiler would make a branch of it, too */
	offset += compat & (compat_offset - offset);
	bpf_probe_read_kernel(&value, sizeof(value), (void *)regs + (offset & 255));
	return value & ~(compat << 32);
}

#define REGISTER(name, compat_name)                                           \
	arch_read_register(regs, bpf_core_field_offset(struct pt_regs, name), \
			   bpf_core_field_offset(struct pt_regs, compat_name), compat)

static __always_inline __u64 arch_call_arg(struct pt_regs *regs, __u32 index, __u64 compat)
{
	switch (index) {
	case 0:
		return REGISTER(di, bx);
	case 1:
		return REGISTER(si, cx);
	case 2:
		return REGISTER(dx, dx);
	case 3:
		return REGISTER(r10, si);
	case 4:
		return REGISTER(r8, di);
	default:
		return REGISTER(r9, bp);
	}
}

/* Of a function that a 64-bit program calls: the registers are a uprobe's context, which is loaded
 * from as it is. System V ABI, x86-64, 3.2.3 */
static __always_inline __u64 arch_function_arg(struct pt_regs *regs, __u32 index)
{
	switch (index) {
	case 0:
		return regs->di;
	case 1:
		return regs->si;
	case 2:
		return regs->dx;
	default:
		return regs->cx;
	}
}

static __always_inline __u64 arch_function_result(struct pt_regs *regs)
{
	return regs->ax;
}

static __always_inline __u64 arch_function_stack(struct pt_regs *regs)
{
	return regs->sp;
}

/* Whether a function that began with the stack at entry has returned, by where it is at a return:
 * what it calls returns below, and itself has then taken its return address off. */
static __always_inline bool arch_function_is_over(__u64 entry, __u64 stack)
{
	return stack > entry;
}

/* Where the arguments of a 32-bit call are that passes them in memory. */
static __always_inline __u64 arch_call_list(struct pt_regs *regs, __u32 list)
{
	__u64 compat = -(__u64)(list == WEIR_LIST_SECOND);

	return (__u32)REGISTER(bx, cx);
}

/* x32: 64-bit calls by 32-bit numbers (__X32_SYSCALL_BIT), which are in no table here. What is
 * left after a signal handler is -1, and no call. */
static __always_inline bool arch_call_is_unknown(long number)
{
	return number >= 0 && number & 0x40000000;
}

/* TS_COMPAT is set for the time of one call: a 64-bit program may use int 0x80, too. */
static __always_inline bool arch_call_is_compat(void)
{
	struct task_struct *task = NULL;
	__u32 status;

	if (!bpf_core_field_exists(task->thread_info.status))
		return false;
	if (object_has_typed_task())
		return bpf_get_current_task_btf()->thread_info.status & TS_COMPAT;
	task = (struct task_struct *)bpf_get_current_task();
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
 * is traced. A tracer that changes x0 at entry is not followed: the kernel then calls by
 * x0, and the call is taken to be about what its caller passed.
 */
static __always_inline __u64 arch_call_arg(struct pt_regs *regs, __u32 index, __u64 compat)
{
	__u64 value;

	switch (index) {
	case 0:
		value = BPF_CORE_READ(regs, orig_x0);
		break;
	case 1:
		value = BPF_CORE_READ(regs, regs[1]);
		break;
	case 2:
		value = BPF_CORE_READ(regs, regs[2]);
		break;
	case 3:
		value = BPF_CORE_READ(regs, regs[3]);
		break;
	case 4:
		value = BPF_CORE_READ(regs, regs[4]);
		break;
	default:
		value = BPF_CORE_READ(regs, regs[5]);
		break;
	}
	return value & ~(compat << 32);
}

/* Of a function that a 64-bit program calls. AAPCS64, 6.8.2 */
static __always_inline __u64 arch_function_arg(struct pt_regs *regs, __u32 index)
{
	switch (index) {
	case 0:
		return regs->regs[0];
	case 1:
		return regs->regs[1];
	case 2:
		return regs->regs[2];
	default:
		return regs->regs[3];
	}
}

static __always_inline __u64 arch_function_result(struct pt_regs *regs)
{
	return regs->regs[0];
}

static __always_inline __u64 arch_function_stack(struct pt_regs *regs)
{
	return regs->sp;
}

/* What it calls returns below: whoever calls saves the link register first. AAPCS64, 6.1.1 */
static __always_inline bool arch_function_is_over(__u64 entry, __u64 stack)
{
	return stack >= entry;
}

/* No call of the EABI passes its arguments in memory. */
static __always_inline __u64 arch_call_list(struct pt_regs *regs, __u32 list)
{
	return 0;
}

static __always_inline bool arch_call_is_unknown(long number)
{
	return false;
}

/* A program is of 32 or of 64 bits from exec on; a call cannot choose. */
static __always_inline bool arch_call_is_compat(void)
{
	struct task_struct *task;
	unsigned long flags;

	if (object_has_typed_task())
		return bpf_get_current_task_btf()->thread_info.flags & 1UL << TIF_32BIT;
	task = (struct task_struct *)bpf_get_current_task();
	flags = BPF_CORE_READ(task, thread_info.flags);
	return flags & 1UL << TIF_32BIT;
}

#endif

#endif
