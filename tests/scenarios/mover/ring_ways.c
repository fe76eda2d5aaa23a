/* SPDX-License-Identifier: GPL-2.0-only */
/* io_uring: what no call moves. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/ring.h"
#include "scenarios/mover/mover.h"

#define AGREED_FD 100
#define ENTRIES 8

static long must_ring(long result, const char *what)
{
	if (result < 0) {
		errno = (int)-result;
		mover_fail(what);
	}
	return result;
}

static struct ring new_ring(uint8_t operation, uint32_t flags)
{
	struct ring ring;

	must_ring(ring_open(&ring, ENTRIES, flags), "io_uring_setup");
	if (!ring_has_operation(operation))
		must_ring(-EOPNOTSUPP, "this io_uring");
	return ring;
}

static struct io_uring_sqe *ask(struct ring *ring, uint8_t operation, int fd, const void *at,
				size_t bytes)
{
	struct io_uring_sqe *request = ring_next(ring);

	request->opcode = operation;
	request->fd = fd;
	request->addr = (uint64_t)(uintptr_t)at;
	request->len = (uint32_t)bytes;
	return request;
}

static size_t read_by_ring(struct ring *ring, int fd)
{
	ask(ring, IORING_OP_READ, fd, mover_data, sizeof(mover_data));
	return (size_t)must_ring(ring_do(ring), "io_uring read");
}

static long read_and_write(const struct errand *errand, uint32_t flags)
{
	struct ring ring = new_ring(IORING_OP_READ, flags);
	size_t bytes = read_by_ring(&ring, mover_open_source(errand));

	ask(&ring, IORING_OP_WRITE, mover_connect(errand), mover_data, bytes);
	return must_ring(ring_do(&ring), "io_uring write");
}

static long move_by_ring(const struct errand *errand)
{
	return read_and_write(errand, 0);
}

/* A thread of the kernel does it all. */
static long move_by_polled_ring(const struct errand *errand)
{
	return read_and_write(errand, IORING_SETUP_SQPOLL);
}

static long move_by_ring_socket(const struct errand *errand)
{
	struct ring ring = new_ring(IORING_OP_SEND, 0);
	size_t bytes = mover_source_bytes(errand);
	pid_t courier;
	int ends[2];

	mover_must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	mover_must(dup2(ends[1], AGREED_FD), "dup2");
	courier = mover_start_courier(errand, (long)bytes);
	read_by_ring(&ring, mover_open_source(errand));
	ask(&ring, IORING_OP_SEND, ends[0], mover_data, bytes);
	must_ring(ring_do(&ring), "io_uring send");
	mover_wait_for_courier(courier);
	return 0;
}

static long carry_by_ring_socket(const struct errand *errand, long bytes)
{
	struct ring ring = new_ring(IORING_OP_RECV, 0);

	ask(&ring, IORING_OP_RECV, AGREED_FD, mover_data, (size_t)bytes)->msg_flags = MSG_WAITALL;
	bytes = must_ring(ring_do(&ring), "io_uring recv");
	ask(&ring, IORING_OP_SEND, mover_connect(errand), mover_data, (size_t)bytes);
	return must_ring(ring_do(&ring), "io_uring send");
}

static long move_by_ring_sendmsg(const struct errand *errand)
{
	struct ring ring = new_ring(IORING_OP_SENDMSG, 0);
	struct iovec part = {mover_data, read_by_ring(&ring, mover_open_source(errand))};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	ask(&ring, IORING_OP_SENDMSG, mover_connect(errand), &message, 1);
	return must_ring(ring_do(&ring), "io_uring sendmsg");
}

static long splice_by_ring(struct ring *ring, int from, int64_t offset, int to, size_t bytes)
{
	struct io_uring_sqe *request = ask(ring, IORING_OP_SPLICE, to, NULL, bytes);

	request->splice_fd_in = from;
	request->splice_off_in = (uint64_t)offset;
	request->off = UINT64_MAX;
	return must_ring(ring_do(ring), "io_uring splice");
}

static long move_by_ring_splice(const struct errand *errand)
{
	struct ring ring = new_ring(IORING_OP_SPLICE, 0);
	int from = mover_open_source(errand), to = mover_connect(errand), ends[2];
	size_t bytes;
	long sent = 0;

	mover_must(pipe2(ends, O_CLOEXEC), "pipe");
	bytes = (size_t)splice_by_ring(&ring, from, 0, ends[1], sizeof(mover_data));
	while ((size_t)sent < bytes)
		sent += splice_by_ring(&ring, ends[0], -1, to, bytes - (size_t)sent);
	return sent;
}

