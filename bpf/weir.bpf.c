// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs. Handlers exist once and are entered two ways: as tp_btf, or as
 * perf tracepoints where those lose calls (7.x); the loader picks.
 * Each is reached through its slot, so that another build can take its place.
 */

#include "kernel.h"

#include "hooks/capture.bpf.h"
#include "hooks/connect.bpf.h"
#include "hooks/console.bpf.h"
#include "hooks/mapping.bpf.h"
#include "hooks/memory.bpf.h"
#include "hooks/naming.bpf.h"
#include "hooks/open.bpf.h"
#include "hooks/path.bpf.h"
#include "hooks/permission.bpf.h"
#include "hooks/process.bpf.h"
#include "hooks/question.bpf.h"
#include "hooks/tls.bpf.h"
#include "hooks/transfer.bpf.h"
#include "hooks/unfollowed.bpf.h"
#include "hooks/uring.bpf.h"
#include "hooks/walk.bpf.h"
#include "slot.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* Whether the caller is labelled does not matter: the other process may be. */
static __always_inline bool weir_begin_memory(struct call *call)
{
	if (!call_is_gate_open(call))
		return false;
	call->app = app_get_current();
	call->task = (struct task_struct *)bpf_get_current_task();
	return call->app;
}

/* Whether something is to be looked at at entry, and again at exit. */
static __always_inline bool weir_is_move(struct call *call)
{
	switch (call->rule->call) {
	case WEIR_CALL_READ:
	case WEIR_CALL_WRITE:
	case WEIR_CALL_COPY:
	case WEIR_CALL_VMSPLICE:
		return true;
	case WEIR_CALL_IOCTL:
		return clone_is_asked(call);
	}
	return false;
}

static __always_inline int weir_enter(struct pt_regs *regs, long number)
{
	const struct weir_syscall *rule;
	struct call call = {.regs = regs};

	if (!call_find_rule(&call, number))
		return 0;
	rule = call.rule;
	if (rule->call == WEIR_CALL_MEMORY)
		return weir_begin_memory(&call) ? memory_enter(&call) : 0;
	if (rule->call == WEIR_CALL_IOCTL && (__u32)call_arg(&call, 1) == CONSOLE_ASK)
		console_ask(call_arg(&call, 0), call_arg(&call, 2));
	if (!weir_is_move(&call))
		return 0;
	if (!call_is_gate_open(&call))
		return 0;
	/* Of a read only what can be swapped meanwhile matters at entry. */
	if (rule->call == WEIR_CALL_READ && !call_must_pin(&call))
		return 0;
	if (!call_pass_gate(&call))
		return 0;
	/* What others wrote to shared memory may be what is written now. */
	if (call.app->has_mappings && rule->call != WEIR_CALL_READ)
		mapping_update(call.app->id);
	switch (rule->call) {
	case WEIR_CALL_READ:
		transfer_pin_in(&call, call_arg(&call, 0), 0, false);
		break;
	case WEIR_CALL_VMSPLICE:
		transfer_enter_vmsplice(&call);
		break;
	case WEIR_CALL_WRITE:
		if (call.gate->candidate_rules)
			naming_enter(&call);
		transfer_label_out(&call, call_arg(&call, 0), 0);
		break;
	case WEIR_CALL_IOCTL:
		clone_note_bytes(&call);
		__attribute__((fallthrough));
	case WEIR_CALL_COPY:
		transfer_pin_in(&call, clone_find_source(&call), 0, true);
		transfer_label_out(&call, call_arg(&call, rule->fd2_arg), 1);
		break;
	}
	return 0;
}

/* Also while nothing is labelled: what is sent to the name may be, later. */
static __always_inline void weir_exit_bind(struct call *call)
{
	struct file *file = object_file_of_fd(call_arg(call, 0));
	struct sock *sock = file ? object_sock_of_file(file) : NULL;

	if (sock && endpoint_is_named(sock))
		endpoint_remember((struct task_struct *)bpf_get_current_task(), sock, true);
	if (!sock || !port_is_labelled(file))
		return;
	call->app = app_get_current();
	if (call->app)
		app_open(call->app);
}

