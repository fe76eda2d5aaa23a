/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/kernel_fixture.h"
#include "support/descriptor.h"

#define SOURCE_BYTES 1048576

static int given_a_sensor(void **state)
{
	*state = kernel_fixture_start(NULL);
	return 0;
}

static int given_a_sensor_that_follows_for_three_hops(void **state)
{
	*state = kernel_fixture_start(&(struct kernel_options){.max_hops = 3});
	return 0;
}

static int stop_sensor(void **state)
{
	kernel_fixture_stop(*state);
	return 0;
}

static void a_label_survives_copies_and_new_names(void **state)
{
	kernel_fixture_shell(
		*state, "cp $SRC $DIR/a; mv $DIR/a $DIR/b; cp $DIR/b $DIR/c; cat $DIR/c > $DIR/d");
	assert_int_equal(kernel_fixture_written(*state, "b"), SOURCE_BYTES);
	assert_int_equal(kernel_fixture_written(*state, "c"), SOURCE_BYTES);
	assert_int_equal(kernel_fixture_written(*state, "d"), SOURCE_BYTES);
	coverage_note("rename", COVERAGE_EXACT);
}

static void a_label_goes_no_further_than_the_limit_on_hops(void **state)
{
	kernel_fixture_shell(*state, "cat $SRC > $DIR/a; cat $DIR/a > $DIR/b; cat $DIR/b > $DIR/c");
	assert_int_equal(kernel_fixture_written(*state, "b"), SOURCE_BYTES);
	assert_int_equal(kernel_fixture_written(*state, "c"), 0);
	assert_true(kernel_fixture_counts(*state).losses.labels_too_far > 0);
}

static void a_label_follows_a_pipe_through_other_programs(void **state)
{
	kernel_fixture_shell(*state, "cat $SRC | tr a-z A-Z | tail -c 100000 > $DIR/piped");
	assert_int_equal(kernel_fixture_written(*state, "piped"), 100000);
	coverage_note("pipe between programs", COVERAGE_EXACT);
}

static void a_label_follows_a_unix_socket(void **state)
{
	kernel_fixture_shell(
		*state,
		"nc -lU $DIR/sock > $DIR/unix & while ! test -S $DIR/sock; do sleep 0.05; done; "
		"nc -NU $DIR/sock < $SRC; wait");
	assert_int_equal(kernel_fixture_written(*state, "unix"), SOURCE_BYTES);
	coverage_note("unix stream socket", COVERAGE_EXACT);
}

static void a_label_follows_a_loopback_connection(void **state)
{
	kernel_fixture_shell(*state,
			     "nc -l 127.0.0.1 18777 > $DIR/loop & for i in 1 2 3 4 5 6 7 8 9; do "
			     "sleep 0.1; nc -N 127.0.0.1 18777 < $SRC && break; done; wait");
	assert_int_equal(kernel_fixture_written(*state, "loop"), SOURCE_BYTES);
	coverage_note("TCP over loopback", COVERAGE_EXACT);
}

static void a_label_follows_ipv6_too(void **state)
{
	kernel_fixture_shell(*state,
			     "nc -l ::1 18778 > $DIR/loop6 & for i in 1 2 3 4 5 6 7 8 9; do "
			     "sleep 0.1; nc -N ::1 18778 < $SRC && break; done; wait");
	assert_int_equal(kernel_fixture_written(*state, "loop6"), SOURCE_BYTES);
	coverage_note("TCP over IPv6 loopback", COVERAGE_EXACT);
}

static void a_file_opened_before_it_was_labelled_labels_its_reader(void **state)
{
	kernel_fixture_shell(
		*state,
		"touch $DIR/late; exec 3<$DIR/late; cat $SRC > $DIR/late; cat <&3 > $DIR/reader");
	assert_int_equal(kernel_fixture_written(*state, "reader"), SOURCE_BYTES);
	coverage_note("file opened before it was labelled", COVERAGE_EXACT);
}

static void a_source_opened_before_the_sensor_started_is_found(void **state)
{
	struct kernel_fixture *fixture = *state;
	char text[256];
	int output;
	pid_t pid;

	kernel_fixture_remove_sensor(fixture);
	pid = kernel_fixture_spawn_shell(
		fixture,
		"exec 3<$SRC; touch $DIR/opened; while ! test -e $DIR/go; do sleep 0.05; "
		"done; cat <&3 > $DIR/early",
		&output);
	kernel_fixture_shell(fixture, "while ! test -e $DIR/opened; do sleep 0.05; done");
	kernel_fixture_restart_sensor(fixture);
	kernel_fixture_shell(fixture, "touch $DIR/go");
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_written(fixture, "early"), SOURCE_BYTES);
	coverage_note("file opened before the sensor started", COVERAGE_EXACT);
}

