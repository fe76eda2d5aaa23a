/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_CALL_BPF_H
#define WEIR_CALL_BPF_H

/*
 * A system call as the handlers see it: its rule, its registers, its result, and
 * the task's slot that carries a resolved object from entry to exit. Another
 * thread can put a different file behind the descriptor during the call; what
 * the call was about is what was there at entry.
 */

#include "arch.bpf.h"
#include "flow.bpf.h"
#include "user_message.h"

struct call {
	struct pt_regs *regs;
	const struct weir_rule *whole;   /* where the kinds of calls differ */
	const struct weir_syscall *rule; /* in it: what the call does */
	struct weir_state *gate;
	struct weir_app *app;
	struct task_struct *task;
	__u32 number;           /* the place of its rule */
	__u16 is_memory;        /* its object is the memory of an app */
	__u16 is_terminal;      /* its object may be a pseudo-terminal */
	__u64 unix_sock;        /* address of the unix socket that it wrote to, or 0 */
	struct weir_flow *flow; /* that it added to, or NULL */
	__u64 stream;           /* that is looked at for records, or 0 */
	__u64 text;             /* what of it, if that is not what the call wrote; likewise: */
	__u64 text_bytes;
};

/* Written by the loader for its architecture before the programs are loaded. */
const volatile struct weir_rule rules[WEIR_PLACES];

/* 0, or all ones for a 32-bit call. */
static __always_inline __u64 call_compat_mask(struct call *call)
{
	return -(__u64)call->whole->is_compat;
}

static __always_inline __u64 call_arg(struct call *call, __u32 index)
{
	__u32 list = call->whole->list;
	__u64 value = 0, address;

	if (!list)
		return arch_call_arg(call->regs, index, call_compat_mask(call));
	address = arch_call_list(call->regs, list) + index * sizeof(__u32);
	bpf_probe_read_user(&value, sizeof(__u32), (void *)address);
	return value;
}

/* Whether nothing that calls of this number do can matter now. */
static __always_inline bool call_is_idle(__u32 which)
{
	const struct weir_state *gate;

	if (which == WEIR_GATE_NONE)
		return false;
	gate = state_get();
	if (!gate)
		return true;
	if (which == WEIR_GATE_LABELS)
		return label_is_idle(gate);
	return !gate->hot && !gate->unsettled_objects && !gate->volatile_objects;
}

static __always_inline bool call_set_rule(struct call *call, __u32 place)
{
	if (place >= WEIR_PLACES)
		return false;
	call->whole = (const struct weir_rule *)&rules[place];
	call->rule = &call->whole->syscall;
	call->number = place;
	return true;
}

/*
 * Numbers mean one thing in 64-bit calls and another in 32-bit ones, and a task can use both. Which
 * it is costs a look at the task: of reads and writes, whose numbers mean nothing to us in the
 * other table, call_pass_gate() takes it when the gate is open. Places come out of the table and
 * are not computed, so that the verifier does not take the kinds of calls apart.
 */
static __always_inline bool call_find_rule(struct call *call, unsigned long number)
{
	const volatile struct weir_rule *rule;
	__u32 place;

	if (number >= WEIR_SYSCALLS)
		return false;
	rule = &rules[number];
	place = rule->place;
	if (rule->compat_place) {
		if (call_is_idle(rule->compat_gate))
			return false;
		if (arch_call_is_compat())
			place = rule->compat_place;
	}
	if (!call_set_rule(call, place))
		return false;
	if (call->rule->call == WEIR_CALL_SUBCALLS) {
		place = call->whole->compat_place + (call_arg(call, 0) & (WEIR_SUBCALLS - 1));
		if (!call_set_rule(call, place))
			return false;
	}
	return call->rule->call != WEIR_CALL_NONE;
}

/* Of an app that may hold labelled data: what it does is not known. */
static __always_inline void call_count_unknown(long number, long result)
{
	struct weir_state *gate = state_get();

	if (!arch_call_is_unknown(number) || result == -ENOSYS || !gate || !gate->hot)
		return;
	if (app_get_current_open(gate))
		COUNT(gate->losses.unknown_calls);
}

/* Whether somebody else can swap the descriptors of the running task. */
static __always_inline bool call_is_threaded(void)
{
	struct task_struct *task;

	if (object_has_typed_task())
		return bpf_get_current_task_btf()->files->count.counter > 1;
	task = (struct task_struct *)bpf_get_current_task();
	return BPF_CORE_READ(task, files, count.counter) > 1;
}

/* A 32-bit call whose number means nothing to us, but would in a 64-bit call. */
static __always_inline bool call_is_other(struct call *call)
{
	return !call->whole->is_compat && arch_call_is_compat();
}

