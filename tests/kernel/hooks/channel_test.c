/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/scene.h"
#include "kernel/transfers.h"

#define FIRST_PORT 18600 /* of destinations where nobody listens, and nobody must */
#define MESSAGES 5

/* What calls point at; in a puppet's data, behind the rows. */
struct letter {
	struct sockaddr_un path;
	struct sockaddr_in peers[MESSAGES];
	struct mmsghdr messages[MESSAGES];
	struct iovec parts[MESSAGES];
	char controls[MESSAGES][CMSG_SPACE(sizeof(int))] __attribute__((aligned(8)));
	int fds[2], one;
};

static struct letter *letter_of(const struct scene *scene, uint32_t who)
{
	static_assert(SCENE_BYTES + 1096 + sizeof(struct letter) <= PUPPET_DATA_BYTES, "room");
	return (struct letter *)(scene_data(scene, who) + SCENE_BYTES + 1096);
}

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

static int when_socket(const struct scene *scene, uint32_t who, int family, int type)
{
	long fd = SCENE_CALL(scene, who, SYS_socket, family, type, 0);

	assert_true(fd >= 0);
	return (int)fd;
}

static long fill_path(const struct scene *scene, uint32_t who, const char *name)
{
	struct sockaddr_un *address = &letter_of(scene, who)->path;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "%s", scene_path(scene, name));
	return sizeof(*address);
}

static int when_bound(const struct scene *scene, uint32_t who, int type, const char *name)
{
	int fd = when_socket(scene, who, AF_UNIX, type);
	long length = fill_path(scene, who, name);

	assert_int_equal(
		SCENE_CALL(scene, who, SYS_bind, fd, (long)&letter_of(scene, who)->path, length),
		0);
	return fd;
}

static int when_connected(const struct scene *scene, uint32_t who, int type, const char *name)
{
	int fd = when_socket(scene, who, AF_UNIX, type);
	long length = fill_path(scene, who, name);

	assert_int_equal(
		SCENE_CALL(scene, who, SYS_connect, fd, (long)&letter_of(scene, who)->path, length),
		0);
	return fd;
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

/* Messages of one letter each; the descriptor comes with the last one. */
static void when_passed(const struct scene *scene, int socket, int fd, int n)
{
	struct letter *letter = letter_of(scene, CLERK);
	struct cmsghdr *header = (struct cmsghdr *)letter->controls[n - 1];

	for (int i = 0; i < n; i++) {
		letter->parts[i] = (struct iovec){scene_data(scene, CLERK), 1};
		letter->messages[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &letter->parts[i], .msg_iovlen = 1}};
	}
	*header = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	letter->messages[n - 1].msg_hdr.msg_control = header;
	letter->messages[n - 1].msg_hdr.msg_controllen = CMSG_SPACE(sizeof(fd));
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_sendmmsg, socket, (long)letter->messages, n, 0), n);
}

static struct letter *fill_empty(const struct scene *scene, uint32_t who)
{
	struct letter *letter = letter_of(scene, who);

	for (int i = 0; i < MESSAGES; i++) {
		letter->parts[i] = (struct iovec){scene_data(scene, who), SCENE_BYTES};
		letter->messages[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &letter->parts[i],
				    .msg_iovlen = 1,
				    .msg_control = letter->controls[i],
				    .msg_controllen = sizeof(letter->controls[i])}};
	}
	return letter;
}

/* What came with the message is read: that alone labels the thief. */
static void check_passed_fd(const struct scene *scene, const struct mmsghdr *message)
{
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message->msg_hdr);
	int fd;

	assert_non_null(header);
	assert_int_equal(header->cmsg_type, SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(
		SCENE_CALL(scene, THIEF, SYS_read, fd, (long)scene_data(scene, THIEF), SCENE_BYTES),
		SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
}

static void a_descriptor_that_was_never_read_from_is_followed(void **state)
{
	const struct scene *scene = *state;
	int theirs = when_bound(scene, THIEF, SOCK_DGRAM, "rights");
	int own = when_connected(scene, CLERK, SOCK_DGRAM, "rights");
	struct letter *letter = fill_empty(scene, THIEF);

	when_passed(scene, own,
		    scene_open(scene, CLERK, kernel_fixture_source(scene->fixture), O_RDONLY), 1);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_recvmsg, theirs,
				    (long)&letter->messages[0].msg_hdr, 0),
			 1);
	check_passed_fd(scene, &letter->messages[0]);
	coverage_note("descriptor passed by recvmsg", COVERAGE_EXACT);
}

