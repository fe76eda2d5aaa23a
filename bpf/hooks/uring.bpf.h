/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_URING_BPF_H
#define WEIR_HOOKS_URING_BPF_H

/*
 * io_uring: what is asked for in a ring is moved by no system call. Outbound labels are set when a
 * request is submitted, inbound labels and all counts when it completes, whoever runs it then: the
 * app is that of the task which the request belongs to. A polling kernel thread and the workers
 * are threads of that process (5.12), and share its descriptors.
 *
 * Where the kernel tells which request completed (6.1) all is read from it: the file is the one
 * that was used, whatever was put behind its descriptor meanwhile. Completions that come without
 * their request are found by ring and user_data: all in 5.10, those before the last of a request
 * that completes more than once.
 *
 * A descriptor that MSG_RING passes on, or that comes with a ring, is in the table of a ring and of
 * no process. A request that uses such a table is looked at also when its app is closed.
 */

#include "../slot.bpf.h"
#include "../uring_pending.bpf.h"
#include "uring_transfer.bpf.h"

static __always_inline bool uring_is_transfer(const struct weir_syscall *rule)
{
	return rule->call == WEIR_CALL_READ || rule->call == WEIR_CALL_WRITE ||
	       rule->call == WEIR_CALL_COPY || rule->call == WEIR_CALL_GAP;
}

/* Gate 1. Of a request that moves data; the others are few. */
static __noinline struct weir_app *uring_pass_gate(struct io_kiocb *request)
{
	struct weir_state *gate = state_get();
	struct task_struct *task;
	struct weir_app *app;
	bool is_fixed;

	if (!gate || label_is_idle(gate))
		return NULL;
	is_fixed = uring_uses_table(request);
	if (!is_fixed && !gate->hot && !gate->unsettled_objects)
		return NULL;
	task = uring_task(request);
	app = app_get_of_tgid(BPF_CORE_READ(task, tgid));
	if (!app)
		return uring_adopt(task);
	return is_fixed || gate->unsettled_objects || app->is_open ? app : NULL;
}

/* Nothing will tell how much it was, unless that it failed; of one that completes often, only the
 * last time is untold. */
static __always_inline int uring_add_unseen(struct weir_app *app, struct io_kiocb *request)
{
	__u64 bytes = 0;

	if (!uring_completes_often(request, uring_rule(request)))
		bytes = uring_wanted_bytes(request);
	if (!bytes && uring_flags(request) & URING_BUFFER_SELECT)
		return uring_note_gap(app, BPF_CORE_READ(request, opcode));
	return uring_add(app, request, bytes, true);
}

static __noinline int uring_submit_transfer(struct weir_app *app, struct io_kiocb *request)
{
	const struct weir_syscall *rule = uring_rule(request);
	struct file *file = uring_file(request), *file_in = NULL;
	__u32 flags = uring_flags(request);

	if (rule->call == WEIR_CALL_GAP)
		return uring_note_gap(app, BPF_CORE_READ(request, opcode));
	if (rule->call == WEIR_CALL_COPY)
		file_in = uring_splice_file(request);
	else if (rule->call == WEIR_CALL_READ && flags & (URING_LINK | URING_CQE_SKIP))
		file_in = file;
	if (file_in && uring_uses_table(request))
		uring_watch_fixed(app->id, (__u64)file_in);
	if (file_in)
		uring_label_in(app->id, (__u64)file_in);
	if (app->has_mappings && rule->call != WEIR_CALL_READ)
		mapping_update(app->id);
	if (uring_has_destination(rule)) {
		uring_remember_destination(request);
		uring_label_port(app->id, uring_number(request));
		uring_label_named(app->id, uring_number(request));
	}
	if (file && rule->call != WEIR_CALL_READ)
		uring_label_out(app->id, (__u64)file);
	return flags & URING_CQE_SKIP ? uring_add_unseen(app, request) : 0;
}

static __always_inline int uring_submit(struct io_kiocb *request)
{
	const struct weir_syscall *rule = uring_rule(request);
	struct weir_app *app;

	if (rule->call == WEIR_CALL_NONE)
		return 0;
	if (uring_is_pending(request, rule))
		uring_remember(request);
	if (!uring_is_transfer(rule))
		return 0;
	if (uring_has_destination(rule))
		uring_watch_destination(request);
	app = uring_pass_gate(request);
	return app ? uring_submit_transfer(app, request) : 0;
}

/* A descriptor came into being for the running process; into a ring's table they come unseen. */
static __noinline int uring_watch_fd(struct io_kiocb *request, int fd, __u32 call)
{
	struct weir_state *gate = state_get();
	struct file *file = object_file_of_fd(fd);
	struct weir_app *app;

	if (!gate || !file)
		return 0;
	if (call != WEIR_CALL_ACCEPT && (label_is_idle(gate) || !label_may_matter(file, gate)))
		return 0;
	app = app_get_current();
	if (!app)
		return 0;
	if (call != WEIR_CALL_ACCEPT)
		return label_watch_file(app, file,
					call == WEIR_CALL_OPEN && uring_is_truncating(request));
	label_watch_socket(app->id, (__u64)file, true);
	if (gate->volatile_objects)
		app_open(app);
	return 0;
}

static __noinline int uring_connected(struct io_kiocb *request)
{
	struct file *file = uring_file(request);
	struct weir_app *app = uring_app(request);

	return app && file ? label_watch_socket(app->id, (__u64)file, true) : 0;
}

