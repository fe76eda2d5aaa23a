/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_LABEL_BPF_H
#define WEIR_LABEL_BPF_H

/*
 * Labels: how they come onto apps and objects. A label is set before the data it
 * stands for can be read: on objects at system call entry, on apps at exit.
 *
 * Masks are or-ed without an atomic fetch, which 5.10 lacks. Two processors that
 * set different bits in the same nanoseconds can lose one; every later call on the
 * same object or app finds the bit missing and sets it again.
 */

#include "app.bpf.h"
#include "edge.bpf.h"
#include "folder.bpf.h"
#include "inode.bpf.h"
#include "name.bpf.h"
#include "zone.bpf.h"

static __always_inline void label_app_of_exe(struct weir_app *app, __u64 labels, __u32 hops,
					     struct file *exe)
{
	struct weir_state *gate = state_get();

	if (app->is_hub || !(labels & ~app->labels))
		return;
	if (gate && gate->max_hops && hops > gate->max_hops) {
		COUNT(gate->losses.labels_too_far);
		return;
	}
	if (!app->labels) {
		app->labelled_ns = bpf_ktime_get_boot_ns();
		app->hops = hops;
	}
	app->labels |= labels;
	if (gate)
		COUNT(gate->label_changes);
	app_open(app);
	name_remember_app(app->id, (__u64)exe);
	edge_ring_app(WEIR_EDGE_APP, app->id, 0);
}

static __always_inline void label_app(struct weir_app *app, __u64 labels, __u32 hops,
				      struct task_struct *task)
{
	if (labels & ~app->labels)
		label_app_of_exe(app, labels, hops, BPF_CORE_READ(task, mm, exe_file));
}

/* What is written to the memory of an app is the app's at once. */
static __noinline int label_memory(const struct object *object, const struct weir_app *from)
{
	__u64 id = object->key.ino;
	struct weir_app *app = bpf_map_lookup_elem(&apps, &id);

	if (app && id != from->id)
		label_app_of_exe(app, from->labels, from->hops + 1, object->exe);
	return 0;
}

static __always_inline void label_apply_executable(struct weir_app *app, struct task_struct *task)
{
	struct weir_object_key exe = app->exe;
	struct weir_executable *rule = bpf_map_lookup_elem(&executables, &exe);

	if (!rule)
		return;
	app->is_hub = rule->is_hub;
	app->is_input_method = rule->is_input_method;
	if (rule->labels)
		label_app(app, rule->labels, 0, task);
}

/*
 * Others may hold the object without having opened it: gate 1 is open for everybody until a walk
 * has found them. Those who come to hold it later open their gate themselves: by open, accept,
 * pidfd_getfd, a received descriptor, fork or exec.
 */
static __always_inline void label_mark_volatile(const struct weir_object_key *key)
{
	struct weir_state *gate = state_get();
	__u64 epoch = gate ? gate->epoch : 0;
	long error = bpf_map_update_elem(&volatiles, key, &epoch, BPF_NOEXIST);

	if (maps_is_full(error) && gate)
		COUNT(gate->losses.volatiles_full);
	if (error || !gate)
		return;
	COUNT(gate->volatile_objects);
	COUNT(gate->unsettled_objects);
}

/* One open file behind several descriptors, as those that a program inherits. */
static __always_inline bool label_is_shared_description(struct file *file)
{
	if (bpf_core_field_exists(file->f_ref))
		return BPF_CORE_READ(file, f_ref.refcnt.counter) > 0;
	return BPF_CORE_READ(file, f_count.counter) > 1;
}

/* tmpfs and ramfs hold the dentry of every file that has a name (shmem_mknod(), mm/shmem.c). */
static __always_inline bool label_is_held_by_fs(struct file *file)
{
	__u64 magic = BPF_CORE_READ(file, f_inode, i_sb, s_magic);

	return (magic == TMPFS_MAGIC || magic == RAMFS_MAGIC) &&
	       BPF_CORE_READ(file, f_path.dentry, d_hash.pprev);
}

/* A dentry is held once by each open file: more than ours means that somebody else has it open. */
static __always_inline bool label_is_shared_file(const struct object *object)
{
	struct file *file = object->file;
	int holders = BPF_CORE_READ(file, f_path.dentry, d_lockref.count);

	/* The file below may be open, too, and overlayfs holds one or the other. */
	return object->is_stacked || holders > 2 || (holders == 2 && !label_is_held_by_fs(file)) ||
	       BPF_CORE_READ(file, f_inode, i_nlink) != 1 || label_is_shared_description(file);
}

