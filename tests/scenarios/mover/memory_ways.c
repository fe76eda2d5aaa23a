/* SPDX-License-Identifier: GPL-2.0-only */
/* From the memory of one program into that of another. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scenarios/mover/mover.h"

#define MEETING_PLACE ((char *)0x600000000000ul) /* known to both, and private to each */

static char *map_meeting_place(void)
{
	char *at = mmap(MEETING_PLACE, MOVER_BYTES_MAX, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (at == MAP_FAILED)
		mover_fail("mmap");
	return at;
}

/* The courier is the one that reaches out: the mover lets it, and waits. */
static long hold_source(const struct errand *errand)
{
	pid_t courier;
	size_t bytes;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* where Yama is */
	courier = mover_start_courier(errand, (long)mover_source_bytes(errand));
	bytes = mover_read_source(errand);
	memcpy(map_meeting_place(), mover_data, bytes);
	mover_wake(courier);
	mover_wait_for_courier(courier);
	return 0;
}

static long carry_by_vm_readv(const struct errand *errand, long bytes)
{
	struct iovec own = {mover_data, (size_t)bytes}, theirs = {MEETING_PLACE, (size_t)bytes};

	mover_sleep();
	mover_must(process_vm_readv(getppid(), &own, 1, &theirs, 1, 0), "process_vm_readv");
	return mover_send(mover_connect(errand), mover_data, (size_t)bytes);
}

static long carry_by_peek(const struct errand *errand, long bytes)
{
	pid_t clerk = getppid();

	mover_sleep();
	mover_must(ptrace(PTRACE_SEIZE, clerk, 0, 0), "PTRACE_SEIZE");
	mover_must(ptrace(PTRACE_INTERRUPT, clerk, 0, 0), "PTRACE_INTERRUPT");
	mover_must(waitpid(clerk, NULL, __WALL), "waitpid");
	for (long at = 0; at < bytes; at += (long)sizeof(long)) {
		long word;

		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, clerk, MEETING_PLACE + at, 0);
		if (errno)
			mover_fail("PTRACE_PEEKDATA");
		memcpy(mover_data + at, &word, sizeof(word));
	}
	ptrace(PTRACE_DETACH, clerk, 0, 0);
	return mover_send(mover_connect(errand), mover_data, (size_t)bytes);
}

static long move_by_vm_writev(const struct errand *errand)
{
	pid_t courier = mover_start_courier(errand, (long)mover_source_bytes(errand));
	struct iovec own = {mover_data, mover_read_source(errand)};
	struct iovec theirs = {MEETING_PLACE, own.iov_len};

	mover_sleep();
	mover_must(process_vm_writev(courier, &own, 1, &theirs, 1, 0), "process_vm_writev");
	mover_wake(courier);
	mover_wait_for_courier(courier);
	return 0;
}

static long carry_what_was_written(const struct errand *errand, long bytes)
{
	const char *at = map_meeting_place();

	mover_wake(getppid());
	mover_sleep();
	return mover_send(mover_connect(errand), at, (size_t)bytes);
}

const struct mover_way mover_memory_ways[] = {
	{"process_vm_readv", hold_source, carry_by_vm_readv},
	{"process_vm_writev", move_by_vm_writev, carry_what_was_written},
	{"ptrace-peek", hold_source, carry_by_peek},
	{NULL, NULL, NULL},
};
