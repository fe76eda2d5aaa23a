/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/coverage.h"
#include "kernel/letter.h"
#include "kernel/transfers.h"

#define NAMES_KEPT 16384 /* endpoints, bpf/maps.bpf.h */
#define NAMES (NAMES_KEPT + 1000)

/* Of one kind of object, in one direction. */
static struct kernel_totals count_kind(const struct scene *scene, enum sensor_object_kind kind,
				       bool is_out)
{
	struct kernel_totals totals = {};
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);

	for (size_t i = 0; i < n; i++) {
		if (flows[i].object.kind != kind || flows[i].is_out != is_out)
			continue;
		totals.bytes += flows[i].bytes;
		totals.calls += flows[i].calls;
		totals.flows++;
	}
	return totals;
}

static uint64_t count_gaps(const struct scene *scene)
{
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);
	uint64_t calls = 0;

	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == SENSOR_OBJECT_GAP && flows[i].object.ino == SYS_sendto)
			calls += flows[i].calls;
	return calls;
}

static void check_passed(const struct scene *scene, enum sensor_object_kind kind, uint64_t bytes)
{
	assert_int_equal(count_kind(scene, kind, true).bytes, bytes);
	assert_int_equal(count_kind(scene, kind, false).bytes, bytes);
}

static void when_sent(const struct scene *scene, int fd)
{
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    SCENE_BYTES),
			 SCENE_BYTES);
}

/* The thief is labelled by this and was not before. */
static void check_received(const struct scene *scene, int fd)
{
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_recvfrom, fd, (long)scene_data(scene, THIEF),
				    PUPPET_DATA_BYTES / 2),
			 SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
}

static void settle(const struct scene *scene)
{
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(scene->fixture).unsettled_objects, 0);
}

static uint64_t count_evicted(const struct scene *scene, const char *table)
{
	struct sensor_evicted evicted[SENSOR_LRU_TABLES];

	sensor_count_evicted(kernel_fixture_sensor(scene->fixture), evicted);
	for (size_t i = 0; i < SENSOR_LRU_TABLES; i++)
		if (strcmp(evicted[i].table, table) == 0)
			return evicted[i].entries;
	fail_msg("there is no table %s", table);
	return 0;
}

static void unix_datagrams_carry_the_label(void **state)
{
	const struct scene *scene = *state;
	int theirs = letter_bound(scene, THIEF, SOCK_DGRAM, "datagrams");
	int own = letter_connected(scene, CLERK, SOCK_DGRAM, "datagrams");

	scene_read_source(scene, CLERK);
	when_sent(scene, own);
	settle(scene);
	check_received(scene, theirs);
	check_passed(scene, SENSOR_OBJECT_UNIX, SCENE_BYTES);
	coverage_note("unix datagram socket", COVERAGE_EXACT);
}

static void unix_packets_carry_the_label(void **state)
{
	const struct scene *scene = *state;
	int listener = letter_bound(scene, THIEF, SOCK_SEQPACKET, "packets"), own;

	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_listen, listener, 1), 0);
	own = letter_connected(scene, CLERK, SOCK_SEQPACKET, "packets");
	scene_read_source(scene, CLERK);
	when_sent(scene, own);
	settle(scene);
	check_received(scene, (int)SCENE_CALL(scene, THIEF, SYS_accept, listener, 0, 0));
	check_passed(scene, SENSOR_OBJECT_UNIX, SCENE_BYTES);
	coverage_note("unix seqpacket socket", COVERAGE_EXACT);
}

/* By its path or, with a NUL in front, by its abstract name. */
static long name_letter(const struct scene *scene, uint32_t who, const char *name, size_t length)
{
	struct sockaddr_un *address = &letter_of(scene, who)->path;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, name, length);
	return (long)(offsetof(struct sockaddr_un, sun_path) + length);
}

static int when_named(const struct scene *scene, uint32_t who, const char *name, size_t length)
{
	int fd = letter_socket(scene, who, AF_UNIX, SOCK_DGRAM);
	long bytes = name_letter(scene, who, name, length);

	assert_int_equal(
		SCENE_CALL(scene, who, SYS_bind, fd, (long)&letter_of(scene, who)->path, bytes), 0);
	return fd;
}

static void when_sent_to(const struct scene *scene, int fd, const char *name, size_t length)
{
	long bytes = name_letter(scene, CLERK, name, length);

	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    SCENE_BYTES, 0, (long)&letter_of(scene, CLERK)->path, bytes),
			 SCENE_BYTES);
}

/* So that it is in the clerk's memory before the clerk does anything with it. */
static void when_seen(const struct scene *scene)
{
	SCENE_CALL(scene, CLERK, SYS_faccessat, AT_FDCWD,
		   (long)letter_of(scene, CLERK)->path.sun_path, F_OK);
}