static __always_inline __u64 label_name_of_file(struct file *file)
{
	return (__u64)BPF_CORE_READ(file, f_path.dentry, d_name.name);
}

static __always_inline struct weir_object *label_make_object(const struct object *object,
							     __u64 labels, __u32 hops)
{
	struct weir_state *gate = state_get();
	struct weir_object made = {};
	long error;

	made.labels = labels;
	made.first_ns = bpf_ktime_get_boot_ns();
	made.hops = hops;
	made.kind = object->kind;
	made.seen_epoch = gate ? gate->epoch : 0;
	error = bpf_map_update_elem(&objects, &object->key, &made, BPF_NOEXIST);
	if (maps_is_full(error) && gate)
		COUNT(gate->losses.objects_full);
	if (!error && gate && object->kind == WEIR_KIND_FILE)
		COUNT(gate->labelled_files);
	return bpf_map_lookup_elem(&objects, &object->key);
}

/* Mappings of the object may be there already. */
static __always_inline void label_count_change(void)
{
	struct weir_state *gate = state_get();

	if (gate)
		COUNT(gate->label_changes);
}

/* Who has the copy open without having opened it here is found by a walk. */
static __always_inline void label_copy_up(struct inode *lower, struct inode *upper)
{
	struct weir_state *gate = state_get();
	struct weir_object *from, *to;
	struct weir_object_key key;

	object_read_key(lower, &key);
	from = bpf_map_lookup_elem(&objects, &key);
	if (!from || !gate)
		return;
	object_read_key(upper, &key);
	to = bpf_map_lookup_elem(&objects, &key);
	if (to && !(from->labels & ~to->labels))
		return;
	if (to) {
		to->labels |= from->labels;
	} else {
		long error = bpf_map_update_elem(&objects, &key, from, BPF_NOEXIST);

		if (maps_is_full(error))
			COUNT(gate->losses.objects_full);
		if (error)
			return;
		COUNT(gate->labelled_files);
	}
	label_count_change();
	label_mark_volatile(&key);
}

static __always_inline void label_resting(const struct object *object, const struct weir_app *app)
{
	struct weir_object *known = bpf_map_lookup_elem(&objects, &object->key);

	if (known && (known->is_crm || !(app->labels & ~known->labels)))
		return;
	if (!known) {
		known = label_make_object(object, app->labels, app->hops + 1);
		if (!known)
			return;
		if (object->kind == WEIR_KIND_FILE && !inode_nameless(object->file))
			name_remember_basename(label_name_of_file(object->file));
		inode_remember(object);
	}
	known->labels |= app->labels;
	label_count_change();
	if (object->kind != WEIR_KIND_FILE || label_is_shared_file(object))
		label_mark_volatile(&object->key);
}

static __always_inline void label_object(const struct object *object, const struct weir_app *app)
{
	if (object->kind == WEIR_KIND_MEMORY)
		label_memory(object, app);
	else
		label_resting(object, app);
}

/* Until what it says of itself, at its first writes, decides: see hooks/naming.bpf.h. */
static __always_inline void label_watch_candidate(struct weir_app *app,
						  const struct weir_object_key *key,
						  const struct zone_peer *zone)
{
	struct candidate made = {.labels = zone->labels,
				 .peer = zone->peer,
				 .port = zone->port,
				 .is_asked = !zone->named_labels,
				 .may_hide = zone->may_hide};

	LRU_SET(candidates, WEIR_LRU_CANDIDATES, key, &made);
	app_open(app);
}

/* What a connect() returns by which the socket has a peer, or goes on coming to one: also one that
 * a signal interrupted (inet_stream_connect(), net/ipv4/af_inet.c). */
static __always_inline bool label_may_have_peer(long result)
{
	return result == 0 || result == -EINPROGRESS || result == -EALREADY || result == -EINTR ||
	       result == -ERESTARTSYS;
}

/* A socket can be connected again. What came from the CRM may still wait in it. */
static __always_inline void label_leave_crm(const struct weir_object_key *key)
{
	struct weir_object *known = bpf_map_lookup_elem(&objects, key);

	if (known)
		known->is_crm = 0;
}

/* is_new: it got its peer just now, and has not said anything to that one. Not static: verified
 * once, see name_hash(). */
