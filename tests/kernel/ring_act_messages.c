/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/ring_act.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_NAMED 2

struct letters {
	char data[RING_ACT_BYTES];
	struct iovec vectors[MAX_NAMED];
	struct msghdr messages[MAX_NAMED];
};

struct sockaddr_in ring_act_address(char *target)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	char *colon = strrchr(target, ':');

	*colon = 0;
	inet_pton(AF_INET, target, &address.sin_addr);
	address.sin_port = htons((uint16_t)atoi(colon + 1));
	return address;
}

static void read_source(const char *path, struct letters *letters)
{
	int source = open(path, O_RDONLY | O_CLOEXEC);

	if (read(source, letters->data, RING_ACT_BYTES) != RING_ACT_BYTES)
		exit(2);
	close(source);
}

/* The i-th message, i bytes shorter than all that was read. */
static struct msghdr *write_letter(struct letters *letters, int i, void *name, socklen_t name_bytes)
{
	letters->vectors[i] = (struct iovec){letters->data, RING_ACT_BYTES - (size_t)i};
	letters->messages[i] = (struct msghdr){.msg_name = name,
					       .msg_namelen = name_bytes,
					       .msg_iov = &letters->vectors[i],
					       .msg_iovlen = 1};
	return &letters->messages[i];
}

/* Submits all and adds up what came of each. */
static long send_all(struct ring *ring, int count)
{
	struct io_uring_cqe completion;
	long moved = 0;

	if (ring_submit(ring, (uint32_t)count) < 0)
		return -EIO;
	for (int i = 0; i < count; i++) {
		if (ring_take(ring, &completion) < 0)
			return -EIO;
		if (completion.res < 0)
			return completion.res;
		moved += completion.res;
	}
	return moved;
}

static void address_both(char *target, struct sockaddr_in ret_addresses[2])
{
	ret_addresses[0] = ret_addresses[1] = ring_act_address(target);
	ret_addresses[1].sin_port = htons((uint16_t)(ntohs(ret_addresses[0].sin_port) + 1));
}

int ring_act_datagrams(char **argv)
{
	struct ring ring = ring_act_open(4);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in addresses[2];
	struct letters letters;

	read_source(argv[0], &letters);
	address_both(argv[1], addresses);
	for (int i = 0; i < 2; i++)
		ring_act_ask(&ring, IORING_OP_SENDMSG, fd,
			     write_letter(&letters, i, &addresses[i], sizeof(addresses[i])), 1)
			->user_data = (uint64_t)i;
	return ring_act_tell(send_all(&ring, 2));
}

int ring_act_sends(char **argv)
{
	struct ring ring = ring_act_open(4);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in addresses[2];
	struct io_uring_sqe *request;
	struct letters letters;
	long moved;

	read_source(argv[0], &letters);
	address_both(argv[1], addresses);
	for (int i = 0; i < 2; i++) {
		request = ring_act_ask(&ring, IORING_OP_SEND, fd, letters.data,
				       RING_ACT_BYTES - (uint32_t)i);
		request->addr2 = (uint64_t)(uintptr_t)&addresses[i];
		request->addr_len = sizeof(addresses[i]);
	}
	moved = send_all(&ring, 2);
	ring_act_need(moved != -EDESTADDRREQ && moved != -EINVAL);
	return ring_act_tell(moved);
}

/* A message waits for what it is linked to, which waits for a byte in a pipe. */
int ring_act_changed(char **argv)
{
	struct ring ring = ring_act_open(4);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ends[2];
	struct sockaddr_in addresses[2];
	struct io_uring_cqe completion;
	struct letters letters;
	char byte = 'g';

	read_source(argv[0], &letters);
	address_both(argv[1], addresses);
	if (pipe(ends) < 0)
		return 3;
	ring_act_ask(&ring, IORING_OP_READ, ends[0], &byte, 1)->flags = IOSQE_IO_LINK;
	ring_act_ask(&ring, IORING_OP_SENDMSG, fd,
		     write_letter(&letters, 0, &addresses[0], sizeof(addresses[0])), 1);
	if (ring_submit(&ring, 0) < 0)
		return 4;
	addresses[0] = addresses[1];
	if (write(ends[1], &byte, 1) != 1 || ring_take(&ring, &completion) < 0 ||
	    completion.res != 1 || ring_take(&ring, &completion) < 0)
		return 5;
	return ring_act_tell(completion.res);
}

static int bind_name(const char *name, struct sockaddr_un *ret_address, socklen_t *ret_bytes)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(ret_address->sun_path + 1, name, strlen(name));
	*ret_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
	if (bind(fd, (struct sockaddr *)ret_address, *ret_bytes) < 0)
		exit(3);
	return fd;
}

int ring_act_letters(char **argv)
{
	struct ring ring = ring_act_open(4);
	int senders[2] = {socket(AF_UNIX, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_DGRAM, 0)};
	struct sockaddr_un address, other;
	socklen_t address_bytes, other_bytes;
	int receiver = bind_name("weir-letters", &address, &address_bytes);
	struct letters letters;
	long moved;

	bind_name("weir-peer", &other, &other_bytes);
	read_source(argv[0], &letters);
	if (connect(senders[1], (struct sockaddr *)&other, other_bytes) < 0)
		return 4;
	for (int i = 0; i < 2; i++)
		ring_act_ask(&ring, IORING_OP_SENDMSG, senders[i],
			     write_letter(&letters, i, &address, address_bytes), 1);
	moved = send_all(&ring, 2);
	for (int i = 0; i < 2; i++)
		if (read(receiver, letters.data, RING_ACT_BYTES) != RING_ACT_BYTES - i)
			return 5;
	return ring_act_tell(moved);
}

int ring_act_asks(char **argv)
{
	struct ring ring = ring_act_open(4);
	struct sockaddr_in address = ring_act_address(argv[1]);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static struct letters letters;
	struct msghdr *message = write_letter(&letters, 0, &address, sizeof(address));
	long sent;

	ring_act_ask(&ring, IORING_OP_SENDMSG, fd, message, 1)->msg_flags = MSG_FASTOPEN;
	sent = ring_do(&ring);
	if (sent < 0 && sent != -EINPROGRESS)
		return 2;
	ring_act_ask(&ring, IORING_OP_RECV, fd, letters.data, RING_ACT_BYTES)->msg_flags =
		MSG_WAITALL;
	return ring_act_tell(ring_do(&ring));
}