/* Also of an app that holds nothing labelled yet: later there is no call to look at. */
static __always_inline void weir_exit_mapping(struct call *call, long result)
{
	if ((result < 0 && result > -4096) || !mapping_is_lasting(call))
		return;
	call->app = app_get_current();
	if (!call->app || call->app->is_hub)
		return;
	if (call->rule->call == WEIR_CALL_MMAP)
		mapping_exit(call);
	else if (call->rule->call == WEIR_CALL_ATTACH)
		mapping_attach(call->app->id, call->number);
	else if (call->app->has_mappings)
		mapping_make_writable(call->app->id);
}

static __always_inline void weir_exit_transfer(struct call *call, long result)
{
	if (!call_pass_gate(call)) {
		if (call->rule->call == WEIR_CALL_READ)
			transfer_watch_passed(call, result);
		return;
	}
	switch (call->rule->call) {
	case WEIR_CALL_VMSPLICE:
		if (!transfer_is_emptying(call))
			goto written; /* what it does in a variable: one more than the stack has */
		__attribute__((fallthrough));
	case WEIR_CALL_READ:
		transfer_exit_read(call, result);
		wayland_note_passed(call, result);
		if (call->app->is_hub && result > 0)
			wayland_relay_in(call_arg(call, 0));
		if (call->is_terminal && result > 0 && call->gate->volatile_objects)
			terminal_take(call_arg(call, 0), result);
		break;
	case WEIR_CALL_WRITE:
written:
		transfer_exit_write(call, result);
		if (call->app->is_hub && result > 0)
			wayland_relay_count(call_arg(call, 0), result);
		if (call->is_terminal && call->app->labels)
			terminal_given(call_arg(call, 0), call_arg(call, 1), call_arg(call, 2),
				       call_buffers_how(call), result > 0 ? result : 0);
		if (call->unix_sock && clipboard_may_pass(call) &&
		    !clipboard_exit_call(call, result > 0 ? result : 0) && result > 0)
			capture_exit_call(call, result);
		if (host_is_awaited(call->flow))
			host_note(call, result);
		if (call->text)
			record_written(call->stream, call->text, call->text_bytes, RECORD_TEXT,
				       call->text_bytes);
		else if (call->stream)
			record_written(call->stream, call_arg(call, 1), call_arg(call, 2),
				       call_buffers_how(call), result);
		if (question_is_asked(call->flow))
			question_note(call, result);
		break;
	case WEIR_CALL_IOCTL:
		result = clone_take_bytes(call, result);
		__attribute__((fallthrough));
	case WEIR_CALL_COPY:
		transfer_exit_copy(call, result);
		break;
	case WEIR_CALL_MMAP:
		transfer_exit_mmap(call, result);
		break;
	case WEIR_CALL_GAP:
		unfollowed_note(call);
		break;
	}
	if (call->is_memory)
		memory_exit_file(call, result);
	if (call->app->has_mappings)
		mapping_update(call->app->id);
}

static __always_inline int weir_exit(struct pt_regs *regs, long number, long result)
{
	struct call call = {.regs = regs};
	__u32 half_bits;

	if (!call_find_rule(&call, number)) {
		call_count_unknown(number, result);
		return 0;
	}
	/* On arm64, 32-bit results fill half of the register. */
	half_bits = call.whole->is_compat * 32;
	result = result << half_bits >> half_bits;
	switch (call.rule->call) {
	case WEIR_CALL_CONNECT:
		if (label_may_have_peer(result))
			connect_exit(&call, result);
		return 0;
	case WEIR_CALL_ACCEPT:
		if (result >= 0)
			connect_exit(&call, result);
		return 0;
	case WEIR_CALL_WRITE:
		connect_exit_write(&call, result);
		break;
	case WEIR_CALL_BIND:
		if (result == 0)
			weir_exit_bind(&call);
		return 0;
	case WEIR_CALL_OPEN:
	case WEIR_CALL_TAKE_FD:
	case WEIR_CALL_FTRUNCATE:
		open_exit(&call, result);
		return 0;
	case WEIR_CALL_MEMORY:
		if (weir_begin_memory(&call)) {
			memory_exit(&call, result);
			if (call.app->has_mappings)
				mapping_update(call.app->id);
		}
		return 0;
	case WEIR_CALL_MMAP:
	case WEIR_CALL_PROTECT:
	case WEIR_CALL_ATTACH:
		weir_exit_mapping(&call, result);
		break;
	case WEIR_CALL_TRUNCATE:
	case WEIR_CALL_UNLINK:
	case WEIR_CALL_RENAME:
		if (result == 0)
			path_exit_call(&call);
		return 0;
	case WEIR_CALL_IOCTL:
		if (!clone_is_asked(&call))
			return 0;
		break;
	}
	weir_exit_transfer(&call, result);
	return 0;
}

