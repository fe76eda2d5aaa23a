/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/letter.h"
#include "kernel/transfers.h"

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

/* Who receives it is not known, but that is said. */
static void a_datagram_to_a_name_is_a_gap(void **state)
{
	const struct scene *scene = *state;
	int own = letter_socket(scene, CLERK, AF_UNIX, SOCK_DGRAM);
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	struct letter *letter = letter_of(scene, CLERK);
	const struct sensor_flow *flows;
	bool is_said = false;
	size_t n;

	letter_bound(scene, THIEF, SOCK_DGRAM, "near");
	snprintf(clerk->paths[0], sizeof(clerk->paths[0]), "%s",
		 kernel_fixture_folder(scene->fixture));
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_chdir, (long)clerk->paths[0]), 0);
	scene_read_source(scene, CLERK);
	letter->path = (struct sockaddr_un){.sun_family = AF_UNIX, .sun_path = "near"};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, own, (long)clerk->data, SCENE_BYTES,
				    0, (long)&letter->path, sizeof(letter->path)),
			 SCENE_BYTES);
	flows = kernel_fixture_flows(scene->fixture, &n);
	for (size_t i = 0; i < n; i++)
		is_said |= flows[i].object.kind == SENSOR_OBJECT_GAP &&
			   flows[i].object.ino == SYS_sendto;
	assert_true(is_said);
	coverage_note("unix datagram to a name (said)", COVERAGE_GAP);
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

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(unix_datagrams_carry_the_label),
		STORY(unix_packets_carry_the_label),
		STORY(a_datagram_to_a_name_is_a_gap),
		STORY(pages_that_are_sent_without_a_copy_are_counted),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
