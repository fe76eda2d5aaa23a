/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_SYSCALL_WORK_H
#define WEIR_TESTS_SUPPORT_SYSCALL_WORK_H

/*
 * The process whose system calls are timed. It lives through all rounds, so that
 * every state of the sensor meets the same descriptors, pages and addresses; what
 * it takes is its own processor time, user and kernel, so waiting costs nothing.
 */

enum syscall_work {
	SYSCALL_WORK_GETPPID,
	SYSCALL_WORK_PREAD,
	SYSCALL_WORK_WRITE,
	SYSCALL_WORK_OPEN,
	SYSCALL_WORK_UNIX,
	SYSCALL_WORK_TCP,
	SYSCALL_WORK_TCP_LARGE,
	SYSCALL_WORK_CONNECT,
	SYSCALL_WORK_SPAWN,
	SYSCALL_WORKS,
};

/*
 * Measures once for each number of batches that it reads on stdin, and answers on
 * stdout with a line for each work, its name, a tab and the ns of processor time of
 * one call, children's included, in the fastest batch; an empty line ends the answer.
 * FILE holds a page. The exit status is 0 or 1.
 */
int syscall_work_serve(const char *file);

#endif
