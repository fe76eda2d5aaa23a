/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/flooder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CPUS 2
#define MOVERS_MAX (CPUS * 3)
#define SOURCE_BYTES 1048576
#define ROUNDS_PER_FILE 64
#define FILES_MAX 4096
#define ROUNDS_PER_BREATH 4
#define BREATH_NS 20000

struct mover {
	int class; /* SCHED_ */
	int fds[FLOODER_MEDIA], fds_read[FLOODER_MEDIA];
	int cpu;
	const char *target;
	atomic_bool *is_over;
	struct flooder_moved moved;
};

static void move_once(struct mover *mover, uint64_t round)
{
	struct flooder_moved *moved = &mover->moved;
	char byte;

	if (pread(mover->fds[FLOODER_SOURCE], &byte, 1, (off_t)(round % SOURCE_BYTES)) == 1)
		moved->in[FLOODER_SOURCE]++;
	if (pwrite(mover->fds[FLOODER_FILE], &byte, 1, (off_t)(round % 4096)) == 1)
		moved->out[FLOODER_FILE]++;
	/* Whoever writes reads next, so that neither pipe nor socket ever blocks. */
	for (int medium = FLOODER_PIPE; medium <= FLOODER_SOCKET; medium++) {
		if (write(mover->fds[medium], &byte, 1) == 1)
			moved->out[medium]++;
		if (read(mover->fds_read[medium], &byte, 1) == 1)
			moved->in[medium]++;
	}
	moved->calls += 6;
}

/* A new object, a new flow, a new edge: this is what fills the ring. */
static void scatter(struct mover *mover)
{
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s.%d%d.%llu", mover->target, mover->class, mover->cpu,
		 (unsigned long long)mover->moved.scattered_out);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		exit(6);
	if (write(fd, "", 1) == 1)
		mover->moved.scattered_out++;
	close(fd);
}

static void *flood(void *argument)
{
	struct mover *mover = argument;
	cpu_set_t cpus;

	struct sched_param param = {.sched_priority = mover->class == SCHED_FIFO};
	const struct timespec breath = {.tv_nsec = BREATH_NS};

	CPU_ZERO(&cpus);
	CPU_SET((size_t)(mover->cpu % (int)sysconf(_SC_NPROCESSORS_ONLN)), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	if (sched_setscheduler(0, mover->class, &param) < 0)
		exit(7);
	for (uint64_t round = 0; !atomic_load(mover->is_over); round++) {
		move_once(mover, round);
		if (round % ROUNDS_PER_FILE == 0 && mover->moved.scattered_out < FILES_MAX)
			scatter(mover);
		/* It wakes up in the middle of what the others do. */
		if (mover->class == SCHED_FIFO && round % ROUNDS_PER_BREATH == 0)
			clock_nanosleep(CLOCK_MONOTONIC, 0, &breath, NULL);
	}
	return NULL;
}

static void open_media(struct mover *mover, const char *source, const char *target)
{
	int ends[2], sockets[2];

	mover->fds[FLOODER_SOURCE] = open(source, O_RDONLY | O_CLOEXEC);
	mover->fds[FLOODER_FILE] = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (mover->fds[FLOODER_SOURCE] < 0 || mover->fds[FLOODER_FILE] < 0 ||
	    pipe2(ends, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
		exit(3);
	mover->fds[FLOODER_PIPE] = ends[1];
	mover->fds_read[FLOODER_PIPE] = ends[0];
	mover->fds[FLOODER_SOCKET] = sockets[1];
	mover->fds_read[FLOODER_SOCKET] = sockets[0];
}

/* A socket stands for its receiving end: fds_read of it. */
static void note_inodes(struct mover *mover)
{
	for (int medium = 0; medium < FLOODER_MEDIA; medium++) {
		bool is_pair = medium == FLOODER_PIPE || medium == FLOODER_SOCKET;
		struct stat info;

		if (fstat(is_pair ? mover->fds_read[medium] : mover->fds[medium], &info) < 0)
			exit(4);
		mover->moved.inode[medium] = (struct kernel_inode){info.st_ino, info.st_dev};
	}
}

static void wait_for_the_end(const char *seconds, atomic_bool *is_over)
{
	const struct timespec longest = {.tv_sec = atol(seconds)};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	while (sigtimedwait(&signals, NULL, &longest) < 0 && errno == EINTR)
		;
	atomic_store(is_over, true);
}

static void run_threads(struct mover *movers, int n, const char *seconds)
{
	pthread_t ids[MOVERS_MAX];

	for (int i = 0; i < n; i++)
		if (pthread_create(&ids[i], NULL, flood, &movers[i]) != 0)
			exit(5);
	wait_for_the_end(seconds, movers[0].is_over);
	for (int i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
}

static void run_processes(struct mover *movers, int n, const char *seconds)
{
	pid_t pids[MOVERS_MAX];
	int status;

	for (int i = 0; i < n; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			flood(&movers[i]);
			_exit(0);
		}
	}
	wait_for_the_end(seconds, movers[0].is_over);
	for (int i = 0; i < n; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			exit(5);
}

static void block_the_end(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

static int report(const struct mover *movers, int n)
{
	struct flooder_moved all = movers[0].moved;

	for (int i = 1; i < n; i++) {
		all.calls += movers[i].moved.calls;
		all.scattered_out += movers[i].moved.scattered_out;
		for (int medium = 0; medium < FLOODER_MEDIA; medium++) {
			all.in[medium] += movers[i].moved.in[medium];
			all.out[medium] += movers[i].moved.out[medium];
		}
	}
	return write(STDOUT_FILENO, &all, sizeof(all)) == sizeof(all) ? 0 : 6;
}

/* Processes count into what they share. */
static void *allocate_shared(size_t size)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		exit(2);
	return shared;
}

int flooder_main(char **argv)
{
	static const int classes[] = {SCHED_IDLE, SCHED_OTHER, SCHED_FIFO};
	bool is_classes = strcmp(argv[1], "classes") == 0;
	int n = is_classes ? MOVERS_MAX : CPUS;
	struct mover *movers = allocate_shared(sizeof(*movers) * MOVERS_MAX);

	block_the_end();
	open_media(&movers[0], argv[3], argv[4]);
	note_inodes(&movers[0]);
	movers[0].target = argv[4];
	movers[0].is_over = allocate_shared(sizeof(*movers[0].is_over));
	for (int i = 0; i < n; i++) {
		movers[i] = movers[0];
		movers[i].cpu = i % CPUS;
		movers[i].class = is_classes ? classes[i / CPUS] : SCHED_OTHER;
	}
	if (strcmp(argv[1], "processes") == 0)
		run_processes(movers, n, argv[2]);
	else
		run_threads(movers, n, argv[2]);
	return report(movers, n);
}
