/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/transfers.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"

struct peers {
	int crm, chat, chat_udp;
};

/* The CRM pours without end; the chat swallows everything. */
static void *serve_one(void *argument)
{
	int fd = (int)(intptr_t)argument;
	char buffer[16384];
	struct sockaddr_in own = {};
	socklen_t size = sizeof(own);

	memset(buffer, 'x', sizeof(buffer));
	getsockname(fd, (struct sockaddr *)&own, &size);
	if (ntohs(own.sin_port) == TRANSFERS_CRM_PORT)
		while (send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL) > 0)
			;
	else
		while (recv(fd, buffer, sizeof(buffer), 0) > 0)
			;
	close(fd);
	return NULL;
}

static void *serve(void *argument)
{
	int listener = *(int *)argument;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pthread_t id;

		if (fd < 0)
			return NULL;
		if (pthread_create(&id, NULL, serve_one, (void *)(intptr_t)fd) == 0)
			pthread_detach(id);
	}
}

static int listen_at(const char *host, uint16_t port, int type)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), one = 1;

	inet_pton(AF_INET, host, &address.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static void given_crm_and_chat(struct peers *peers)
{
	pthread_t id;

	peers->crm = listen_at("127.0.0.1", TRANSFERS_CRM_PORT, SOCK_STREAM);
	peers->chat = listen_at("127.0.0.2", TRANSFERS_CHAT_PORT, SOCK_STREAM);
	peers->chat_udp = listen_at("127.0.0.2", TRANSFERS_CHAT_PORT, SOCK_DGRAM);
	assert_int_equal(pthread_create(&id, NULL, serve, &peers->crm), 0);
	pthread_detach(id);
	assert_int_equal(pthread_create(&id, NULL, serve, &peers->chat), 0);
	pthread_detach(id);
}

struct transfers_moved transfers_move(struct kernel_fixture *fixture, const struct actor_call *call,
				      int threads, int seed)
{
	char target[160], thread_text[16], seed_text[16], text[256];
	char *arguments[] = {"actor",
			     (char *)call->name,
			     thread_text,
			     seed_text,
			     (char *)kernel_fixture_source(fixture),
			     target,
			     NULL};
	struct transfers_moved moved = {};
	int output;
	pid_t pid;

	snprintf(thread_text, sizeof(thread_text), "%d", threads);
	snprintf(seed_text, sizeof(seed_text), "%d", seed);
	if (call->medium == 'f' || call->medium == 'p' || call->medium == 'u')
		snprintf(target, sizeof(target), "%s/%s.out", kernel_fixture_folder(fixture),
			 call->name);
	else
		snprintf(target, sizeof(target), "%s:%d",
			 call->direction == 'r' ? "127.0.0.1" : "127.0.0.2",
			 call->direction == 'r' ? TRANSFERS_CRM_PORT : TRANSFERS_CHAT_PORT);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(sscanf(text, "%llu %llu %llu", &moved.bytes, &moved.calls, &moved.ino), 3);
	return moved;
}

struct kernel_totals transfers_count(struct kernel_fixture *fixture, const struct actor_call *call,
				     const struct transfers_moved *moved)
{
	if (call->medium == 's' || call->medium == 'd')
		return kernel_fixture_sum(fixture, call->direction != 'r', 0,
					  call->direction == 'r' ? TRANSFERS_CRM_PORT
								 : TRANSFERS_CHAT_PORT);
	return kernel_fixture_sum(fixture, call->direction != 'r', moved->ino, 0);
}

static struct kernel_totals minus(struct kernel_totals a, struct kernel_totals b)
{
	return (struct kernel_totals){a.bytes - b.bytes, a.calls - b.calls, a.turns - b.turns, 0};
}

void transfers_check(struct kernel_fixture *fixture, const struct actor_call *call, int threads,
		     int seed)
{
	struct transfers_moved none = {}, moved;
	struct kernel_totals before = {}, after;

	if (call->medium == 's' || call->medium == 'd')
		before = transfers_count(fixture, call, &none);
	else if (call->direction == 'r' || call->medium == 'f') {
		struct stat info;
		char path[160];

		snprintf(path, sizeof(path), "%s/%s.out", kernel_fixture_folder(fixture),
			 call->name);
		if (stat(call->direction == 'r' ? kernel_fixture_source(fixture) : path, &info) ==
		    0) {
			none.ino = info.st_ino;
			before = transfers_count(fixture, call, &none);
		}
	}
	moved = transfers_move(fixture, call, threads, seed);
	after = minus(transfers_count(fixture, call, &moved), before);
	if (after.bytes != moved.bytes || after.calls != moved.calls)
		fail_msg("%s by %d threads, seed %d: moved %llu bytes in %llu calls, counted %llu "
			 "in %llu",
			 call->name, threads, seed, moved.bytes, moved.calls,
			 (unsigned long long)after.bytes, (unsigned long long)after.calls);
	assert_true(moved.bytes > 0);
}

/* "write_socket" is write, on another medium. */
void transfers_note_exact(const struct actor_call *call)
{
	static const char *const suffixes[] = {"_socket", "_udp", "_pipe", "_unix"};
	size_t length = strlen(call->name);
	char name[96];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		const char *suffix = strstr(call->name, suffixes[i]);

		if (suffix)
			length = (size_t)(suffix - call->name);
	}
	snprintf(name, sizeof(name), "%.*s (%s%s)", (int)length, call->name,
		 call->direction == 'c' ? "file to " : "",
		 call->medium == 's'   ? "TCP"
		 : call->medium == 'd' ? "connected UDP"
		 : call->medium == 'p' ? "pipe"
		 : call->medium == 'u' ? "unix socket"
				       : "file");
	coverage_note(name, COVERAGE_EXACT);
}

int transfers_start_peers(void **state)
{
	static struct peers peers;

	(void)state;
	given_crm_and_chat(&peers);
	return 0;
}
