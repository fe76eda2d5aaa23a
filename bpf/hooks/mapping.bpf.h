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
#define MAPPING_MAY_WRITE 2   /* after an mprotect() */
#define MAPPING_LEAST_BYTES 8 /* a smaller file is a flag, as dconf's, which all of GTK maps */

static __always_inline struct mapping_page *mapping_get_page(__u64 id, __u64 page)
{
	struct weir_mapping_page_key key = {.app_id = id, .page = page};

	return bpf_map_lookup_elem(&mapping_pages, &key);
}

/* NULL: it has not so many. */
static __always_inline struct mapping *mapping_get(__u64 id, __u32 slot)
{
	struct mapping_page *page = mapping_get_page(id, slot / MAPPINGS_OF_PAGE);

	return page ? &page->list[slot % MAPPINGS_OF_PAGE] : NULL;
}

static __always_inline struct mappings *mapping_make_list(__u64 id)
{
	struct mappings *known = bpf_map_lookup_elem(&app_mappings, &id);
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);
	struct weir_state *gate = state_get();

	if (!known) {
		bpf_map_update_elem(&app_mappings, &id, &empty_mappings, BPF_NOEXIST);
		known = bpf_map_lookup_elem(&app_mappings, &id);
	}
	if (app && known)
		app->has_mappings = 1;
	else if (gate)
		COUNT(gate->losses.mappings_full);
	return known;
}

#define MAPPING_NOT_HERE -1
#define MAPPING_NO_PAGE -2

/* In one page, so that the loops over all of them stay short for the verifier; likewise below. Its
 * slot, or why there is none. dev_generation: both halves of an object's key. */
__noinline int mapping_find_in_page(__u64 id, __u32 number, __u64 ino, __u64 dev_generation)
{
	struct mapping_page *page = mapping_get_page(id, number);
	struct weir_object_key key;
	int i;

	if (!page)
		return MAPPING_NO_PAGE;
	for (i = 0; i < MAPPINGS_OF_PAGE; i++) {
		key = page->list[i].key;
		if (key.ino == ino && ((__u64)key.dev << 32 | key.generation) == dev_generation)
			return number * MAPPINGS_OF_PAGE + i;
	}
	return MAPPING_NOT_HERE;
}

/* Its slot, or negative. */
__noinline int mapping_find(__u64 id, __u64 ino, __u64 dev_generation)
{
	int slot = MAPPING_NOT_HERE;
	int i;

	for (i = 0; i < WEIR_MAPPING_PAGES && slot == MAPPING_NOT_HERE; i++)
		slot = mapping_find_in_page(id, i, ino, dev_generation);
	return slot;
}

/* The slot for a new one. No room: the oldest goes, which may be unmapped by now. NULL: no memory.
 */
static __always_inline struct mapping *mapping_add(struct mappings *known, __u64 id, __u32 number)
{
	__u32 slot = known->next % MAPPINGS_MAX;
	struct weir_mapping_page_key key = {.app_id = id, .page = slot / MAPPINGS_OF_PAGE};
	struct weir_state *gate = state_get();
	struct mapping_page *page = bpf_map_lookup_elem(&mapping_pages, &key);

	if (!page) {
		bpf_map_update_elem(&mapping_pages, &key, &empty_mapping_page, BPF_NOEXIST);
		page = bpf_map_lookup_elem(&mapping_pages, &key);
	}
	if (gate && (!page || known->next == MAPPINGS_MAX))
		COUNT(gate->losses.mappings_full);
	if (!page || known->next >= MAPPINGS_MAX)
		known->gap_calls[0] = number;
	if (!page)
		return NULL;
	known->next++;
	return &page->list[slot % MAPPINGS_OF_PAGE];
}

static __noinline int mapping_remember(struct call *call, const struct object *object, __u64 bytes,
				       __u32 access)
{
	struct mappings *known = mapping_make_list(call->app->id);
	struct mapping *one;
	int slot;

	if (!known)
		return 0;
	known->seen_changes = 0;
	known->walked_changes = 0;
	if (access == MAPPING_MAY_WRITE)
		known->may_become_writable = 1;
	slot = mapping_find(call->app->id, object->key.ino,
			    (__u64)object->key.dev << 32 | object->key.generation);
	if (slot >= 0) {
		one = mapping_get(call->app->id, slot);
		if (one)
			one->access |= access;
		return 0;
	}
	one = mapping_add(known, call->app->id, call->number);
	if (!one)
		return 0;
	one->key = object->key;
	one->bytes = bytes;
	one->basename = object->is_stacked ? 0 : inode_nameless(object->file);
	one->is_nameless = !!one->basename;
	if (!one->is_nameless)
		one->basename = name_hash(label_name_of_file(object->file));
	one->access = access;
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
	if (size && size < MAPPING_LEAST_BYTES)
		return 0;
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

/* Returns whether the page is there. */
__noinline int mapping_make_page_writable(__u64 id, __u32 number)
{
	struct mapping_page *page = mapping_get_page(id, number);
	int i;

	if (!page)
		return false;
	for (i = 0; i < MAPPINGS_OF_PAGE; i++)
		if (page->list[i].access == MAPPING_MAY_WRITE)
			page->list[i].access |= MAPPING_CAN_WRITE;
	return true;
}

/* Which mapping it was about is not looked for: those that may are few, and only once. */
__noinline int mapping_make_writable(__u64 id)
{
	struct mappings *known = bpf_map_lookup_elem(&app_mappings, &id);
	int i;

	if (!known || !known->may_become_writable)
		return 0;
	known->may_become_writable = 0;
	known->seen_changes = 0;
	for (i = 0; i < WEIR_MAPPING_PAGES; i++)
		if (!mapping_make_page_writable(id, i))
			break;
	return 0;
}

/* What the mapped file holds is the app's. */
__noinline int mapping_pull(__u64 id, __u32 slot)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);
	struct transfer transfer = {.direction = WEIR_IN, .is_estimated = true};
	struct object object = {.kind = WEIR_KIND_FILE};
	struct mapping *one = mapping_get(id, slot);
	struct weir_object *held;

	if (!one || !app)
		return 0;
	object.key = one->key;
	held = bpf_map_lookup_elem(&objects, &object.key);
	if (!held || !(held->labels & ~app->labels))
		return 0;
	transfer.bytes = one->bytes;
	transfer.labels = held->labels;
	transfer.hops = held->hops;
	label_app(app, held->labels, held->hops + 1, task);
	if (held->labels & ~app->labels)
		return 0; /* came too far */
	flow_add(app, &object, &transfer);
	return 0;
}

