/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_PATH_BPF_H
#define WEIR_HOOKS_PATH_BPF_H

/*
 * Unlink, rename and truncate. A system call tracepoint sees only path text, so the kernel
 * lets through the few calls whose last component some labelled file has, and
 * the agent decides by identity which file it was.
 */

#include "../call.bpf.h"

/*
 * Hash of what follows the last slash of a path in user memory. Letter by letter:
 * room in the ring is taken only for a call that is let through. The start value
 * comes from a map: were it a constant, the verifier would follow every position
 * of every slash on its own. Not static: verified once, see name_hash().
 */
__noinline __u64 path_hash(__u64 path, __u64 seed)
{
	__u64 hash = seed;
	__u32 i;

	for (i = 0; i < WEIR_USER_PATH_BYTES; i++) {
		__u8 letter = 0;
		__u64 is_slash;

		bpf_probe_read_user(&letter, sizeof(letter), (const char *)path + i);
		if (!letter)
			break;
		is_slash = ((__u64)(letter ^ '/') - 1) >> 63;
		hash = name_hash_letter(hash, letter);
		hash = (hash & (is_slash - 1)) | (seed & -is_slash);
	}
	return hash;
}

static __always_inline void path_read_directory(struct call *call, int dirfd, const char *path,
						struct weir_name *ret_name)
{
	struct task_struct *task = call->task;
	struct file *directory;

	ret_name->bytes = 0;
	ret_name->is_cut = 0;
	ret_name->is_unlinked = 0;
	ret_name->padding = 0;
	if (path[0] == '/')
		return;
	if (dirfd == AT_FDCWD) {
		name_read_path(BPF_CORE_READ(task, fs, pwd.dentry),
			       BPF_CORE_READ(task, fs, pwd.mnt), ret_name);
		return;
	}
	directory = object_file_of_fd(dirfd);
	if (directory)
		name_read_path(BPF_CORE_READ(directory, f_path.dentry),
			       BPF_CORE_READ(directory, f_path.mnt), ret_name);
}

static __always_inline void path_fill(struct call *call, struct weir_path_edge *edge,
				      const char *path, bool is_at)
{
	edge_fill(&edge->edge, WEIR_EDGE_PATH, sizeof(*edge));
	edge->edge.flow.app_id = call->app ? call->app->id : 0;
	edge->operation = call->rule->call;
	edge->login_uid = call->app ? call->app->login_uid : UNSET_LOGIN_UID;
	bpf_get_current_comm(edge->comm, sizeof(edge->comm));
	edge->path[0] = edge->new_path[0] = 0;
	bpf_probe_read_user_str(edge->path, sizeof(edge->path), path);
	path_read_directory(call, is_at ? (int)call_arg(call, 0) : AT_FDCWD, edge->path,
			    &edge->directory);
}

static __noinline int path_exit(struct call *call)
{
	bool is_at = call->rule->form == WEIR_FORM_AT;
	const char *path = (void *)call_arg(call, is_at ? 1 : 0);
	const char *new_path = (void *)call_arg(call, is_at ? 3 : 1);
	__u64 hash = path_hash((__u64)path, call->gate->basename_seed), one = 1;
	struct weir_path_edge *edge;

	if (!bpf_map_lookup_elem(&basenames, &hash))
		return 0;
	edge = bpf_ringbuf_reserve(&ring, sizeof(*edge), 0);
	if (!edge) {
		edge_count_loss();
		return 0;
	}
	path_fill(call, edge, path, is_at);
	if (call->rule->call == WEIR_CALL_RENAME) {
		bpf_probe_read_user_str(edge->new_path, sizeof(edge->new_path), new_path);
		path_read_directory(call, is_at ? (int)call_arg(call, 2) : AT_FDCWD, edge->new_path,
				    &edge->new_directory);
		hash = path_hash((__u64)new_path, call->gate->basename_seed);
		bpf_map_update_elem(&basenames, &hash, &one, BPF_NOEXIST);
	}
	bpf_ringbuf_submit(edge, 0);
	return 0;
}

/* Of what is left of a file nothing is told. */
static __always_inline void path_exit_call(struct call *call)
{
	if (call->rule->call == WEIR_CALL_TRUNCATE && call_arg(call, call->rule->fd_arg))
		return;
	call->gate = state_get();
	if (!call->gate || !call->gate->labelled_files)
		return;
	call->app = app_get_current();
	call->task = (struct task_struct *)bpf_get_current_task();
	path_exit(call);
}

#endif
