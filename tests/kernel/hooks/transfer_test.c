/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor.h"
#include "kernel/coverage.h"
#include "kernel/kernel_fixture.h"
#include "kernel/perf_links.h"

#define CRM_PORT 18443
#define CHAT_PORT 18555

struct peers {
	int crm, chat, chat_udp;
};

struct moved {
	unsigned long long bytes, calls, ino;
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
	if (ntohs(own.sin_port) == CRM_PORT)
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

	peers->crm = listen_at("127.0.0.1", CRM_PORT, SOCK_STREAM);
	peers->chat = listen_at("127.0.0.2", CHAT_PORT, SOCK_STREAM);
	peers->chat_udp = listen_at("127.0.0.2", CHAT_PORT, SOCK_DGRAM);
	assert_int_equal(pthread_create(&id, NULL, serve, &peers->crm), 0);
	pthread_detach(id);
	assert_int_equal(pthread_create(&id, NULL, serve, &peers->chat), 0);
	pthread_detach(id);
}

static struct moved when_actor_moves(struct kernel_fixture *fixture, const struct actor_call *call,
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
	struct moved moved = {};
	int output;
	pid_t pid;

	snprintf(thread_text, sizeof(thread_text), "%d", threads);
	snprintf(seed_text, sizeof(seed_text), "%d", seed);
	if (call->medium == 'f' || call->medium == 'p')
		snprintf(target, sizeof(target), "%s/%s.out", kernel_fixture_folder(fixture),
			 call->name);
	else
		snprintf(target, sizeof(target), "%s:%d",
			 call->direction == 'r' ? "127.0.0.1" : "127.0.0.2",
			 call->direction == 'r' ? CRM_PORT : CHAT_PORT);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(sscanf(text, "%llu %llu %llu", &moved.bytes, &moved.calls, &moved.ino), 3);
	return moved;
}

static struct kernel_totals totals_of(struct kernel_fixture *fixture, const struct actor_call *call,
				      const struct moved *moved)
{
	if (call->medium == 's' || call->medium == 'd')
		return kernel_fixture_sum(fixture, call->direction != 'r', 0,
					  call->direction == 'r' ? CRM_PORT : CHAT_PORT);
	return kernel_fixture_sum(fixture, call->direction != 'r', moved->ino, 0);
}

static struct kernel_totals minus(struct kernel_totals a, struct kernel_totals b)
{
	return (struct kernel_totals){a.bytes - b.bytes, a.calls - b.calls, a.turns - b.turns, 0};
}

static void check_call(struct kernel_fixture *fixture, const struct actor_call *call, int threads,
		       int seed)
{
	struct moved none = {}, moved;
	struct kernel_totals before = {}, after;

	if (call->medium == 's' || call->medium == 'd')
		before = totals_of(fixture, call, &none);
	else if (call->direction == 'r' || call->medium == 'f') {
		struct stat info;
		char path[160];

		snprintf(path, sizeof(path), "%s/%s.out", kernel_fixture_folder(fixture),
			 call->name);
		if (stat(call->direction == 'r' ? kernel_fixture_source(fixture) : path, &info) ==
		    0) {
			none.ino = info.st_ino;
			before = totals_of(fixture, call, &none);
		}
	}
	moved = when_actor_moves(fixture, call, threads, seed);
	after = minus(totals_of(fixture, call, &moved), before);
	if (after.bytes != moved.bytes || after.calls != moved.calls)
		fail_msg("%s by %d threads, seed %d: moved %llu bytes in %llu calls, counted %llu "
			 "in %llu",
			 call->name, threads, seed, moved.bytes, moved.calls,
			 (unsigned long long)after.bytes, (unsigned long long)after.calls);
	assert_true(moved.bytes > 0);
}

/* "write_socket" is write, on another medium. */
static void note_exact(const struct actor_call *call)
{
	static const char *const suffixes[] = {"_socket", "_udp", "_pipe"};
	size_t length = strlen(call->name);
	char name[64];

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
				       : "file");
	coverage_note(name, COVERAGE_EXACT);
}

static void check_all_calls(const struct kernel_options *options)
{
	static const int thread_counts[] = {1, 2, 8};
	struct kernel_fixture *fixture = kernel_fixture_start(options);
	int seed = (int)time(NULL);

	print_message("# seed %d\n", seed);
	for (const struct actor_call *call = actor_calls; call->name; call++) {
		for (size_t i = 0; i < 3; i++)
			check_call(fixture, call, thread_counts[i], seed + (int)i);
		note_exact(call);
	}
	kernel_fixture_stop(fixture);
}

static void flows_equal_what_every_call_returned(void **state)
{
	(void)state;
	check_all_calls(NULL);
}

static void flows_are_exact_with_a_ring_of_one_page(void **state)
{
	const struct kernel_options options = {.ring_bytes = 4096};

	(void)state;
	check_all_calls(&options);
}

static void flows_are_exact_by_perf_tracepoints(void **state)
{
	const struct kernel_options options = {.use_perf = true};

	(void)state;
	perf_links_need();
	check_all_calls(&options);
}

static void a_full_flow_table_keeps_the_bytes_in_the_overflow(void **state)
{
	const struct kernel_options options = {.flows_max = 1};
	const struct actor_call *call = actor_find_call("write");
	struct kernel_fixture *fixture = kernel_fixture_start(&options);
	struct moved moved = when_actor_moves(fixture, call, 2, 1);
	struct sensor_counts counts;

	(void)state;
	assert_int_equal(totals_of(fixture, call, &moved).bytes, 0);
	counts = kernel_fixture_counts(fixture);
	assert_true(counts.losses.flows_full > 0);
	/* The one flow that fitted is the read; standard output is in the overflow, too. */
	assert_true(counts.losses.overflow_out_bytes >= moved.bytes);
	assert_true(counts.losses.overflow_out_bytes < moved.bytes + 128);
	kernel_fixture_stop(fixture);
}

static void unlabelled_activity_leaves_no_flow(void **state)
{
	struct kernel_fixture *fixture = kernel_fixture_start(NULL);
	char path[160], text[256];
	char *arguments[] = {"actor", "write", "2", "1", path, path, NULL};
	struct sensor_counts counts;
	int output;
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "%s/plain", kernel_fixture_folder(fixture));
	output = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	assert_int_equal(write(output, "x", 1), 1);
	close(output);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	counts = kernel_fixture_counts(fixture);
	assert_int_equal(kernel_fixture_count_flows(fixture), 0);
	assert_int_equal(counts.edges_rung, 0);
	kernel_fixture_stop(fixture);
}

static int start_peers(void **state)
{
	static struct peers peers;

	(void)state;
	given_crm_and_chat(&peers);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_equal_what_every_call_returned),
		cmocka_unit_test(flows_are_exact_with_a_ring_of_one_page),
		cmocka_unit_test(flows_are_exact_by_perf_tracepoints),
		cmocka_unit_test(a_full_flow_table_keeps_the_bytes_in_the_overflow),
		cmocka_unit_test(unlabelled_activity_leaves_no_flow),
	};

	if (argc > 1)
		return actor_main(argc, argv);
	return cmocka_run_group_tests(tests, start_peers, NULL);
}
