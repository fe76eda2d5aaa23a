/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/racer.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define ROUNDS_MAX 15000 /* each with two flows a pipe and one more: they must fit */
#define READY_FD 50
#define PIPES_FD 51
#define SPINS_MAX 1000
#define BLOCK_US 5000

static void stay_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN)), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

static uint64_t end_of(const char *seconds)
{
	return clock_boottime_ns() + strtoull(seconds, NULL, 10) * 1000000000ull;
}

static void take_a_label(const char *source)
{
	int fd = open(source, O_RDONLY | O_CLOEXEC);
	char byte;

	if (fd < 0 || read(fd, &byte, 1) != 1)
		exit(3);
	close(fd);
}

/* ---- a writer and its readers ----------------------------------------------- */

/* Takes a byte out of each pipe and writes it on. Where read() does not wait, it has the byte
 * before the writer's call is over. */
static int copy_bytes(char **argv)
{
	int out = open(argv[2], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	char byte = 0;

	stay_on(1);
	if (out < 0 || write(READY_FD, &byte, 1) != 1)
		return 2;
	for (int i = 0; i < RACER_ROUND_BYTES; i++) {
		while (read(PIPES_FD + i, &byte, 1) != 1)
			;
		if (write(out, &byte, 1) != 1)
			return 3;
	}
	return 0;
}

static pid_t start_reader(char **argv, int pipes[][2], int ready, uint64_t round)
{
	char out[192];
	char *arguments[] = {"racer", "copy-bytes", out, NULL};
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	/* Until it executes, it is of the writer's app, and moves nothing. */
	snprintf(out, sizeof(out), "%s.%llu", argv[4], (unsigned long long)round);
	dup2(ready, READY_FD);
	for (int i = 0; i < RACER_ROUND_BYTES; i++)
		dup2(pipes[i][0], PIPES_FD + i);
	execv(argv[5], arguments);
	_exit(127);
}

static void write_when_it_waits(int pipes[][2], unsigned int *seed)
{
	for (int i = 0; i < RACER_ROUND_BYTES; i++) {
		int left = 1;

		/* The reader needs a moment until it waits, and it may be any moment. */
		for (atomic_int spin = rand_r(seed) % SPINS_MAX; spin > 0; spin--)
			;
		if (write(pipes[i][1], "x", 1) != 1)
			exit(5);
		while (left && ioctl(pipes[i][0], FIONREAD, &left) == 0)
			;
	}
}

static void hammer_once(char **argv, uint64_t round, unsigned int *seed)
{
	int pipes[RACER_ROUND_BYTES][2], ready[2], status;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		exit(4);
	for (int i = 0; i < RACER_ROUND_BYTES; i++)
		if (pipe2(pipes[i], O_CLOEXEC | (round % 4 ? O_NONBLOCK : 0)) < 0)
			exit(4);
	pid = start_reader(argv, pipes, ready[1], round);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		exit(5);
	write_when_it_waits(pipes, seed);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		exit(6);
	close(ready[0]);
	for (int i = 0; i < RACER_ROUND_BYTES; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

static void hammer(char **argv, struct racer_result *ret_result)
{
	uint64_t end_ns = end_of(argv[2]);
	unsigned int seed = 1;

	take_a_label(argv[3]);
	stay_on(0);
	for (; clock_boottime_ns() < end_ns && ret_result->rounds < ROUNDS_MAX;
	     ret_result->rounds++)
		hammer_once(argv, ret_result->rounds, &seed);
}

/* ---- two threads and a descriptor ------------------------------------------- */

struct swapping {
	int fds[RACER_FILES];
	int in, out; /* what is swapped */
	atomic_bool is_over;
	uint64_t swaps;
};

static void *swap_all_the_time(void *argument)
{
	struct swapping *swapping = argument;

	stay_on(1);
	for (; !atomic_load(&swapping->is_over); swapping->swaps++) {
		int which = swapping->swaps % 2;

		dup2(swapping->fds[RACER_OUT_A + which], swapping->out);
		dup2(swapping->fds[RACER_IN_A + which], swapping->in);
	}
	return NULL;
}

static void open_file(struct swapping *swapping, enum racer_file file, const char *base,
		      const char *suffix, int flags, struct racer_result *ret_result)
{
	char path[192];
	struct stat info;

	snprintf(path, sizeof(path), "%s%s", base, suffix);
	swapping->fds[file] = open(path, flags | O_CLOEXEC, 0644);
	if (swapping->fds[file] < 0 || fstat(swapping->fds[file], &info) < 0)
		exit(4);
	ret_result->inode[file] = (struct kernel_inode){info.st_ino, info.st_dev};
}

static void note_truth(const struct swapping *swapping, struct racer_result *ret_result)
{
	for (int file = 0; file < RACER_FILES; file++) {
		bool is_out = file == RACER_OUT_A || file == RACER_OUT_B;
		off_t at = lseek(swapping->fds[file], 0, is_out ? SEEK_END : SEEK_CUR);

		ret_result->bytes[file] = (uint64_t)at;
	}
	ret_result->swaps = swapping->swaps;
}

static void swap(char **argv, struct racer_result *ret_result)
{
	struct swapping swapping = {};
	uint64_t end_ns = end_of(argv[2]);
	pthread_t swapper;
	char byte;

	take_a_label(argv[3]);
	open_file(&swapping, RACER_OUT_A, argv[4], "/a", O_CREAT | O_WRONLY | O_APPEND, ret_result);
	open_file(&swapping, RACER_OUT_B, argv[4], "/b", O_CREAT | O_WRONLY | O_APPEND, ret_result);
	open_file(&swapping, RACER_IN_A, argv[3], "-a", O_RDONLY, ret_result);
	open_file(&swapping, RACER_IN_B, argv[3], "-b", O_RDONLY, ret_result);
	swapping.out = dup(swapping.fds[RACER_OUT_A]);
	swapping.in = dup(swapping.fds[RACER_IN_A]);
	if (pthread_create(&swapper, NULL, swap_all_the_time, &swapping) != 0)
		exit(5);
	stay_on(0);
	while (clock_boottime_ns() < end_ns)
		if (read(swapping.in, &byte, 1) != 1 || write(swapping.out, &byte, 1) != 1)
			exit(6);
	atomic_store(&swapping.is_over, true);
	pthread_join(swapper, NULL);
	note_truth(&swapping, ret_result);
}

/* ---- a descriptor that is swapped below a call that waits ------------------- */

struct waiting {
	int in;            /* what is swapped */
	atomic_int reader; /* its thread id */
	atomic_int n_read;
	uint64_t end_ns;
};

static void *read_all_the_time(void *argument)
{
	struct waiting *waiting = argument;
	char buffer[sizeof(uint64_t)];

	atomic_store(&waiting->reader, gettid());
	while (read(waiting->in, buffer, sizeof(buffer)) > 0)
		atomic_fetch_add(&waiting->n_read, 1);
	return NULL;
}

/*
 * "0 0x5 ..." while it sleeps in read(5), "running" before; proc(5). It is still said to sleep
 * while it is being woken, so what it has read counts too.
 */
static void wait_until_it_waits(struct waiting *waiting, int n)
{
	char path[64], text[128];
	long number;

	while (atomic_load(&waiting->n_read) < n)
		sched_yield();
	do {
		int fd;
		ssize_t size;

		snprintf(path, sizeof(path), "/proc/self/task/%d/syscall",
			 atomic_load(&waiting->reader));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
		text[size > 0 ? size : 0] = '\0';
		close(fd);
	} while (sscanf(text, "%ld", &number) != 1 || number != SYS_read);
}

struct medium {
	int read_fd, write_fd;
	uint64_t bytes; /* that a write moves at once */
};

static struct medium make_medium(bool is_event, uint64_t bytes, struct kernel_inode *ret_inode)
{
	struct medium medium = {.bytes = is_event ? sizeof(uint64_t) : bytes};
	struct stat info;
	int ends[2];

	if (is_event)
		ends[0] = ends[1] = eventfd(0, EFD_CLOEXEC);
	else if (pipe2(ends, O_CLOEXEC) < 0)
		exit(4);
	if (ends[0] < 0 || fstat(ends[0], &info) < 0)
		exit(4);
	medium.read_fd = ends[0];
	medium.write_fd = ends[1];
	*ret_inode = (struct kernel_inode){info.st_ino, info.st_dev};
	return medium;
}

static void swap_what_is_waited_for(char **argv, struct racer_result *ret_result)
{
	static const uint64_t one = 1; /* an event, or some bytes */
	struct waiting waiting = {.end_ns = end_of(argv[2])};
	struct medium media[2];
	pthread_t reader;
	int n = 0;

	take_a_label(argv[3]);
	media[0] = make_medium(false, RACER_WAIT_A_BYTES, &ret_result->inode[RACER_IN_A]);
	media[1] = make_medium(strcmp(argv[4], "event") == 0, RACER_WAIT_B_BYTES,
			       &ret_result->inode[RACER_IN_B]);
	waiting.in = dup(media[0].read_fd);
	if (pthread_create(&reader, NULL, read_all_the_time, &waiting) != 0)
		exit(5);
	for (; clock_boottime_ns() < waiting.end_ns || n % 2; n++) {
		const struct medium *now = &media[n % 2];

		wait_until_it_waits(&waiting, n);
		dup2(media[!(n % 2)].read_fd, waiting.in);
		if (write(now->write_fd, &one, now->bytes) != (ssize_t)now->bytes)
			exit(6);
		ret_result->bytes[RACER_IN_A + n % 2] += now->bytes;
	}
	wait_until_it_waits(&waiting, n);
	close(media[0].write_fd); /* it waits in the first pipe again */
	pthread_join(reader, NULL);
}

/* ---- threads that wait until they are killed --------------------------------- */

static void *wait_for_ever(void *argument)
{
	char byte;

	return read(*(int *)argument, &byte, 1) == 1 ? argument : NULL;
}

static void block(char **argv)
{
	pthread_t thread;
	int ends[2];

	take_a_label(argv[2]);
	if (pipe2(ends, O_CLOEXEC) < 0)
		exit(4);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, wait_for_ever, &ends[0]) != 0)
			exit(5);
	usleep(BLOCK_US);
	kill(getpid(), SIGKILL);
}

int racer_main(int argc, char **argv)
{
	struct racer_result result = {};

	if (argc == 3 && strcmp(argv[1], "copy-bytes") == 0)
		return copy_bytes(argv);
	if (argc == 6 && strcmp(argv[1], "hammer") == 0)
		hammer(argv, &result);
	else if (argc == 5 && strcmp(argv[1], "swap") == 0)
		swap(argv, &result);
	else if (argc == 5 && strcmp(argv[1], "wait") == 0)
		swap_what_is_waited_for(argv, &result);
	else if (argc == 3 && strcmp(argv[1], "block") == 0)
		block(argv);
	else
		return 2;
	return write(STDOUT_FILENO, &result, sizeof(result)) == sizeof(result) ? 0 : 7;
}
