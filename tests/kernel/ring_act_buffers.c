/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/ring_act.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK RING_ACT_BYTES
#define BUFFERS 4
#define ROUNDS 3 /* less than there are buffers, so that a request does not end for want of one */
#define NAMED 7  /* user_data of the request that an act is about */

/* Room for a name and for what comes along, which each message then is behind. */
#define NAME_BYTES 32
#define CONTROL_BYTES 64
#define HEADER_BYTES (sizeof(struct io_uring_recvmsg_out) + NAME_BYTES + CONTROL_BYTES)

struct shots {
	struct ring ring;
	char data[CHUNK], buffers[BUFFERS][CHUNK + HEADER_BYTES];
	int ends[2]; /* what is read, and where it is written */
};

static struct shots shots;

static int read_source(const char *path)
{
	int source = open(path, O_RDONLY | O_CLOEXEC);

	return read(source, shots.data, CHUNK) == CHUNK ? 0 : -EIO;
}

static int provide(uint32_t count, uint32_t bytes)
{
	ring_act_ask(&shots.ring, IORING_OP_PROVIDE_BUFFERS, (int)count, shots.buffers, bytes);
	return ring_do(&shots.ring) < 0 ? -EIO : 0;
}

static struct io_uring_sqe *ask_named(uint8_t operation, int fd, const void *at, uint16_t how)
{
	struct io_uring_sqe *request = ring_act_ask(&shots.ring, operation, fd, at, 0);

	request->flags = IOSQE_BUFFER_SELECT;
	request->ioprio = how;
	request->user_data = NAMED;
	return request;
}

static int connect_to(char *target)
{
	struct sockaddr_in address = ring_act_address(target);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : fd;
}

/* Each buffer is a completion, and all but the last come without their request. */
static long send_bundle(void)
{
	struct io_uring_cqe cqe = {};
	long moved = 0;

	if (ring_submit(&shots.ring, 1) < 0)
		return -EIO;
	do {
		if (ring_take(&shots.ring, &cqe) < 0)
			return -EIO;
		ring_act_need(cqe.res != -EINVAL && cqe.res != -EOPNOTSUPP);
		if (cqe.res > 0)
			moved += cqe.res;
	} while (cqe.flags & IORING_CQE_F_MORE);
	return moved;
}

int ring_act_bundle(char **argv)
{
	int fd;

	shots.ring = ring_act_open(8);
	if (read_source(argv[0]) < 0 || provide(ROUNDS, CHUNK) < 0)
		return 2;
	fd = connect_to(argv[1]);
	if (fd < 0)
		return 3;
	ask_named(IORING_OP_SEND, fd, NULL, RING_SEND_BUNDLE);
	return ring_act_tell(send_bundle());
}

int ring_act_bundle_datagrams(char **argv)
{
	struct sockaddr_in address = ring_act_address(argv[1]);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct io_uring_sqe *request;

	shots.ring = ring_act_open(8);
	if (read_source(argv[0]) < 0 || provide(ROUNDS, CHUNK) < 0)
		return 2;
	request = ask_named(IORING_OP_SEND, fd, NULL, RING_SEND_BUNDLE);
	request->addr2 = (uint64_t)(uintptr_t)&address;
	request->addr_len = sizeof(address);
	return ring_act_tell(send_bundle());
}

/* How much it is, is said neither when it is asked for nor after. */
int ring_act_silent_buffer(char **argv)
{
	struct io_uring_cqe cqe = {};
	int fd;

	shots.ring = ring_act_open(8);
	if (read_source(argv[0]) < 0 || provide(1, CHUNK) < 0)
		return 2;
	fd = connect_to(argv[1]);
	ask_named(IORING_OP_SEND, fd, NULL, 0)->flags |= IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
	ring_act_ask(&shots.ring, IORING_OP_NOP, -1, NULL, 0);
	if (fd < 0 || ring_submit(&shots.ring, 1) < 0 || ring_take(&shots.ring, &cqe) < 0)
		return 3;
	ring_act_need(cqe.res == 0);
	return ring_act_tell(CHUNK);
}

int ring_act_silent_vectors(char **argv)
{
	struct iovec halves[2] = {{shots.data, CHUNK / 2}, {shots.data + CHUNK / 2, CHUNK / 2}};
	struct io_uring_sqe *request;
	struct io_uring_cqe cqe = {};
	int fd;

	shots.ring = ring_act_open(8);
	if (read_source(argv[0]) < 0)
		return 2;
	fd = connect_to(argv[1]);
	request = ring_act_ask(&shots.ring, IORING_OP_SEND, fd, halves, 2);
	request->ioprio = RING_SEND_VECTORS;
	request->flags = IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
	ring_act_ask(&shots.ring, IORING_OP_NOP, -1, NULL, 0);
	if (fd < 0 || ring_submit(&shots.ring, 1) < 0 || ring_take(&shots.ring, &cqe) < 0)
		return 3;
	ring_act_need(cqe.res == 0);
	return ring_act_tell(CHUNK);
}