/* Connected before the first hook: only the walk over descriptors can find it. */
static void a_crm_connection_made_before_the_sensor_started_is_found(void **state)
{
	struct kernel_fixture *fixture = *state;
	char text[256];
	int output;
	pid_t pid;

	kernel_fixture_remove_sensor(fixture);
	pid = kernel_fixture_spawn_shell(
		fixture,
		"(touch $DIR/listens; while ! test -e $DIR/go; do sleep 0.05; done; "
		"head -c 5000 /etc/services) | nc -lN 127.0.0.1 18443 > /dev/null & "
		"for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; "
		"nc -d 127.0.0.1 18443 > $DIR/answer && break; done; wait",
		&output);
	kernel_fixture_shell(fixture, "while ! ss -Htn state established 'dport = 18443' | "
				      "grep -q .; do sleep 0.05; done");
	kernel_fixture_restart_sensor(fixture);
	kernel_fixture_shell(fixture, "touch $DIR/go");
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_written(fixture, "answer"), 5000);
	coverage_note("connection made before the sensor started", COVERAGE_EXACT);
}

static void the_innocent_beside_a_labelled_app_stay_unlabelled(void **state)
{
	kernel_fixture_shell(*state,
			     "head -c 5000 /etc/services > $DIR/plain; cat $SRC > $DIR/labelled; "
			     "cp $DIR/plain $DIR/plain2; cat $DIR/plain | tr a b > $DIR/plain3");
	assert_int_equal(kernel_fixture_written(*state, "labelled"), SOURCE_BYTES);
	assert_int_equal(kernel_fixture_written(*state, "plain"), 0);
	assert_int_equal(kernel_fixture_written(*state, "plain2"), 0);
	assert_int_equal(kernel_fixture_written(*state, "plain3"), 0);
}

static void what_flows_without_an_agent_is_counted(void **state)
{
	struct kernel_fixture *fixture = *state;

	kernel_fixture_shell(fixture, "cat $SRC > $DIR/before");
	kernel_fixture_kill_sensor(fixture);
	kernel_fixture_shell(fixture,
			     "cat $DIR/before > $DIR/meanwhile; cp $DIR/meanwhile $DIR/meanwhile2");
	kernel_fixture_restart_sensor(fixture);
	assert_true(kernel_fixture_start_info(fixture).is_resumed);
	assert_true(kernel_fixture_start_info(fixture).agent_seen_ns > 0);
	kernel_fixture_shell(fixture, "cat $DIR/meanwhile2 > $DIR/after");
	assert_int_equal(kernel_fixture_written(fixture, "meanwhile"), SOURCE_BYTES);
	assert_int_equal(kernel_fixture_written(fixture, "meanwhile2"), SOURCE_BYTES);
	assert_int_equal(kernel_fixture_written(fixture, "after"), SOURCE_BYTES);
	coverage_note("calls while no agent runs", COVERAGE_EXACT);
}

static void only_paths_of_labelled_files_ring(void **state)
{
	kernel_fixture_shell(*state,
			     "cat $SRC > $DIR/secret; touch $DIR/plain; mv $DIR/plain $DIR/plain2; "
			     "rm $DIR/plain2");
	assert_int_equal(kernel_fixture_count_paths(*state, SENSOR_PATH_RENAME), 0);
	assert_int_equal(kernel_fixture_count_paths(*state, SENSOR_PATH_UNLINK), 0);
	kernel_fixture_shell(*state, "mv $DIR/secret $DIR/photo; rm $DIR/photo");
	assert_int_equal(kernel_fixture_count_paths(*state, SENSOR_PATH_RENAME), 1);
	assert_int_equal(kernel_fixture_count_paths(*state, SENSOR_PATH_UNLINK), 1);
}

static void long_arguments_carry_a_label_and_short_ones_do_not(void **state)
{
	kernel_fixture_shell(*state, "x=$(head -c 2000 $SRC); /bin/echo $x > $DIR/echoed");
	assert_int_equal(kernel_fixture_written(*state, "echoed"), 2001);
	kernel_fixture_shell(*state, "x=$(head -c 20 $SRC); /bin/echo $x > $DIR/short");
	assert_int_equal(kernel_fixture_written(*state, "short"), 0);
	coverage_note("execve arguments of 512 bytes or more", COVERAGE_LABEL);
	coverage_note("execve arguments below 512 bytes", COVERAGE_GAP);
}

static void sweep_until_settled(struct kernel_fixture *fixture)
{
	/* A walk settles what was marked before it began. */
	assert_int_equal(sensor_walk(kernel_fixture_sensor(fixture)), 0);
	assert_int_equal(kernel_fixture_counts(fixture).unsettled_objects, 0);
}

