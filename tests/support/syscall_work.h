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
	SYSCALL_WORK_TCP,
	SYSCALL_WORKS,
};

const char *syscall_work_describe(enum syscall_work work);

/*
 * Measures once for each byte that it reads from the descriptor, until that ends,
 * and answers on stdout with SYSCALL_WORKS doubles: ns of processor time per call,
 * of the fastest of many short batches. FILE is made. The exit status is 0 or 1.
 */
int syscall_work_serve(int control_fd, const char *file);

#endif
