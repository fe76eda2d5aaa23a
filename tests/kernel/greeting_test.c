/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What anybody on this machine says first on a connection is heard, and nothing else of what they
 * say: an ordinary program says it, and no sensor runs.
 */
#include <net/if.h>
#include <linux/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/ear.h"
#include "kernel/hello.h"
#include "support/quic_client.h"

#define LATE_SEGMENTS 16
#define PATIENCE 100000
#define LONG_HELLO_BYTES 5000
#define FLOOD_DATAGRAMS 600 /* more than the ring has room for */

#define HALF_HELLOS_KEPT 1024 /* UNFINISHED_MAX, bpf/greeting.bpf.c */
#define HALF_HELLOS (HALF_HELLOS_KEPT + 300)

static void a_hello_is_heard_and_nothing_behind_it(void **state)
{
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_STREAM);
	_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_STREAM);
	char hello[HELLO_BYTES + 4];
	size_t size = hello_make("pan.test", hello);
	struct in6_addr peer = {.s6_addr = {[10] = 0xff, 0xff, 127, 0, 0, 1}};

	memcpy(hello + size, "rows", 4);
	ear_say(client, hello, size + 4);
	ear_say(client, "more rows of a customer", 23);
	ear_assert_heard(ear, 2, (struct ear_part[]){{0, 0}, {0, size}});
	assert_memory_equal(ear->data, hello, size);
	assert_memory_equal(&ear->peer, &peer, sizeof(peer));
}

static void a_hello_may_come_in_segments(void **state)
{
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET6, SOCK_STREAM);
	_cleanup_close_ int client = ear_connect(ear, AF_INET6, SOCK_STREAM);
	char hello[HELLO_BYTES];
	size_t size = hello_make("pan.test", hello);

	ear_say(client, hello, 100);
	ear_say(client, hello + 100, 1);
	ear_say(client, hello + 101, size - 101);
	ear_say(client, "rows", 4);
	ear_assert_heard(ear, 4,
			 (struct ear_part[]){{0, 0}, {0, 100}, {100, 1}, {101, size - 101}});
	assert_memory_equal(ear->data, hello, size);
	assert_memory_equal(&ear->peer, &in6addr_loopback, sizeof(in6addr_loopback));
}

/* As those with keys that quantum computers do not break. */
static void a_long_hello_is_heard_in_parts(void **state)
{
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_STREAM);
	_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_STREAM);
	static char hello[LONG_HELLO_BYTES] = {
		22, 3, 1, (LONG_HELLO_BYTES - 5) >> 8, (LONG_HELLO_BYTES - 5) & 0xff, 1};

	hello[LONG_HELLO_BYTES - 1] = 'x';
	ear_say(client, hello, sizeof(hello));
	ear_assert_heard(ear, 4,
			 (struct ear_part[]){
				 {0, 0}, {0, 2048}, {2048, 2048}, {4096, LONG_HELLO_BYTES - 4096}});
	assert_memory_equal(ear->data, hello, sizeof(hello));
}

/* The ones that began first give way, each with its name untold, and each is counted. */
static void hellos_that_are_too_many_at_once_are_counted(void **state)
{
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_STREAM);
	char hello[HELLO_BYTES];

	hello_make("pan.test", hello);
	for (int i = 0; i < HALF_HELLOS; i++) {
		_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_STREAM);
		_cleanup_close_ int accepted = accept(server, NULL, NULL);

		ear_say(client, hello, 100);
		greeting_tap_drain(ear->tap);
	}
	assert_in_range(greeting_tap_count_evicted(ear->tap), HALF_HELLOS - HALF_HELLOS_KEPT,
			HALF_HELLOS);
}

static void a_request_is_heard_as_far_as_it_names_its_host(void **state)
{
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_STREAM);
	_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_STREAM);
	char request[3000] = "POST /upload HTTP/1.1\r\nHost: pan.test\r\n";

	ear_say(client, request, sizeof(request));
	ear_assert_heard(ear, 2, (struct ear_part[]){{0, 0}, {0, 1024}});
}

static void what_is_no_greeting_is_not_heard(void **state)
{
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_STREAM);
	_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_STREAM);

	ear_say(client, "P202070001,13900000000", 22);
	ear_say(client, "\x16\x03\x01 is a handshake, but no hello", 31);
	ear_say(client, "\x17\x03\x03 is what TLS encrypted", 25);
	ear_assert_heard(ear, 1, (struct ear_part[]){{0, 0}});
}

/* What waits for an answer to those before goes out in fewer. */
static uint32_t count_segments(int fd)
{
	struct tcp_info info = {};
	socklen_t size = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_data_segs_out;
}