/* Leaves customer data in a pipe; its two ends are ours. */
static void given_a_labelled_pipe(struct kernel_fixture *fixture, int ends[2])
{
	char script[64];

	assert_int_equal(pipe(ends), 0);
	snprintf(script, sizeof(script), "head -c 5000 $SRC >/proc/self/fd/%d", ends[1]);
	kernel_fixture_shell(fixture, script);
	assert_int_equal(close(ends[1]), 0);
	assert_true(kernel_fixture_counts(fixture).unsettled_objects > 0);
}

static pid_t spawn_with(struct kernel_fixture *fixture, char *role, int socket, char *path,
			size_t size, int *ret_output)
{
	char number[16];
	char *arguments[] = {"actor", role, number, path, NULL};

	snprintf(number, sizeof(number), "%d", socket);
	snprintf(path, size, "%s/%s", kernel_fixture_folder(fixture), role);
	return kernel_fixture_spawn(fixture, arguments, ret_output);
}

static void a_descriptor_that_is_passed_after_the_walk_is_followed(void **state)
{
	struct kernel_fixture *fixture = *state;
	int sockets[2], ends[2], output;
	char path[160], text[64];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pid = spawn_with(fixture, "take", sockets[1], path, sizeof(path), &output);
	given_a_labelled_pipe(fixture, ends);
	sweep_until_settled(fixture);
	assert_int_equal(descriptor_send(sockets[0], ends[0]), 0);
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_written(fixture, "take"), 5000);
	close(ends[0]);
	close(sockets[0]);
	close(sockets[1]);
}

static void a_connection_that_is_accepted_after_the_walk_is_followed(void **state)
{
	struct kernel_fixture *fixture = *state;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(18779)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, output;
	char path[160], text[64];
	pid_t pid;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	pid = spawn_with(fixture, "accept", listener, path, sizeof(path), &output);
	kernel_fixture_shell(fixture, "head -c 5000 $SRC | nc -N -w 1 127.0.0.1 18779");
	sweep_until_settled(fixture);
	kernel_fixture_shell(fixture, "touch $DIR/accept.go");
	kernel_fixture_wait(pid, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_written(fixture, "accept"), 5000);
	close(listener);
}

static int copy_all(int from, const char *path)
{
	int to = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	char buffer[8192];
	ssize_t n;

	if (to < 0)
		return 1;
	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		if (write(to, buffer, (size_t)n) != n)
			return 1;
	return n < 0;
}

static int take_and_copy(int socket, const char *path)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec one = {&byte, 1};
	struct msghdr message = {.msg_iov = &one,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(socket, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
		return 1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return copy_all(fd, path);
}

static int accept_and_copy(int listener, const char *path)
{
	char go[192];
	int fd;

	snprintf(go, sizeof(go), "%s.go", path);
	while (access(go, F_OK) != 0)
		usleep(10000);
	fd = accept(listener, NULL, NULL);
	return fd < 0 ? 1 : copy_all(fd, path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_label_survives_copies_and_new_names,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(a_label_goes_no_further_than_the_limit_on_hops,
						given_a_sensor_that_follows_for_three_hops,
						stop_sensor),
		cmocka_unit_test_setup_teardown(a_label_follows_a_pipe_through_other_programs,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(a_label_follows_a_unix_socket, given_a_sensor,
						stop_sensor),
		cmocka_unit_test_setup_teardown(a_label_follows_a_loopback_connection,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(a_label_follows_ipv6_too, given_a_sensor,
						stop_sensor),
		cmocka_unit_test_setup_teardown(
			a_file_opened_before_it_was_labelled_labels_its_reader, given_a_sensor,
			stop_sensor),
		cmocka_unit_test_setup_teardown(a_source_opened_before_the_sensor_started_is_found,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(
			a_crm_connection_made_before_the_sensor_started_is_found, given_a_sensor,
			stop_sensor),
		cmocka_unit_test_setup_teardown(the_innocent_beside_a_labelled_app_stay_unlabelled,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(what_flows_without_an_agent_is_counted,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(only_paths_of_labelled_files_ring, given_a_sensor,
						stop_sensor),
		cmocka_unit_test_setup_teardown(long_arguments_carry_a_label_and_short_ones_do_not,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(
			a_descriptor_that_is_passed_after_the_walk_is_followed, given_a_sensor,
			stop_sensor),
		cmocka_unit_test_setup_teardown(
			a_connection_that_is_accepted_after_the_walk_is_followed, given_a_sensor,
			stop_sensor),
	};

	if (argc == 4 && strcmp(argv[1], "take") == 0)
		return take_and_copy(atoi(argv[2]), argv[3]);
	if (argc == 4 && strcmp(argv[1], "accept") == 0)
		return accept_and_copy(atoi(argv[2]), argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
