/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_PROCESS_BPF_H
#define WEIR_HOOKS_PROCESS_BPF_H

/* Fork, exec, exit: who belongs to which app. */

#include "../call.bpf.h"

/* Not static: verified once, see name_hash(). */
__noinline int process_forget_mappings(__u64 id)
{
	struct weir_mapping_page_key key = {.app_id = id};
	int i;

	bpf_map_delete_elem(&app_mappings, &id);
	for (i = 0; i < WEIR_MAPPING_PAGES; i++) {
		key.page = i;
		if (bpf_map_delete_elem(&mapping_pages, &key))
			break;
	}
	return 0;
}

static __always_inline void process_end_app(struct weir_app *app)
{
	__u64 id = app->id;

	if (!app->is_open) {
		if (app->has_mappings)
			process_forget_mappings(id);
		bpf_map_delete_elem(&apps, &id);
		return;
	}
	app->ended_ns = bpf_ktime_get_boot_ns();
	if (!bpf_map_delete_elem(&open_apps, &id))
		app_count_open(id, -1);
	edge_ring_app(WEIR_EDGE_APP_END, id, 0);
}

/* Takes a process out of its app. Deleting its entry succeeds once, whoever else tries. */
static __always_inline void process_leave(__u32 tgid)
{
	struct weir_app *app = app_get_of_tgid(tgid);

	if (bpf_map_delete_elem(&processes, &tgid) || !app)
		return;
	__sync_fetch_and_add(&app->processes, -1);
	if (!app->processes)
		process_end_app(app);
}

static __noinline int process_fork(struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = BPF_CORE_READ(child, tgid);
	struct weir_app *app;

	if (tgid != (__u32)BPF_CORE_READ(child, pid))
		return 0; /* a thread */
	process_leave(tgid);
	app = app_adopt(parent);
	if (app)
		app_join(app, tgid);
	return 0;
}

/*
 * Arguments are data that the old app hands to the new one. Short ones pass only
 * where data came from; what can hold records passes everything.
 */
static __noinline int process_pass_arguments(struct weir_app *from, struct weir_app *to,
					     struct task_struct *task)
{
	struct weir_state *gate = state_get();
	__u64 bytes = BPF_CORE_READ(task, mm, arg_end) - BPF_CORE_READ(task, mm, arg_start);
	__u64 labels;

	if (!gate || !from || !to || from->is_hub || to->is_hub)
		return 0;
	labels = from->labels & gate->origin_labels;
	if (gate->arguments_min_bytes && bytes >= gate->arguments_min_bytes)
		labels = from->labels;
	if (!labels)
		return 0;
	label_app(to, labels, from->hops + 1, task);
	flow_pass(from, to, bytes, labels, true);
	return 0;
}

static __noinline int process_exec(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct weir_app *old = app_get_of_tgid(tgid), *app;
	__u64 parent_id = 0;
	bool is_open = false;

	if (old) {
		if (app_is_continued(old, task))
			return 0;
		parent_id = old->id;
		is_open = old->is_open;
		process_leave(tgid);
	}
	app = app_make(task, parent_id);
	/* Descriptors survive exec, and labelled objects may be behind them. */
	if (app && is_open)
		app_open(app);
	if (app && old && old->labels)
		process_pass_arguments(old, app, task);
	return 0;
}

/* The last thread of those that are killed sees nobody else any more, and leaves its pin. */
static __always_inline void process_forget_calls(void)
{
	__u32 slot;

	for (slot = 0; slot <= CALL_SLOT_NOTE; slot++) {
		__u64 key = call_pin_key(slot);

		bpf_map_delete_elem(&inflight, &key);
	}
}

static __noinline int process_exit(struct task_struct *task)
{
	process_forget_calls();
	/* The last thread: do_exit() has counted it out before the tracepoint. kernel/exit.c */
	if (BPF_CORE_READ(task, signal, live.counter) == 0)
		process_leave(BPF_CORE_READ(task, tgid));
	return 0;
}

#endif
