/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <fcntl.h>
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
#include "kernel/transfers.h"

#define FIRST_PORT 18600 /* of destinations where nobody listens, and nobody must */

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

	for (int i = 0; i < LETTER_MESSAGES; i++) {
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
	int theirs = letter_bound(scene, THIEF, SOCK_DGRAM, "rights");
	int own = letter_connected(scene, CLERK, SOCK_DGRAM, "rights");
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
	int theirs = letter_bound(scene, THIEF, SOCK_DGRAM, "rights");
	int own = letter_connected(scene, CLERK, SOCK_DGRAM, "rights");
	struct letter *letter = fill_empty(scene, THIEF);

	when_passed(scene, own,
		    scene_open(scene, CLERK, kernel_fixture_source(scene->fixture), O_RDONLY),
		    LETTER_MESSAGES);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_recvmmsg, theirs, (long)letter->messages,
				    LETTER_MESSAGES),
			 LETTER_MESSAGES);
	check_passed_fd(scene, &letter->messages[LETTER_MESSAGES - 1]);
	coverage_note("descriptor passed by recvmmsg", COVERAGE_EXACT);
}

/* Messages of 100, 101, ... bytes to the ports in turn. */
static void fill_messages(const struct scene *scene, int n_peers)
{
	struct letter *letter = letter_of(scene, CLERK);

	for (int i = 0; i < LETTER_MESSAGES; i++) {
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
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = letter_of(scene, CLERK);

	scene_read_source(scene, CLERK);
	fill_messages(scene, LETTER_MESSAGES);
	for (int i = 0; i < LETTER_MESSAGES; i++)
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd,
					    (long)scene_data(scene, CLERK), 10 + i, 0,
					    (long)&letter->peers[i], sizeof(letter->peers[i])),
				 10 + i);
	for (int i = 0; i < LETTER_MESSAGES; i++)
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmsg, fd,
					    (long)&letter->messages[i].msg_hdr, 0),
				 100 + i);
	for (int i = 0; i < LETTER_MESSAGES; i++) {
		assert_int_equal(count_port(scene, FIRST_PORT + i).bytes, 110 + 2 * i);
		assert_int_equal(count_port(scene, FIRST_PORT + i).flows, 1);
	}
	coverage_note("sendto, sendmsg (unconnected UDP)", COVERAGE_EXACT);
}

static void when_sent_as_one(const struct scene *scene, int fd)
{
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmmsg, fd,
				    (long)letter_of(scene, CLERK)->messages, LETTER_MESSAGES, 0),
			 LETTER_MESSAGES);
}

static void each_message_of_one_call_goes_to_its_destination(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);

	scene_read_source(scene, CLERK);
	fill_messages(scene, LETTER_MESSAGES);
	when_sent_as_one(scene, fd);
	for (int i = 0; i < LETTER_MESSAGES; i++) {
		assert_int_equal(count_port(scene, FIRST_PORT + i).bytes, 100 + i);
		assert_int_equal(count_port(scene, FIRST_PORT + i).flows, 1);
	}
	fill_messages(scene, 2);
	when_sent_as_one(scene, fd);
	assert_int_equal(count_port(scene, FIRST_PORT).bytes, 4 * 100);
	assert_int_equal(count_port(scene, FIRST_PORT + 1).bytes, 3 * 101);
	coverage_note("sendmmsg (unconnected UDP)", COVERAGE_EXACT);
}

#define THOUSAND 1024 /* UIO_MAXIOV: a call sends no more */
#define THOUSAND_PEERS 7

/* An app that reads a little of the source and sends a byte more to each peer than to the one
 * before, round and round. */
static int send_a_thousand(const char *source)
{
	static struct mmsghdr messages[THOUSAND + 1];
	static struct sockaddr_in peers[THOUSAND_PEERS];
	static struct iovec parts[THOUSAND_PEERS];
	static char text[THOUSAND_PEERS];
	int from = open(source, O_RDONLY | O_CLOEXEC), fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (read(from, text, sizeof(text)) != sizeof(text))
		return 1;
	for (int i = 0; i < THOUSAND_PEERS; i++) {
		peers[i] = (struct sockaddr_in){.sin_family = AF_INET,
						.sin_port = htons((uint16_t)(FIRST_PORT + i)),
						.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
		parts[i] = (struct iovec){text, (size_t)i + 1};
	}
	for (int i = 0; i < THOUSAND + 1; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_name = &peers[i % THOUSAND_PEERS],
						      .msg_namelen = sizeof(peers[0]),
						      .msg_iov = &parts[i % THOUSAND_PEERS],
						      .msg_iovlen = 1};
	return sendmmsg(fd, messages, THOUSAND + 1, 0) == THOUSAND ? 0 : 1;
}

static void a_thousand_messages_of_one_call_are_told_apart(void **state)
{
	const struct scene *scene = *state;
	char *arguments[] = {"actor", "thousand", (char *)kernel_fixture_source(scene->fixture),
			     NULL};
	char text[64];
	int output;
	pid_t pid = kernel_fixture_spawn(scene->fixture, arguments, &output);

	kernel_fixture_wait(pid, output, text, sizeof(text));
	for (int i = 0; i < THOUSAND_PEERS; i++) {
		int n = THOUSAND / THOUSAND_PEERS + (i < THOUSAND % THOUSAND_PEERS);

		assert_int_equal(count_port(scene, FIRST_PORT + i).bytes, n * (i + 1));
	}
}

/* A name goes before the socket's own peer. */
static void messages_without_a_destination_go_to_the_peer(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = letter_of(scene, CLERK);

	scene_read_source(scene, CLERK);
	fill_messages(scene, LETTER_MESSAGES);
	letter->peers[0].sin_port = htons(TRANSFERS_CHAT_PORT); /* somebody must be there */
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)&letter->peers[0],
				    sizeof(letter->peers[0])),
			 0);
	for (int i = 0; i < LETTER_MESSAGES - 1; i++)
		letter->messages[i].msg_hdr.msg_namelen = 0;
	when_sent_as_one(scene, fd);
	assert_int_equal(count_port(scene, TRANSFERS_CHAT_PORT).bytes, 100 + 101 + 102 + 103);
	assert_int_equal(count_port(scene, TRANSFERS_CHAT_PORT).calls, 1);
	assert_int_equal(count_port(scene, FIRST_PORT + LETTER_MESSAGES - 1).bytes, 104);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_descriptor_that_was_never_read_from_is_followed),
		STORY(a_descriptor_in_any_message_of_one_call_is_followed),
		STORY(each_destination_has_its_bytes),
		STORY(each_message_of_one_call_goes_to_its_destination),
		STORY(a_thousand_messages_of_one_call_are_told_apart),
		STORY(messages_without_a_destination_go_to_the_peer),
	};
	int r = puppet_main(argc, argv);

	if (argc == 3 && strcmp(argv[1], "thousand") == 0)
		return send_a_thousand(argv[2]);
	return r >= 0 ? r : cmocka_run_group_tests(tests, transfers_start_peers, NULL);
}
