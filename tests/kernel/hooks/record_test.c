/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "bpf/weir.skel.h"
#include "kernel/coverage.h"
#include "kernel/kernel_records.h"
#include "kernel/letter.h"
#include "kernel/transfers.h"

#define QUIET_NS 800000000 /* more than what the sensor waits for what may still follow */

static const char rows[] = "P2020000001,13900001234,li.wei@corp.cn\r\n"
			   "P2020000002,+86 139-0000-1235,11010519491231002X\r\n"
			   "P2020000001,139 0000 1234,4111111111111111\r\n";
#define N_ROWS_RECORDS 7

static int given_a_reader(void **state)
{
	int r = scene_set(state);
	const struct scene *scene = *state;

	if (r == 0)
		kernel_records_look(kernel_fixture_sensor(scene->fixture));
	return r;
}

static int given_a_pipe(const struct scene *scene, uint32_t who, int *ret_reader)
{
	struct puppet *puppet = &scene->stage->puppets[who];

	assert_int_equal(SCENE_CALL(scene, who, SYS_pipe2, (long)puppet->fds, 0), 0);
	*ret_reader = puppet->fds[0];
	return puppet->fds[1];
}

static void when_written(const struct scene *scene, uint32_t who, int fd, const void *data,
			 size_t bytes)
{
	memcpy(scene_data(scene, who), data, bytes);
	assert_int_equal(
		SCENE_CALL(scene, who, SYS_write, fd, (long)scene_data(scene, who), (long)bytes),
		bytes);
}

static const struct kernel_records *when_it_is_quiet(const struct scene *scene)
{
	nanosleep(&(struct timespec){.tv_nsec = QUIET_NS}, NULL);
	return kernel_fixture_records(scene->fixture);
}

static void what_goes_into_a_pipe_counts_as_in_a_file(void **state)
{
	const struct kernel_records *records;
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, pipe, rows, strlen(rows));
	records = when_it_is_quiet(*state);
	kernel_records_check(records, rows, strlen(rows), N_ROWS_RECORDS);
	assert_true(records->is_whole);
	assert_false(records->is_plain);
	assert_int_equal(records->kind, SENSOR_OBJECT_PIPE);
	assert_int_equal(records->bytes, strlen(rows));
	coverage_note("records in pipes", COVERAGE_EXACT);
}

static void a_record_may_be_cut_by_any_two_writes(void **state)
{
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	scene_read_source(*state, CLERK);
	for (size_t at = 0, piece = 1; at < strlen(rows); at += piece, piece = piece % 7 + 1) {
		size_t left = strlen(rows) - at;

		when_written(*state, CLERK, pipe, rows + at, piece < left ? piece : left);
	}
	kernel_records_check(when_it_is_quiet(*state), rows, strlen(rows), N_ROWS_RECORDS);
}

/* Nothing follows that says where it ends. */
static void the_last_record_needs_no_end_of_line(void **state)
{
	static const char text[] = "P2020000009";
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, pipe, text, strlen(text));
	kernel_records_check(when_it_is_quiet(*state), text, strlen(text), 1);
	when_written(*state, CLERK, pipe, "\n", 1);
	kernel_records_check(when_it_is_quiet(*state), text, strlen(text), 1);
	assert_true(when_it_is_quiet(*state)->is_whole);
}

/* What was told in the pause is one record too many. */
static void a_record_that_grows_behind_a_pause_makes_the_count_an_estimate(void **state)
{
	const struct kernel_records *records;
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, pipe, "zhang@example.co", 16);
	records = when_it_is_quiet(*state);
	assert_int_equal(records->n, 1);
	assert_true(records->is_whole);
	when_written(*state, CLERK, pipe, "m\n", 2);
	records = when_it_is_quiet(*state);
	assert_int_equal(records->n, 2);
	assert_false(records->is_whole);
	when_written(*state, CLERK, pipe, "P2020000009\n", 12);
	records = when_it_is_quiet(*state);
	assert_int_equal(records->n, 3);
	assert_false(records->is_whole);
}

static void what_a_full_spool_refused_is_told_again(void **state)
{
	const struct scene *scene = *state;
	const struct kernel_records *records;
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, pipe, rows, strlen(rows));
	records = when_it_is_quiet(*state);
	kernel_records_check(records, rows, strlen(rows), N_ROWS_RECORDS);
	kernel_fixture_drop_records(scene->fixture);
	sensor_report_again(kernel_fixture_sensor(scene->fixture));
	records = when_it_is_quiet(*state);
	kernel_records_check(records, rows, strlen(rows), N_ROWS_RECORDS);
	assert_true(records->is_whole);
}

