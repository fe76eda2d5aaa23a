/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_URING_TRANSFER_BPF_H
#define WEIR_HOOKS_URING_TRANSFER_BPF_H

/*
 * What a request of io_uring moves: the labels that it carries, and what is counted of it.
 *
 * Functions that take numbers are not static: they are verified once, see name_hash().
 */

#include "../uring.bpf.h"
#include "mapping.bpf.h"
#include "transfer.bpf.h"
#include "uring_message.bpf.h"

__noinline int uring_label_out(__u64 app_id, __u64 file)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct object object = {};

	if (!app || !app->labels)
		return 0;
	object_resolve((struct file *)file, WEIR_OUT, &object);
	transfer_label_object(app, &object);
	return 0;
}

/* What is read may be written by a request that was submitted together with this one. */
__noinline int uring_label_in(__u64 app_id, __u64 file)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct object object = {};
	struct weir_object *known;

	if (!app)
		return 0;
	object_resolve((struct file *)file, WEIR_IN, &object);
	if (object.kind == WEIR_KIND_NONE || object.kind == WEIR_KIND_MEMORY)
		return 0;
	known = bpf_map_lookup_elem(&objects, &object.key);
	if (known)
		label_app(app, known->labels, known->hops + 1,
			  (struct task_struct *)bpf_get_current_task());
	return 0;
}

/* Of a request that may just have completed. */
__noinline int uring_label_both(__u64 app_id, __u64 address)
{
	struct io_kiocb *request = (struct io_kiocb *)address;
	struct file *file = uring_file(request);

	if (file && uring_rule(request)->call == WEIR_CALL_READ)
		return uring_label_in(app_id, (__u64)file);
	return file ? uring_label_out(app_id, (__u64)file) : 0;
}

/* A file that was put into a ring's table by nobody's open, and so was never looked at. */
__noinline int uring_watch_fixed(__u64 app_id, __u64 address)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct file *file = (struct file *)address;
	__u32 kind = object_kind_of_inode(object_inode_of_file(file));

	if (!app)
		return 0;
	if (kind == WEIR_KIND_INET)
		return label_watch_socket(app->id, (__u64)file, false);
	return label_watch_file(app, file, false);
}

/* Apart, as is uring_send_out(): up to 6.12 there is not enough stack for both ways in one. */
static __noinline int uring_receive_in(struct weir_app *app, const struct object *object,
				       __u64 bytes, bool is_estimated)
{
	flow_in(app, object, bytes, NULL, is_estimated);
	return 0;
}

__noinline int uring_add_in(__u64 app_id, __u64 file, __u64 bytes, __u32 is_estimated)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct object object = {};

	if (!app)
		return 0;
	object_resolve((struct file *)file, WEIR_IN, &object);
	if (object.kind == WEIR_KIND_MEMORY)
		return flow_memory(app, &object, bytes, WEIR_IN, is_estimated);
	if (object.kind != WEIR_KIND_NONE)
		return uring_receive_in(app, &object, bytes, is_estimated);
	return 0;
}

static __noinline int uring_send_out(struct weir_app *app, struct io_kiocb *request,
				     const struct object *object, __u64 bytes, bool is_estimated)
{
	struct weir_address peer = {};
	bool has_peer = uring_recall_destination(request, &peer);

	flow_out(app, object, bytes, has_peer ? &peer : NULL, is_estimated);
	return 0;
}

/* Apart, so that what it needs is off the stack again when the object is used. */
static __noinline int uring_resolve_out(struct file *file, struct object *ret_object)
{
	object_resolve(file, WEIR_OUT, ret_object);
	return 0;
}

__noinline int uring_add_out(__u64 app_id, __u64 address, __u64 bytes, __u32 is_estimated)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct io_kiocb *request = (struct io_kiocb *)address;
	struct object object = {};

	if (!app)
		return 0;
	uring_resolve_out(uring_file(request), &object);
	if (object.kind == WEIR_KIND_MEMORY)
		return flow_memory(app, &object, bytes, WEIR_OUT, is_estimated);
	if (uring_may_be_named(request, object.sock))
		bytes = uring_send_named(request, object.sock, bytes, false);
	if (bytes && transfer_is_lost(&object))
		return uring_note_gap(app, BPF_CORE_READ(request, opcode));
	if (!bytes || object.kind == WEIR_KIND_NONE)
		return 0;
	/* Once more: what it was linked to may have labelled the app since. */
	transfer_label_object(app, &object);
	return uring_send_out(app, request, &object, bytes, is_estimated);
}

static __noinline int uring_add(struct weir_app *app, struct io_kiocb *request, __u64 bytes,
				bool is_estimated)
{
	const struct weir_syscall *rule = uring_rule(request);
	struct file *file = uring_file(request), *file_in = file;

	if (!file)
		return 0;
	if (rule->call == WEIR_CALL_COPY)
		file_in = uring_splice_file(request);
	if (rule->call != WEIR_CALL_WRITE && file_in) {
		if (uring_uses_table(request))
			uring_watch_fixed(app->id, (__u64)file_in);
		uring_add_in(app->id, (__u64)file_in, bytes, is_estimated);
	}
	if (rule->call != WEIR_CALL_READ)
		uring_add_out(app->id, uring_number(request), bytes, is_estimated);
	if (app->has_mappings)
		mapping_update(app->id);
	return 0;
}

#endif
