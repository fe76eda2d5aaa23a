/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_APP_BPF_H
#define WEIR_APP_BPF_H

/*
 * Apps: the tree of processes that run one executable from one ancestor, in one
 * container. Every process belongs to exactly one; a process that the tables do not
 * know is taken in at its first interesting call, from what the kernel says of its
 * parent. Process ids are those of the host, in every namespace.
 */

#include "loopback.bpf.h"

#define UNSET_LOGIN_UID 0xffffffffu

static __always_inline void app_count_open(__u64 id, __s64 change)
{
	struct weir_state *gate = state_get();
	__u32 slot = object_mix(0, id) >> (64 - OPEN_HINTS_BITS);
	__u64 *hint = bpf_map_lookup_elem(&open_hints, &slot);

	if (hint)
		__sync_fetch_and_add(hint, change);
	if (gate)
		__sync_fetch_and_add(&gate->hot, change);
}

static __always_inline __u64 *app_closed_slot(__u32 tgid)
{
	__u32 slot = tgid & ((1 << CLOSED_BITS) - 1);

	return bpf_map_lookup_elem(&closed, &slot);
}

/*
 * Whether an app that was looked up anew is closed, which is then remembered. Openings are counted
 * after the hint is set, and read here before it is: what is remembered too late is void. Where
 * loads may overtake each other, the hint's address needs the count.
 */
static __always_inline bool app_is_closed(__u64 id, __u64 verdict, __u64 *ret_verdict)
{
	__u32 slot = (object_mix(0, id) >> (64 - OPEN_HINTS_BITS)) + (verdict >> 63);
	__u64 *hint = bpf_map_lookup_elem(&open_hints, &slot);

	if (!hint || *hint)
		return false;
	if (ret_verdict)
		*ret_verdict = verdict;
	return true;
}

/* Opens gate 1 for an app: from now on its calls look their objects up. */
static __always_inline void app_open(struct weir_app *app)
{
	struct weir_state *gate = state_get();
	__u64 id = app->id, one = 1;
	long error;

	if (app->is_open)
		return;
	error = bpf_map_update_elem(&open_apps, &id, &one, BPF_NOEXIST);
	if (maps_is_full(error) && gate) /* this one will never be counted out */
		COUNT(gate->losses.apps_full);
	if (!error || maps_is_full(error))
		app_count_open(id, 1);
	app->is_open = 1;
	if (gate)
		COUNT(gate->openings);
}

static __always_inline void app_read_exe(struct task_struct *task, struct weir_object_key *ret_key)
{
	struct inode *inode = BPF_CORE_READ(task, mm, exe_file, f_inode);

	__builtin_memset(ret_key, 0, sizeof(*ret_key));
	if (inode)
		object_read_key(inode, ret_key);
}

static __always_inline __u32 app_read_login_uid(struct task_struct *task)
{
	__u32 uid = UNSET_LOGIN_UID;

	if (bpf_core_field_exists(task->loginuid)) /* CONFIG_AUDIT */
		uid = BPF_CORE_READ(task, loginuid.val);
	return uid == UNSET_LOGIN_UID ? BPF_CORE_READ(task, cred, uid.val) : uid;
}

static __always_inline __u64 app_read_cgroup_id(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->cgroups)) /* CONFIG_CGROUPS */
		return 0;
	return BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
}

static __always_inline bool app_is_same_exe(const struct weir_object_key *a,
					    const struct weir_object_key *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->generation == b->generation;
}

/*
 * Whether a process that was forked by the app goes on being it: it runs the same executable, and
 * nobody put it elsewhere on the way. What a container's runtime starts in the container is another
 * app than what is called the same outside, as it is with one service manager below another. The
 * parent is asked because desktops start a program first and move it then (systemd's transient
 * scopes): the app's own cgroup is that of its launcher, and its helpers would be strangers to it.
 */
static __always_inline bool app_is_continued(const struct weir_app *app, struct task_struct *task)
{
	struct weir_object_key exe;
	__u64 cgroup_id;

	app_read_exe(task, &exe);
	if (!app_is_same_exe(&app->exe, &exe))
		return false;
	cgroup_id = app_read_cgroup_id(task);
	return cgroup_id == app->cgroup_id ||
	       cgroup_id == app_read_cgroup_id(BPF_CORE_READ(task, real_parent));
}

