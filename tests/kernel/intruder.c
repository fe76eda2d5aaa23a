/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/intruder.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char data[INTRUDER_BYTES];

static int read_source(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return read(fd, data, sizeof(data)) == sizeof(data) ? 0 : -1;
}

/* Tells where the data lies. */
static int hold(const char *source, int ready)
{
	void *address = data;

	if (read_source(source) < 0 || write(ready, &address, sizeof(address)) < 0)
		return 1;
	pause();
	return 0;
}

/* The first process of the namespace, with which everything in it ends. */
static int steal_as_init(char **arguments)
{
	struct iovec own = {data, sizeof(data)}, theirs = {NULL, sizeof(data)};
	int ready[2], fd;
	pid_t holder;

	if (getpid() != 1 || pipe(ready) < 0)
		return 2;
	holder = fork();
	if (holder == 0) {
		char text[16];

		snprintf(text, sizeof(text), "%d", ready[1]);
		execl(arguments[2], arguments[2], "hold", arguments[3], text, NULL);
		_exit(3);
	}
	if (read(ready[0], &theirs.iov_base, sizeof(theirs.iov_base)) <= 0)
		return 4;
	if (process_vm_readv(holder, &own, 1, &theirs, 1, 0) != sizeof(data))
		return 5;
	fd = open(arguments[4], O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	return write(fd, data, sizeof(data)) == sizeof(data) ? 0 : 6;
}

static int steal(char **arguments)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) < 0)
		return 1;
	pid = fork();
	if (pid == 0)
		_exit(steal_as_init(arguments));
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 7;
}

static int attempt(char **arguments)
{
	struct iovec own = {data, sizeof(data)}, theirs = {NULL, sizeof(data)};
	pid_t pid = atoi(arguments[2]);

	theirs.iov_base = (void *)strtoul(arguments[4], NULL, 16);
	if (read_source(arguments[3]) < 0 || setuid(NOBODY) < 0)
		return 1;
	errno = 0;
	if (process_vm_writev(pid, &own, 1, &theirs, 1, 0) != -1 || errno != EPERM)
		return 2;
	return 0;
}

int intruder_main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "steal") == 0)
		return steal(argv);
	if (argc == 5 && strcmp(argv[1], "attempt") == 0)
		return attempt(argv);
	if (argc == 4 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2], atoi(argv[3]));
	return 64;
}