static __always_inline void mapping_remember_inode(const struct mapping *one)
{
	struct weir_object_key key = one->key;
	__u64 address = one->basename;

	bpf_map_update_elem(&inodes, &key, &address, BPF_ANY);
}

/* What the app holds may be in the mapped file. */
__noinline int mapping_push(__u64 id, __u32 slot)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);
	struct transfer transfer = {.direction = WEIR_OUT, .is_estimated = true};
	struct object object = {.kind = WEIR_KIND_FILE};
	struct mapping *one = mapping_get(id, slot);
	struct weir_object *held;

	if (!one || !app || !one->key.ino || !(one->access & MAPPING_CAN_WRITE))
		return 0;
	object.key = one->key;
	held = bpf_map_lookup_elem(&objects, &object.key);
	if (held && (held->is_crm || !(app->labels & ~held->labels)))
		return 0;
	if (!held) {
		held = label_make_object(&object, app->labels, app->hops + 1);
		if (one->is_nameless)
			mapping_remember_inode(one);
		else
			name_remember_hash(one->basename);
	}
	if (!held)
		return 0;
	held->labels |= app->labels;
	label_count_change();
	label_mark_volatile(&object.key);
	transfer.bytes = one->bytes;
	transfer.labels = app->labels;
	transfer.hops = app->hops;
	flow_add(app, &object, &transfer);
	return 0;
}

/* Returns whether the page is there. */
__noinline int mapping_pass_page(__u64 id, __u32 page, __u32 direction)
{
	int i;

	if (!mapping_get_page(id, page))
		return false;
	for (i = 0; i < MAPPINGS_OF_PAGE; i++) {
		if (direction == WEIR_IN)
			mapping_pull(id, page * MAPPINGS_OF_PAGE + i);
		else
			mapping_push(id, page * MAPPINGS_OF_PAGE + i);
	}
	return true;
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
	struct mappings *known = bpf_map_lookup_elem(&app_mappings, &id);
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);
	struct weir_state *gate = state_get();
	__u32 i;

	if (!known || !app || !gate || known->seen_changes == gate->label_changes)
		return 0;
	known->seen_changes = gate->label_changes;
	for (i = 0; i < WEIR_MAPPING_PAGES; i++)
		if (!mapping_pass_page(id, i, WEIR_IN))
			break;
	if (!app->labels || app->is_hub)
		return 0;
	for (i = 0; i < WEIR_MAPPING_PAGES; i++)
		if (!mapping_pass_page(id, i, WEIR_OUT))
			break;
	mapping_note_gap(known, id, 0);
	mapping_note_gap(known, id, 1);
	return 0;
}

/* Whether something in a page is labelled: 1, 0, or MAPPING_NO_PAGE. */
__noinline int mapping_page_is_labelled(__u64 id, __u32 number)
{
	struct mapping_page *page = mapping_get_page(id, number);
	int i;

	if (!page)
		return MAPPING_NO_PAGE;
	for (i = 0; i < MAPPINGS_OF_PAGE; i++) {
		struct weir_object_key key = page->list[i].key;

		if (key.ino && bpf_map_lookup_elem(&objects, &key))
			return 1;
	}
	return 0;
}

/* Whether the app maps something labelled that it has not taken the label of. The walk asks for
 * each of its descriptors. */
__noinline int mapping_is_labelled(__u64 id)
{
	struct mappings *known = bpf_map_lookup_elem(&app_mappings, &id);
	struct weir_state *gate = state_get();
	int i, r = 0;
	__u64 changes;

	if (!known || !gate || known->walked_changes == gate->label_changes)
		return false;
	changes = gate->label_changes;
	for (i = 0; i < WEIR_MAPPING_PAGES && r == 0; i++)
		r = mapping_page_is_labelled(id, i);
	if (r == 1)
		return true;
	known->walked_changes = changes;
	return false;
}

#endif
