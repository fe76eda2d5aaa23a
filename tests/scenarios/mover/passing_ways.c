/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors that one program gives to another, and unix sockets between them. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "scenarios/mover/mover.h"

#define AGREED_FD 100 /* where the other one looks */

static long finish(pid_t courier)
{
	mover_wake(courier);
	mover_wait_for_courier(courier);
	return 0;
}

static long carry_agreed(const struct errand *errand, long bytes)
{
	return mover_send_from(errand, AGREED_FD, (size_t)bytes);
}

/* What was open stays open across exec, under the number that dup2() gave it. */
static long move_by_dup_and_exec(const struct errand *errand)
{
	mover_must(dup2(mover_open_source(errand), AGREED_FD), "dup2");
	mover_wait_for_courier(mover_start_courier(errand, (long)mover_source_bytes(errand)));
	return 0;
}

static void fill_with_fd(struct msghdr *message, struct iovec *byte, char *control, int fd)
{
	struct cmsghdr *header;

	*message = (struct msghdr){.msg_iov = byte,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = CMSG_SPACE(sizeof(fd))};
	header = CMSG_FIRSTHDR(message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
}

static int fd_of(struct msghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* The mover opens a file and reads nothing: it hands over what it could read. */
static long pass_source(const struct errand *errand, int type, int n_empty)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, text[] = "x";
	struct iovec byte = {text, 1};
	struct msghdr message;
	pid_t courier;
	int ends[2];

	mover_must(socketpair(AF_UNIX, type, 0, ends), "socketpair");
	courier = mover_start_courier(errand, ends[1]);
	for (int i = 0; i < n_empty; i++)
		mover_must(send(ends[0], text, 1, 0), "send");
	fill_with_fd(&message, &byte, control, mover_open_source(errand));
	mover_must(sendmsg(ends[0], &message, 0), "sendmsg");
	return finish(courier);
}

static long move_by_rights(const struct errand *errand)
{
	return pass_source(errand, SOCK_STREAM, 0);
}

static long carry_by_rights(const struct errand *errand, long socket)
{
	char control[CMSG_SPACE(sizeof(int))], text[8];
	struct iovec byte = {text, sizeof(text)};
	struct msghdr message = {.msg_iov = &byte,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};

	mover_sleep();
	mover_must(recvmsg((int)socket, &message, 0), "recvmsg");
	return mover_send_from(errand, fd_of(&message), SIZE_MAX);
}

/* Three messages by one call, and only the last one brings something. */
static long move_by_rights_in_last(const struct errand *errand)
{
	return pass_source(errand, SOCK_DGRAM, 2);
}

static long carry_by_rights_in_last(const struct errand *errand, long socket)
{
	char controls[3][CMSG_SPACE(sizeof(int))], texts[3][8];
	struct mmsghdr messages[3] = {};
	struct iovec bytes[3];

	for (int i = 0; i < 3; i++) {
		bytes[i] = (struct iovec){texts[i], sizeof(texts[i])};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &bytes[i],
						      .msg_iovlen = 1,
						      .msg_control = controls[i],
						      .msg_controllen = sizeof(controls[i])};
	}
	mover_sleep();
	mover_must(recvmmsg((int)socket, messages, 3, 0, NULL), "recvmmsg");
	return mover_send_from(errand, fd_of(&messages[2].msg_hdr), SIZE_MAX);
}

static long move_by_pidfd_getfd(const struct errand *errand)
{
	pid_t courier;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* where Yama is */
	courier = mover_start_courier(errand, 0);
	mover_must(dup3(mover_open_source(errand), AGREED_FD, O_CLOEXEC), "dup3");
	return finish(courier);
}

static long carry_by_pidfd_getfd(const struct errand *errand, long argument)
{
	int pidfd = (int)mover_must(syscall(SYS_pidfd_open, getppid(), 0), "pidfd_open");
	int fd;

	(void)argument;
	mover_sleep();
	fd = (int)mover_must(syscall(SYS_pidfd_getfd, pidfd, AGREED_FD, 0), "pidfd_getfd");
	return mover_send_from(errand, fd, SIZE_MAX);
}

static long write_to_pair(const struct errand *errand, int type)
{
	size_t bytes = mover_source_bytes(errand);
	pid_t courier;
	int ends[2];

	mover_must(socketpair(AF_UNIX, type, 0, ends), "socketpair");
	mover_must(dup2(ends[1], AGREED_FD), "dup2");
	courier = mover_start_courier(errand, (long)bytes);
	mover_must(send(ends[0], mover_data, mover_read_source(errand), 0), "send");
	mover_wait_for_courier(courier);
	return 0;
}

static long move_by_unix_stream(const struct errand *errand)
{
	return write_to_pair(errand, SOCK_STREAM);
}

static long move_by_unix_dgram(const struct errand *errand)
{
	return write_to_pair(errand, SOCK_DGRAM);
}

static long move_by_unix_seqpacket(const struct errand *errand)
{
	return write_to_pair(errand, SOCK_SEQPACKET);
}

static struct sockaddr_un path_of(const struct errand *errand)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strncpy(address.sun_path, errand->copy, sizeof(address.sun_path) - 1);
	return address;
}

/* By path, and never connected. */
static long move_by_unix_sendto(const struct errand *errand)
{
	struct sockaddr_un address = path_of(errand);
	int fd = (int)mover_must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	pid_t courier = mover_start_courier(errand, (long)mover_source_bytes(errand));
	size_t bytes = mover_read_source(errand);

	mover_sleep();
	mover_must(sendto(fd, mover_data, bytes, 0, (struct sockaddr *)&address, sizeof(address)),
		   "sendto");
	mover_wait_for_courier(courier);
	return 0;
}

static long carry_by_unix_sendto(const struct errand *errand, long bytes)
{
	struct sockaddr_un address = path_of(errand);
	int fd = (int)mover_must(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");

	mover_must(bind(fd, (struct sockaddr *)&address, sizeof(address)), "bind");
	mover_wake(getppid());
	return mover_send_from(errand, fd, (size_t)bytes);
}

const struct mover_way mover_passing_ways[] = {
	{"dup-across-exec", move_by_dup_and_exec, carry_agreed},
	{"scm_rights", move_by_rights, carry_by_rights},
	{"scm_rights-recvmmsg", move_by_rights_in_last, carry_by_rights_in_last},
	{"pidfd_getfd", move_by_pidfd_getfd, carry_by_pidfd_getfd},
	{"unix-stream", move_by_unix_stream, carry_agreed},
	{"unix-dgram", move_by_unix_dgram, carry_agreed},
	{"unix-seqpacket", move_by_unix_seqpacket, carry_agreed},
	{"unix-dgram-sendto", move_by_unix_sendto, carry_by_unix_sendto},
	{NULL, NULL, NULL},
};
