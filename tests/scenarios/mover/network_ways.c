/* SPDX-License-Identifier: GPL-2.0-only */
/* To the network, by other calls than a write to a connection. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scenarios/mover/mover.h"

#define DATAGRAM_BYTES 1200
#define BATCH 16

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

static int new_datagram_socket(void)
{
	return (int)mover_must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
}

static size_t next_bytes(size_t at, size_t all)
{
	return all - at < DATAGRAM_BYTES ? all - at : DATAGRAM_BYTES;
}

static long move_by_sendto(const struct errand *errand)
{
	size_t bytes = mover_read_source(errand);
	int fd = new_datagram_socket();
	long sent = 0;

	while ((size_t)sent < bytes)
		sent += mover_must(sendto(fd, mover_data + sent, next_bytes((size_t)sent, bytes), 0,
					  (const struct sockaddr *)&errand->to, sizeof(errand->to)),
				   "sendto");
	return sent;
}

static struct msghdr address_to(const struct errand *errand, struct iovec *part)
{
	return (struct msghdr){.msg_name = (void *)&errand->to,
			       .msg_namelen = sizeof(errand->to),
			       .msg_iov = part,
			       .msg_iovlen = 1};
}

static long move_by_sendmsg(const struct errand *errand)
{
	size_t bytes = mover_read_source(errand);
	int fd = new_datagram_socket();
	long sent = 0;

	while ((size_t)sent < bytes) {
		struct iovec part = {mover_data + sent, next_bytes((size_t)sent, bytes)};
		struct msghdr message = address_to(errand, &part);

		sent += mover_must(sendmsg(fd, &message, 0), "sendmsg");
	}
	return sent;
}

static long move_by_sendmmsg(const struct errand *errand)
{
	size_t bytes = mover_read_source(errand), at = 0;
	struct mmsghdr messages[BATCH] = {};
	struct iovec parts[BATCH];
	int fd = new_datagram_socket(), n = 0;
	long sent = 0;

	for (; at < bytes && n < BATCH; n++) {
		parts[n] = (struct iovec){mover_data + at, next_bytes(at, bytes)};
		messages[n].msg_hdr = address_to(errand, &parts[n]);
		at += parts[n].iov_len;
	}
	n = (int)mover_must(sendmmsg(fd, messages, (unsigned int)n, 0), "sendmmsg");
	for (int i = 0; i < n; i++)
		sent += messages[i].msg_len;
	return sent;
}

/* The pages themselves are sent; the socket's queue of errors says when they are free again. */
static long move_by_zerocopy(const struct errand *errand)
{
	size_t bytes = mover_read_source(errand);
	int fd = mover_connect(errand), one = 1;
	struct pollfd wanted = {.fd = fd};
	struct msghdr notice = {};
	char control[128];
	long sent = 0;

	mover_must(setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)), "SO_ZEROCOPY");
	while ((size_t)sent < bytes)
		sent += mover_must(send(fd, mover_data + sent, bytes - (size_t)sent, MSG_ZEROCOPY),
				   "send");
	notice.msg_control = control;
	notice.msg_controllen = sizeof(control);
	poll(&wanted, 1, 5000);
	mover_must(recvmsg(fd, &notice, MSG_ERRQUEUE), "recvmsg");
	return sent;
}

const struct mover_way mover_network_ways[] = {
	{"udp-sendto", move_by_sendto, NULL},
	{"udp-sendmsg", move_by_sendmsg, NULL},
	{"udp-sendmmsg", move_by_sendmmsg, NULL},
	{"tcp-zerocopy", move_by_zerocopy, NULL},
	{NULL, NULL, NULL},
};
