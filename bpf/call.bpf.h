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

struct call {
	struct pt_regs *regs;
	const struct weir_syscall *rule;
	struct weir_state *gate;
	struct weir_app *app;
	struct task_struct *task;
	__u32 number;
	__u32 is_memory; /* its object is the memory of an app */
};

/* Written by the loader for its architecture before the programs are loaded. */
const volatile struct weir_syscall syscalls[WEIR_SYSCALLS];

static __always_inline __u64 call_arg(struct pt_regs *regs, __u32 index)
{
	return arch_call_arg(regs, index);
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

static __always_inline bool call_is_compat(struct call *call)
{
	if (!arch_call_is_compat(call->task))
		return false;
	COUNT(call->gate->losses.compat_calls);
	return true;
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
	return !call_is_compat(call);
}

static __always_inline __u64 call_pin_key(__u32 slot)
{
	return bpf_get_current_pid_tgid() | (__u64)slot << 63;
}

static __always_inline void call_pin(struct call *call, const struct object *object, __u32 slot)
{
	struct inflight pin = {.key = object->key, .kind = object->kind, .syscall = call->number};
	__u64 key = call_pin_key(slot);

	if (!call_is_threaded())
		return;
	if (bpf_map_update_elem(&inflight, &key, &pin, BPF_ANY))
		COUNT(call->gate->losses.inflight_full);
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
	if (call_is_threaded())
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

#endif