static __noinline int uring_complete_request(struct io_kiocb *request, int result,
					     bool is_estimated, bool is_last)
{
	const struct weir_syscall *rule = uring_rule(request);
	struct weir_app *app;

	switch (rule->call) {
	case WEIR_CALL_READ:
		if (rule->form == WEIR_FORM_MSGHDR)
			uring_watch_passed(request);
		/* fall through */
	case WEIR_CALL_WRITE:
	case WEIR_CALL_COPY:
		app = uring_pass_gate(request);
		if (app && result > 0)
			uring_add(app, request, result, is_estimated);
		if (app && is_last && uring_has_destination(rule))
			uring_forget_destination(request);
		return 0;
	case WEIR_CALL_CONNECT:
		return label_may_have_peer(result) ? uring_connected(request) : 0;
	case WEIR_CALL_OPEN:
	case WEIR_CALL_ACCEPT:
	case WEIR_CALL_TAKE_FD:
		return result >= 0 && uring_is_own_fd(request, rule)
			       ? uring_watch_fd(request, result, rule->call)
			       : 0;
	}
	return 0;
}

/* Of whichever it was, its labels are set, and that it may have been any of them is said. */
static __noinline int uring_label_pending(struct uring_told *told, struct io_kiocb *first)
{
	struct uring_pending *known = bpf_map_lookup_elem(&uring_pending, &told->key);
	struct weir_state *gate = state_get();
	struct weir_app *app;

	if (!known || !gate || label_is_idle(gate))
		return 0;
	app = uring_app(first);
	if (!app)
		return 0;
	for (int i = 0; i < URING_ALIKE; i++)
		if (known->requests[i])
			uring_label_both(app->id, known->requests[i]);
	return told->is_alike ? uring_note_gap(app, BPF_CORE_READ(first, opcode)) : 0;
}

static __always_inline int uring_complete(struct io_ring_ctx *ring, struct io_kiocb *request,
					  __u64 user_data, int result, __u32 flags)
{
	struct uring_told told = {.result = result, .flags = flags};
	bool is_last = request || !(flags & URING_CQE_MORE);

	if (!request || uring_is_pending(request, uring_rule(request)))
		told.key = uring_key(ring, user_data);
	if (!request)
		request = uring_recall(&told);
	else if (told.key)
		uring_forget(&told, uring_number(request));
	if (!request)
		return 0;
	if (told.is_alike || told.is_empty)
		uring_label_pending(&told, request);
	return uring_complete_request(request, told.result, told.is_estimated, is_last);
}

/* The ring of completions is full and the kernel keeps this one aside, which is all that it tells
 * of it from 6.2 on, and in later 6.1.y: not whose it was. */
static __always_inline int uring_overflow(int result)
{
	struct weir_state *gate = state_get();
	struct weir_app *app;

	if (result <= 0 || !gate || !gate->hot)
		return 0;
	app = app_get_current_open(gate);
	return app ? uring_note_gap(app, URING_OVERFLOW) : 0;
}

/* Kept apart: a load at an address that was chosen before is refused. */
#define KEEP_LOAD() asm volatile("" ::: "memory")

HOOK(uring_submit_btf, "tp_btf/io_uring_submit_req")
int uring_submit_btf(__u64 *ctx)
{
	struct io_kiocb *request;

	if (uring_submit_form == 1) {
		request = (struct io_kiocb *)ctx[1];
		KEEP_LOAD();
	} else {
		request = (struct io_kiocb *)ctx[0];
	}
	return uring_submit(request);
}

/* 5.10: ring, user_data, result, flags. 6.1: ring, request, user_data, result, flags, two more.
 * 6.12: ring, request, completion. */
HOOK(uring_complete_btf, "tp_btf/io_uring_complete")
int uring_complete_btf(__u64 *ctx)
{
	struct io_ring_ctx *ring = (struct io_ring_ctx *)ctx[0];
	struct io_uring_cqe *completion;

	if (uring_complete_form == 4) {
		__u64 user_data = ctx[1];
		int result = ctx[2];
		__u32 flags = ctx[3];

		KEEP_LOAD();
		return uring_complete(ring, NULL, user_data, result, flags);
	}
	if (uring_complete_form == 7) {
		__u64 request = ctx[1], user_data = ctx[2];
		int result = ctx[3];
		__u32 flags = ctx[4];

		KEEP_LOAD();
		return uring_complete(ring, (struct io_kiocb *)request, user_data, result, flags);
	}
	completion = (struct io_uring_cqe *)ctx[2];
	return uring_complete(ring, (struct io_kiocb *)ctx[1], BPF_CORE_READ(completion, user_data),
			      BPF_CORE_READ(completion, res), BPF_CORE_READ(completion, flags));
}

HOOK(uring_overflow_btf, "tp_btf/io_uring_cqe_overflow")
int uring_overflow_btf(__u64 *ctx)
{
	return uring_overflow((int)ctx[2]);
}

HOOK(uring_submit_perf, "tp/io_uring/io_uring_submit_req")
int uring_submit_perf(void *ctx)
{
	struct trace_event_raw_io_uring_submit_req *event = ctx;
	struct trace_event_raw_io_uring_submit_sqe *old = ctx;

	if (bpf_core_type_exists(struct trace_event_raw_io_uring_submit_req))
		return uring_submit(event->req);
	return uring_submit(old->req);
}

HOOK(uring_complete_perf, "tp/io_uring/io_uring_complete")
int uring_complete_perf(struct trace_event_raw_io_uring_complete *event)
{
	struct io_kiocb *request = NULL;

	if (bpf_core_field_exists(event->req)) /* 5.19 */
		request = event->req;
	return uring_complete(event->ctx, request, event->user_data, event->res, event->cflags);
}

HOOK(uring_overflow_perf, "tp/io_uring/io_uring_cqe_overflow")
int uring_overflow_perf(struct trace_event_raw_io_uring_cqe_overflow *event)
{
	return uring_overflow(event->res);
}

#endif
