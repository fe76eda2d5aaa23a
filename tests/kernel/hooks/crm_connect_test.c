/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets that come to talk to the CRM without a connect() that says so. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/letter.h"
#include "kernel/transfers.h"

#define BUSY_PORT 18445 /* of a CRM that takes connections late */
#define BUSY_SECTION "[crm \"busy\"]\nhost = 127.0.0.1\nport = 18445\nclass = customer\n"
#define INTERRUPTED "interrupted\n"

static struct sockaddr_in crm_at(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* The message of a letter: a few bytes for the CRM. */
static struct letter *write_to_crm(const struct scene *scene, uint32_t who)
{
	struct letter *letter = letter_of(scene, who);

	letter->peers[0] = crm_at(TRANSFERS_CRM_PORT);
	letter->parts[0] = (struct iovec){scene_data(scene, who), 10};
	letter->messages[0] = (struct mmsghdr){.msg_hdr = {.msg_name = &letter->peers[0],
							   .msg_namelen = sizeof(letter->peers[0]),
							   .msg_iov = letter->parts,
							   .msg_iovlen = 1}};
	return letter;
}

/* A datagram's flow does not tell whom it came from where the socket is connected to nobody. */
static void check_answer_labels(const struct scene *scene, int fd, uint16_t port)
{
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_recvfrom, fd, (long)scene_data(scene, CLERK),
				    SCENE_BYTES, MSG_WAITALL),
			 SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, CLERK, "trace"), SCENE_TRACE_BYTES);
	assert_int_equal(kernel_fixture_sum(scene->fixture, false, 0, port).bytes, SCENE_BYTES);
	assert_int_equal(kernel_fixture_sum(scene->fixture, true, 0, TRANSFERS_CRM_PORT).bytes, 10);
}

static void a_connection_made_by_sendto_is_the_crms(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_STREAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    10, MSG_FASTOPEN, (long)&letter->peers[0],
				    sizeof(letter->peers[0])),
			 10);
	check_answer_labels(scene, fd, TRANSFERS_CRM_PORT);
	coverage_note("sendto with MSG_FASTOPEN", COVERAGE_EXACT);
}

static void a_connection_made_by_sendmsg_is_the_crms(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_STREAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmsg, fd,
				    (long)&letter->messages[0].msg_hdr, MSG_FASTOPEN),
			 10);
	check_answer_labels(scene, fd, TRANSFERS_CRM_PORT);
	coverage_note("sendmsg with MSG_FASTOPEN", COVERAGE_EXACT);
}

static void a_connection_made_by_sendmmsg_is_the_crms(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_STREAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_sendmmsg, fd, (long)letter->messages, 1, MSG_FASTOPEN),
		1);
	check_answer_labels(scene, fd, TRANSFERS_CRM_PORT);
	coverage_note("sendmmsg with MSG_FASTOPEN", COVERAGE_EXACT);
}

/* The descriptor of one that does not wait, and is connecting when the call returns. */
static void a_connection_that_is_still_being_made_is_the_crms(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
	struct letter *letter = write_to_crm(scene, CLERK);
	long sent = SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK), 10,
			       MSG_FASTOPEN, (long)&letter->peers[0], sizeof(letter->peers[0]));

	/* With a cookie of an earlier connection, the bytes went with the first packet. */
	assert_true(sent == 10 || sent == -EINPROGRESS);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_fcntl, fd, F_SETFL, 0), 0);
	if (sent < 0)
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd,
					    (long)scene_data(scene, CLERK), 10, 0, 0, 0),
				 10);
	check_answer_labels(scene, fd, TRANSFERS_CRM_PORT);
}

/* The CRM answers a datagram, of 10 bytes, by one of SCENE_BYTES. */
static void *answer_datagrams(void *argument)
{
	int fd = (int)(intptr_t)argument;
	char data[SCENE_BYTES];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);

	while (recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size) >= 0)
		sendto(fd, data, sizeof(data), 0, (struct sockaddr *)&from, size);
	return NULL;
}