HOOK(enter_btf, "tp_btf/sys_enter")
int enter_btf(__u64 *ctx)
{
	return weir_enter((struct pt_regs *)ctx[0], ctx[1]);
}

HOOK(exit_btf, "tp_btf/sys_exit")
int exit_btf(__u64 *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx[0];

	return weir_exit(regs, arch_call_number(regs), ctx[1]);
}

/* include/trace/events/syscalls.h */
struct perf_enter {
	__u64 header;
	long number;
	unsigned long args[6];
};

struct perf_exit {
	__u64 header;
	long number;
	long result;
};

/*
 * The registers of the running system call. 5.10 lacks bpf_task_pt_regs() of 5.15; there they
 * are at the top of the kernel stack, which newer kernels (6.18) do not keep to.
 */
static __always_inline struct pt_regs *current_regs(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return BPF_CORE_READ(task, stack) + ARCH_THREAD_SIZE - bpf_core_type_size(struct pt_regs);
}

HOOK(enter_perf, "tp/raw_syscalls/sys_enter")
int enter_perf(struct perf_enter *ctx)
{
	return weir_enter(current_regs(), ctx->number);
}

HOOK(exit_perf, "tp/raw_syscalls/sys_exit")
int exit_perf(struct perf_exit *ctx)
{
	return weir_exit(current_regs(), ctx->number, ctx->result);
}

HOOK(fork_btf, "tp_btf/sched_process_fork")
int fork_btf(__u64 *ctx)
{
	return process_fork((struct task_struct *)ctx[0], (struct task_struct *)ctx[1]);
}

/* Of the two tasks the event tells numbers only, those of the first namespace. */
HOOK(fork_perf, "tp/sched/sched_process_fork")
int fork_perf(struct trace_event_raw_sched_process_fork *ctx)
{
	struct task_struct *child = (struct task_struct *)proc_find_global(ctx->child_pid);

	if (child)
		process_fork((struct task_struct *)bpf_get_current_task(), child);
	return 0;
}

HOOK(exec_btf, "tp_btf/sched_process_exec")
int exec_btf(__u64 *ctx)
{
	return process_exec((struct task_struct *)ctx[0]);
}

HOOK(exec_perf, "tp/sched/sched_process_exec")
int exec_perf(void *ctx)
{
	return process_exec((struct task_struct *)bpf_get_current_task());
}

HOOK(exit_task_btf, "tp_btf/sched_process_exit")
int exit_task_btf(__u64 *ctx)
{
	return process_exit((struct task_struct *)ctx[0]);
}

HOOK(exit_task_perf, "tp/sched/sched_process_exit")
int exit_task_perf(void *ctx)
{
	return process_exit((struct task_struct *)bpf_get_current_task());
}

/* Loaded only where the kernel asks them; what they return is the answer that all is allowed. */
HOOK(lsm_permission, "lsm/file_permission")
int lsm_permission(__u64 *ctx)
{
	struct file *file = (struct file *)ctx[0];
	int mask = ctx[1];

	if (mask & MAY_READ)
		permission_pin(file, WEIR_IN);
	if (mask & MAY_WRITE)
		permission_pin(file, WEIR_OUT);
	return 0;
}

HOOK(lsm_sendmsg, "lsm/socket_sendmsg")
int lsm_sendmsg(__u64 *ctx)
{
	return permission_pin_socket((struct socket *)ctx[0], WEIR_OUT);
}

HOOK(lsm_recvmsg, "lsm/socket_recvmsg")
int lsm_recvmsg(__u64 *ctx)
{
	return permission_pin_socket((struct socket *)ctx[0], WEIR_IN);
}

HOOK(lsm_receive, "lsm/file_receive")
int lsm_receive(__u64 *ctx)
{
	return permission_receive((struct file *)ctx[0]);
}
