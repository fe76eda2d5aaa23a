/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_MAPPING_BPF_H
#define WEIR_HOOKS_MAPPING_BPF_H

/*
 * Shared mappings of files, memfds among them. What is moved through them is moved by no call,
 * so they are remembered for each app. When any label changed since an app was last looked at,
 * its next call hands labels over: before a write from what it maps to the app, after a call that
 * may have labelled the app to what it maps. Two apps that pass data on by mappings alone,
 * without a call in between, are followed to the first.
 *
 * Functions that take numbers are not static: they are verified once, see name_hash().
 */

#include "../call.bpf.h"

#define MAPPING_CAN_WRITE 1
#define MAPPING_MAY_WRITE 2 /* after an mprotect() */

static __always_inline struct mappings *mapping_make_list(__u64 id)
{
	struct mappings *known = bpf_map_lookup_elem(&mappings, &id);
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);
	struct weir_state *gate = state_get();

	if (!known) {
		bpf_map_update_elem(&mappings, &id, &empty_mappings, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&mappings, &id);
	}
	if (app && known)
		app->has_mappings = 1;
	else if (gate)
		COUNT(gate->losses.mappings_full);
	return known;
}

static __noinline int mapping_remember(struct call *call, const struct object *object, __u64 bytes,
				       __u32 access)
{
	struct mappings *known = mapping_make_list(call->app->id);
	struct weir_state *gate = state_get();
	struct mapping *one;
	int i;

	if (!known || !gate)
		return 0;
	for (i = 0; i < MAPPINGS_MAX; i++) {
		one = &known->list[i];
		if (one->key.ino != object->key.ino || one->key.dev != object->key.dev ||
		    one->key.generation != object->key.generation)
			continue;
		one->access |= access;
		known->seen_changes = 0;
		return 0;
	}
	/* No room: the oldest goes, which may be unmapped by now. */
	one = &known->list[known->next % MAPPINGS_MAX];
	if (one->key.ino) {
		if (known->next == MAPPINGS_MAX)
			COUNT(gate->losses.mappings_full);
		known->gap_calls[0] = call->number;
	}
	one->key = object->key;
	one->bytes = bytes;
	one->basename = name_hash(label_name_of_file(object->file));
	one->access = access;
	known->next++;
	known->seen_changes = 0;
	return 0;
}

static __always_inline bool mapping_is_lasting(struct call *call)
{
	switch (call->rule->call) {
	case WEIR_CALL_MMAP:
		return call_arg(call, 3) & MAP_SHARED;
	case WEIR_CALL_PROTECT:
		return call_arg(call, 2) & PROT_WRITE;
	}
	return true;
}

static __noinline int mapping_exit(struct call *call)
{
	struct file *file = object_file_of_fd(call_arg(call, 4));
	__u64 bytes = call_arg(call, 1), size;
	struct object object = {};
	__u32 access = 0;

	if (!file)
		return 0;
	object_resolve(file, WEIR_IN, &object);
	if (object.kind != WEIR_KIND_FILE)
		return 0;
	size = BPF_CORE_READ(file, f_inode, i_size);
	if (BPF_CORE_READ(file, f_mode) & FMODE_WRITE)
		access = MAPPING_MAY_WRITE;
	if (call_arg(call, 2) & PROT_WRITE)
		access |= MAPPING_CAN_WRITE;
	return mapping_remember(call, &object, bytes < size ? bytes : size, access);
}

/* System V shared memory: not followed. */
__noinline int mapping_attach(__u64 id, __u32 number)
{
	struct mappings *known = mapping_make_list(id);

	if (!known)
		return 0;
	known->gap_calls[1] = number;
	known->seen_changes = 0;
	return 0;
}

