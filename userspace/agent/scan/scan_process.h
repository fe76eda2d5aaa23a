/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_PROCESS_H
#define WEIR_AGENT_SCAN_SCAN_PROCESS_H

/*
 * The agent's end of the scanner's process: one file at a time goes in, counts come
 * out. What comes out is checked, for who reads a hostile file may have been taken
 * over by it.
 */

#include <stddef.h>
#include <stdint.h>

#include "agent/scan/scan_worker.h"

struct scan_process;

/* Starts program (this very one: "/proc/self/exe") as the scanner. hello is copied to it.
 * 0 or -errno. */
int scan_process_new(const char *program, const struct scan_hello *hello,
		     struct scan_process **ret_process);
/* Ends it, whatever it does. */
void scan_process_free(struct scan_process *process);

/* Readable when there is an answer or the process has ended. */
int scan_process_fd(const struct scan_process *process);

/* Hands a file over; fd stays the caller's. 0, or -errno when the process is no more. */
int scan_process_send(struct scan_process *process, const struct scan_request *request, int fd);

/* Returns 1 with an answer, 0 when there is none yet, -EBADMSG for one that cannot be, -EPIPE when
 * the process has ended. */
int scan_process_receive(struct scan_process *process, struct scan_answer *ret_answer);

static inline void scan_process_freep(struct scan_process **process)
{
	if (*process)
		scan_process_free(*process);
}

#endif
