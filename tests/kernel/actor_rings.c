/* SPDX-License-Identifier: GPL-2.0-only */

/* The actor's calls by io_uring. Each thread has a ring of its own, of the kind that its call
 * wants, for the one file that it moves data from or to. */

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "kernel/actor.h"
#include "kernel/ring.h"

#define FIXED_BYTES 8192

static _Thread_local struct {
	struct ring ring;
	bool is_open;
	char fixed[FIXED_BYTES];
} own;

static void open_own(uint32_t flags)
{
	if (!own.is_open && ring_open(&own.ring, 4, flags) < 0)
		exit(7);
	own.is_open = true;
}

/* The ring keeps the file open until it ends itself. */
static void open_own_of(int fd, uint32_t flags)
{
	struct iovec buffer = {own.fixed, sizeof(own.fixed)};

	if (own.is_open)
		return;
	open_own(flags);
	if (ring_register(&own.ring, IORING_REGISTER_BUFFERS, &buffer, 1) < 0 ||
	    ring_register(&own.ring, IORING_REGISTER_FILES, &fd, 1) < 0)
		exit(8);
}

static struct io_uring_sqe *request_of(int fd, uint8_t operation, const void *at,
				       unsigned long size)
{
	struct io_uring_sqe *request = ring_next(&own.ring);

	request->opcode = operation;
	request->fd = fd;
	request->addr = (uint64_t)(uintptr_t)at;
	request->len = (uint32_t)size;
	return request;
}

static long do_plain(int fd, uint8_t operation, uint32_t ring_flags, uint8_t flags, char *buffer,
		     unsigned long size)
{
	struct io_uring_sqe *request;

	open_own(ring_flags);
	request = request_of(fd, operation, buffer, size);
	request->flags = flags;
	return ring_do(&own.ring);
}

#define PLAIN(name, operation, ring_flags, flags)                                \
	static long name(int fd, int fd2, char *buffer, unsigned long size)      \
	{                                                                        \
		(void)fd2;                                                       \
		return do_plain(fd, operation, ring_flags, flags, buffer, size); \
	}

PLAIN(do_read, IORING_OP_READ, 0, 0)
PLAIN(do_read_worker, IORING_OP_READ, 0, IOSQE_ASYNC)
PLAIN(do_read_sqpoll, IORING_OP_READ, IORING_SETUP_SQPOLL, 0)
PLAIN(do_write, IORING_OP_WRITE, 0, 0)
PLAIN(do_write_worker, IORING_OP_WRITE, 0, IOSQE_ASYNC)
PLAIN(do_write_sqpoll, IORING_OP_WRITE, IORING_SETUP_SQPOLL, 0)
PLAIN(do_send, IORING_OP_SEND, 0, 0)
PLAIN(do_send_worker, IORING_OP_SEND, 0, IOSQE_ASYNC)
PLAIN(do_send_sqpoll, IORING_OP_SEND, IORING_SETUP_SQPOLL, 0)
PLAIN(do_recv, IORING_OP_RECV, 0, 0)

static long do_vector(int fd, uint8_t operation, char *buffer, unsigned long size)
{
	struct iovec halves[2] = {{buffer, size / 2}, {buffer + size / 2, size - size / 2}};

	open_own(0);
	request_of(fd, operation, halves, 2);
	return ring_do(&own.ring);
}

/* The halves lie in the buffer that the ring knows. */
static long do_vector_fixed(int fd, uint8_t operation, unsigned long size)
{
	struct iovec halves[2] = {{own.fixed, size / 2}, {own.fixed + size / 2, size - size / 2}};

	open_own_of(fd, 0);
	request_of(fd, operation, halves, 2);
	return ring_do(&own.ring);
}

static long do_readv_fixed(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	(void)buffer;
	return do_vector_fixed(fd, RING_OP_READV_FIXED, size);
}

static long do_writev_fixed(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	(void)buffer;
	return do_vector_fixed(fd, RING_OP_WRITEV_FIXED, size);
}

static long do_readv(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return do_vector(fd, IORING_OP_READV, buffer, size);
}

static long do_writev(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return do_vector(fd, IORING_OP_WRITEV, buffer, size);
}

/* By the number in the ring's own table, into the buffer that the ring knows. */
static long do_fixed(int fd, uint8_t operation, uint32_t ring_flags, unsigned long size)
{
	struct io_uring_sqe *request;

	open_own_of(fd, ring_flags);
	request = request_of(0, operation, own.fixed, size);
	request->flags = IOSQE_FIXED_FILE;
	return ring_do(&own.ring);
}

static long do_read_fixed(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	(void)buffer;
	return do_fixed(fd, IORING_OP_READ_FIXED, 0, size);
}

