/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_ACTOR_H
#define WEIR_TESTS_KERNEL_ACTOR_H

/*
 * The employee of the kernel tests: moves random amounts of data by one system
 * call, from several threads, and adds up what the call returned.
 */

struct actor_call {
	const char *name;
	/* Moves up to size bytes from or to fd (from fd to fd2 for copies). What the call returned,
	 * in bytes; messages of recvmmsg and sendmmsg are added up. */
	long (*move)(int fd, int fd2, char *buffer, unsigned long size);
	char direction;          /* 'r', 'w', or 'c' for a copy */
	char medium;             /* 'f' file, 's' stream socket, 'd' datagram socket, 'p' pipe,
				    'u' unix socket */
	unsigned char operation; /* of io_uring, which not every kernel has; 0: a system call */
};

/* End with a NULL name. */
extern const struct actor_call actor_calls[], actor_ring_calls[], actor_compat_calls[],
	actor_compat_overwriting_calls[];
const struct actor_call *actor_find_call(const char *name);

/* Runs when main was called as "actor CALL THREADS SEED SOURCE TARGET"; the exit status. SOURCE is
 * read once first, so that the app is labelled. TARGET is a file, or "ADDRESS:PORT". Prints the
 * bytes moved and the successful calls, of each direction. */
int actor_main(int argc, char **argv);

#endif
