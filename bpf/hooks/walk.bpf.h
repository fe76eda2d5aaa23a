/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_WALK_BPF_H
#define WEIR_HOOKS_WALK_BPF_H

/* What no event tells: who and what is there already, and what was missed. The agent has them run.
 */

#include "../endpoint.bpf.h"
#include "../screen.bpf.h"
#include "mapping.bpf.h"
#include "process.bpf.h"
#include "terminal.bpf.h"

/* Every process that exists already gets its app, and another one if an exec was missed. */
SEC("iter/task")
int walk_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct weir_object_key exe;
	struct weir_app *app;

	if (!task || BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid) ||
	    !BPF_CORE_READ(task, mm))
		return 0;
	app = app_adopt(task);
	app_read_exe(task, &exe);
	if (app && !app_is_same_exe(&app->exe, &exe))
		process_exec(task);
	return 0;
}

/* Every process that the table holds, and whose exit was missed, leaves its app. */
SEC("iter/bpf_map_elem")
int walk_processes(struct bpf_iter__bpf_map_elem *ctx)
{
	const __u32 *key = ctx->key;
	struct task_struct *task;
	__u32 tgid;

	if (!key)
		return 0;
	tgid = *key;
	task = (struct task_struct *)proc_find_global(tgid);
	if (!task || BPF_CORE_READ(task, signal, live.counter) == 0)
		process_leave(tgid);
	return 0;
}

/* The display server that a socket leads to, or 0. */
static __always_inline __u64 walk_server(struct task_struct *task, const struct weir_app *app,
					 const struct object *object)
{
	__u64 server = screen_server((__u64)object->sock);

	if (!server && app->is_hub)
		server = x11_server_of_manager((__u64)object->sock, BPF_CORE_READ(task, tgid));
	return server;
}

static __always_inline void walk_socket(struct weir_app *app, struct file *file)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &file); /* no pointer, to the verifier */
	label_watch_socket(app->id, number, false);
}

/*
 * Every open descriptor: finds sources that were opened before the sensor was
 * there, opens the gate of apps that hold labelled objects, and marks the objects
 * that still exist.
 */
SEC("iter/task_file")
int walk_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct weir_state *gate = state_get();
	struct object object = {};
	struct weir_object *known;
	struct weir_app *app;

	if (!task || !file || !gate)
		return 0;
	app = app_adopt(task);
	if (!app)
		return 0;
	if (app->has_mappings && !app->is_open && mapping_is_labelled(app->id))
		app_open(app);
	object_resolve(file, WEIR_IN, &object);
	if (object.kind == WEIR_KIND_NONE) {
		known = gate->volatile_objects ? terminal_get_known(file) : NULL;
		if (known) {
			known->seen_epoch = gate->epoch;
			app_open(app);
		}
		return 0;
	}
	if (object.family == AF_UNIX && object.sock && endpoint_is_named(object.sock))
		endpoint_remember(task, object.sock, false);
	if (object.family == AF_UNIX && gate->volatile_objects)
		screen_watch(app, walk_server(task, app, &object), gate);
	if (object.kind == WEIR_KIND_INET)
		walk_socket(app, file);
	else
		label_watch_file(app, file, false);
	known = bpf_map_lookup_elem(&objects, &object.key);
	if (known) {
		known->seen_epoch = gate->epoch;
		app_open(app);
		(void)inode_try_remember(&object);
	}
	return 0;
}

/* Every labelled file in memory: one that is gone leaves the tables. */
SEC("iter/bpf_map_elem")
int walk_inodes(struct bpf_iter__bpf_map_elem *ctx)
{
	const struct weir_object_key *at = ctx->key;
	const __u64 *address = ctx->value;
	struct weir_state *gate = state_get();
	struct weir_object_key key;
	struct weir_object *known;

	if (!at || !address || !gate)
		return 0;
	key = *at;
	if (inode_is_there(&key, *address))
		return 0;
	known = bpf_map_lookup_elem(&objects, &key);
	if (known && known->kind == WEIR_KIND_FILE && !bpf_map_delete_elem(&objects, &key))
		__sync_fetch_and_add(&gate->labelled_files, -1);
	bpf_map_delete_elem(&inodes, &key);
	return 0;
}

#endif
