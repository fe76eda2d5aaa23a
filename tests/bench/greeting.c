/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What it costs that each packet that is sent is asked whether it is a greeting: ns of processor
 * time of this process, over loopback, of a datagram, of a segment of a connection that is old, and
 * of a connection with its hello (both ends). With and without the program by turns; medians. Needs
 * root.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/sensor/greeting_tap.h"

#define ROUNDS 31
#define PACKETS 10000
#define CONNECTIONS 300 /* whose hellos the ring has room for */
#define MESSAGE_BYTES 512

struct row {
	const char *name;
	void (*send)(void);
	int calls;
	double plain[ROUNDS], added[ROUNDS];
};

static const char hello[MESSAGE_BYTES] = "GET /export HTTP/1.1\r\nHost: files.example\r\n\r\n";

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	perror(what);
	exit(1);
}

static int listen_on(int type, struct sockaddr_in *ret_address)
{
	socklen_t size = sizeof(*ret_address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*ret_address = (struct sockaddr_in){.sin_family = AF_INET};
	ret_address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	require(fd >= 0 && bind(fd, (struct sockaddr *)ret_address, size) == 0 &&
			getsockname(fd, (struct sockaddr *)ret_address, &size) == 0 &&
			(type != SOCK_STREAM || listen(fd, 8) == 0),
		"a server");
	return fd;
}

static int connect_to(const struct sockaddr_in *address, int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	require(fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0,
		"connect");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void pass(int from, int to)
{
	char taken[MESSAGE_BYTES];

	require(send(from, hello, sizeof(hello), 0) == sizeof(hello), "send");
	require(recv(to, taken, sizeof(taken), MSG_WAITALL) == sizeof(taken), "recv");
}

static void send_datagrams(void)
{
	struct sockaddr_in address;
	int server = listen_on(SOCK_DGRAM, &address), client = connect_to(&address, SOCK_DGRAM);

	for (int i = 0; i < PACKETS; i++)
		pass(client, server);
	close(client);
	close(server);
}

static void send_segments(void)
{
	struct sockaddr_in address;
	int server = listen_on(SOCK_STREAM, &address), client = connect_to(&address, SOCK_STREAM);
	int end = accept4(server, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 0; i < PACKETS; i++)
		pass(client, end);
	close(client);
	close(end);
	close(server);
}

static void send_hellos(void)
{
	struct sockaddr_in address;
	int server = listen_on(SOCK_STREAM, &address);

	for (int i = 0; i < CONNECTIONS; i++) {
		int client = connect_to(&address, SOCK_STREAM);
		int end = accept4(server, NULL, NULL, SOCK_CLOEXEC);

		pass(client, end);
		close(client);
		close(end);
	}
	close(server);
}

static void on_part(void *userdata, const struct greeting_part *part)
{
	(void)part;
	++*(uint64_t *)userdata;
}

static double measure(const struct row *row)
{
	struct timespec before, after;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	row->send();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	return ((double)(after.tv_sec - before.tv_sec) * 1e9 +
		(double)(after.tv_nsec - before.tv_nsec)) /
	       row->calls;
}

/* Heard: so many greetings, or the program was not there. */
static double measure_heard(const struct row *row, sd_event *loop)
{
	struct greeting_tap *tap;
	uint64_t n_parts = 0;
	double ns;
	int r = greeting_tap_new(loop, "/proc/self/mounts", on_part, &n_parts, &tap);

	if (r < 0) {
		fprintf(stderr, "greeting: %s\n", strerror(-r));
		exit(1);
	}
	ns = measure(row);
	greeting_tap_drain(tap);
	greeting_tap_free(tap);
	require(row->calls != CONNECTIONS || n_parts >= CONNECTIONS, "hellos are heard");
	return ns;
}

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static double median(double *figures)
{
	qsort(figures, ROUNDS, sizeof(*figures), compare);
	return figures[ROUNDS / 2];
}

static void weigh(struct row *row, int round, sd_event *loop)
{
	double before = measure(row), heard = measure_heard(row, loop), after = measure(row);

	row->plain[round] = (before + after) / 2;
	row->added[round] = heard - row->plain[round];
}

int main(void)
{
	struct row rows[] = {
		{.name = "a datagram of 512 bytes", .send = send_datagrams, .calls = PACKETS},
		{.name = "512 bytes on an old connection", .send = send_segments, .calls = PACKETS},
		{.name = "a connection with its hello", .send = send_hellos, .calls = CONNECTIONS},
	};
	sd_event *loop = NULL;

	if (geteuid() != 0 || sd_event_new(&loop) < 0) {
		fprintf(stderr, "greeting: needs root\n");
		return 1;
	}
	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			weigh(&rows[i], round, loop);
	printf("\n%-44s %13s %13s\n", "ns, sent and received over loopback", "plain", "heard");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		printf("%-44s %13.0f %+13.0f\n", rows[i].name, median(rows[i].plain),
		       median(rows[i].added));
	sd_event_unref(loop);
	return 0;
}