__noinline int label_watch_socket(__u64 app_id, __u64 address, __u32 is_new)
{
	struct weir_app *app = bpf_map_lookup_elem(&apps, &app_id);
	struct file *file = (struct file *)address;
	struct zone_peer zone = {};
	struct object object = {};
	struct candidate *candidate;
	struct weir_object *known;
	__u64 labels;

	object.sock = object_sock_of_file(file);
	if (!app || !object.sock)
		return 0;
	object.family = object_family_of_sock(object.sock);
	if (object.family != AF_INET && object.family != AF_INET6)
		return 0;
	object.file = file;
	object.kind = WEIR_KIND_INET;
	zone_find_peer(object.sock, object.family, &zone);
	labels = zone.labels | zone.named_labels;
	if (!is_new && !labels && !zone.is_candidate)
		return 0;
	object_read_key(object_inode_of_file(file), &object.key);
	if (is_new)
		label_leave_crm(&object.key);
	if (zone.is_candidate) {
		candidate = bpf_map_lookup_elem(&candidates, &object.key);
		if (candidate && candidate->peer == zone.peer && !is_new) {
			if (candidate->state != CANDIDATE_DECIDED)
				app_open(app);
			return 0;
		}
		label_watch_candidate(app, &object.key, &zone);
	}
	if (!labels)
		return 0;
	known = label_make_object(&object, labels, 0);
	if (!known)
		return 0;
	known->labels |= labels;
	known->is_crm |= zone.is_crm != 0;
	known->is_source = 1;
	app_open(app);
	return 0;
}

static __always_inline bool label_is_anywhere(const struct weir_state *gate)
{
	return gate->labelled_files || gate->volatile_objects || gate->hot;
}

/* Nothing is labelled, and no file becomes so by being opened. */
static __always_inline bool label_is_idle(const struct weir_state *gate)
{
	return !gate->folder_count && !label_is_anywhere(gate);
}

/*
 * Before any file is labelled, a file matters only where there are folders that are sources, or
 * if it may be the memory of an app. That was opened while all was idle the walk finds.
 */
static __always_inline bool label_may_matter(struct file *file, const struct weir_state *gate)
{
	unsigned long magic;
	__u32 dev;

	if (gate->labelled_files || gate->volatile_objects)
		return true;
	if (bpf_rdonly_cast) {
		struct super_block *super = object_cast(struct file, file)->f_inode->i_sb;

		dev = super->s_dev;
		magic = super->s_magic;
	} else {
		struct super_block *super = BPF_CORE_READ(file, f_inode, i_sb);

		dev = BPF_CORE_READ(super, s_dev);
		magic = BPF_CORE_READ(super, s_magic);
	}
	return magic == PROC_SUPER_MAGIC || magic == OVERLAYFS_SUPER_MAGIC ||
	       folder_is_on(dev, gate);
}

/* Opened with O_PATH, as the agent does to see that a file is still there, or to have it labelled:
 * nothing can be read. */
static __always_inline bool label_is_path_only(struct file *file)
{
	if (bpf_rdonly_cast)
		return object_cast(struct file, file)->f_mode & FMODE_PATH;
	return BPF_CORE_READ(file, f_mode) & FMODE_PATH;
}

/* Called when a file was opened: a folder may be a source, and a labelled file opens the gate. */
static __noinline int label_watch_file(struct weir_app *app, struct file *file, bool is_truncated)
{
	struct weir_state *gate = state_get();
	struct weir_object *known;
	struct object object = {};
	__u64 labels = 0;
	bool is_news;

	if (!gate || label_is_idle(gate))
		return 0;
	object_resolve(file, WEIR_IN, &object);
	if (object.kind == WEIR_KIND_MEMORY && object.key.ino != app->id)
		app_open(app);
	if (object.kind != WEIR_KIND_FILE && object.kind != WEIR_KIND_PIPE &&
	    object.kind != WEIR_KIND_DEVICE)
		return 0;
	if (gate->folder_count && object.kind == WEIR_KIND_FILE)
		labels = folder_labels(&object, gate);
	known = bpf_map_lookup_elem(&objects, &object.key);
	is_news = labels && (!known || labels & ~known->labels);
	if (labels && !known) {
		known = label_make_object(&object, labels, 0);
		name_remember_basename(label_name_of_file(file));
		inode_remember(&object);
	}
	if (!known)
		return 0;
	if (labels) {
		known->labels |= labels;
		known->is_source = 1;
	}
	if (is_news)
		label_count_change();
	/* Moved into the folder while others had it open. */
	if (is_news && label_is_shared_file(&object))
		label_mark_volatile(&object.key);
	if (label_is_path_only(file))
		return 0;
	app_open(app);
	if (is_truncated) {
		struct weir_flow_key key = {.app_id = app->id, .object = object.key};

		edge_ring(WEIR_EDGE_TRUNCATE, &key, 0);
	}
	return 0;
}

#endif