static void a_greeting_that_comes_late_is_none(void **state)
{
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_STREAM);
	_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_STREAM);

	for (int i = 0; i < PATIENCE && count_segments(client) <= LATE_SEGMENTS; i++)
		ear_say(client, ".", 1);
	assert_true(count_segments(client) > LATE_SEGMENTS);
	ear_say(client, "GET / HTTP/1.1\r\nHost: pan.test\r\n\r\n", 34);
	ear_assert_heard(ear, 1, (struct ear_part[]){{0, 0}});
}

static void check_datagrams(struct ear *ear, int family)
{
	_cleanup_close_ int server = ear_serve(ear, family, SOCK_DGRAM);
	_cleanup_close_ int client = ear_connect(ear, family, SOCK_DGRAM);
	uint8_t frame[QUIC_CLIENT_ROOM_BYTES], datagram[QUIC_CLIENT_DATAGRAM_BYTES];
	struct quic_client quic = quic_client_of_rfc();

	ear->n_parts = 0;
	quic_client_seal(&quic, frame, quic_client_rfc_frame(frame), datagram);
	ear_say(client, datagram, sizeof(datagram));
	ear_say(client, datagram, sizeof(datagram) - 1);
	datagram[0] &= 0x7f; /* a short header */
	ear_say(client, datagram, sizeof(datagram));
	ear_assert_heard(ear, 1, (struct ear_part[]){{0, sizeof(datagram)}});
	datagram[0] |= 0x80;
	assert_memory_equal(ear->data, datagram, sizeof(datagram));
}

static void the_first_datagrams_of_quic_are_heard(void **state)
{
	struct ear *ear = ear_need(state);

	check_datagrams(ear, AF_INET);
	check_datagrams(ear, AF_INET6);
}

static void speak_in_another_network(struct ear *ear, int to)
{
	struct ifreq device = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	char hello[HELLO_BYTES];
	size_t size = hello_make("pan.test", hello);
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		_exit(1);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &device) < 0)
		_exit(1);
	ear_serve(ear, AF_INET, SOCK_STREAM);
	ear_say(ear_connect(ear, AF_INET, SOCK_STREAM), hello, size);
	ear_say(to, &ear->port, sizeof(ear->port));
	ear_say(to, &size, sizeof(size));
	_exit(0);
}

static void other_networks_of_this_machine_are_heard(void **state)
{
	struct ear *ear = ear_need(state);
	int ends[2], status;
	size_t size;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		speak_in_another_network(ear, ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], &ear->port, sizeof(ear->port)), sizeof(ear->port));
	assert_int_equal(read(ends[0], &size, sizeof(size)), sizeof(size));
	close(ends[0]);
	close(ends[1]);
	ear_assert_heard(ear, 2, (struct ear_part[]){{0, 0}, {0, size}});
}

static void what_is_not_heard_is_counted_and_arrives(void **state)
{
	struct ear *ear = ear_need(state);
	_cleanup_close_ int server = ear_serve(ear, AF_INET, SOCK_DGRAM);
	_cleanup_close_ int client = ear_connect(ear, AF_INET, SOCK_DGRAM);
	uint8_t datagram[1200] = {0xc0, 0, 0, 0, 1};
	struct greeting_tap_counts counts;
	size_t n_arrived = 0;

	for (int i = 0; i < FLOOD_DATAGRAMS; i++) {
		ear_say(client, datagram, sizeof(datagram));
		n_arrived +=
			recv(server, datagram, sizeof(datagram), MSG_DONTWAIT) == sizeof(datagram);
	}
	greeting_tap_drain(ear->tap);
	greeting_tap_count(ear->tap, &counts);
	assert_int_equal(n_arrived, FLOOD_DATAGRAMS);
	assert_true(counts.dropped > 0);
	assert_true(counts.heard >= FLOOD_DATAGRAMS);
	assert_int_equal(counts.damaged, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ear_open, ear_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_hello_is_heard_and_nothing_behind_it),
		TEST(a_hello_may_come_in_segments),
		TEST(a_long_hello_is_heard_in_parts),
		TEST(hellos_that_are_too_many_at_once_are_counted),
		TEST(a_request_is_heard_as_far_as_it_names_its_host),
		TEST(what_is_no_greeting_is_not_heard),
		TEST(a_greeting_that_comes_late_is_none),
		TEST(the_first_datagrams_of_quic_are_heard),
		TEST(other_networks_of_this_machine_are_heard),
		TEST(what_is_not_heard_is_counted_and_arrives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