static void check_sent_to(const struct scene *scene, const char *name, size_t length)
{
	int theirs = when_named(scene, THIEF, name, length);
	int own = letter_socket(scene, CLERK, AF_UNIX, SOCK_DGRAM);

	when_seen(scene);
	scene_read_source(scene, CLERK);
	when_sent_to(scene, own, name, length);
	settle(scene);
	check_received(scene, theirs);
	check_passed(scene, SENSOR_OBJECT_UNIX, SCENE_BYTES);
	assert_int_equal(count_gaps(scene), 0);
}

static void a_datagram_to_a_path_carries_the_label(void **state)
{
	const char *path = scene_path(*state, "named");

	check_sent_to(*state, path, strlen(path));
	coverage_note("unix datagram to a path", COVERAGE_EXACT);
}

static void a_datagram_to_an_abstract_name_carries_the_label(void **state)
{
	static const char name[] = "\0weir\0test";

	check_sent_to(*state, name, sizeof(name));
	coverage_note("unix datagram to an abstract name", COVERAGE_EXACT);
}

/* The sensor cannot read a name at entry that has yet to be paged in: that is said. */
static void a_name_that_is_not_in_memory_is_followed_and_said(void **state)
{
	const struct scene *scene = *state;
	const char *path = scene_path(scene, "named");
	int theirs = when_named(scene, THIEF, path, strlen(path));
	int own = letter_socket(scene, CLERK, AF_UNIX, SOCK_DGRAM);

	scene_read_source(scene, CLERK);
	when_sent_to(scene, own, path, strlen(path));
	settle(scene);
	check_received(scene, theirs);
	check_passed(scene, SENSOR_OBJECT_UNIX, SCENE_BYTES);
	assert_int_equal(count_gaps(scene), 1);
}

/* Each message of one call has a name of its own, which goes before the peer. */
static void datagrams_of_one_call_go_to_their_names(void **state)
{
	const struct scene *scene = *state;
	static const char *const names[] = {"first", "second"};
	struct letter *letter = letter_of(scene, CLERK);
	int own, theirs[2];

	letter_bound(scene, THIEF, SOCK_DGRAM, "peer");
	own = letter_connected(scene, CLERK, SOCK_DGRAM, "peer");
	scene_read_source(scene, CLERK);
	for (int i = 0; i < 2; i++) {
		const char *path = scene_path(scene, names[i]);

		theirs[i] = when_named(scene, THIEF, path, strlen(path));
		letter->parts[i] = (struct iovec){scene_data(scene, CLERK), (size_t)(100 + i)};
		letter->messages[i] =
			(struct mmsghdr){.msg_hdr = {.msg_name = &letter->names[i],
						     .msg_namelen = sizeof(letter->names[i]),
						     .msg_iov = &letter->parts[i],
						     .msg_iovlen = 1}};
		letter->names[i] = letter_of(scene, THIEF)->path;
	}
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmmsg, own, (long)letter->messages, 2, 0),
			 2);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_sendmsg, own, (long)&letter->messages[1].msg_hdr, 0),
		101);
	settle(scene);
	for (int i = 0; i < 2; i++)
		assert_int_equal(SCENE_CALL(scene, THIEF, SYS_recvfrom, theirs[i],
					    (long)scene_data(scene, THIEF), SCENE_BYTES),
				 100 + i);
	assert_int_equal(count_kind(scene, SENSOR_OBJECT_UNIX, true).flows, 2);
	assert_int_equal(count_kind(scene, SENSOR_OBJECT_UNIX, true).bytes, 100 + 2 * 101);
	assert_int_equal(count_kind(scene, SENSOR_OBJECT_UNIX, false).bytes, 100 + 101);
	coverage_note("sendmsg, sendmmsg of unix datagrams to names", COVERAGE_EXACT);
}

/* The socket that had the path before is still open, but nothing gets there. */
static void the_socket_that_was_bound_last_is_meant(void **state)
{
	const struct scene *scene = *state;
	const char *path = scene_path(scene, "named");
	struct puppet *thief = &scene->stage->puppets[THIEF];

	when_named(scene, CLERK, path, strlen(path));
	snprintf(thief->paths[0], sizeof(thief->paths[0]), "%s", path);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_unlinkat, AT_FDCWD, (long)thief->paths[0], 0),
			 0);
	check_sent_to(scene, path, strlen(path));
}

static void a_name_from_before_the_sensor_started_is_found(void **state)
{
	const struct scene *scene = *state;
	const char *path = scene_path(scene, "early");
	int theirs, own = letter_socket(scene, CLERK, AF_UNIX, SOCK_DGRAM);

	kernel_fixture_remove_sensor(scene->fixture);
	theirs = when_named(scene, THIEF, path, strlen(path));
	kernel_fixture_restart_sensor(scene->fixture);
	scene_read_source(scene, CLERK);
	when_sent_to(scene, own, path, strlen(path));
	settle(scene);
	check_received(scene, theirs);
	coverage_note("unix datagram to a path bound before the start", COVERAGE_EXACT);
}