/* Files and the buffer are known to the ring before; requests name them by their place. */
static long move_by_fixed(const struct errand *errand)
{
	struct ring ring = new_ring(IORING_OP_READ_FIXED, 0);
	struct iovec buffer = {mover_data, sizeof(mover_data)};
	int files[2];
	long bytes;

	files[0] = mover_open_source(errand);
	files[1] = mover_connect(errand);
	must_ring(ring_register(&ring, IORING_REGISTER_FILES, files, 2), "register files");
	must_ring(ring_register(&ring, IORING_REGISTER_BUFFERS, &buffer, 1), "register buffers");
	close(files[0]);
	ask(&ring, IORING_OP_READ_FIXED, 0, mover_data, sizeof(mover_data))->flags =
		IOSQE_FIXED_FILE;
	bytes = must_ring(ring_do(&ring), "io_uring read");
	ask(&ring, IORING_OP_WRITE_FIXED, 1, mover_data, (size_t)bytes)->flags = IOSQE_FIXED_FILE;
	return must_ring(ring_do(&ring), "io_uring write");
}

/* The kernel says nothing of a write that succeeded; the request after it does. */
static long move_in_silence(const struct errand *errand)
{
	struct ring ring = new_ring(IORING_OP_MSG_RING, 0); /* 5.18: newer than CQE_SKIP (5.17) */
	size_t bytes = read_by_ring(&ring, mover_open_source(errand));

	ask(&ring, IORING_OP_WRITE, mover_connect(errand), mover_data, bytes)->flags =
		IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
	ask(&ring, IORING_OP_NOP, -1, NULL, 0);
	must_ring(ring_do(&ring), "io_uring write");
	return (long)bytes;
}

/* Puts the open source into the table of the courier's ring. Kernels from 6.7 on pass no ring
 * through a socket, so it is taken. */
static long move_by_message(const struct errand *errand)
{
	struct ring ring = new_ring(IORING_OP_MSG_RING, 0);
	pid_t courier = mover_start_courier(errand, (long)mover_source_bytes(errand));
	struct io_uring_sqe *request;
	int pidfd, theirs, source;

	mover_sleep();
	pidfd = (int)mover_must(syscall(SYS_pidfd_open, courier, 0), "pidfd_open");
	theirs = (int)mover_must(syscall(SYS_pidfd_getfd, pidfd, AGREED_FD, 0), "pidfd_getfd");
	source = mover_open_source(errand);
	must_ring(ring_register(&ring, IORING_REGISTER_FILES, &source, 1), "register files");
	request = ask(&ring, IORING_OP_MSG_RING, theirs, (void *)RING_MSG_SEND_FD, 0);
	request->addr3 = 0;
	request->file_index = 1;
	must_ring(ring_do(&ring), "io_uring message");
	mover_wake(courier);
	mover_wait_for_courier(courier);
	return 0;
}

static long carry_message(const struct errand *errand, long bytes)
{
	static const int empty[2] = {-1, -1};
	struct ring ring = new_ring(IORING_OP_MSG_RING, 0);
	struct io_uring_cqe arrival;

	must_ring(ring_register(&ring, IORING_REGISTER_FILES, empty, 2), "register files");
	mover_must(dup2(ring.fd, AGREED_FD), "dup2");
	mover_wake(getppid());
	mover_sleep();
	must_ring(ring_take(&ring, &arrival), "io_uring_enter");
	ask(&ring, IORING_OP_READ, 0, mover_data, (size_t)bytes)->flags = IOSQE_FIXED_FILE;
	bytes = must_ring(ring_do(&ring), "io_uring read");
	return mover_send(mover_connect(errand), mover_data, (size_t)bytes);
}

const struct mover_way mover_ring_ways[] = {
	{"io_uring-read-write", move_by_ring, NULL},
	{"io_uring-sqpoll", move_by_polled_ring, NULL},
	{"io_uring-send-recv", move_by_ring_socket, carry_by_ring_socket},
	{"io_uring-sendmsg", move_by_ring_sendmsg, NULL},
	{"io_uring-splice", move_by_ring_splice, NULL},
	{"io_uring-fixed", move_by_fixed, NULL},
	{"io_uring-cqe-skip", move_in_silence, NULL},
	{"io_uring-msg-ring", move_by_message, carry_message},
	{NULL, NULL, NULL},
};
