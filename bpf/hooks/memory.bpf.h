/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_MEMORY_BPF_H
#define WEIR_HOOKS_MEMORY_BPF_H

/*
 * Calls that reach into another process: process_vm_readv, process_vm_writev, ptrace. The caller
 * may be anybody, so they look for the other app even when the caller's gate is closed. What is
 * written there can be read before the call ends: its label goes over at entry.
 */

#include "../call.bpf.h"

/* uapi/linux/ptrace.h, arch/x86/include/uapi/asm/ptrace-abi.h */
enum memory_request {
	REQUEST_PEEKTEXT = 1,
	REQUEST_PEEKDATA = 2,
	REQUEST_PEEKUSR = 3,
	REQUEST_POKETEXT = 4,
	REQUEST_POKEDATA = 5,
	REQUEST_POKEUSR = 6,
	REQUEST_GETREGS = 12,
	REQUEST_SETREGS = 13,
	REQUEST_GETFPREGS = 14,
	REQUEST_SETFPREGS = 15,
	REQUEST_GETFPXREGS = 18,
	REQUEST_SETFPXREGS = 19,
	REQUEST_GETSIGINFO = 0x4202,
	REQUEST_SETSIGINFO = 0x4203,
	REQUEST_GETREGSET = 0x4204,
	REQUEST_SETREGSET = 0x4205,
	REQUEST_PEEKSIGINFO = 0x4209,
	REQUEST_GET_SYSCALL_INFO = 0x420e,
	REQUEST_SET_SYSCALL_INFO = 0x4212,
};

struct memory_move {
	__u64 bytes;
	__u32 direction; /* 0: nothing that holds data */
	__u32 is_estimated;
};

/* Registers hold little, and what of it is data nobody knows: their size is the estimate. */
static __always_inline void memory_of_request(__u32 request, __u64 word_bytes,
					      struct memory_move *ret_move)
{
	ret_move->bytes = word_bytes;
	switch (request) {
	case REQUEST_PEEKTEXT:
	case REQUEST_PEEKDATA:
		ret_move->direction = WEIR_IN;
		return;
	case REQUEST_POKETEXT:
	case REQUEST_POKEDATA:
		ret_move->direction = WEIR_OUT;
		return;
	case REQUEST_PEEKUSR:
	case REQUEST_GETREGS:
	case REQUEST_GETFPREGS:
	case REQUEST_GETFPXREGS:
	case REQUEST_GETSIGINFO:
	case REQUEST_GETREGSET:
	case REQUEST_PEEKSIGINFO:
	case REQUEST_GET_SYSCALL_INFO:
		ret_move->direction = WEIR_IN;
		break;
	case REQUEST_POKEUSR:
	case REQUEST_SETREGS:
	case REQUEST_SETFPREGS:
	case REQUEST_SETFPXREGS:
	case REQUEST_SETSIGINFO:
	case REQUEST_SETREGSET:
	case REQUEST_SET_SYSCALL_INFO:
		ret_move->direction = WEIR_OUT;
		break;
	}
	ret_move->bytes = bpf_core_type_size(struct pt_regs);
	ret_move->is_estimated = true;
}

static __always_inline void memory_read_move(struct call *call, long result,
					     struct memory_move *ret_move)
{
	if (call->rule->form == WEIR_FORM_PTRACE) {
		memory_of_request(call_arg(call, 0), sizeof(__u64) >> call->whole->is_compat,
				  ret_move);
		return;
	}
	ret_move->direction = call->rule->form == WEIR_FORM_FETCH ? WEIR_IN : WEIR_OUT;
	ret_move->bytes = result;
}

/* Only roughly whom ptrace_may_access() lets in: an innocent must not be labelled by an attempt. */
static __always_inline bool memory_may_reach(struct task_struct *task, struct task_struct *other)
{
	__u32 uid = BPF_CORE_READ(task, cred, uid.val);

	return !uid || uid == BPF_CORE_READ(other, cred, uid.val);
}

static __noinline int memory_enter(struct call *call)
{
	struct memory_move move = {};
	struct object object = {};
	struct inflight pin = {.kind = WEIR_KIND_MEMORY};
	__u64 key = call_pin_key(0);
	struct task_struct *other;

	memory_read_move(call, 0, &move);
	if (!move.direction)
		return 0;
	other = (void *)proc_find_task(call_arg(call, call->rule->fd_arg));
	if (!other || !object_set_memory(other, &object))
		return 0;
	/* Also of a task with one thread: the other process may exec or end during the call. */
	pin.key = object.key;
	pin.syscall = call->number;
	if (bpf_map_update_elem(&inflight, &key, &pin, BPF_ANY))
		COUNT(call->gate->losses.inflight_full);
	if (move.direction == WEIR_OUT && call->app->labels && !call->app->is_hub &&
	    memory_may_reach(call->task, other))
		label_object(&object, call->app);
	return 0;
}

/* What entry has found is what the call was about. */
static __always_inline bool memory_take_pin(struct call *call, struct object *ret_object)
{
	__u64 key = call_pin_key(0);
	struct inflight *pin = bpf_map_lookup_elem(&inflight, &key);

	if (pin && pin->syscall == call->number) {
		if (pin->key.ino != ret_object->key.ino)
			ret_object->exe = NULL;
		ret_object->key = pin->key;
		ret_object->kind = pin->kind;
	}
	if (pin)
		bpf_map_delete_elem(&inflight, &key);
	return ret_object->kind == WEIR_KIND_MEMORY;
}

/* Whose memory it was is not known, so neither is what it held. */
static __noinline int memory_note_gap(struct call *call)
{
	struct object object = {.key = {.ino = call->number, .dev = WEIR_DEV_GAP}};
	struct transfer transfer = {.direction = WEIR_OUT, .labels = call->app->labels};

	flow_add(call->app, &object, &transfer);
	return 0;
}

static __noinline int memory_exit(struct call *call, long result)
{
	bool is_done = result > 0 || (!result && call->rule->form == WEIR_FORM_PTRACE);
	struct memory_move move = {};
	struct object object = {};
	struct task_struct *other;

	memory_read_move(call, result, &move);
	if (!move.direction)
		return 0;
	other = (void *)proc_find_task(call_arg(call, call->rule->fd_arg));
	if (other)
		object_set_memory(other, &object);
	if (!memory_take_pin(call, &object))
		return is_done ? memory_note_gap(call) : 0;
	if (!is_done)
		return 0;
	return flow_memory(call->app, &object, move.bytes, move.direction, move.is_estimated);
}

/* A read or a write of /proc/PID/mem, one buffer or several. */
static __noinline int memory_exit_file(struct call *call, long result)
{
	__u32 direction = call->rule->call == WEIR_CALL_READ ? WEIR_IN : WEIR_OUT;
	struct file *file = object_file_of_fd(call_arg(call, 0));
	struct object object = {};

	if (file)
		object_resolve(file, direction, &object);
	if (!memory_take_pin(call, &object) || result <= 0)
		return 0;
	return flow_memory(call->app, &object, result, direction, false);
}

#endif
