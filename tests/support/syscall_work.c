/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/syscall_work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define BATCHES_MAX 99
#define PAGE_BYTES 4096
#define MESSAGE_BYTES 1024
#define LARGE_BYTES (16 * 1024)

struct place {
	const char *file;
	int file_fd, null_fd;
	int listener, client, server; /* two ends of one loopback connection */
	int unix_ends[2];
	struct sockaddr_in address; /* of the listener */
	char buffer[LARGE_BYTES];
};

static bool call_getppid(struct place *place)
{
	(void)place;
	return syscall(SYS_getppid) >= 0;
}

static bool call_pread(struct place *place)
{
	return pread(place->file_fd, place->buffer, PAGE_BYTES, 0) == PAGE_BYTES;
}

static bool call_write(struct place *place)
{
	return write(place->null_fd, place->buffer, PAGE_BYTES) == PAGE_BYTES;
}

static bool call_open(struct place *place)
{
	int fd = open(place->file, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && close(fd) == 0;
}

/* Loopback delivers within send(), so one thread can be both ends and never waits. */
static bool pass(struct place *place, int from, int to, ssize_t bytes)
{
	return send(from, place->buffer, (size_t)bytes, 0) == bytes &&
	       recv(to, place->buffer, (size_t)bytes, MSG_WAITALL) == bytes;
}

static bool call_unix(struct place *place)
{
	return pass(place, place->unix_ends[0], place->unix_ends[1], MESSAGE_BYTES);
}

static bool call_tcp(struct place *place)
{
	return pass(place, place->client, place->server, MESSAGE_BYTES);
}

static bool call_tcp_large(struct place *place)
{
	return pass(place, place->client, place->server, LARGE_BYTES);
}

static int connect_to_listener(const struct place *place)
{
	const struct linger reset = {.l_onoff = 1}; /* leaves no port in TIME_WAIT */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&place->address, sizeof(place->address)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0) {
		close(fd);
		return -ECONNREFUSED;
	}
	return fd;
}

static bool call_connect(struct place *place)
{
	int client = connect_to_listener(place);
	int server = client < 0 ? -1 : accept4(place->listener, NULL, NULL, SOCK_CLOEXEC);

	return server >= 0 && close(client) == 0 && close(server) == 0;
}

static bool call_spawn(struct place *place)
{
	char *arguments[] = {"true", NULL}, *environment[] = {NULL};
	int status;
	pid_t pid;

	(void)place;
	return posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environment) == 0 &&
	       waitpid(pid, &status, 0) == pid && status == 0;
}

/* A batch takes about half a millisecond: reading the clock weighs less than 0.1 %, and many
 * batches meet no interrupt. */
static const struct {
	const char *name;
	bool (*call)(struct place *place);
	int batch;
} works[SYSCALL_WORKS] = {
	[SYSCALL_WORK_GETPPID] = {"getppid", call_getppid, 4000},
	[SYSCALL_WORK_PREAD] = {"pread 4K", call_pread, 2000},
	[SYSCALL_WORK_WRITE] = {"write 4K", call_write, 4000},
	[SYSCALL_WORK_OPEN] = {"open+close", call_open, 500},
	[SYSCALL_WORK_UNIX] = {"unix 1K", call_unix, 500},
	[SYSCALL_WORK_TCP] = {"TCP 1K", call_tcp, 200},
	[SYSCALL_WORK_TCP_LARGE] = {"TCP 16K", call_tcp_large, 100},
	[SYSCALL_WORK_CONNECT] = {"connect", call_connect, 20},
	[SYSCALL_WORK_SPAWN] = {"fork+exec", call_spawn, 2},
};

static int connect_ends(struct place *place)
{
	socklen_t size = sizeof(place->address);

	place->address = (struct sockaddr_in){.sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	place->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (place->listener < 0 ||
	    bind(place->listener, (struct sockaddr *)&place->address, size) < 0 ||
	    listen(place->listener, 1) < 0 ||
	    getsockname(place->listener, (struct sockaddr *)&place->address, &size) < 0)
		return -errno;
	place->client = connect_to_listener(place);
	place->server = accept4(place->listener, NULL, NULL, SOCK_CLOEXEC);
	if (place->client < 0 || place->server < 0)
		return -ECONNREFUSED;
	/* Else a message waits until the one before is acknowledged. */
	if (setsockopt(place->client, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0)
		return -errno;
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, place->unix_ends) < 0 ? -errno
											: 0;
}

static int open_place(struct place *place)
{
	place->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	place->file_fd = open(place->file, O_RDONLY | O_CLOEXEC);
	return place->null_fd < 0 || place->file_fd < 0 ? -errno : connect_ends(place);
}

static double ns_of(struct timeval time)
{
	return (double)time.tv_sec * 1e9 + (double)time.tv_usec * 1e3;
}

static double read_clock_ns(void)
{
	struct rusage children;
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	getrusage(RUSAGE_CHILDREN, &children);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec + ns_of(children.ru_utime) +
	       ns_of(children.ru_stime);
}

/* Returns ns per call, or a negative number when a call failed. */
static double time_batch(enum syscall_work work, struct place *place)
{
	double start_ns = read_clock_ns();

	for (int i = 0; i < works[work].batch; i++)
		if (!works[work].call(place))
			return -1;
	return (read_clock_ns() - start_ns) / works[work].batch;
}

/*
 * Batches of all works take turns, so that a slow moment meets each of them. The
 * fastest counts: interrupts and neighbours only ever add.
 */
static bool measure(struct place *place, int batches, double ret_ns[SYSCALL_WORKS])
{
	for (int batch = -1; batch < batches; batch++) /* -1 warms up */
		for (int work = 0; work < SYSCALL_WORKS; work++) {
			double ns = time_batch((enum syscall_work)work, place);

			if (ns < 0)
				return false;
			if (batch == 0 || (batch > 0 && ns < ret_ns[work]))
				ret_ns[work] = ns;
		}
	return true;
}

int syscall_work_serve(const char *file)
{
	struct place place = {.file = file};
	double ns[SYSCALL_WORKS];
	int batches;

	if (open_place(&place) < 0)
		return 1;
	while (scanf("%d", &batches) == 1) {
		if (batches < 1 || batches > BATCHES_MAX || !measure(&place, batches, ns))
			return 1;
		for (int work = 0; work < SYSCALL_WORKS; work++)
			printf("%s\t%.1f\n", works[work].name, ns[work]);
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
