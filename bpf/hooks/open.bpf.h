/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_OPEN_BPF_H
#define WEIR_HOOKS_OPEN_BPF_H

/* What a task comes to hold by a call, and files that are emptied by their descriptor. */

#include "terminal.bpf.h"

/* Of a call that succeeded. */
static __always_inline bool open_is_emptying(struct call *call)
{
	__u64 flags = call_arg(call, call->rule->fd_arg);

	if (call->rule->form == WEIR_FORM_EMPTYING)
		return true;
	/* struct open_how, uapi/linux/openat2.h */
	if (call->rule->form == WEIR_FORM_MSGHDR)
		bpf_probe_read_user(&flags, sizeof(flags), (const void *)flags);
	return flags & O_TRUNC;
}

/* The descriptor that the call was about; -1 when nothing came of it. */
static __always_inline int open_find_fd(struct call *call, long result)
{
	if (call->rule->call != WEIR_CALL_FTRUNCATE)
		return result < 0 ? -1 : result;
	return result || call_arg(call, call->rule->fd_arg) ? -1 : (int)call_arg(call, 0);
}

static __always_inline void open_exit(struct call *call, long result)
{
	int fd = open_find_fd(call, result);
	struct file *file;

	if (fd < 0)
		return;
	call->gate = state_get();
	if (!call->gate || label_is_idle(call->gate))
		return;
	if (call->rule->call == WEIR_CALL_TAKE_FD) {
		call->app = app_get_current();
		if (call->app)
			app_open(call->app);
		return;
	}
	file = object_file_of_fd(fd);
	if (!file || !label_may_matter(file, call->gate))
		return;
	call->app = app_get_current();
	if (!call->app)
		return;
	label_watch_file(call->app, file, open_is_emptying(call));
	if (call->gate->volatile_objects && terminal_get_known(file))
		app_open(call->app);
}

#endif