static void given_a_stream_that(const struct scene *scene, uint64_t begun, uint64_t ended,
				uint64_t last_ns)
{
	struct sensor *sensor = kernel_fixture_sensor(scene->fixture);
	int fd = bpf_map__fd(sensor->skeleton->maps.record_streams);
	struct weir_record_stream stream;
	uint64_t key;

	assert_int_equal(bpf_map_get_next_key(fd, NULL, &key), 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &stream), 0);
	stream.begun = begun;
	stream.ended = ended;
	stream.last_ns = last_ns;
	assert_int_equal(bpf_map_update_elem(fd, &key, &stream, BPF_EXIST), 0);
}

static bool is_kept_when_the_agent_cleans(const struct scene *scene)
{
	struct sensor *sensor = kernel_fixture_sensor(scene->fixture);
	uint64_t key;

	sensor->records_cleaned_ns = 0;
	sensor_forget_records(sensor);
	return bpf_map_get_next_key(bpf_map__fd(sensor->skeleton->maps.record_streams), NULL,
				    &key) == 0;
}

/* A call may end after the agent has looked at its clock, and the first one has not ended at all.
 */
static void a_stream_that_is_being_written_is_not_forgotten(void **state)
{
	const struct scene *scene = *state;
	uint64_t now_ns = clock_boottime_ns();
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, pipe, rows, strlen(rows));
	given_a_stream_that(scene, 1, 1, now_ns + 3600000000000ull);
	assert_true(is_kept_when_the_agent_cleans(scene));
	given_a_stream_that(scene, 1, 0, 0);
	assert_true(is_kept_when_the_agent_cleans(scene));
	given_a_stream_that(scene, 2, 1, 1);
	assert_true(is_kept_when_the_agent_cleans(scene));
	if (now_ns < 660000000000ull)
		return; /* nothing can have been quiet for long on a machine that has just begun */
	given_a_stream_that(scene, 2, 2, 1);
	assert_false(is_kept_when_the_agent_cleans(scene));
}

/* What is found between a sweep's look at the records and its look at the stream is not told yet.
 */
static void records_that_come_while_the_agent_looks_are_told(void **state)
{
	static const char script[] =
		"mark=$(head -c 4 $SRC)\nn=0\n"
		"while [ $n -lt 6000 ]; do n=$((n + 1)); echo P202$((1000000 + n)); done | cat\n";
	const struct scene *scene = *state;
	_cleanup_free_ char *text = calloc(6000, 16);
	size_t size = 0;
	ssize_t n;
	int output;
	pid_t pid = kernel_fixture_spawn_shell(scene->fixture, script, &output);

	while ((n = read(output, text + size, 64)) > 0) {
		size += (size_t)n;
		kernel_fixture_records(scene->fixture);
	}
	close(output);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(size, 6000 * strlen("P2021000001\n"));
	kernel_records_check(when_it_is_quiet(scene), text, size, 6000);
}

static void several_buffers_of_a_socket_are_one_text(void **state)
{
	const struct scene *scene = *state;
	struct puppet *puppet = &scene->stage->puppets[CLERK];
	struct letter *letter = letter_of(*state, CLERK);
	const struct kernel_records *records;
	size_t half = strlen(rows) / 2;

	scene_read_source(*state, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0,
				    (long)puppet->fds),
			 0);
	memcpy(puppet->data, rows, strlen(rows));
	puppet->vectors[0] = (struct iovec){puppet->data, half};
	puppet->vectors[1] = (struct iovec){puppet->data + half, strlen(rows) - half};
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_writev, puppet->fds[0], (long)puppet->vectors, 2),
		strlen(rows));
	letter->messages[0].msg_hdr = (struct msghdr){.msg_iov = puppet->vectors, .msg_iovlen = 2};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sendmsg, puppet->fds[0],
				    (long)&letter->messages[0].msg_hdr, 0),
			 strlen(rows));
	records = when_it_is_quiet(*state);
	kernel_records_check(records, rows, strlen(rows), N_ROWS_RECORDS);
	assert_true(records->is_whole);
	assert_int_equal(records->kind, SENSOR_OBJECT_UNIX);
	coverage_note("records in unix sockets", COVERAGE_EXACT);
}

static void what_goes_over_tcp_unencrypted_counts(void **state)
{
	const struct scene *scene = *state;
	int fd = letter_socket(*state, CLERK, AF_INET, SOCK_STREAM);
	struct letter *letter = letter_of(*state, CLERK);
	const struct kernel_records *records;

	letter->peers[0] = (struct sockaddr_in){.sin_family = AF_INET,
						.sin_port = htons(TRANSFERS_CHAT_PORT),
						.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1)};
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_connect, fd, (long)&letter->peers[0],
				    sizeof(letter->peers[0])),
			 0);
	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, fd, rows, strlen(rows));
	records = when_it_is_quiet(*state);
	kernel_records_check(records, rows, strlen(rows), N_ROWS_RECORDS);
	assert_true(records->is_whole);
	assert_int_equal(records->kind, SENSOR_OBJECT_INET);
	coverage_note("records in TCP sockets", COVERAGE_EXACT);
}