/* Whether anybody on this machine holds anything labelled. */
static __always_inline bool call_is_gate_open(struct call *call)
{
	call->gate = state_get();
	return call->gate && (call->gate->hot || call->gate->unsettled_objects);
}

/* Gate 1. False for everybody who holds nothing labelled. */
static __always_inline bool call_pass_gate(struct call *call)
{
	if (!call_is_gate_open(call))
		return false;
	if (call->gate->unsettled_objects)
		call->app = app_get_current();
	else
		call->app = app_get_current_open(call->gate);
	if (!call->app)
		return false;
	call->task = (struct task_struct *)bpf_get_current_task();
	return !call_is_other(call);
}

/* As user_first_buffer() wants it. */
static __always_inline __u32 call_buffers_how(struct call *call)
{
	return call->rule->form | (call->whole->is_compat ? USER_BUFFERS_COMPAT : 0);
}

/* Besides the objects of a call, which are in slots 0 and 1: what else its exit must know. */
#define CALL_SLOT_NOTE 2

/* A tgid has 22 bits (PID_MAX_LIMIT, include/linux/threads.h). */
static __always_inline __u64 call_pin_key(__u32 slot)
{
	return bpf_get_current_pid_tgid() | (__u64)(slot & 1) << 63 | (__u64)(slot >> 1) << 62;
}

/* Arguments in memory may be gone at exit: what is received can overwrite them, and others can. */
static __always_inline bool call_must_pin(struct call *call)
{
	return call->whole->list || call->rule->call == WEIR_CALL_IOCTL || call_is_threaded();
}

static __always_inline void call_pin(struct call *call, const struct object *object, __u32 slot)
{
	struct inflight pin = {.key = object->key, .kind = object->kind, .syscall = call->number};
	__u64 key = call_pin_key(slot);

	if (!call_must_pin(call))
		return;
	if (bpf_map_update_elem(&inflight, &key, &pin, BPF_ANY))
		COUNT(call->gate->losses.inflight_full);
}

static __always_inline bool call_has_pin(struct call *call, __u32 slot)
{
	__u64 key = call_pin_key(slot);
	struct inflight *pin = bpf_map_lookup_elem(&inflight, &key);

	return pin && pin->syscall == call->number;
}

/* The object that the call was about. False when nothing can rest there. */
static __always_inline bool call_take_object(struct call *call, int fd, __u32 direction, __u32 slot,
					     struct object *ret_object)
{
	__u64 key = call_pin_key(slot);
	struct inflight *pin = NULL;
	struct file *file = object_file_of_fd(fd);

	if (file)
		object_resolve(file, direction, ret_object);
	if (call_must_pin(call))
		pin = bpf_map_lookup_elem(&inflight, &key);
	if (pin && pin->syscall == call->number) {
		if (pin->key.ino != ret_object->key.ino || pin->key.dev != ret_object->key.dev) {
			ret_object->file = NULL; /* swapped meanwhile: no name to be had */
			ret_object->sock = NULL;
		}
		ret_object->key = pin->key;
		ret_object->kind = pin->kind;
	}
	/* For memory_exit_file(), which takes it again: the stack is too short for it here. */
	if (ret_object->kind == WEIR_KIND_MEMORY) {
		ret_object->kind = WEIR_KIND_NONE;
		call->is_memory = true;
		return false;
	}
	if (pin)
		bpf_map_delete_elem(&inflight, &key);
	return ret_object->kind != WEIR_KIND_NONE;
}

/* Loops are in two levels, which the verifier follows in far fewer steps than one. */
#define LENGTHS_MAX 256
#define LENGTH_LISTS_MAX 256 /* recvmmsg alone keeps to no limit: more than these are not added */
#define SENT_MAX 32          /* times itself: UIO_MAXIOV, include/uapi/linux/uio.h */

/* Of lengths in user memory that are so far apart, each less than 4 GiB. Not static: verified once,
 * see name_hash(). */
__noinline __u64 call_sum_lengths(__u64 address, __u32 count, __u32 step_bytes)
{
	__u64 bytes = 0;
	__u32 i;

	for (i = 0; i < LENGTHS_MAX; i++) {
		__u32 length = 0;

		if (i >= count)
			break;
		bpf_probe_read_user(&length, sizeof(length), (const void *)address);
		bytes += length;
		address += step_bytes;
	}
	return bytes;
}

__noinline __u64 call_sum_many_lengths(__u64 address, __u32 count, __u32 step_bytes)
{
	__u64 bytes = 0;
	__u32 i;

	for (i = 0; i < LENGTH_LISTS_MAX; i++) {
		bytes += call_sum_lengths(address, count, step_bytes);
		if (count <= LENGTHS_MAX)
			break;
		count -= LENGTHS_MAX;
		address += (__u64)LENGTHS_MAX * step_bytes;
	}
	return bytes;
}

#endif
