/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"
#include "kernel/coverage.h"
#include "kernel/kernel_files.h"
#include "kernel/kernel_fixture.h"
#include "kernel/kernel_records.h"
#include "kernel/nss_peer.h"
#include "kernel/tls_peer.h"

#define N_ROWS 400

/* Functions that are watched of a library. */
enum {
	OPENSSL = 2,
	NSS = 2
};

struct story {
	struct kernel_fixture *fixture;
	char text[64 * N_ROWS], text_path[192], go_path[192];
	size_t size;
};

static int given_a_table_and_a_reader(void **state)
{
	struct story *story = calloc(1, sizeof(*story));
	const char *folder;

	if (!story)
		return -1;
	story->fixture = kernel_fixture_start(NULL);
	kernel_records_look(kernel_fixture_sensor(story->fixture));
	folder = kernel_fixture_folder(story->fixture);
	snprintf(story->text_path, sizeof(story->text_path), "%s/table.csv", folder);
	snprintf(story->go_path, sizeof(story->go_path), "%s/go", folder);
	for (size_t i = 0; i < N_ROWS; i++)
		story->size +=
			(size_t)sprintf(story->text + story->size, "P20%08zu,139%08zu\n", i, i);
	kernel_files_write(story->text_path, story->text, story->size, 0644);
	*state = story;
	return 0;
}

static int clean_up(void **state)
{
	struct story *story = *state;

	kernel_fixture_stop(story->fixture);
	free(story);
	return 0;
}

static pid_t when_a_program_starts(struct story *story, const char *how, const char *source,
				   int *ret_output)
{
	char *arguments[] = {"actor",        "tls-client",     (char *)how, (char *)source,
			     story->go_path, story->text_path, NULL};
	char ready[6];
	pid_t pid = kernel_fixture_spawn(story->fixture, arguments, ret_output);

	assert_int_equal(read(*ret_output, ready, sizeof(ready)), sizeof(ready));
	return pid;
}

static void when_it_sends(struct story *story, pid_t pid, int output)
{
	char text[256];

	kernel_files_write(story->go_path, "", 0, 0644);
	kernel_fixture_wait(pid, output, text, sizeof(text));
}

static void check_all_counted(struct story *story)
{
	const struct kernel_records *records = kernel_fixture_records(story->fixture);

	kernel_records_check(records, story->text, story->size, 2 * N_ROWS);
	assert_true(records->is_plain);
	assert_true(records->is_whole);
	assert_int_equal(records->kind, SENSOR_OBJECT_INET);
	assert_true(records->bytes > story->size);
}

static void check_sent_by(struct story *story, const char *how, int n_functions)
{
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int output;
	pid_t pid =
		when_a_program_starts(story, how, kernel_fixture_source(story->fixture), &output);

	assert_int_equal(sensor_watch_tls(sensor, (uint32_t)pid), n_functions);
	assert_int_equal(sensor_watch_tls(sensor, (uint32_t)pid), 0);
	when_it_sends(story, pid, output);
	check_all_counted(story);
}

static void what_ssl_write_is_given_counts_as_in_a_file(void **state)
{
	check_sent_by(*state, "SSL_write", OPENSSL);
	coverage_note("records in TLS by OpenSSL", COVERAGE_EXACT);
}

static void what_ssl_write_ex_is_given_counts_as_in_a_file(void **state)
{
	check_sent_by(*state, "SSL_write_ex", OPENSSL);
}

static void check_sent_by_nss(struct story *story, const char *how)
{
	if (!nss_peer_is_installed()) {
		print_message("# skip: NSS is not installed (libnss3)\n");
		skip();
	}
	check_sent_by(story, how, OPENSSL + NSS);
}

static void what_pr_write_is_given_counts_as_in_a_file(void **state)
{
	check_sent_by_nss(*state, "PR_Write");
	coverage_note("records in TLS by NSS", COVERAGE_EXACT);
}

static void what_pr_send_is_given_counts_as_in_a_file(void **state)
{
	check_sent_by_nss(*state, "PR_Send");
}

