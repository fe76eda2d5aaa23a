/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kernel/actor.h"

#define MESSAGES_MAX 2048 /* in the most that is asked for */

#define HALVES(buffer, size)                                  \
	struct iovec halves[2] = {                            \
		{(buffer), (size) / 2},                       \
		{(buffer) + (size) / 2, (size) - (size) / 2}, \
	}

static long do_read(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return read(fd, buffer, size);
}

static long do_pread(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return pread(fd, buffer, size, (off_t)(size % 4096));
}

static long do_readv(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	(void)fd2;
	return readv(fd, halves, 2);
}

static long do_preadv(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	(void)fd2;
	return preadv(fd, halves, 2, 7);
}

static long do_preadv2(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	(void)fd2;
	return preadv2(fd, halves, 2, 3, 0);
}

static long do_write(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return write(fd, buffer, size);
}

static long do_pwrite(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return pwrite(fd, buffer, size, 11);
}

static long do_writev(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	(void)fd2;
	return writev(fd, halves, 2);
}

static long do_pwritev(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	(void)fd2;
	return pwritev(fd, halves, 2, 5);
}

static long do_pwritev2(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	(void)fd2;
	return pwritev2(fd, halves, 2, 9, 0);
}

static long do_recvfrom(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return recvfrom(fd, buffer, size, 0, NULL, NULL);
}

static long do_recvmsg(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	struct msghdr message = {.msg_iov = halves, .msg_iovlen = 2};

	(void)fd2;
	return recvmsg(fd, &message, 0);
}

static long add_up(const struct mmsghdr *messages, int n)
{
	long bytes = 0;

	for (int i = 0; i < n; i++)
		bytes += messages[i].msg_len;
	return n < 0 ? -1 : bytes;
}

static long do_recvmmsg(int fd, int fd2, char *buffer, unsigned long size)
{
	static const unsigned long part_bytes = 4, seldom = 16;
	bool is_many = size % seldom == 0; /* more than UIO_MAXIOV, mostly */
	unsigned long n = is_many ? size / part_bytes : 2;
	struct mmsghdr messages[MESSAGES_MAX] = {};
	struct iovec parts[MESSAGES_MAX];

	(void)fd2;
	for (unsigned long i = 0; i < n; i++) {
		unsigned long bytes = is_many ? part_bytes : size / 2;

		parts[i] = (struct iovec){buffer + i * bytes, bytes};
		messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
	}
	return add_up(messages, recvmmsg(fd, messages, (unsigned int)n, MSG_WAITFORONE, NULL));
}

static long do_sendto(int fd, int fd2, char *buffer, unsigned long size)
{
	(void)fd2;
	return sendto(fd, buffer, size, MSG_NOSIGNAL, NULL, 0);
}

static long do_sendmsg(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	struct msghdr message = {.msg_iov = halves, .msg_iovlen = 2};

	(void)fd2;
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

static long do_sendmmsg(int fd, int fd2, char *buffer, unsigned long size)
{
	HALVES(buffer, size);
	struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &halves[0], .msg_iovlen = 1}},
				      {.msg_hdr = {.msg_iov = &halves[1], .msg_iovlen = 1}}};

	(void)fd2;
	return add_up(messages, sendmmsg(fd, messages, 2, MSG_NOSIGNAL));
}

static long do_sendfile(int fd, int fd2, char *buffer, unsigned long size)
{
	off_t offset = 13;

	(void)buffer;
	return sendfile(fd2, fd, &offset, size);
}

static long do_copy_file_range(int fd, int fd2, char *buffer, unsigned long size)
{
	off_t from = 17, to = 0;

	(void)buffer;
	return copy_file_range(fd, &from, fd2, &to, size, 0);
}

/* File to pipe; what is in the pipe then is thrown away by the reader at its other end. */
static long do_splice(int fd, int fd2, char *buffer, unsigned long size)
{
	off_t offset = 19;

	(void)buffer;
	return splice(fd, &offset, fd2, NULL, size, 0);
}

static long do_vmsplice(int fd, int fd2, char *buffer, unsigned long size)
{
	struct iovec one = {buffer, size};

	(void)fd2;
	return vmsplice(fd, &one, 1, 0);
}

const struct actor_call actor_calls[] = {
	{"read", do_read, 'r', 'f', 0},
	{"pread", do_pread, 'r', 'f', 0},
	{"readv", do_readv, 'r', 'f', 0},
	{"preadv", do_preadv, 'r', 'f', 0},
	{"preadv2", do_preadv2, 'r', 'f', 0},
	{"recvfrom", do_recvfrom, 'r', 's', 0},
	{"recvmsg", do_recvmsg, 'r', 's', 0},
	{"recvmmsg", do_recvmmsg, 'r', 's', 0},
	{"read_socket", do_read, 'r', 's', 0},
	{"write", do_write, 'w', 'f', 0},
	{"pwrite", do_pwrite, 'w', 'f', 0},
	{"writev", do_writev, 'w', 'f', 0},
	{"pwritev", do_pwritev, 'w', 'f', 0},
	{"pwritev2", do_pwritev2, 'w', 'f', 0},
	{"write_socket", do_write, 'w', 's', 0},
	{"sendto", do_sendto, 'w', 's', 0},
	{"sendmsg", do_sendmsg, 'w', 's', 0},
	{"sendmmsg", do_sendmmsg, 'w', 's', 0},
	{"sendto_udp", do_sendto, 'w', 'd', 0},
	{"sendmsg_udp", do_sendmsg, 'w', 'd', 0},
	{"sendmmsg_udp", do_sendmmsg, 'w', 'd', 0},
	{"write_pipe", do_write, 'w', 'p', 0},
	{"vmsplice", do_vmsplice, 'w', 'p', 0},
	{"sendfile", do_sendfile, 'c', 's', 0},
	{"copy_file_range", do_copy_file_range, 'c', 'f', 0},
	{"splice", do_splice, 'c', 'p', 0},
	{NULL, NULL, 0, 0, 0},
};

const struct actor_call *actor_find_call(const char *name)
{
	const struct actor_call *const lists[] = {actor_calls, actor_ring_calls, actor_compat_calls,
						  actor_compat_overwriting_calls};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct actor_call *call = lists[i]; call->name; call++)
			if (strcmp(call->name, name) == 0)
				return call;
	return NULL;
}
