/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_UNFOLLOWED_BPF_H
#define WEIR_HOOKS_UNFOLLOWED_BPF_H

/* Calls that move data in ways that are not followed: that an app that holds some took one is said,
 * unless it took what is short. */

#include "../call.bpf.h"

/* As with the arguments of a program: browsers write to attributes where each file is from. */
#define UNFOLLOWED_BYTES_MIN 512
#define KEYCTL_UPDATE 2 /* uapi/linux/keyctl.h */

static __always_inline void unfollowed_note(struct call *call)
{
	__u32 bytes_arg = call->rule->fd_arg;

	if (call->rule->form == WEIR_FORM_STORE && (__u32)call_arg(call, 0) != KEYCTL_UPDATE)
		return;
	if (!bytes_arg || call_arg(call, bytes_arg) >= UNFOLLOWED_BYTES_MIN)
		flow_note_gap(call->app->id, call->number);
}

#endif
