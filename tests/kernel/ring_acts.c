/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/ring_acts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/ring_act.h"

#define CHUNK RING_ACT_BYTES
#define MANY 8 /* twice what a ring of two entries can complete unread, and more */

void ring_act_need(bool is_so)
{
	if (is_so)
		return;
	puts(RING_ACTS_LACKING);
	exit(0);
}

static int make_target(const char *path)
{
	return open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
}

struct ring ring_act_open(uint32_t entries)
{
	struct ring ring;

	ring_act_need(ring_open(&ring, entries, 0) == 0);
	return ring;
}

struct io_uring_sqe *ring_act_ask(struct ring *ring, uint8_t operation, int fd, const void *at,
				  uint32_t bytes)
{
	struct io_uring_sqe *request = ring_next(ring);

	request->opcode = operation;
	request->fd = fd;
	request->addr = (uint64_t)(uintptr_t)at;
	request->len = bytes;
	return request;
}

int ring_act_tell(long moved)
{
	printf("%ld\n", moved);
	return moved < 0;
}

/* A program that knows nothing of rings, so that it shows whether the app is labelled. */
static int write_plain(const char *path, const char *data, long bytes)
{
	int fd = make_target(path);

	return ring_act_tell(bytes < 0 ? bytes : write(fd, data, (size_t)bytes));
}

/* Read and write enter the kernel together: when the write does, nothing has been read. */
static int act_linked(char **argv)
{
	struct ring ring = ring_act_open(4);
	int source = open(argv[0], O_RDONLY | O_CLOEXEC), target = make_target(argv[1]);
	static char data[CHUNK];
	struct io_uring_cqe cqe = {};

	ring_act_ask(&ring, IORING_OP_READ, source, data, CHUNK)->flags = IOSQE_IO_LINK;
	ring_act_ask(&ring, IORING_OP_WRITE, target, data, CHUNK);
	if (ring_submit(&ring, 2) < 0 || ring_take(&ring, &cqe) < 0 || ring_take(&ring, &cqe) < 0)
		return 2;
	return ring_act_tell(cqe.res);
}

static int act_open(char **argv)
{
	struct ring ring = ring_act_open(4);
	static char data[CHUNK];
	int fd;

	ring_act_ask(&ring, IORING_OP_OPENAT, AT_FDCWD, argv[0], 0)->open_flags = O_RDONLY;
	fd = (int)ring_do(&ring);
	return fd < 0 ? 2 : write_plain(argv[1], data, read(fd, data, CHUNK));
}

static int make_table(struct ring *ring)
{
	static const int empty[2] = {-1, -1};

	return ring_register(ring, IORING_REGISTER_FILES, empty, 2);
}

/* Opened into the table of the ring: the process has no descriptor of it. */
static int act_open_fixed(char **argv)
{
	struct ring ring = ring_act_open(4);
	struct io_uring_sqe *request;
	static char data[CHUNK];

	ring_act_need(make_table(&ring) == 0);
	request = ring_act_ask(&ring, IORING_OP_OPENAT, AT_FDCWD, argv[0], 0);
	request->open_flags = O_RDONLY;
	request->file_index = 2;
	ring_act_need(ring_do(&ring) == 0);
	ring_act_ask(&ring, IORING_OP_READ, 1, data, CHUNK)->flags = IOSQE_FIXED_FILE;
	return write_plain(argv[1], data, ring_do(&ring));
}

static int act_install(char **argv)
{
	struct ring ring = ring_act_open(4);
	int source, fd;
	static char data[CHUNK];

	ring_act_need(ring_has_operation(RING_OP_FIXED_FD_INSTALL));
	source = open(argv[0], O_RDONLY | O_CLOEXEC);
	ring_act_need(ring_register(&ring, IORING_REGISTER_FILES, &source, 1) == 0);
	close(source);
	ring_act_ask(&ring, RING_OP_FIXED_FD_INSTALL, 0, NULL, 0)->flags = IOSQE_FIXED_FILE;
	fd = (int)ring_do(&ring);
	return fd < 0 ? 2 : write_plain(argv[1], data, read(fd, data, CHUNK));
}