static void what_goes_through_a_layer_above_nss_counts_once(void **state)
{
	check_sent_by_nss(*state, "PR_Write/layer");
}

/* The descriptor of the connection that was closed may come again as the file's. */
static void what_nspr_writes_to_a_file_is_not_what_it_sends(void **state)
{
	check_sent_by_nss(*state, "PR_Write/file");
}

/* It goes on until its peer ends the connection. */
static void when_tstclnt_runs(struct story *story, const char *script, pid_t *ret_pid)
{
	char ready[6];
	int output;

	*ret_pid = kernel_fixture_spawn_shell(story->fixture, script, &output);
	assert_int_equal(read(output, ready, sizeof(ready)), sizeof(ready));
	close(output);
}

static void when_it_is_ended(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* tstclnt of NSS gives what it reads to PR_Send. The first one brings the library to notice. */
static void a_program_of_nss_is_read_as_any_other(void **state)
{
	static const char idle[] = "mkfifo $DIR/idle\nexec 3<>$DIR/idle\necho ready\n"
				   "exec tstclnt -D -o -h 127.0.0.2 -p 18666 <&3 >/dev/null 2>&1\n";
	static const char send[] =
		"head -c 4 $SRC >$DIR/list.csv\necho >>$DIR/list.csv\n"
		"cat $DIR/table.csv >>$DIR/list.csv\necho ready\n"
		"exec tstclnt -D -o -h 127.0.0.2 -p 18666 <$DIR/list.csv >/dev/null 2>&1\n";
	struct story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int n = 0;
	pid_t pid;

	if (access("/usr/bin/tstclnt", X_OK) < 0) {
		print_message("# skip: tstclnt is not installed (libnss3-tools)\n");
		skip();
	}
	when_tstclnt_runs(story, idle, &pid);
	for (int i = 0; i < 1000 && n == 0; i++, usleep(10000))
		n = sensor_watch_tls(sensor, (uint32_t)pid);
	assert_int_equal(n, NSS);
	when_it_is_ended(pid); /* the peer takes one after the other */
	when_tstclnt_runs(story, send, &pid);
	/* An emulated machine takes its time for the handshake. */
	for (int i = 0; i < 600 && !kernel_fixture_records(story->fixture)->is_whole; i++)
		usleep(100000);
	when_it_is_ended(pid);
	check_all_counted(story);
}

/* It may live for milliseconds: nobody has to see it start. */
static void the_next_program_is_read_from_its_first_write_on(void **state)
{
	struct story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	const char *source = kernel_fixture_source(story->fixture);
	int output, first_output;
	pid_t first = when_a_program_starts(story, "SSL_write", source, &first_output), pid;

	assert_int_equal(sensor_watch_tls(sensor, (uint32_t)first), 2);
	pid = when_a_program_starts(story, "SSL_write", source, &output);
	when_it_sends(story, pid, output);
	check_all_counted(story);
	when_it_sends(story, first, first_output);
}

/* The library is on a file system that only the program's own namespace knows. */
static void a_container_has_a_library_of_its_own(void **state)
{
	static const char script[] =
		"ssl=$(LD_TRACE_LOADED_OBJECTS=1 $DIR/actor | awk '/libssl/ { print $3 }')\n"
		"exec unshare -m sh -ec \"mkdir -p $DIR/lib && mount -t tmpfs none $DIR/lib && "
		"cp $ssl $DIR/lib && exec env LD_LIBRARY_PATH=$DIR/lib $DIR/actor tls-client "
		"SSL_write $SRC $DIR/go $DIR/table.csv\"";
	struct story *story = *state;
	char ready[6];
	int output;
	pid_t pid = kernel_fixture_spawn_shell(story->fixture, script, &output);

	assert_int_equal(read(output, ready, sizeof(ready)), sizeof(ready));
	assert_int_equal(sensor_watch_tls(kernel_fixture_sensor(story->fixture), (uint32_t)pid), 2);
	when_it_sends(story, pid, output);
	check_all_counted(story);
}

static void who_holds_nothing_labelled_is_not_read(void **state)
{
	struct story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int output;
	pid_t pid = when_a_program_starts(story, "SSL_write", "-", &output);

	assert_int_equal(sensor_watch_tls(sensor, (uint32_t)pid), 2);
	when_it_sends(story, pid, output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n_told, 0);
	assert_int_equal(sensor_count_records_read(sensor), 0);
}

static void what_was_written_before_it_was_watched_is_no_exact_count(void **state)
{
	struct story *story = *state;
	int output;
	pid_t pid = when_a_program_starts(story, "SSL_write", kernel_fixture_source(story->fixture),
					  &output);

	when_it_sends(story, pid, output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n_told, 0);
}

static void wait_for(pid_t pid, int output)
{
	char text[256];

	kernel_fixture_wait(pid, output, text, sizeof(text));
}

/* By threads that there are none of. */
static void fill_calls(struct sensor *sensor)
{
	const struct bpf_map *map = sensor->skeleton->maps.tls_calls;
	_cleanup_free_ char *value = calloc(1, bpf_map__value_size(map));

	for (uint64_t thread = 0; thread < bpf_map__max_entries(map); thread++)
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(map), &thread, value, BPF_ANY), 0);
}

