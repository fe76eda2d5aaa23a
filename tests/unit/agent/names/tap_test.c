/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/names/tap.h"
#include "base/cleanup.h"

#define PORT 53

/* What was visited. */
static struct {
	unsigned int n;
	char text[4096];
	size_t size;
} heard;

static int hear(void *userdata, const uint8_t *message, size_t size)
{
	(void)userdata;
	heard.n++;
	heard.size = size;
	memcpy(heard.text, message, size < sizeof(heard.text) ? size : sizeof(heard.text));
	return size >= 5 && memcmp(message, "hello", 5) == 0 ? 0 : -EBADMSG;
}

struct desk {
	sd_event *loop;
	struct tap *tap;
};

/* A network of its own: nobody else answers there. */
static int given_a_tap(void **state)
{
	static struct desk desk;
	struct ifreq loopback = {.ifr_name = "lo"};
	int fd, r;

	memset(&heard, 0, sizeof(heard));
	if (unshare(CLONE_NEWNET) < 0)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	loopback.ifr_flags = IFF_UP | IFF_RUNNING;
	r = ioctl(fd, SIOCSIFFLAGS, &loopback);
	close(fd);
	if (r < 0 || sd_event_new(&desk.loop) < 0 || tap_new(desk.loop, hear, NULL, &desk.tap) < 0)
		return -1;
	*state = &desk;
	return 0;
}

static int clean_up(void **state)
{
	struct desk *desk = *state;

	if (!desk)
		return 0;
	tap_free(desk->tap);
	sd_event_unref(desk->loop);
	return 0;
}

static struct desk *need(void **state)
{
	if (!*state) {
		print_message("# skip: a network of one's own needs root\n");
		skip();
	}
	return *state;
}

static void listen_a_while(struct desk *desk)
{
	for (int i = 0; i < 20 && sd_event_run(desk->loop, 20000) > 0; i++)
		;
}

static struct sockaddr_storage place(int family, uint16_t port, socklen_t *ret_size)
{
	struct sockaddr_storage address = {};

	if (family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)&address;

		*in = (struct sockaddr_in){.sin_family = AF_INET,
					   .sin_port = htons(port),
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		*ret_size = sizeof(*in);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&address;

		*in = (struct sockaddr_in6){.sin6_family = AF_INET6,
					    .sin6_port = htons(port),
					    .sin6_addr = in6addr_loopback};
		*ret_size = sizeof(*in);
	}
	return address;
}

static int bound(int family, int type, uint16_t port)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0), one = 1;
	socklen_t size;
	struct sockaddr_storage address = place(family, port, &size);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

static void when_sent(int family, uint16_t from, uint16_t to, const char *text)
{
	_cleanup_close_ int fd = bound(family, SOCK_DGRAM, from);
	socklen_t size;
	struct sockaddr_storage address = place(family, to, &size);

	(void)sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, size);
}

static void check_counts(struct desk *desk, uint64_t taken, uint64_t refused)
{
	struct tap_counts counts;

	tap_count(desk->tap, &counts);
	assert_int_equal(counts.taken, taken);
	assert_int_equal(counts.refused, refused);
	assert_int_equal(counts.packets, counts.taken + counts.refused + counts.dropped);
}

static void an_answer_over_loopback_is_heard_once(void **state)
{
	struct desk *desk = need(state);

	when_sent(AF_INET, PORT, 40000, "hello over IPv4");
	listen_a_while(desk);
	assert_int_equal(heard.n, 1);
	assert_string_equal(heard.text, "hello over IPv4");
	when_sent(AF_INET6, PORT, 40000, "hello over IPv6");
	listen_a_while(desk);
	assert_int_equal(heard.n, 2);
	assert_string_equal(heard.text, "hello over IPv6");
	check_counts(desk, 2, 0);
}

static void what_comes_from_other_ports_is_not_heard(void **state)
{
	struct desk *desk = need(state);

	when_sent(AF_INET, 5353, 40000, "hello");
	when_sent(AF_INET, 40000, PORT, "hello");
	when_sent(AF_INET6, 40000, PORT, "hello");
	listen_a_while(desk);
	check_counts(desk, 0, 0);
}

static void what_makes_no_sense_is_counted(void **state)
{
	struct desk *desk = need(state);

	when_sent(AF_INET, PORT, 40000, "nonsense");
	listen_a_while(desk);
	check_counts(desk, 0, 1);
}

static void an_answer_in_a_stream_is_heard_in_whatever_pieces(void **state)
{
	struct desk *desk = need(state);
	_cleanup_close_ int server = bound(AF_INET, SOCK_STREAM, PORT);
	_cleanup_close_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int peer = -1;
	socklen_t size;
	struct sockaddr_storage address = place(AF_INET, PORT, &size);

	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
	peer = accept(server, NULL, NULL);
	assert_int_equal(write(peer, "\0", 1), 1);
	usleep(50000);
	assert_int_equal(write(peer, "\x09hello", 6), 6);
	usleep(50000);
	assert_int_equal(write(peer, " TCP", 4), 4);
	listen_a_while(desk);
	assert_int_equal(heard.n, 1);
	assert_int_equal(heard.size, 9);
	assert_memory_equal(heard.text, "hello TCP", 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, given_a_tap, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_over_loopback_is_heard_once),
		TEST(what_comes_from_other_ports_is_not_heard),
		TEST(what_makes_no_sense_is_counted),
		TEST(an_answer_in_a_stream_is_heard_in_whatever_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