/* argv[1] is "HOST:PORT" of the CRM. */
static int act_connect(char **argv)
{
	struct ring ring = ring_act_open(4);
	struct sockaddr_in address = ring_act_address(argv[1]);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static char data[CHUNK];

	ring_act_ask(&ring, IORING_OP_CONNECT, fd, &address, 0)->off = sizeof(address);
	if (ring_do(&ring) < 0)
		return 2;
	ring_act_ask(&ring, IORING_OP_RECV, fd, data, CHUNK)->msg_flags = MSG_WAITALL;
	return ring_act_tell(ring_do(&ring));
}

/* The kernel says nothing of what succeeded. */
static int act_silent(char **argv)
{
	struct ring ring = ring_act_open(4);
	int source = open(argv[0], O_RDONLY | O_CLOEXEC), target = make_target(argv[1]);
	struct io_uring_cqe cqe = {};
	static char data[CHUNK];

	if (read(source, data, CHUNK) != CHUNK)
		return 2;
	ring_act_ask(&ring, IORING_OP_WRITE, target, data, CHUNK)->flags =
		IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
	ring_act_ask(&ring, IORING_OP_NOP, -1, NULL, 0);
	if (ring_submit(&ring, 1) < 0 || ring_take(&ring, &cqe) < 0)
		return 3;
	ring_act_need(cqe.res == 0);
	return ring_act_tell(lseek(target, 0, SEEK_END));
}

/* More completions than there is room for: the kernel keeps them aside. */
static int act_overflow(char **argv)
{
	struct ring ring = ring_act_open(2);
	int source = open(argv[0], O_RDONLY | O_CLOEXEC), target = make_target(argv[1]);
	static char data[CHUNK];

	if (read(source, data, CHUNK) != CHUNK)
		return 2;
	for (int i = 0; i < MANY; i++) {
		ring_act_ask(&ring, IORING_OP_WRITE, target, data, CHUNK)->off =
			(uint64_t)i * CHUNK;
		if (ring_submit(&ring, 0) < 0)
			return 3;
	}
	/* Where workers do it, they find no room only while nobody takes. */
	usleep(500000);
	for (int i = 0; i < MANY; i++) {
		struct io_uring_cqe cqe;

		if (ring_take(&ring, &cqe) < 0 || cqe.res != CHUNK)
			return 4;
	}
	return ring_act_tell((long)MANY * CHUNK);
}

