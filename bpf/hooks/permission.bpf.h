/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_PERMISSION_BPF_H
#define WEIR_HOOKS_PERMISSION_BPF_H

/*
 * Where security modules are asked, the file itself is there, and what the kernel asks about it
 * then operates on: whatever another thread has put behind the descriptor since the call began.
 * Attached only where the kernel calls such programs; nothing is ever refused here.
 */

#include "transfer.bpf.h"

/* include/linux/fs.h */
#define MAY_WRITE 0x2
#define MAY_READ 0x4

static __always_inline bool permission_is_open(struct call *call)
{
	if (!call_is_gate_open(call))
		return false;
	if (!call->gate->unsettled_objects && app_is_known_closed(call->gate))
		return false;
	return call_is_threaded();
}

/* What the entry of the running call has left for this direction. A file system on top of another
 * one asks again, about files that nobody has a descriptor of: the first answer stays. */
static __always_inline struct inflight *permission_find_pin(struct call *call, __u32 direction)
{
	__u64 key = call_pin_key(0);
	struct inflight *pin = bpf_map_lookup_elem(&inflight, &key);

	if (!pin)
		return NULL;
	if (!call_set_rule(call, pin->syscall))
		return NULL;
	if (call->rule->call == WEIR_CALL_COPY || call->rule->call == WEIR_CALL_IOCTL) {
		key = call_pin_key(direction == WEIR_OUT);
		pin = bpf_map_lookup_elem(&inflight, &key);
	} else if (call->rule->call != (direction == WEIR_OUT ? WEIR_CALL_WRITE : WEIR_CALL_READ)) {
		return NULL;
	}
	return pin && !pin->is_final ? pin : NULL;
}

static __noinline int permission_pin(struct file *file, __u32 direction)
{
	struct object object = {};
	struct call call = {};
	struct inflight *pin;

	if (!permission_is_open(&call))
		return 0;
	pin = permission_find_pin(&call, direction);
	if (!pin)
		return 0;
	call.app = app_get_current();
	call.task = (struct task_struct *)bpf_get_current_task();
	if (!call.app)
		return 0;
	object_resolve(file, direction, &object);
	pin->key = object.key;
	pin->kind = object.kind;
	pin->is_final = 1;
	if (object.kind == WEIR_KIND_NONE)
		return 0;
	if (direction == WEIR_OUT)
		transfer_label_object(call.app, &object);
	else if (call.rule->call != WEIR_CALL_READ)
		transfer_label_copier(&call, &object);
	return 0;
}

/* Calls for sockets alone go past permission_pin() of a file. */
static __always_inline int permission_pin_socket(struct socket *socket, __u32 direction)
{
	struct file *file = BPF_CORE_READ(socket, file);

	return file ? permission_pin(file, direction) : 0; /* the kernel's own have none */
}

/* A descriptor comes to the running task, from whomever and by whatever call. */
static __always_inline int permission_receive(struct file *file)
{
	struct weir_state *gate = state_get();
	struct object object = {};
	struct weir_app *app;

	if (!gate || label_is_idle(gate))
		return 0;
	object_resolve(file, WEIR_IN, &object);
	if (object.kind == WEIR_KIND_NONE)
		return 0;
	app = app_get_current();
	if (!app)
		return 0;
	/* In which folder it lies was looked at at its opening; moved since, it waits for a
	 * walk. */
	if ((object.kind == WEIR_KIND_MEMORY && object.key.ino != app->id) ||
	    bpf_map_lookup_elem(&objects, &object.key))
		app_open(app);
	return 0;
}

#endif
