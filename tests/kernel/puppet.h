/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_PUPPET_H
#define WEIR_TESTS_KERNEL_PUPPET_H

/*
 * Processes and threads that make one system call at a time, on order. Orders, results
 * and what the calls point at lie in memory that all share at one address; nothing of
 * it passes a descriptor, so the sensor sees the ordered calls and no others.
 */

#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#define PUPPETS_MAX 64
#define PUPPET_DATA_BYTES 8192
#define PUPPET_PATH_BYTES 160

struct puppet {
	_Atomic uint32_t turn; /* enum puppet_turn; a futex */
	uint32_t verb;         /* enum puppet_verb */
	uint32_t new_puppet;   /* of FORK and THREAD */
	long number;           /* of CALL */
	long arguments[6];
	long result; /* -errno on failure */
	pid_t pid, tid;
	char paths[2][PUPPET_PATH_BYTES];
	char *exec_arguments[5];
	char exec_text[2][16];
	struct iovec vectors[2];
	struct mmsghdr message;
	char control[64] __attribute__((aligned(8)));
	int fds[2];
	int64_t offsets[2];
	char data[PUPPET_DATA_BYTES];
};

struct puppet_stage {
	pid_t master; /* the test: without it, they end */
	struct puppet puppets[PUPPETS_MAX];
};

/* Stops the test on failure, saying why, as all of these do. */
struct puppet_stage *puppet_stage_open(void);
void puppet_stage_close(struct puppet_stage *stage);

/* A process that runs this executable, which is a copy of the test. */
void puppet_start(struct puppet_stage *stage, uint32_t index, const char *executable);
/* Makes the call in the puppet; what it returned, or -errno. */
long puppet_call(struct puppet_stage *stage, uint32_t index, long number, const long arguments[6]);
/* The 32-bit call of this number (see actor_compat.h); a sixth argument is 0. */
long puppet_compat_call(struct puppet_stage *stage, uint32_t index, long number,
			const long arguments[6]);
/* A call in two halves, for calls that wait until somebody else does something. */
void puppet_begin(struct puppet_stage *stage, uint32_t index, long number, const long arguments[6]);
void puppet_wait_until_asleep(struct puppet_stage *stage, uint32_t index);
long puppet_finish(struct puppet_stage *stage, uint32_t index);
void puppet_fork(struct puppet_stage *stage, uint32_t index, uint32_t new_puppet);
void puppet_thread(struct puppet_stage *stage, uint32_t index, uint32_t new_puppet);
/* All other puppets of its process are gone afterwards. */
void puppet_exec(struct puppet_stage *stage, uint32_t index, const char *executable);
/* Ends the thread; or the whole process, and waits until it has left. */
void puppet_end_thread(struct puppet_stage *stage, uint32_t index);
void puppet_end(struct puppet_stage *stage, uint32_t index);

/* Runs when main was called as "puppet INDEX STAGE"; -1 when it was not. */
int puppet_main(int argc, char **argv);

#endif
