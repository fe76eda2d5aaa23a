/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/puppet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/actor_compat.h"

/* Below 4 GiB: 32-bit calls can point to it. */
#define STAGE_ADDRESS ((void *)0x20000000ul)
#define PATIENCE_S 20

enum puppet_turn {
	PUPPET_FREE = 0,
	PUPPET_ORDERED = 1,
	PUPPET_DONE = 2,
};

enum puppet_verb {
	PUPPET_CALL = 0,
	PUPPET_FORK = 1,
	PUPPET_THREAD = 2,
	PUPPET_COMPAT_CALL = 3,
};

static int stage_id = -1; /* of the System V segment: written once, by main's first call */

static void die(const char *what, uint32_t index)
{
	fprintf(stderr, "puppet %u: %s: %s\n", index, what, strerror(errno));
	exit(1);
}

static void futex(_Atomic uint32_t *word, int operation, uint32_t value,
		  const struct timespec *timeout)
{
	syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}

static void hand_over(struct puppet *puppet, uint32_t turn)
{
	atomic_store(&puppet->turn, turn);
	futex(&puppet->turn, FUTEX_WAKE, 1, NULL);
}

/* ---- the puppet's side ---- */

static void act(struct puppet *puppet);

static uint32_t low(long argument)
{
	return (uint32_t)argument;
}

static void *act_as_thread(void *argument)
{
	act(argument);
	return NULL;
}

