/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes from one program of this machine to another by the network. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/letter.h"

#define RELAY_PORT 18660
#define RESOLVER_PORT 53
#define BYTES 100

static struct sockaddr_in port_at(in_addr_t ip, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
}

/* A socket of who has that address. */
static int bind_at(const struct scene *scene, uint32_t who, int type, struct sockaddr_in address)
{
	int fd = letter_socket(scene, who, AF_INET, type);
	struct letter *letter = letter_of(scene, who);

	letter->peers[4] = address;
	letter->one = 1;
	assert_int_equal(SCENE_CALL(scene, who, SYS_setsockopt, fd, SOL_SOCKET, SO_REUSEADDR,
				    (long)&letter->one, sizeof(letter->one)),
			 0);
	assert_int_equal(SCENE_CALL(scene, who, SYS_bind, fd, (long)&letter->peers[4],
				    sizeof(letter->peers[4])),
			 0);
	return fd;
}

static long connect_to(const struct scene *scene, uint32_t who, int fd, struct sockaddr_in address)
{
	struct letter *letter = letter_of(scene, who);

	letter->peers[4] = address;
	return SCENE_CALL(scene, who, SYS_connect, fd, (long)&letter->peers[4],
			  sizeof(letter->peers[4]));
}

/* At the entry of a call, memory that its caller has never touched cannot be read. */
static void touch_letter(const struct scene *scene, int fd)
{
	struct letter *letter = letter_of(scene, CLERK);

	letter->one = sizeof(letter->peers[3]);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_getsockname, fd, (long)&letter->peers[3],
				    (long)&letter->one),
			 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_getcpu, (long)letter, 0, 0), 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_getcpu, (long)&letter->fds, 0, 0), 0);
}

static long send_to(const struct scene *scene, int fd, struct sockaddr_in address)
{
	struct letter *letter = letter_of(scene, CLERK);

	touch_letter(scene, fd);
	letter->peers[0] = address;
	return SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK), BYTES, 0,
			  (long)&letter->peers[0], sizeof(letter->peers[0]));
}

static void fill_messages(const struct scene *scene, int fd, int n, struct sockaddr_in first,
			  struct sockaddr_in last)
{
	struct letter *letter = letter_of(scene, CLERK);

	touch_letter(scene, fd);
	for (int i = 0; i < n; i++) {
		letter->peers[i] = i < n - 1 ? first : last;
		letter->parts[i] = (struct iovec){scene_data(scene, CLERK), BYTES};
		letter->messages[i] =
			(struct mmsghdr){.msg_hdr = {.msg_name = &letter->peers[i],
						     .msg_namelen = sizeof(letter->peers[i]),
						     .msg_iov = &letter->parts[i],
						     .msg_iovlen = 1}};
	}
}

static bool is_labelled_by(const struct scene *scene, int fd)
{
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_recvfrom, fd, (long)scene_data(scene, THIEF),
				    BYTES, 0, 0, 0),
			 BYTES);
	return scene_labelled_bytes(scene, THIEF, "trace") > 0;
}

static void who_gets_a_datagram_on_loopback_is_labelled(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT));

	scene_read_source(scene, CLERK);
	assert_int_equal(send_to(scene, fd, port_at(INADDR_LOOPBACK, RELAY_PORT)), BYTES);
	assert_true(is_labelled_by(scene, theirs));
	coverage_note("UDP over loopback by sendto", COVERAGE_EXACT);
}

static void who_gets_one_by_sendmsg_is_labelled(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, port_at(INADDR_ANY, RELAY_PORT));

	scene_read_source(scene, CLERK);
	fill_messages(scene, fd, 1, (struct sockaddr_in){}, port_at(INADDR_LOOPBACK, RELAY_PORT));
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmsg, fd,
				    (long)&letter_of(scene, CLERK)->messages[0].msg_hdr, 0),
			 BYTES);
	assert_true(is_labelled_by(scene, theirs));
	coverage_note("UDP over loopback by sendmsg", COVERAGE_EXACT);
}

static void who_gets_the_last_of_several_is_labelled(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT));

	scene_read_source(scene, CLERK);
	fill_messages(scene, fd, 3, port_at(INADDR_LOOPBACK, RELAY_PORT + 1),
		      port_at(INADDR_LOOPBACK, RELAY_PORT));
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmmsg, fd,
				    (long)letter_of(scene, CLERK)->messages, 3, 0),
			 3);
	assert_true(is_labelled_by(scene, theirs));
	coverage_note("UDP over loopback by sendmmsg", COVERAGE_EXACT);
}

static void who_gets_one_of_a_connected_sender_is_labelled(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT));

	scene_read_source(scene, CLERK);
	assert_int_equal(connect_to(scene, CLERK, fd, port_at(INADDR_LOOPBACK, RELAY_PORT)), 0);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK), BYTES),
		BYTES);
	assert_true(is_labelled_by(scene, theirs));
	coverage_note("connected UDP over loopback", COVERAGE_EXACT);
}

static void a_connected_receiver_is_labelled(void **state)
{
	const struct scene *scene = *state;
	int fd = bind_at(scene, CLERK, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT + 1));
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT));

	assert_int_equal(connect_to(scene, THIEF, theirs, port_at(INADDR_LOOPBACK, RELAY_PORT + 1)),
			 0);
	scene_read_source(scene, CLERK);
	assert_int_equal(send_to(scene, fd, port_at(INADDR_LOOPBACK, RELAY_PORT)), BYTES);
	assert_true(is_labelled_by(scene, theirs));
}