static void who_holds_nothing_labelled_is_not_read(void **state)
{
	const struct scene *scene = *state;
	int reader, pipe = given_a_pipe(*state, THIEF, &reader);
	const struct kernel_records *records;

	scene_read_source(*state, CLERK);
	when_written(*state, THIEF, pipe, rows, strlen(rows));
	records = when_it_is_quiet(*state);
	assert_int_equal(records->n_told, 0);
	assert_int_equal(sensor_count_records_read(kernel_fixture_sensor(scene->fixture)), 0);
}

static void what_is_no_text_is_not_counted(void **state)
{
	char noise[4096];
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)rand();
	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, pipe, noise, sizeof(noise));
	when_written(*state, CLERK, pipe, rows, strlen(rows));
	assert_int_equal(when_it_is_quiet(*state)->n_told, 0);
}

/* As a form of a web page is sent. */
static void what_stands_in_a_code_makes_the_count_an_estimate(void **state)
{
	static const char form[] = "row=P2020000001%2C13900001234&mail=li.wei%40corp.cn\n";
	const struct kernel_records *records;
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, pipe, form, strlen(form));
	records = when_it_is_quiet(*state);
	kernel_records_check(records, form, strlen(form), 1);
	assert_false(records->is_whole);
	coverage_note("records in forms and other codes", COVERAGE_LABEL);
}

/* 8000 bytes a write, of which the last row is cut, as a program's buffer does it. */
static void a_long_table_counts_to_the_last_row(void **state)
{
	static char text[64000];
	const struct scene *scene = *state;
	const struct kernel_records *records;
	size_t size = 0, n = 0;
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);

	while (size + 40 < sizeof(text))
		size += (size_t)sprintf(text + size, "P20%08zu,139%08zu\n", n, n), n++;
	scene_read_source(*state, CLERK);
	for (size_t at = 0; at < size; at += 8000) {
		size_t bytes = size - at < 8000 ? size - at : 8000;

		when_written(*state, CLERK, pipe, text + at, bytes);
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_read, reader,
					    (long)scene_data(*state, CLERK), PUPPET_DATA_BYTES),
				 bytes);
	}
	records = when_it_is_quiet(*state);
	kernel_records_check(records, text, size, 2 * n);
	assert_true(records->is_whole);
}

/* At rest a stream holds what may still become a record, and the sensor's tables nothing else. */
static void what_was_read_is_not_kept(void **state)
{
	static const char text[] = "P2020000007,Wei Li,1 Nanjing Rd\nP2020000008,13900001234\n"
				   "and so on, to the end of the letter\n";
	const struct scene *scene = *state;
	struct sensor *sensor = kernel_fixture_sensor(scene->fixture);
	int reader, pipe = given_a_pipe(*state, CLERK, &reader);
	struct weir_record_stream stream;
	uint64_t key;

	scene_read_source(*state, CLERK);
	when_written(*state, CLERK, pipe, text, strlen(text));
	assert_int_equal(bpf_map_get_next_key(bpf_map__fd(sensor->skeleton->maps.record_streams),
					      NULL, &key),
			 0);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.record_streams),
					     &key, &stream),
			 0);
	assert_int_equal(stream.bytes, strlen(text));
	assert_int_equal(stream.found, 3);
	assert_null(memmem(&stream, sizeof(stream), "P2020", 5));
	assert_null(memmem(&stream, sizeof(stream), "139", 3));
	assert_null(memmem(&stream, sizeof(stream), "Nanjing", 7));
	assert_null(memmem(&stream, sizeof(stream), "and so", 6));
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_reader, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_goes_into_a_pipe_counts_as_in_a_file),
		STORY(a_record_may_be_cut_by_any_two_writes),
		STORY(the_last_record_needs_no_end_of_line),
		STORY(a_record_that_grows_behind_a_pause_makes_the_count_an_estimate),
		STORY(what_a_full_spool_refused_is_told_again),
		STORY(a_stream_that_is_being_written_is_not_forgotten),
		STORY(records_that_come_while_the_agent_looks_are_told),
		STORY(several_buffers_of_a_socket_are_one_text),
		STORY(what_goes_over_tcp_unencrypted_counts),
		STORY(who_holds_nothing_labelled_is_not_read),
		STORY(what_is_no_text_is_not_counted),
		STORY(what_stands_in_a_code_makes_the_count_an_estimate),
		STORY(a_long_table_counts_to_the_last_row),
		STORY(what_was_read_is_not_kept),
	};
	int status = puppet_main(argc, argv);

	if (status >= 0)
		return status;
	return cmocka_run_group_tests_name("record", tests, transfers_start_peers, NULL);
}