static void a_descriptor_in_any_message_of_one_call_is_followed(void **state)
{
	const struct scene *scene = *state;
	int theirs = when_bound(scene, THIEF, SOCK_DGRAM, "rights");
	int own = when_connected(scene, CLERK, SOCK_DGRAM, "rights");
	struct letter *letter = fill_empty(scene, THIEF);

	when_passed(scene, own,
		    scene_open(scene, CLERK, kernel_fixture_source(scene->fixture), O_RDONLY),
		    MESSAGES);
	assert_int_equal(
		SCENE_CALL(scene, THIEF, SYS_recvmmsg, theirs, (long)letter->messages, MESSAGES),
		MESSAGES);
	check_passed_fd(scene, &letter->messages[MESSAGES - 1]);
	coverage_note("descriptor passed by recvmmsg", COVERAGE_EXACT);
}

static void settle(const struct scene *scene)
{
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(scene->fixture).unsettled_objects, 0);
}

static void unix_datagrams_carry_the_label(void **state)
{
	const struct scene *scene = *state;
	int theirs = when_bound(scene, THIEF, SOCK_DGRAM, "datagrams");
	int own = when_connected(scene, CLERK, SOCK_DGRAM, "datagrams");

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
	int listener = when_bound(scene, THIEF, SOCK_SEQPACKET, "packets"), own;

	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_listen, listener, 1), 0);
	own = when_connected(scene, CLERK, SOCK_SEQPACKET, "packets");
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
	int own = when_socket(scene, CLERK, AF_UNIX, SOCK_DGRAM);
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	struct letter *letter = letter_of(scene, CLERK);
	const struct sensor_flow *flows;
	bool is_said = false;
	size_t n;

	when_bound(scene, THIEF, SOCK_DGRAM, "near");
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

/* Messages of 100, 101, ... bytes to the ports in turn. */
static void fill_messages(const struct scene *scene, int n_peers)
{
	struct letter *letter = letter_of(scene, CLERK);

	for (int i = 0; i < MESSAGES; i++) {
		letter->peers[i] = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons((uint16_t)(FIRST_PORT + i % n_peers)),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
		letter->parts[i] =
			(struct iovec){scene_data(scene, CLERK), (size_t)(100 + i % n_peers)};
		letter->messages[i] =
			(struct mmsghdr){.msg_hdr = {.msg_name = &letter->peers[i],
						     .msg_namelen = sizeof(letter->peers[i]),
						     .msg_iov = &letter->parts[i],
						     .msg_iovlen = 1}};
	}
}

static struct kernel_totals count_port(const struct scene *scene, int port)
{
	return kernel_fixture_sum(scene->fixture, true, 0, (uint16_t)port);
}

static void each_destination_has_its_bytes(void **state)
{
	const struct scene *scene = *state;
	int fd = when_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = letter_of(scene, CLERK);

	scene_read_source(scene, CLERK);
	fill_messages(scene, MESSAGES);
	for (int i = 0; i < MESSAGES; i++)
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd,
					    (long)scene_data(scene, CLERK), 10 + i, 0,
					    (long)&letter->peers[i], sizeof(letter->peers[i])),
				 10 + i);
	for (int i = 0; i < MESSAGES; i++)
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmsg, fd,
					    (long)&letter->messages[i].msg_hdr, 0),
				 100 + i);
	for (int i = 0; i < MESSAGES; i++) {
		assert_int_equal(count_port(scene, FIRST_PORT + i).bytes, 110 + 2 * i);
		assert_int_equal(count_port(scene, FIRST_PORT + i).flows, 1);
	}
	coverage_note("sendto, sendmsg (unconnected UDP)", COVERAGE_EXACT);
}

static void pages_that_are_sent_without_a_copy_are_counted(void **state)
{
	const struct scene *scene = *state;
	int fd = when_socket(scene, CLERK, AF_INET, SOCK_STREAM);
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
	assert_int_equal(count_port(scene, TRANSFERS_CHAT_PORT).bytes, 3 * SCENE_BYTES - 3);
	coverage_note("send with MSG_ZEROCOPY (TCP)", COVERAGE_EXACT);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(unix_datagrams_carry_the_label),
		STORY(unix_packets_carry_the_label),
		STORY(a_descriptor_that_was_never_read_from_is_followed),
		STORY(a_descriptor_in_any_message_of_one_call_is_followed),
		STORY(a_datagram_to_a_name_is_a_gap),
		STORY(each_destination_has_its_bytes),
		STORY(pages_that_are_sent_without_a_copy_are_counted),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