/* Which mapping it was about is not looked for. */
__noinline int mapping_make_writable(__u64 id)
{
	struct mappings *known = bpf_map_lookup_elem(&mappings, &id);
	int i;

	if (!known)
		return 0;
	for (i = 0; i < MAPPINGS_MAX; i++) {
		if (known->list[i].access != MAPPING_MAY_WRITE)
			continue;
		known->list[i].access |= MAPPING_CAN_WRITE;
		known->seen_changes = 0;
	}
	return 0;
}

/* What the mapped file holds is the app's. */
__noinline int mapping_pull(__u64 id, __u32 slot)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mappings *known = bpf_map_lookup_elem(&mappings, &id);
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);
	struct transfer transfer = {.direction = WEIR_IN, .is_estimated = true};
	struct object object = {.kind = WEIR_KIND_FILE};
	struct weir_object *held;

	if (!known || !app || slot >= MAPPINGS_MAX)
		return 0;
	object.key = known->list[slot].key;
	held = bpf_map_lookup_elem(&objects, &object.key);
	if (!held || !(held->labels & ~app->labels))
		return 0;
	transfer.bytes = known->list[slot].bytes;
	transfer.labels = held->labels;
	transfer.hops = held->hops;
	label_app(app, held->labels, held->hops + 1, task);
	if (held->labels & ~app->labels)
		return 0; /* came too far */
	flow_add(app, &object, &transfer);
	return 0;
}

/* What the app holds may be in the mapped file. */
__noinline int mapping_push(__u64 id, __u32 slot)
{
	struct mappings *known = bpf_map_lookup_elem(&mappings, &id);
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);
	struct transfer transfer = {.direction = WEIR_OUT, .is_estimated = true};
	struct object object = {.kind = WEIR_KIND_FILE};
	struct weir_object *held;

	if (!known || !app || slot >= MAPPINGS_MAX ||
	    !(known->list[slot].access & MAPPING_CAN_WRITE))
		return 0;
	object.key = known->list[slot].key;
	held = bpf_map_lookup_elem(&objects, &object.key);
	if (held && (held->is_crm || !(app->labels & ~held->labels)))
		return 0;
	if (!held) {
		held = label_make_object(&object, app->labels, app->hops + 1);
		name_remember_hash(known->list[slot].basename);
	}
	if (!held)
		return 0;
	held->labels |= app->labels;
	label_count_change();
	label_mark_volatile(&object.key);
	transfer.bytes = known->list[slot].bytes;
	transfer.labels = app->labels;
	transfer.hops = app->hops;
	flow_add(app, &object, &transfer);
	return 0;
}

/* Said once, and again when more is lost. */
static __always_inline void mapping_note_gap(struct mappings *known, __u64 id, __u32 which)
{
	__u32 call = known->gap_calls[which];

	if (!call)
		return;
	known->gap_calls[which] = 0;
	flow_note_gap(id, call);
}

/* Hands labels over between the running app and what it has mapped. */
__noinline int mapping_update(__u64 id)
{
	struct mappings *known = bpf_map_lookup_elem(&mappings, &id);
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);
	struct weir_state *gate = state_get();
	__u32 i, used;

	if (!known || !app || !gate || known->seen_changes == gate->label_changes)
		return 0;
	known->seen_changes = gate->label_changes;
	used = known->next;
	for (i = 0; i < MAPPINGS_MAX && i < used; i++)
		mapping_pull(id, i);
	if (!app->labels || app->is_hub)
		return 0;
	for (i = 0; i < MAPPINGS_MAX && i < used; i++)
		mapping_push(id, i);
	mapping_note_gap(known, id, 0);
	mapping_note_gap(known, id, 1);
	return 0;
}

/* Whether the app maps something labelled that it has not taken the label of. */
__noinline int mapping_is_labelled(__u64 id)
{
	struct mappings *known = bpf_map_lookup_elem(&mappings, &id);
	int i;

	if (!known)
		return false;
	for (i = 0; i < MAPPINGS_MAX; i++) {
		struct weir_object_key key = known->list[i].key;

		if (key.ino && bpf_map_lookup_elem(&objects, &key))
			return true;
	}
	return false;
}

#endif