/* The kernel does not say that a table has let an entry go. */
static void names_that_gave_way_to_newer_ones_are_counted(void **state)
{
	const struct scene *scene = *state;
	uint64_t before = count_evicted(scene, "endpoints");

	for (int i = 0; i < NAMES; i++) {
		_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		struct sockaddr_un own = {.sun_family = AF_UNIX};

		snprintf(own.sun_path + 1, sizeof(own.sun_path) - 1, "weir-name-%d", i);
		assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	}
	assert_int_equal(before, 0);
	assert_in_range(count_evicted(scene, "endpoints"), NAMES - NAMES_KEPT, NAMES);
	assert_int_equal(count_evicted(scene, "relays"), 0);
}

/* By another text than it was bound to: who receives it is not known, but that is said. */
static void a_datagram_to_another_text_is_a_gap(void **state)
{
	const struct scene *scene = *state;
	int own = letter_socket(scene, CLERK, AF_UNIX, SOCK_DGRAM);
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	struct letter *letter = letter_of(scene, CLERK);

	letter_bound(scene, THIEF, SOCK_DGRAM, "near");
	snprintf(clerk->paths[0], sizeof(clerk->paths[0]), "%s",
		 kernel_fixture_folder(scene->fixture));
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_chdir, (long)clerk->paths[0]), 0);
	scene_read_source(scene, CLERK);
	letter->path = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "near"};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, own, (long)clerk->data, SCENE_BYTES,
				    0, (long)&letter->path, sizeof(letter->path)),
			 SCENE_BYTES);
	assert_int_equal(count_gaps(scene), 1);
	coverage_note("unix datagram by another text (said)", COVERAGE_GAP);
}

static void pages_that_are_sent_without_a_copy_are_counted(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_STREAM);
	struct letter *letter = letter_of(scene, CLERK);

	letter->one = 1;
	letter->peers[0] = (struct sockaddr_in){.sin_family = AF_INET,
						.sin_port = htons(TRANSFERS_CHAT_PORT),
						.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)&letter->peers[0],
				    sizeof(letter->peers[0])),
			 0);
	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_setsockopt, fd, SOL_SOCKET, SO_ZEROCOPY,
				    (long)&letter->one, sizeof(letter->one)),
			 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd,
					    (long)scene_data(scene, CLERK), SCENE_BYTES - i,
					    MSG_ZEROCOPY),
				 SCENE_BYTES - i);
	assert_int_equal(kernel_fixture_sum(scene->fixture, true, 0, TRANSFERS_CHAT_PORT).bytes,
			 3 * SCENE_BYTES - 3);
	coverage_note("send with MSG_ZEROCOPY (TCP)", COVERAGE_EXACT);
}

static void what_goes_into_raw_packets_is_said(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_PACKET, SOCK_DGRAM);
	struct letter *letter = letter_of(scene, CLERK);

	letter->link = (struct sockaddr_ll){.sll_family = AF_PACKET,
					    .sll_protocol = htons(ETH_P_LOOPBACK),
					    .sll_ifindex = (int)if_nametoindex("lo")};
	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    SCENE_BYTES, 0, (long)&letter->link, sizeof(letter->link)),
			 SCENE_BYTES);
	assert_int_equal(count_gaps(scene), 1);
	coverage_note("raw packets, AF_PACKET (said)", COVERAGE_GAP);
}

/* Each program that asks for an address does so. */
static void what_the_kernel_is_asked_is_no_gap(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_NETLINK, SOCK_RAW);
	struct letter *letter = letter_of(scene, CLERK);

	letter->kernel = (struct sockaddr_nl){.nl_family = AF_NETLINK};
	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    SCENE_BYTES, 0, (long)&letter->kernel, sizeof(letter->kernel)),
			 SCENE_BYTES);
	assert_int_equal(count_gaps(scene), 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(unix_datagrams_carry_the_label),
		STORY(unix_packets_carry_the_label),
		STORY(a_datagram_to_a_path_carries_the_label),
		STORY(a_datagram_to_an_abstract_name_carries_the_label),
		STORY(a_name_that_is_not_in_memory_is_followed_and_said),
		STORY(datagrams_of_one_call_go_to_their_names),
		STORY(the_socket_that_was_bound_last_is_meant),
		STORY(a_name_from_before_the_sensor_started_is_found),
		STORY(names_that_gave_way_to_newer_ones_are_counted),
		STORY(a_datagram_to_another_text_is_a_gap),
		STORY(pages_that_are_sent_without_a_copy_are_counted),
		STORY(what_goes_into_raw_packets_is_said),
		STORY(what_the_kernel_is_asked_is_no_gap),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
