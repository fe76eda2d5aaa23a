/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/syscall_work.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define BATCHES 40
#define PAGE_BYTES 4096
#define MESSAGE_BYTES 1024

struct place {
	const char *file;
	int file_fd, null_fd;
	int client, server; /* two ends of one loopback connection */
	char buffer[PAGE_BYTES];
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
static bool call_tcp(struct place *place)
{
	return send(place->client, place->buffer, MESSAGE_BYTES, 0) == MESSAGE_BYTES &&
	       recv(place->server, place->buffer, MESSAGE_BYTES, MSG_WAITALL) == MESSAGE_BYTES;
}

/* A batch takes about half a millisecond: reading the clock weighs less than 0.1 %, and many
 * batches meet no interrupt. */
static const struct {
	const char *name;
	bool (*call)(struct place *place);
	int batch;
} works[SYSCALL_WORKS] = {
	[SYSCALL_WORK_GETPPID] = {"getppid", call_getppid, 4000},
	[SYSCALL_WORK_PREAD] = {"pread 4 KiB, cached", call_pread, 2000},
	[SYSCALL_WORK_WRITE] = {"write 4 KiB, /dev/null", call_write, 4000},
	[SYSCALL_WORK_OPEN] = {"open + close", call_open, 500},
	[SYSCALL_WORK_TCP] = {"send + recv 1 KiB, TCP", call_tcp, 200},
};

const char *syscall_work_describe(enum syscall_work work)
{
	return works[work].name;
}

static int connect_ends(struct place *place)
{
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	place->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || place->client < 0 ||
	    bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0 ||
	    connect(place->client, (struct sockaddr *)&address, size) < 0)
		return -errno;
	place->server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return place->server < 0 ? -errno : 0;
}

static int open_place(struct place *place)
{
	place->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	place->file_fd = open(place->file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (place->null_fd < 0 || place->file_fd < 0 ||
	    write(place->file_fd, place->buffer, PAGE_BYTES) != PAGE_BYTES)
		return -errno;
	return connect_ends(place);
}

static double read_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
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
static bool measure(struct place *place, double ret_ns[SYSCALL_WORKS])
{
	for (int batch = -1; batch < BATCHES; batch++) /* -1 warms up */
		for (int work = 0; work < SYSCALL_WORKS; work++) {
			double ns = time_batch((enum syscall_work)work, place);

			if (ns < 0)
				return false;
			if (batch == 0 || (batch > 0 && ns < ret_ns[work]))
				ret_ns[work] = ns;
		}
	return true;
}

int syscall_work_serve(int control_fd, const char *file)
{
	struct place place = {.file = file};
	double ns[SYSCALL_WORKS];
	char go;

	if (open_place(&place) < 0)
		return 1;
	while (read(control_fd, &go, 1) == 1)
		if (!measure(&place, ns) || write(STDOUT_FILENO, ns, sizeof(ns)) != sizeof(ns))
			return 1;
	return 0;
}