static void empty_calls(struct sensor *sensor)
{
	const struct bpf_map *map = sensor->skeleton->maps.tls_calls;

	for (uint64_t thread = 0; thread < bpf_map__max_entries(map); thread++)
		assert_int_equal(bpf_map_delete_elem(bpf_map__fd(map), &thread), 0);
}

/* A program that sends parts of a text to one connection, each when it is told to. */
static pid_t given_a_sender_in_steps(struct story *story, const char *text, int *ret_output)
{
	kernel_files_write(story->text_path, text, strlen(text), 0644);
	return when_a_program_starts(story, "SSL_write/steps",
				     kernel_fixture_source(story->fixture), ret_output);
}

static void when_the_next_part_is_sent(struct story *story, int output, int step)
{
	char path[224], done[5];

	snprintf(path, sizeof(path), "%s.%d", story->go_path, step);
	kernel_files_write(path, "", 0, 0644);
	assert_int_equal(read(output, done, sizeof(done)), sizeof(done));
}

static void when_the_library_is_watched(struct story *story, pid_t pid)
{
	assert_int_equal(sensor_watch_tls(kernel_fixture_sensor(story->fixture), (uint32_t)pid),
			 OPENSSL);
}

static void add_rows(struct story *story, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++)
		story->size +=
			(size_t)sprintf(story->text + story->size, "P20%08zu,139%08zu\n", i, i);
}

/* As a chat does: many calls, of a few bytes each. */
static void what_goes_in_many_small_calls_counts_exactly(void **state)
{
	struct story *story = *state;
	int output;
	pid_t pid;

	story->size = 0;
	add_rows(story, 0, 200);
	pid = given_a_sender_in_steps(story, story->text, &output);
	when_the_library_is_watched(story, pid);
	when_the_next_part_is_sent(story, output, 0);
	wait_for(pid, output);
	kernel_records_check(kernel_fixture_records(story->fixture), story->text, story->size, 400);
	assert_true(kernel_fixture_records(story->fixture)->is_whole);
}

static void what_was_sent_while_no_agent_was_there_is_no_exact_count(void **state)
{
	struct story *story = *state;
	int output;
	pid_t pid;

	story->size = 0;
	add_rows(story, 0, 20);
	strcat(story->text + story->size++, "\f");
	add_rows(story, 20, 2);
	strcat(story->text + story->size++, "\f");
	add_rows(story, 22, 1);
	pid = given_a_sender_in_steps(story, story->text, &output);
	when_the_library_is_watched(story, pid);
	when_the_next_part_is_sent(story, output, 0);
	kernel_fixture_kill_sensor(story->fixture);
	when_the_next_part_is_sent(story, output, 1);
	kernel_fixture_restart_sensor(story->fixture);
	kernel_records_look(kernel_fixture_sensor(story->fixture));
	when_the_library_is_watched(story, pid);
	when_the_next_part_is_sent(story, output, 2);
	wait_for(pid, output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n, 42);
	assert_false(kernel_fixture_records(story->fixture)->is_whole);
}