static int start_peers(void **state)
{
	struct sockaddr_in address = crm_at(TRANSFERS_CRM_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pthread_t id;

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(pthread_create(&id, NULL, answer_datagrams, (void *)(intptr_t)fd), 0);
	pthread_detach(id);
	return transfers_start_peers(state);
}

static void a_datagram_that_sendto_names_the_crm_for_is_asked_of_it(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    10, 0, (long)&letter->peers[0], sizeof(letter->peers[0])),
			 10);
	check_answer_labels(scene, fd, 0);
	coverage_note("answer of the CRM to sendto (unconnected UDP)", COVERAGE_EXACT);
}

static void a_datagram_that_sendmsg_names_the_crm_for_is_asked_of_it(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_sendmsg, fd, (long)&letter->messages[0].msg_hdr, 0),
		10);
	check_answer_labels(scene, fd, 0);
	coverage_note("answer of the CRM to sendmsg (unconnected UDP)", COVERAGE_EXACT);
}

static void a_datagram_that_sendmmsg_names_the_crm_for_is_asked_of_it(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmmsg, fd, (long)letter->messages, 1, 0),
			 1);
	check_answer_labels(scene, fd, 0);
	coverage_note("answer of the CRM to sendmmsg (unconnected UDP)", COVERAGE_EXACT);
}

static struct sockaddr_in chat_at(uint16_t port)
{
	struct sockaddr_in chat = crm_at(port);

	chat.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	return chat;
}

/* Of SCENE_TRACE_BYTES that went to the chat. */
static void check_left(const struct scene *scene)
{
	size_t n, n_found = 0;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);

	for (size_t i = 0; i < n; i++) {
		if (flows[i].port != TRANSFERS_CHAT_PORT)
			continue;
		n_found++;
		assert_true(flows[i].is_out);
		assert_false(flows[i].is_crm);
		assert_int_equal(flows[i].bytes, SCENE_TRACE_BYTES);
	}
	assert_int_equal(n_found, 1);
}

static void send_to_chat(const struct scene *scene, int fd, struct letter *letter)
{
	letter->peers[1] = chat_at(TRANSFERS_CHAT_PORT);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    SCENE_TRACE_BYTES, 0, (long)&letter->peers[1],
				    sizeof(letter->peers[1])),
			 SCENE_TRACE_BYTES);
}

/* Nobody hides what leaves behind a socket that asked the CRM. */
static void what_the_socket_sends_to_others_leaves(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendto, fd, (long)scene_data(scene, CLERK),
				    10, 0, (long)&letter->peers[0], sizeof(letter->peers[0])),
			 10);
	check_answer_labels(scene, fd, 0);
	send_to_chat(scene, fd, letter);
	check_left(scene);
}

static void what_is_sent_past_the_connected_crm_leaves(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)&letter->peers[0],
				    sizeof(letter->peers[0])),
			 0);
	send_to_chat(scene, fd, letter);
	check_left(scene);
}

static void a_socket_that_is_connected_elsewhere_is_the_crms_no_more(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(scene, CLERK, AF_INET, SOCK_DGRAM);
	struct letter *letter = write_to_crm(scene, CLERK);

	scene_read_source(scene, CLERK);
	letter->peers[1] = chat_at(TRANSFERS_CHAT_PORT);
	for (int i = 0; i < 2; i++)
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)&letter->peers[i],
					    sizeof(letter->peers[i])),
				 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK),
				    SCENE_TRACE_BYTES),
			 SCENE_TRACE_BYTES);
	check_left(scene);
}

static int listen_busily(void)
{
	struct sockaddr_in address = crm_at(BUSY_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	return fd;
}

static void serve_late(int listener)
{
	char data[SCENE_BYTES] = {};
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, data, sizeof(data), MSG_NOSIGNAL), sizeof(data));
	close(fd);
}

