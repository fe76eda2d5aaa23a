/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int map_ring(struct ring *ring, int which, unsigned long bytes, uint64_t offset)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
			(off_t)offset);

	if (at == MAP_FAILED)
		return -errno;
	ring->maps[which].at = at;
	ring->maps[which].bytes = bytes;
	return 0;
}

static uint32_t *word_at(const struct ring *ring, int which, uint32_t offset)
{
	return (uint32_t *)((char *)ring->maps[which].at + offset);
}

static int map_all(struct ring *ring, const struct io_uring_params *given)
{
	uint32_t *array;
	int r = map_ring(ring, 0, given->sq_off.array + given->sq_entries * sizeof(uint32_t),
			 IORING_OFF_SQ_RING);

	if (r == 0)
		r = map_ring(ring, 1,
			     given->cq_off.cqes + given->cq_entries * sizeof(struct io_uring_cqe),
			     IORING_OFF_CQ_RING);
	if (r == 0)
		r = map_ring(ring, 2, given->sq_entries * sizeof(struct io_uring_sqe),
			     IORING_OFF_SQES);
	if (r < 0)
		return r;
	ring->sq_head = word_at(ring, 0, given->sq_off.head);
	ring->sq_tail = word_at(ring, 0, given->sq_off.tail);
	ring->sq_flags = word_at(ring, 0, given->sq_off.flags);
	ring->sq_mask = *word_at(ring, 0, given->sq_off.ring_mask);
	ring->cq_head = word_at(ring, 1, given->cq_off.head);
	ring->cq_tail = word_at(ring, 1, given->cq_off.tail);
	ring->cq_mask = *word_at(ring, 1, given->cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)((char *)ring->maps[1].at + given->cq_off.cqes);
	ring->sqes = ring->maps[2].at;
	array = word_at(ring, 0, given->sq_off.array);
	for (uint32_t i = 0; i < given->sq_entries; i++)
		array[i] = i;
	return 0;
}

int ring_open(struct ring *ret_ring, uint32_t entries, uint32_t flags)
{
	struct io_uring_params given = {.flags = flags, .sq_thread_idle = 2};
	struct ring ring = {.flags = flags};
	int r;

	ring.fd = (int)syscall(SYS_io_uring_setup, entries, &given);
	if (ring.fd < 0)
		return -errno;
	r = map_all(&ring, &given);
	if (r < 0) {
		ring_close(&ring);
		return r;
	}
	*ret_ring = ring;
	return 0;
}

void ring_close(struct ring *ring)
{
	for (int i = 0; i < 3; i++)
		if (ring->maps[i].at)
			munmap(ring->maps[i].at, ring->maps[i].bytes);
	close(ring->fd);
	memset(ring, 0, sizeof(*ring));
	ring->fd = -1;
}

int ring_register(const struct ring *ring, uint32_t what, const void *argument, uint32_t n)
{
	return syscall(SYS_io_uring_register, ring->fd, what, argument, n) < 0 ? -errno : 0;
}

bool ring_has_operation(uint8_t operation)
{
	struct {
		struct io_uring_probe probe;
		struct io_uring_probe_op operations[256];
	} told = {};
	struct ring ring;
	bool has;

	if (ring_open(&ring, 1, 0) < 0)
		return false;
	has = ring_register(&ring, IORING_REGISTER_PROBE, &told, 256) == 0 &&
	      operation <= told.probe.last_op &&
	      told.probe.ops[operation].flags & IO_URING_OP_SUPPORTED;
	ring_close(&ring);
	return has;
}

struct io_uring_sqe *ring_next(struct ring *ring)
{
	struct io_uring_sqe *request =
		&ring->sqes[(*ring->sq_tail + ring->n_queued) & ring->sq_mask];

	memset(request, 0, sizeof(*request));
	ring->n_queued++;
	return request;
}

int ring_submit(struct ring *ring, uint32_t wait_for)
{
	uint32_t n = ring->n_queued, flags = wait_for ? IORING_ENTER_GETEVENTS : 0;

	__atomic_store_n(ring->sq_tail, *ring->sq_tail + n, __ATOMIC_RELEASE);
	ring->n_queued = 0;
	if (ring->flags & IORING_SETUP_SQPOLL) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_NEED_WAKEUP)
			flags |= IORING_ENTER_SQ_WAKEUP;
		else if (!wait_for)
			return 0;
	}
	return syscall(SYS_io_uring_enter, ring->fd, n, wait_for, flags, NULL, 0) < 0 ? -errno : 0;
}

int ring_take(struct ring *ring, struct io_uring_cqe *ret_cqe)
{
	uint32_t head = *ring->cq_head;

	while (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) {
		int r = ring_submit(ring, 1);

		if (r < 0 && r != -EINTR)
			return r;
	}
	*ret_cqe = ring->cqes[head & ring->cq_mask];
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return 0;
}

long ring_do(struct ring *ring)
{
	struct io_uring_cqe cqe;
	int r = ring_submit(ring, 1);

	if (r == 0)
		r = ring_take(ring, &cqe);
	return r < 0 ? r : cqe.res;
}