static void what_was_sent_while_nobody_knew_the_library_is_no_exact_count(void **state)
{
	struct story *story = *state;
	int output;
	pid_t pid;

	story->size = 0;
	add_rows(story, 0, 20);
	strcat(story->text + story->size++, "\f");
	add_rows(story, 20, 1);
	pid = given_a_sender_in_steps(story, story->text, &output);
	when_the_next_part_is_sent(story, output, 0);
	when_the_library_is_watched(story, pid);
	when_the_next_part_is_sent(story, output, 1);
	wait_for(pid, output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n, 2);
	assert_false(kernel_fixture_records(story->fixture)->is_whole);
}

/* SSL_write_ex2 of OpenSSL 3.3, kTLS that the program sets up itself: whatever is not watched. */
static void what_another_way_into_the_connection_sent_is_no_exact_count(void **state)
{
	struct story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int output;
	pid_t pid;

	story->size = 0;
	add_rows(story, 0, 100);
	strcat(story->text + story->size++, "\f");
	add_rows(story, 100, 30);
	strcat(story->text + story->size++, "\f");
	add_rows(story, 130, 1);
	pid = given_a_sender_in_steps(story, story->text, &output);
	when_the_library_is_watched(story, pid);
	when_the_next_part_is_sent(story, output, 0);
	sensor_unwatch_tls(sensor);
	when_the_next_part_is_sent(story, output, 1);
	when_the_library_is_watched(story, pid);
	sensor->tls.attached_ns = 0; /* as if it had been watched all the time */
	when_the_next_part_is_sent(story, output, 2);
	wait_for(pid, output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n, 202);
	assert_false(kernel_fixture_records(story->fixture)->is_whole);
}

static void a_call_for_which_there_is_no_room_makes_no_exact_count(void **state)
{
	struct story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int output;
	pid_t pid;

	story->size = 0;
	add_rows(story, 0, 4);
	strcat(story->text + story->size++, "\f");
	add_rows(story, 4, 1);
	strcat(story->text + story->size++, "\f");
	add_rows(story, 5, 1);
	pid = given_a_sender_in_steps(story, story->text, &output);
	when_the_library_is_watched(story, pid);
	when_the_next_part_is_sent(story, output, 0);
	fill_calls(sensor);
	when_the_next_part_is_sent(story, output, 1);
	empty_calls(sensor);
	when_the_next_part_is_sent(story, output, 2);
	wait_for(pid, output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n, 10);
	assert_false(kernel_fixture_records(story->fixture)->is_whole);
	assert_true(sensor_count_records_full(sensor) > 0);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_table_and_a_reader, clean_up)

static int serve(void **state)
{
	(void)state;
	tls_peer_serve();
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_ssl_write_is_given_counts_as_in_a_file),
		STORY(what_ssl_write_ex_is_given_counts_as_in_a_file),
		STORY(what_pr_write_is_given_counts_as_in_a_file),
		STORY(what_pr_send_is_given_counts_as_in_a_file),
		STORY(what_goes_through_a_layer_above_nss_counts_once),
		STORY(what_nspr_writes_to_a_file_is_not_what_it_sends),
		STORY(a_program_of_nss_is_read_as_any_other),
		STORY(the_next_program_is_read_from_its_first_write_on),
		STORY(a_container_has_a_library_of_its_own),
		STORY(who_holds_nothing_labelled_is_not_read),
		STORY(what_was_written_before_it_was_watched_is_no_exact_count),
		STORY(what_goes_in_many_small_calls_counts_exactly),
		STORY(what_was_sent_while_no_agent_was_there_is_no_exact_count),
		STORY(what_was_sent_while_nobody_knew_the_library_is_no_exact_count),
		STORY(what_another_way_into_the_connection_sent_is_no_exact_count),
		STORY(a_call_for_which_there_is_no_room_makes_no_exact_count),
	};
	int r = tls_peer_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests_name("tls", tests, serve, NULL);
}