/* The way of the data is one object: what is sent to it is what is received from it. */
static void both_ends_of_a_datagram_have_one_object(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT));
	const struct sensor_flow *flows;
	uint64_t sent = 0, received = 0;
	size_t n;

	scene_read_source(scene, CLERK);
	assert_int_equal(send_to(scene, fd, port_at(INADDR_LOOPBACK, RELAY_PORT)), BYTES);
	assert_true(is_labelled_by(scene, theirs));
	flows = kernel_fixture_flows(scene->fixture, &n);
	for (size_t i = 0; i < n; i++) {
		if (flows[i].object.kind != SENSOR_OBJECT_INET)
			continue;
		assert_int_equal(flows[i].bytes, BYTES);
		*(flows[i].is_out ? &sent : &received) = flows[i].object.ino;
	}
	assert_true(sent != 0);
	assert_int_equal(sent, received);
}

static void the_innocent_at_another_port_stay_unlabelled(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT));

	/* Sent before the clerk knew anything. */
	assert_int_equal(send_to(scene, fd, port_at(INADDR_LOOPBACK, RELAY_PORT)), BYTES);
	scene_read_source(scene, CLERK);
	assert_int_equal(send_to(scene, fd, port_at(INADDR_LOOPBACK, RELAY_PORT + 1)), BYTES);
	assert_false(is_labelled_by(scene, theirs));
}

/* Its app holds nothing when the label is there already. */
static void who_takes_a_port_over_is_labelled_too(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	int first, second;

	scene_start(scene, SECOND, "second");
	first = bind_at(scene, SECOND, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT));
	scene_read_source(scene, CLERK);
	assert_int_equal(send_to(scene, fd, port_at(INADDR_LOOPBACK, RELAY_PORT)), BYTES);
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(scene->fixture).unsettled_objects, 0);
	assert_int_equal(SCENE_CALL(scene, SECOND, SYS_close, first), 0);
	second = bind_at(scene, THIEF, SOCK_DGRAM, port_at(INADDR_LOOPBACK, RELAY_PORT));
	assert_int_equal(send_to(scene, fd, port_at(INADDR_LOOPBACK, RELAY_PORT)), BYTES);
	assert_true(is_labelled_by(scene, second));
	puppet_end(scene->stage, SECOND);
}

/* A resolver is asked by everybody, and answers everybody. */
static void a_question_to_a_resolver_here_labels_nobody(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct sockaddr_in resolver = port_at(INADDR_LOOPBACK + 6, RESOLVER_PORT);
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, resolver);

	scene_read_source(scene, CLERK);
	assert_int_equal(send_to(scene, fd, resolver), BYTES);
	assert_false(is_labelled_by(scene, theirs));
	coverage_note("UDP over loopback to port 53", COVERAGE_GAP);
}

/* An address of this machine's that is not loopback; skips the test where there is none. */
static in_addr_t need_own_address(void)
{
	struct ifaddrs *all = NULL;
	in_addr_t ip = 0;

	assert_int_equal(getifaddrs(&all), 0);
	for (struct ifaddrs *one = all; one && !ip; one = one->ifa_next)
		if (one->ifa_addr && one->ifa_addr->sa_family == AF_INET &&
		    !(one->ifa_flags & IFF_LOOPBACK))
			ip = ntohl(((struct sockaddr_in *)one->ifa_addr)->sin_addr.s_addr);
	freeifaddrs(all);
	if (ip)
		return ip;
	print_message("# SKIP no address but loopback\n");
	skip();
	return 0;
}

static void a_connection_to_an_own_address_is_followed(void **state)
{
	const struct scene *scene = *state;
	struct sockaddr_in here = port_at(need_own_address(), RELAY_PORT);
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_STREAM);
	int listener = bind_at(scene, THIEF, SOCK_STREAM, here);
	long theirs;

	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_listen, listener, 1), 0);
	scene_read_source(scene, CLERK);
	assert_int_equal(connect_to(scene, CLERK, fd, here), 0);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK), BYTES),
		BYTES);
	theirs = SCENE_CALL(scene, THIEF, SYS_accept, listener, 0, 0);
	assert_true(theirs >= 0);
	assert_true(is_labelled_by(scene, (int)theirs));
	coverage_note("TCP to an own address", COVERAGE_EXACT);
}

static void a_datagram_to_an_own_address_is_a_gap(void **state)
{
	const struct scene *scene = *state;
	struct sockaddr_in here = port_at(need_own_address(), RELAY_PORT);
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	int theirs = bind_at(scene, THIEF, SOCK_DGRAM, here);

	scene_read_source(scene, CLERK);
	assert_int_equal(send_to(scene, fd, here), BYTES);
	coverage_note("UDP to an own address (unconnected)",
		      is_labelled_by(scene, theirs) ? COVERAGE_EXACT : COVERAGE_GAP);
	/* It is told as what leaves. */
	assert_int_equal(kernel_fixture_sum(scene->fixture, true, 0, RELAY_PORT).bytes, BYTES);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(who_gets_a_datagram_on_loopback_is_labelled),
		STORY(who_gets_one_by_sendmsg_is_labelled),
		STORY(who_gets_the_last_of_several_is_labelled),
		STORY(who_gets_one_of_a_connected_sender_is_labelled),
		STORY(a_connected_receiver_is_labelled),
		STORY(both_ends_of_a_datagram_have_one_object),
		STORY(the_innocent_at_another_port_stay_unlabelled),
		STORY(who_takes_a_port_over_is_labelled_too),
		STORY(a_question_to_a_resolver_here_labels_nobody),
		STORY(a_connection_to_an_own_address_is_followed),
		STORY(a_datagram_to_an_own_address_is_a_gap),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