/* Labels that the policy gives an executable; defined in label.bpf.h. */
static __always_inline void label_apply_executable(struct weir_app *app, struct task_struct *task);

static __always_inline struct weir_app *app_get_of_tgid(__u32 tgid)
{
	__u64 *id = bpf_map_lookup_elem(&processes, &tgid);

	return id ? bpf_map_lookup_elem(&apps, id) : NULL;
}

static __always_inline void app_join(struct weir_app *app, __u32 tgid)
{
	struct weir_state *gate = state_get();
	__u64 id = app->id, *verdict = app_closed_slot(tgid);
	long error = bpf_map_update_elem(&processes, &tgid, &id, BPF_NOEXIST);

	if (verdict)
		*verdict = 0;
	if (!error)
		COUNT(app->processes);
	else if (maps_is_full(error) && gate)
		COUNT(gate->losses.processes_full);
}

/*
 * Makes the app of a process that does not go on being its parent's. On its own stack: that of a
 * program and of what it calls is 512 bytes in all up to 6.12.
 */
static __noinline struct weir_app *app_make(struct task_struct *task, __u64 parent_id)
{
	struct weir_state *gate = state_get();
	struct weir_app made = {};
	struct weir_app *app;
	__u64 now_ns = bpf_ktime_get_boot_ns();

	/* Unique within a boot: one processor makes one app at a time. */
	made.id = now_ns << 8 | (bpf_get_smp_processor_id() & 0xff);
	made.parent_id = parent_id;
	made.start_ns = BPF_CORE_READ(task, start_boottime);
	made.pid = BPF_CORE_READ(task, tgid);
	made.login_uid = app_read_login_uid(task);
	made.cgroup_id = app_read_cgroup_id(task);
	app_read_exe(task, &made.exe);
	BPF_CORE_READ_STR_INTO(&made.comm, task, comm);
	if (bpf_map_update_elem(&apps, &made.id, &made, BPF_NOEXIST)) {
		if (gate)
			COUNT(gate->losses.apps_full);
		return NULL;
	}
	app = bpf_map_lookup_elem(&apps, &made.id);
	if (!app)
		return NULL;
	app_join(app, made.pid);
	label_apply_executable(app, task);
	return app;
}

/* Takes in a process that the tables do not know. */
static __always_inline struct weir_app *app_adopt(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	struct weir_app *app = app_get_of_tgid(tgid);

	if (app)
		return app;
	app = app_get_of_tgid(BPF_CORE_READ(task, real_parent, tgid));
	if (app && app_is_continued(app, task)) {
		app_join(app, tgid);
		return app;
	}
	return app_make(task, app ? app->id : 0);
}

static __always_inline struct weir_app *app_get_current(void)
{
	struct weir_app *app = app_get_of_tgid(bpf_get_current_pid_tgid() >> 32);

	return app ?: app_adopt((struct task_struct *)bpf_get_current_task());
}

#define TGID_BITS 22 /* PID_MAX_LIMIT, include/linux/threads.h */

static __always_inline __u64 app_make_verdict(const struct weir_state *gate, __u32 tgid)
{
	return *(const volatile __u64 *)&gate->openings << TGID_BITS | tgid;
}

/* Whether the running process was found closed already, and nobody has opened since. */
static __always_inline bool app_is_known_closed(const struct weir_state *gate)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 verdict = app_make_verdict(gate, tgid), *known = app_closed_slot(tgid);

	return known && *known == verdict;
}

/* The app of the running process; NULL, and that quickly, when it is closed. */
static __always_inline struct weir_app *app_get_current_open(const struct weir_state *gate)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 verdict = app_make_verdict(gate, tgid);
	__u64 *known = app_closed_slot(tgid), *id;
	struct weir_app *app = NULL;

	if (known && *known == verdict)
		return NULL;
	id = bpf_map_lookup_elem(&processes, &tgid);
	if (id && app_is_closed(*id, verdict, known))
		return NULL;
	if (id)
		app = bpf_map_lookup_elem(&apps, id);
	if (!app)
		app = app_adopt((struct task_struct *)bpf_get_current_task());
	return app && app->is_open ? app : NULL;
}

#endif
