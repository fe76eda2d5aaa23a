/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_RING_H
#define WEIR_TESTS_KERNEL_RING_H

/*
 * A ring of io_uring by bare system calls: what is asked for, and when it enters the kernel, is
 * the test's to say. Numbers that Debian 12's headers do not have yet are here.
 */

#include <stdbool.h>
#include <stdint.h>

#include <linux/io_uring.h>

#define RING_OP_SEND_ZC 47
#define RING_OP_SENDMSG_ZC 48
#define RING_OP_READ_MULTISHOT 49
#define RING_OP_FIXED_FD_INSTALL 54
#define RING_OP_READV_FIXED 60
#define RING_OP_WRITEV_FIXED 61
#define RING_CQE_NOTIFICATION (1U << 3) /* IORING_CQE_F_NOTIF, 6.0 */
#define RING_RECV_MULTISHOT (1U << 1)   /* IORING_RECV_MULTISHOT, 6.0 */
#define RING_SEND_BUNDLE (1U << 4)      /* IORING_RECVSEND_BUNDLE, 6.10 */
#define RING_SEND_VECTORS (1U << 5)     /* IORING_SEND_VECTORIZED, 6.17 */
#define RING_MSG_SEND_FD 1              /* IORING_MSG_SEND_FD, 6.0 */
#define RING_SPLICE_IN_FIXED (1U << 31) /* SPLICE_F_FD_IN_FIXED */
#define RING_SOCKET_SIOCINQ 0           /* SOCKET_URING_OP_SIOCINQ, 6.7 */

struct ring {
	int fd;
	uint32_t flags; /* IORING_SETUP_ */
	uint32_t *sq_head, *sq_tail, *sq_flags, *cq_head, *cq_tail;
	uint32_t sq_mask, cq_mask, n_queued;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	struct {
		void *at;
		unsigned long bytes;
	} maps[3]; /* submissions, completions, requests */
};

/* Returns 0 or -errno. */
int ring_open(struct ring *ret_ring, uint32_t entries, uint32_t flags);
void ring_close(struct ring *ring);
/* Whether this kernel has the operation. */
bool ring_has_operation(uint8_t operation);
int ring_register(const struct ring *ring, uint32_t what, const void *argument, uint32_t n);

/* The next request, of zeros; it is queued. */
struct io_uring_sqe *ring_next(struct ring *ring);
/* Enters the kernel with all that is queued and waits for so many completions. */
int ring_submit(struct ring *ring, uint32_t wait_for);
/* Takes one completion, waiting for it. Returns 0 or -errno. */
int ring_take(struct ring *ring, struct io_uring_cqe *ret_cqe);
/* Submits what is queued, which must complete once; its result. */
long ring_do(struct ring *ring);

#endif