static long do_write_fixed(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	(void)buffer;
	return do_fixed(fd, IORING_OP_WRITE_FIXED, 0, size);
}

static long do_write_fixed_sqpoll(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	(void)buffer;
	return do_fixed(fd, IORING_OP_WRITE_FIXED, IORING_SETUP_SQPOLL, size);
}

static long do_message(int fd, uint8_t operation, char *buffer, unsigned long size)
{
	struct iovec halves[2] = {{buffer, size / 2}, {buffer + size / 2, size - size / 2}};
	struct msghdr message = {.msg_iov = halves, .msg_iovlen = 2};

	open_own(0);
	request_of(fd, operation, &message, 1);
	return ring_do(&own.ring);
}

static long do_sendmsg(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return do_message(fd, IORING_OP_SENDMSG, buffer, size);
}

static long do_recvmsg(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return do_message(fd, IORING_OP_RECVMSG, buffer, size);
}

/* Completes twice: what was sent, and that the buffer is free again. */
static long take_notification(long sent)
{
	struct io_uring_cqe cqe;

	return sent >= 0 && ring_take(&own.ring, &cqe) < 0 ? -1 : sent;
}

static long do_send_zc(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return take_notification(do_plain(fd, RING_OP_SEND_ZC, 0, 0, buffer, size));
}

static long do_sendmsg_zc(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return take_notification(do_message(fd, RING_OP_SENDMSG_ZC, buffer, size));
}

/* File to pipe, as splice of the system calls. */
static long do_splice(int fd, int fd2, char *buffer, unsigned long size)
{
	struct io_uring_sqe *request;

	(void)buffer;
	open_own(0);
	request = request_of(fd2, IORING_OP_SPLICE, NULL, size);
	request->splice_fd_in = fd;
	request->splice_off_in = 19;
	request->off = (uint64_t)-1;
	return ring_do(&own.ring);
}

const struct actor_call actor_ring_calls[] = {
	{"io_uring READ", do_read, 'r', 'f', IORING_OP_READ},
	{"io_uring READ by a worker", do_read_worker, 'r', 'f', IORING_OP_READ},
	{"io_uring READ with SQPOLL", do_read_sqpoll, 'r', 'f', IORING_OP_READ},
	{"io_uring READV", do_readv, 'r', 'f', IORING_OP_READV},
	{"io_uring READ_FIXED of a fixed file", do_read_fixed, 'r', 'f', IORING_OP_READ_FIXED},
	{"io_uring READV_FIXED", do_readv_fixed, 'r', 'f', RING_OP_READV_FIXED},
	{"io_uring RECV", do_recv, 'r', 's', IORING_OP_RECV},
	{"io_uring RECVMSG", do_recvmsg, 'r', 's', IORING_OP_RECVMSG},
	{"io_uring WRITE", do_write, 'w', 'f', IORING_OP_WRITE},
	{"io_uring WRITE by a worker", do_write_worker, 'w', 'f', IORING_OP_WRITE},
	{"io_uring WRITE with SQPOLL", do_write_sqpoll, 'w', 'f', IORING_OP_WRITE},
	{"io_uring WRITEV", do_writev, 'w', 'f', IORING_OP_WRITEV},
	{"io_uring WRITE_FIXED of a fixed file", do_write_fixed, 'w', 'f', IORING_OP_WRITE_FIXED},
	{"io_uring WRITE_FIXED with SQPOLL", do_write_fixed_sqpoll, 'w', 'f',
	 IORING_OP_WRITE_FIXED},
	{"io_uring WRITEV_FIXED", do_writev_fixed, 'w', 'f', RING_OP_WRITEV_FIXED},
	{"io_uring SEND", do_send, 'w', 's', IORING_OP_SEND},
	{"io_uring SEND by a worker", do_send_worker, 'w', 's', IORING_OP_SEND},
	{"io_uring SEND with SQPOLL", do_send_sqpoll, 'w', 's', IORING_OP_SEND},
	{"io_uring SENDMSG", do_sendmsg, 'w', 's', IORING_OP_SENDMSG},
	{"io_uring SENDMSG (UDP)", do_sendmsg, 'w', 'd', IORING_OP_SENDMSG},
	{"io_uring SEND_ZC", do_send_zc, 'w', 's', RING_OP_SEND_ZC},
	{"io_uring SENDMSG_ZC", do_sendmsg_zc, 'w', 's', RING_OP_SENDMSG_ZC},
	{"io_uring WRITE (pipe)", do_write, 'w', 'p', IORING_OP_WRITE},
	{"io_uring SPLICE", do_splice, 'c', 'p', IORING_OP_SPLICE},
	{NULL, NULL, 0, 0, 0},
};
