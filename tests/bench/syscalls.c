/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the bench that must be quick or speak to the kernel; tests/bench/cost runs them.
 *
 *   syscalls work FILE       times system calls, see syscall_work.h
 *   syscalls empty           holds two programs on the system call tracepoints that do nothing
 *   syscalls hold FILE       reads FILE, so that some app carries its label
 *   syscalls hold-pipe FILE  leaves some of it in a pipe, too
 *   syscalls links           counts what watches system calls on this machine
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/syscall_work.h"
#include "support/tracing.h"

static void say_ready(void)
{
	printf("ready\n");
	fflush(stdout);
}

static int hold_empty(void)
{
	int fds[2];
	int r = tracing_attach_empty(fds);

	if (r < 0) {
		fprintf(stderr, "syscalls: %s\n", strerror(-r));
		return 1;
	}
	say_ready();
	pause();
	return 0;
}

static int hold_label(const char *source, bool has_pipe)
{
	int fd = open(source, O_RDONLY | O_CLOEXEC), ends[2];
	char buffer[4096];

	/* Said before: who hears a word from the labelled app is labelled, too. */
	say_ready();
	if (fd < 0 || read(fd, buffer, sizeof(buffer)) <= 0)
		return 1;
	if (has_pipe && (pipe2(ends, O_CLOEXEC) < 0 || write(ends[1], buffer, 64) != 64))
		return 1;
	pause();
	return 0;
}

static int show_links(void)
{
	int n = tracing_count_links();

	if (n >= 0)
		printf("%d\n", n);
	return n < 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "work"))
		return syscall_work_serve(argv[2]);
	if (argc == 3 && !strncmp(argv[1], "hold", strlen("hold")))
		return hold_label(argv[2], !strcmp(argv[1], "hold-pipe"));
	if (argc == 2 && !strcmp(argv[1], "empty"))
		return hold_empty();
	if (argc == 2 && !strcmp(argv[1], "links"))
		return show_links();
	fprintf(stderr, "usage: syscalls work FILE | empty | hold FILE | hold-pipe FILE | links\n");
	return 2;
}