/* A queue for one, which is taken: whoever connects waits until it is free. */
static void check_interrupted(struct kernel_fixture *fixture, char *patience_s)
{
	struct sockaddr_in address = crm_at(BUSY_PORT);
	int listener = listen_busily(), first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[32], path[160], text[64] = "";
	char *arguments[] = {"actor", "interrupted", path, patience_s, NULL};
	int output;
	pid_t pid;

	/* Another name each time: a file in the place of one that was removed may get its inode. */
	snprintf(name, sizeof(name), "answer-%s", patience_s);
	snprintf(path, sizeof(path), "%s/%s", kernel_fixture_folder(fixture), name);
	assert_int_equal(connect(first, (struct sockaddr *)&address, sizeof(address)), 0);
	pid = kernel_fixture_spawn(fixture, arguments, &output);
	assert_int_equal(read(output, text, strlen(INTERRUPTED)), strlen(INTERRUPTED));
	assert_string_equal(text, INTERRUPTED);
	serve_late(listener);
	serve_late(listener);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_written(fixture, name), SCENE_BYTES);
	close(first);
	close(listener);
}

static void a_connect_that_a_signal_interrupted_is_the_crms(void **state)
{
	struct kernel_fixture *fixture = kernel_fixture_start(NULL);

	(void)state;
	kernel_fixture_kill_sensor(fixture);
	kernel_fixture_change_policy(fixture, BUSY_SECTION, "customer");
	kernel_fixture_restart_sensor(fixture);
	check_interrupted(fixture, "0");   /* without an end: -ERESTARTSYS to the sensor */
	check_interrupted(fixture, "600"); /* -EINTR */
	coverage_note("connect that a signal interrupted", COVERAGE_EXACT);
	kernel_fixture_stop(fixture);
}

static void do_nothing(int number)
{
	(void)number;
}

static bool is_connecting(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	return atol(text) == SYS_connect;
}

static int connect_interrupted(const char *path, int patience_s)
{
	const struct sigaction nothing = {.sa_handler = do_nothing};
	struct timeval patience = {.tv_sec = patience_s};
	struct sockaddr_in address = crm_at(BUSY_PORT);
	int fd = socket(AF_INET, SOCK_STREAM, 0), to;
	struct pollfd made = {.fd = fd, .events = POLLOUT};
	pid_t own = getpid();
	static char data[SCENE_BYTES];

	sigaction(SIGUSR1, &nothing, NULL);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (fork() == 0) {
		while (!is_connecting(own) && getppid() == own)
			usleep(1000);
		kill(own, SIGUSR1);
		_exit(0);
	}
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno != EINTR)
		return 2;
	if (write(STDOUT_FILENO, INTERRUPTED, strlen(INTERRUPTED)) < 0 || poll(&made, 1, -1) != 1)
		return 3;
	if (recv(fd, data, sizeof(data), MSG_WAITALL) != sizeof(data))
		return 4;
	to = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	return write(to, data, sizeof(data)) == sizeof(data) ? 0 : 5;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_connection_made_by_sendto_is_the_crms),
		STORY(a_connection_made_by_sendmsg_is_the_crms),
		STORY(a_connection_made_by_sendmmsg_is_the_crms),
		STORY(a_connection_that_is_still_being_made_is_the_crms),
		STORY(a_datagram_that_sendto_names_the_crm_for_is_asked_of_it),
		STORY(a_datagram_that_sendmsg_names_the_crm_for_is_asked_of_it),
		STORY(a_datagram_that_sendmmsg_names_the_crm_for_is_asked_of_it),
		STORY(what_the_socket_sends_to_others_leaves),
		STORY(what_is_sent_past_the_connected_crm_leaves),
		STORY(a_socket_that_is_connected_elsewhere_is_the_crms_no_more),
		cmocka_unit_test(a_connect_that_a_signal_interrupted_is_the_crms),
	};
	int r = puppet_main(argc, argv);

	if (argc == 4 && strcmp(argv[1], "interrupted") == 0)
		return connect_interrupted(argv[2], atoi(argv[3]));
	return r >= 0 ? r : cmocka_run_group_tests(tests, start_peers, NULL);
}