static long obey(struct puppet *puppet)
{
	struct puppet *all = ((struct puppet_stage *)STAGE_ADDRESS)->puppets;
	const long *a = puppet->arguments;
	pthread_t thread;
	long result;

	if (puppet->verb == PUPPET_THREAD)
		return -pthread_create(&thread, NULL, act_as_thread, &all[puppet->new_puppet]);
	if (puppet->verb == PUPPET_COMPAT_CALL)
		return actor_compat_call(low(puppet->number), low(a[0]), low(a[1]), low(a[2]),
					 low(a[3]), low(a[4]));
	if (puppet->verb == PUPPET_FORK) {
		result = fork();
		if (result == 0)
			act(&all[puppet->new_puppet]);
	} else {
		result = syscall(puppet->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	return result < 0 ? -errno : result;
}

static void act(struct puppet *puppet)
{
	const struct puppet_stage *stage = STAGE_ADDRESS;
	const struct timespec pause = {.tv_sec = 1};

	puppet->pid = getpid();
	puppet->tid = (pid_t)syscall(SYS_gettid);
	puppet->result = 0;
	for (;;) {
		hand_over(puppet, PUPPET_DONE);
		while (atomic_load(&puppet->turn) != PUPPET_ORDERED) {
			futex(&puppet->turn, FUTEX_WAIT, PUPPET_DONE, &pause);
			if (kill(stage->master, 0) < 0)
				_exit(0); /* the test ended early */
		}
		puppet->result = obey(puppet);
	}
}

int puppet_main(int argc, char **argv)
{
	struct puppet_stage *stage;

	if (argc != 4 || strcmp(argv[1], "puppet") != 0)
		return -1;
	stage = shmat(atoi(argv[3]), STAGE_ADDRESS, 0);
	if (stage != STAGE_ADDRESS)
		return 1;
	act(&stage->puppets[atoi(argv[2])]);
	return 0;
}

/* ---- the side of who pulls the strings ---- */

static void wait_for(struct puppet *puppet, uint32_t index)
{
	const struct timespec patience = {.tv_sec = PATIENCE_S};
	uint32_t turn = atomic_load(&puppet->turn);
	time_t end = time(NULL) + PATIENCE_S;

	while (turn != PUPPET_DONE) {
		if (time(NULL) > end) {
			errno = ETIMEDOUT;
			die("does not answer", index);
		}
		futex(&puppet->turn, FUTEX_WAIT, turn, &patience);
		turn = atomic_load(&puppet->turn);
	}
}

struct puppet_stage *puppet_stage_open(void)
{
	struct puppet_stage *stage;

	stage_id = shmget(IPC_PRIVATE, sizeof(*stage), 0600 | IPC_CREAT);
	if (stage_id < 0)
		die("shmget", 0);
	stage = shmat(stage_id, STAGE_ADDRESS, 0);
	/* Goes with the last process that is attached. */
	shmctl(stage_id, IPC_RMID, NULL);
	if (stage != STAGE_ADDRESS)
		die("shmat", 0);
	stage->master = getpid();
	return stage;
}

void puppet_stage_close(struct puppet_stage *stage)
{
	shmdt(stage);
}

static void fill_exec(struct puppet *puppet, uint32_t index, const char *executable)
{
	snprintf(puppet->paths[0], sizeof(puppet->paths[0]), "%s", executable);
	snprintf(puppet->exec_text[0], sizeof(puppet->exec_text[0]), "%u", index);
	snprintf(puppet->exec_text[1], sizeof(puppet->exec_text[1]), "%d", stage_id);
	strcpy(puppet->data, "puppet");
	puppet->exec_arguments[0] = puppet->paths[0];
	puppet->exec_arguments[1] = puppet->data;
	puppet->exec_arguments[2] = puppet->exec_text[0];
	puppet->exec_arguments[3] = puppet->exec_text[1];
	puppet->exec_arguments[4] = NULL;
}

void puppet_start(struct puppet_stage *stage, uint32_t index, const char *executable)
{
	struct puppet *puppet = &stage->puppets[index];
	pid_t pid;

	atomic_store(&puppet->turn, PUPPET_FREE);
	fill_exec(puppet, index, executable);
	pid = fork();
	if (pid < 0)
		die("fork", index);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
		syscall(SYS_close_range, 3, ~0U, 0);
		/* Both outlive exec. Ignored children need nobody who waits for them. */
		signal(SIGPIPE, SIG_IGN);
		signal(SIGCHLD, SIG_IGN);
		execv(puppet->paths[0], puppet->exec_arguments);
		_exit(127);
	}
	wait_for(puppet, index);
}

static long order(struct puppet_stage *stage, uint32_t index, enum puppet_verb verb)
{
	struct puppet *puppet = &stage->puppets[index];

	puppet->verb = verb;
	hand_over(puppet, PUPPET_ORDERED);
	wait_for(puppet, index);
	return puppet->result;
}

static void begin(struct puppet *puppet, enum puppet_verb verb, long number,
		  const long arguments[6])
{
	memcpy(puppet->arguments, arguments, sizeof(puppet->arguments));
	puppet->number = number;
	puppet->verb = verb;
	hand_over(puppet, PUPPET_ORDERED);
}

void puppet_begin(struct puppet_stage *stage, uint32_t index, long number, const long arguments[6])
{
	begin(&stage->puppets[index], PUPPET_CALL, number, arguments);
}

long puppet_finish(struct puppet_stage *stage, uint32_t index)
{
	wait_for(&stage->puppets[index], index);
	return stage->puppets[index].result;
}

long puppet_call(struct puppet_stage *stage, uint32_t index, long number, const long arguments[6])
{
	puppet_begin(stage, index, number, arguments);
	return puppet_finish(stage, index);
}

long puppet_compat_call(struct puppet_stage *stage, uint32_t index, long number,
			const long arguments[6])
{
	begin(&stage->puppets[index], PUPPET_COMPAT_CALL, number, arguments);
	return puppet_finish(stage, index);
}

static void add_puppet(struct puppet_stage *stage, uint32_t index, uint32_t new_puppet,
		       enum puppet_verb verb)
{
	stage->puppets[index].new_puppet = new_puppet;
	atomic_store(&stage->puppets[new_puppet].turn, PUPPET_FREE);
	errno = (int)-order(stage, index, verb);
	if (stage->puppets[index].result < 0)
		die("cannot multiply", index);
	wait_for(&stage->puppets[new_puppet], new_puppet);
}

void puppet_fork(struct puppet_stage *stage, uint32_t index, uint32_t new_puppet)
{
	add_puppet(stage, index, new_puppet, PUPPET_FORK);
}

void puppet_thread(struct puppet_stage *stage, uint32_t index, uint32_t new_puppet)
{
	add_puppet(stage, index, new_puppet, PUPPET_THREAD);
}

void puppet_exec(struct puppet_stage *stage, uint32_t index, const char *executable)
{
	struct puppet *puppet = &stage->puppets[index];
	const long arguments[6] = {(long)puppet->paths[0], (long)puppet->exec_arguments,
				   (long)&puppet->exec_arguments[4]};
	long result;

	fill_exec(puppet, index, executable);
	result = puppet_call(stage, index, SYS_execve, arguments);
	errno = (int)-result;
	if (result < 0)
		die("exec", index);
}

static void order_end(struct puppet_stage *stage, uint32_t index, long number)
{
	puppet_begin(stage, index, number, (const long[6]){});
}

/* What /proc says of the thread; '\0' when it is gone. */
static char read_state(const struct puppet *puppet)
{
	char path[64], text[64], state = '\0';
	const char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", puppet->pid, puppet->tid);
	file = fopen(path, "re");
	if (!file)
		return state;
	if (fgets(text, sizeof(text), file) && (end = strstr(text, ") ")))
		state = end[2];
	fclose(file);
	return state;
}

void puppet_wait_until_asleep(struct puppet_stage *stage, uint32_t index)
{
	const struct puppet *puppet = &stage->puppets[index];
	char path[64], number[16];
	bool is_in_call = false;

	/* Asleep, and in the call: not still on the way there from the order. */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", puppet->pid, puppet->tid);
	for (int i = 0; i < PATIENCE_S * 1000 && !is_in_call; i++) {
		FILE *file = fopen(path, "re");

		usleep(1000);
		is_in_call = file && fgets(number, sizeof(number), file) &&
			     atol(number) == puppet->number && number[0] >= '0' &&
			     read_state(puppet) == 'S';
		if (file)
			fclose(file);
	}
}

void puppet_end_thread(struct puppet_stage *stage, uint32_t index)
{
	char state;

	order_end(stage, index, SYS_exit);
	/* Whoever started the process stays visible, as a zombie, while the others live. */
	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		state = read_state(&stage->puppets[index]);
		if (!state || state == 'Z')
			return;
		usleep(1000);
	}
}

void puppet_end(struct puppet_stage *stage, uint32_t index)
{
	struct puppet *puppet = &stage->puppets[index];
	struct pollfd ended = {.events = POLLIN};

	ended.fd = (int)syscall(SYS_pidfd_open, puppet->pid, 0);
	if (ended.fd < 0)
		die("pidfd_open", index);
	order_end(stage, index, SYS_exit_group);
	if (poll(&ended, 1, PATIENCE_S * 1000) != 1)
		die("does not end", index);
	close(ended.fd);
	waitpid(puppet->pid, NULL, 0); /* of those that the test started itself */
}