/* Kernels from 6.7 on pass no ring through a socket. */
static int take_fd(pid_t owner, int number)
{
	int pidfd = (int)syscall(SYS_pidfd_open, owner, 0);

	return (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
}

/* The clerk, who has the source open, puts it into the table of the thief's ring. The thief is
 * another app: argv[2] is its executable, and it starts with one end of a socket. */
static int pass_to(char *how_it_steals, char **argv)
{
	char *arguments[] = {argv[2], "ring", how_it_steals, NULL, argv[1], NULL};
	struct ring ring = ring_act_open(4);
	struct io_uring_sqe *request;
	int source, ends[2], theirs, status;
	char number[16];
	pid_t thief;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
		return 2;
	snprintf(number, sizeof(number), "%d", ends[1]);
	arguments[3] = number;
	thief = fork();
	if (thief == 0) {
		execv(argv[2], arguments);
		_exit(9);
	}
	close(ends[1]);
	ring_act_need(read(ends[0], &theirs, sizeof(theirs)) == sizeof(theirs));
	theirs = take_fd(thief, theirs);
	ring_act_need(theirs >= 0);
	/* Only now, so that the thief is a child of somebody who held nothing. */
	source = open(argv[0], O_RDONLY | O_CLOEXEC);
	if (ring_register(&ring, IORING_REGISTER_FILES, &source, 1) < 0)
		return 5;
	request = ring_act_ask(&ring, IORING_OP_MSG_RING, theirs, (void *)RING_MSG_SEND_FD, 0);
	request->addr3 = 0;
	request->file_index = 1;
	status = (int)ring_do(&ring);
	if (write(ends[0], status == 0 ? "g" : "x", 1) != 1 || waitpid(thief, &status, 0) < 0)
		return 3;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

static int act_message(char **argv)
{
	return pass_to("steal", argv);
}

static int act_message_spliced(char **argv)
{
	return pass_to("steal-spliced", argv);
}

/* A ring whose table got a file from whom this descriptor leads to. */
static struct ring take_passed(int clerk)
{
	struct ring ring = ring_act_open(4);
	struct io_uring_cqe arrival;
	char word = 0;

	ring_act_need(make_table(&ring) == 0);
	if (write(clerk, &ring.fd, sizeof(ring.fd)) != sizeof(ring.fd) ||
	    read(clerk, &word, 1) != 1)
		exit(5);
	ring_act_need(word == 'g');
	if (ring_take(&ring, &arrival) < 0)
		exit(6);
	return ring;
}

/* argv[0]: the socket's descriptor. */
static int act_steal(char **argv)
{
	struct ring ring = take_passed(atoi(argv[0]));
	static char data[CHUNK];

	ring_act_ask(&ring, IORING_OP_READ, 0, data, CHUNK)->flags = IOSQE_FIXED_FILE;
	return write_plain(argv[1], data, ring_do(&ring));
}

/* Into a pipe, which is a descriptor of the process: the request uses the table for its input
 * only. */
static int act_steal_spliced(char **argv)
{
	struct ring ring = take_passed(atoi(argv[0]));
	struct io_uring_sqe *request;
	static char data[CHUNK];
	int ends[2];

	if (pipe(ends) < 0)
		return 7;
	request = ring_act_ask(&ring, IORING_OP_SPLICE, ends[1], NULL, CHUNK);
	request->off = (uint64_t)-1;
	request->splice_fd_in = 0;
	request->splice_flags = RING_SPLICE_IN_FIXED;
	if (ring_do(&ring) != CHUNK)
		return 8;
	return write_plain(argv[1], data, read(ends[0], data, CHUNK));
}

/* From a pipe to a fifo. */
static int act_tee(char **argv)
{
	struct ring ring = ring_act_open(4);
	int source = open(argv[0], O_RDONLY | O_CLOEXEC), ends[2], fifo;
	static char data[CHUNK];

	if (read(source, data, CHUNK) != CHUNK || pipe(ends) < 0 || mkfifo(argv[1], 0600) < 0 ||
	    write(ends[1], data, CHUNK) != CHUNK)
		return 2;
	fifo = open(argv[1], O_RDWR | O_CLOEXEC);
	ring_act_ask(&ring, IORING_OP_TEE, fifo, NULL, CHUNK)->splice_fd_in = ends[0];
	return ring_act_tell(ring_do(&ring));
}

/* Asks a socket something past its file. */
static int act_command(char **argv)
{
	struct ring ring = ring_act_open(4);
	int source = open(argv[0], O_RDONLY | O_CLOEXEC);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	static char data[CHUNK];

	if (read(source, data, CHUNK) != CHUNK)
		return 2;
	ring_act_ask(&ring, IORING_OP_URING_CMD, fd, NULL, 0)->cmd_op = RING_SOCKET_SIOCINQ;
	ring_act_need(ring_do(&ring) == 0);
	return ring_act_tell(CHUNK);
}

static const struct {
	const char *name;
	int (*act)(char **argv);
} acts[] = {
	{"linked", act_linked},
	{"open", act_open},
	{"open-fixed", act_open_fixed},
	{"install", act_install},
	{"connect", act_connect},
	{"silent", act_silent},
	{"overflow", act_overflow},
	{"message", act_message},
	{"message-spliced", act_message_spliced},
	{"steal", act_steal},
	{"steal-spliced", act_steal_spliced},
	{"tee", act_tee},
	{"command", act_command},
	{"datagrams", ring_act_datagrams},
	{"sends", ring_act_sends},
	{"letters", ring_act_letters},
	{"changed", ring_act_changed},
	{"bundle", ring_act_bundle},
	{"bundle-datagrams", ring_act_bundle_datagrams},
	{"silent-buffer", ring_act_silent_buffer},
	{"silent-vectors", ring_act_silent_vectors},
	{"multishot", ring_act_multishot},
	{"multishot-message", ring_act_multishot_message},
	{"multishot-read", ring_act_multishot_read},
	{"forged", ring_act_forged},
	{"alike", ring_act_alike},
	{"listen-alike", ring_act_listen_alike},
	{"asks", ring_act_asks},
};

int ring_acts_main(int argc, char **argv)
{
	for (size_t i = 0; argc >= 5 && i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(argv[2], acts[i].name) == 0)
			return acts[i].act(argv + 3);
	return 1;
}