/* Writes and takes in turn. Returns what came behind a header of so many bytes, or -errno. */
static long write_rounds(size_t header_bytes)
{
	struct io_uring_cqe cqe = {};
	long moved = 0;

	for (int i = 0; i < ROUNDS; i++) {
		long bytes = CHUNK - i;

		if (write(shots.ends[1], shots.data, (size_t)bytes) != bytes ||
		    ring_take(&shots.ring, &cqe) < 0)
			return -EIO;
		ring_act_need(cqe.res != -EINVAL);
		if (cqe.res != bytes + (long)header_bytes)
			return -EBADMSG;
		moved += bytes;
	}
	return moved;
}

static int open_shots(char **argv)
{
	shots.ring = ring_act_open(8);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, shots.ends) < 0 || read_source(argv[0]) < 0)
		return -EIO;
	return provide(BUFFERS, sizeof(shots.buffers[0]));
}

/* One request, many completions: they come without their request. */
int ring_act_multishot(char **argv)
{
	if (open_shots(argv) < 0)
		return 2;
	ask_named(IORING_OP_RECV, shots.ends[0], NULL, RING_RECV_MULTISHOT);
	return ring_submit(&shots.ring, 0) < 0 ? 3 : ring_act_tell(write_rounds(0));
}

/* Ends when the other end is closed, by a completion that is a header and nothing else. */
int ring_act_multishot_message(char **argv)
{
	struct msghdr message = {.msg_namelen = NAME_BYTES, .msg_controllen = CONTROL_BYTES};
	struct io_uring_cqe cqe = {};
	long moved;

	if (open_shots(argv) < 0)
		return 2;
	ask_named(IORING_OP_RECVMSG, shots.ends[0], &message, RING_RECV_MULTISHOT)->len = 1;
	if (ring_submit(&shots.ring, 0) < 0)
		return 3;
	moved = write_rounds(HEADER_BYTES);
	close(shots.ends[1]);
	if (ring_take(&shots.ring, &cqe) < 0 || cqe.flags & IORING_CQE_F_MORE)
		return 4;
	return cqe.res == HEADER_BYTES ? ring_act_tell(moved) : 5;
}

int ring_act_multishot_read(char **argv)
{
	ring_act_need(ring_has_operation(RING_OP_READ_MULTISHOT));
	if (open_shots(argv) < 0 || pipe(shots.ends) < 0)
		return 2;
	ask_named(RING_OP_READ_MULTISHOT, shots.ends[0], NULL, 0)->off = (uint64_t)-1;
	return ring_submit(&shots.ring, 0) < 0 ? 3 : ring_act_tell(write_rounds(0));
}

int ring_act_forged(char **argv)
{
	struct ring liar = ring_act_open(4);
	struct io_uring_cqe cqe = {};

	ring_act_need(ring_has_operation(IORING_OP_MSG_RING));
	if (open_shots(argv) < 0)
		return 2;
	ask_named(IORING_OP_RECV, shots.ends[0], NULL, RING_RECV_MULTISHOT);
	if (ring_submit(&shots.ring, 0) < 0)
		return 3;
	ring_act_ask(&liar, IORING_OP_MSG_RING, shots.ring.fd, NULL, 1)->off = NAMED;
	if (ring_do(&liar) != 0 || ring_take(&shots.ring, &cqe) < 0 || cqe.res != 1)
		return 4;
	return ring_act_tell(write_rounds(0));
}

int ring_act_alike(char **argv)
{
	char number[16], *arguments[] = {argv[2], "ring", "listen-alike", number, argv[1], NULL};
	int ends[2], status = 0;
	pid_t thief;
	char word;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0)
		return 2;
	snprintf(number, sizeof(number), "%d", ends[1]);
	thief = fork();
	if (thief == 0) {
		execv(argv[2], arguments);
		_exit(9);
	}
	close(ends[1]);
	ring_act_need(read(ends[0], &word, 1) == 1);
	/* Only now, so that the thief is a child of somebody who held nothing. */
	if (read_source(argv[0]) < 0 || write(ends[0], shots.data, CHUNK) != CHUNK ||
	    waitpid(thief, &status, 0) < 0)
		return 3;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

/* argv[0]: the socket's descriptor. */
int ring_act_listen_alike(char **argv)
{
	int clerk = atoi(argv[0]), decoys[2][2], target;
	struct io_uring_cqe cqe = {};

	shots.ring = ring_act_open(8);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, decoys[0]) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, decoys[1]) < 0 ||
	    provide(BUFFERS, sizeof(shots.buffers[0])) < 0)
		return 5;
	ask_named(IORING_OP_RECV, decoys[0][0], NULL, RING_RECV_MULTISHOT);
	ask_named(IORING_OP_RECV, clerk, NULL, RING_RECV_MULTISHOT);
	ask_named(IORING_OP_RECV, decoys[1][0], NULL, RING_RECV_MULTISHOT);
	if (ring_submit(&shots.ring, 0) < 0 || write(clerk, "r", 1) != 1 ||
	    ring_take(&shots.ring, &cqe) < 0)
		return 6;
	ring_act_need(cqe.res != -EINVAL);
	target = open(argv[1], O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
	return ring_act_tell(cqe.res < 0 ? cqe.res : write(target, shots.data, (size_t)cqe.res));
}
