/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_CONTAINER_H
#define WEIR_TESTS_KERNEL_CONTAINER_H

/*
 * What the runtime of containers does: a process in namespaces of its own (user, pid,
 * mount, network, cgroup), put into a cgroup, and then the program executed in there.
 */

#include <sys/types.h>

struct container {
	const char *cgroup;    /* folder of the v2 hierarchy; NULL: where the caller is */
	const char *from, *to; /* FROM is mounted at TO in there, too; NULL: nothing is */
	int output_fd;         /* of the program; -1: the caller's */
};

/* Its pid as the host counts; -errno when this kernel has no such namespaces. */
pid_t container_spawn(const struct container *container, char *const arguments[]);
/*
 * The same for a program that says its pid, as it knows it, on a line and falls silent later: waits
 * for that. The output is taken.
 */
pid_t container_start(const struct container *container, char *const arguments[], int *ret_own_pid);
/* A line that is a number; 0 when there is none. */
int container_read_number(int fd);

/*
 * What acts in containers, run as:
 *   stay FILE           says its pid, reads the file, falls silent and stays
 *   launch CGROUP FILE  says its pid, waits for SIGUSR1, starts itself as "stay FILE" in a
 *                       container, says the pid of that or -errno, and stays
 */
int container_main(int argc, char **argv);

#define CONTAINER_NONE "-" /* no FILE, no CGROUP */

#endif
