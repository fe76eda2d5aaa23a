/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/actor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 400
#define MOVE_BYTES_MAX 8192
#define THREADS_MAX 16

struct mover {
	const struct actor_call *call;
	int fd, fd2;
	unsigned int seed;
	uint64_t bytes, calls;
};

static void *move(void *argument)
{
	struct mover *mover = argument;
	char buffer[MOVE_BYTES_MAX] = {};

	for (int i = 0; i < ROUNDS; i++) {
		unsigned long size = 2 + (unsigned long)rand_r(&mover->seed) % (MOVE_BYTES_MAX - 2);
		long moved = mover->call->move(mover->fd, mover->fd2, buffer, size);

		/* Failures are part of it: they must move nothing. */
		if (moved > 0) {
			mover->bytes += (uint64_t)moved;
			mover->calls++;
		}
		if (mover->call->direction == 'r' && mover->call->medium == 'f')
			lseek(mover->fd, rand_r(&mover->seed) % 65536, SEEK_SET);
	}
	return NULL;
}

static void *throw_away(void *argument)
{
	char buffer[65536];

	while (read(*(int *)argument, buffer, sizeof(buffer)) > 0)
		;
	return NULL;
}

static int connect_to(const char *target, int type)
{
	const char *colon = strrchr(target, ':');
	struct sockaddr_in address = {.sin_family = AF_INET};
	char host[64];
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	snprintf(host, sizeof(host), "%.*s", (int)(colon - target), target);
	inet_pton(AF_INET, host, &address.sin_addr);
	address.sin_port = htons((uint16_t)atoi(colon + 1));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		printf("connect %s: %s\n", target, strerror(errno));
		exit(1);
	}
	return fd;
}

static int open_target(const struct actor_call *call, const char *target, int pipe_ends[2],
		       pthread_t *reader)
{
	switch (call->medium) {
	case 's':
		return connect_to(target, SOCK_STREAM);
	case 'd':
		return connect_to(target, SOCK_DGRAM);
	case 'p':
		if (pipe2(pipe_ends, O_CLOEXEC) < 0 ||
		    pthread_create(reader, NULL, throw_away, &pipe_ends[0]) != 0)
			exit(1);
		return pipe_ends[1];
	case 'u':
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pipe_ends) < 0 ||
		    pthread_create(reader, NULL, throw_away, &pipe_ends[0]) != 0)
			exit(1);
		return pipe_ends[1];
	default:
		return open(target, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	}
}

int actor_main(int argc, char **argv)
{
	const struct actor_call *call = argc == 6 ? actor_find_call(argv[1]) : NULL;
	int threads = call ? atoi(argv[2]) : 0, source, target, pipe_ends[2] = {-1, -1};
	struct mover movers[THREADS_MAX] = {};
	uint64_t bytes = 0, calls = 0;
	pthread_t ids[THREADS_MAX], reader = 0;
	struct stat info = {};
	char one;

	if (!call || threads < 1 || threads > THREADS_MAX)
		return 2;
	source = open(argv[4], O_RDONLY | O_CLOEXEC);
	if (source < 0 || (call->direction == 'w' && read(source, &one, 1) != 1))
		return 3;
	target = call->direction == 'r' && call->medium == 'f'
			 ? source
			 : open_target(call, argv[5], pipe_ends, &reader);
	/* What is written to a socket is what the other end holds. */
	if (target < 0 || fstat(pipe_ends[0] >= 0 ? pipe_ends[0] : target, &info) < 0)
		return 4;
	for (int i = 0; i < threads; i++) {
		movers[i] = (struct mover){.call = call,
					   .fd = call->direction == 'c' ? source : target,
					   .fd2 = target,
					   .seed = (unsigned int)(atoi(argv[3]) + i)};
		pthread_create(&ids[i], NULL, move, &movers[i]);
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		bytes += movers[i].bytes;
		calls += movers[i].calls;
	}
	if (pipe_ends[1] >= 0)
		close(pipe_ends[1]);
	if (reader)
		pthread_join(reader, NULL);
	printf("%llu %llu %llu\n", (unsigned long long)bytes, (unsigned long long)calls,
	       (unsigned long long)info.st_ino);
	return 0;
}
