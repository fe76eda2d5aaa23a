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
#include "kernel/tls_story.h"

static void when_it_sends(struct tls_story *story, pid_t pid, int output)
{
	char text[256];

	kernel_files_write(story->go_path, "", 0, 0644);
	kernel_fixture_wait(pid, output, text, sizeof(text));
}

static void check_all_counted(struct tls_story *story)
{
	const struct kernel_records *records = kernel_fixture_records(story->fixture);

	kernel_records_check(records, story->text, story->size, 2 * TLS_STORY_ROWS);
	assert_true(records->is_plain);
	assert_true(records->is_whole);
	assert_int_equal(records->kind, SENSOR_OBJECT_INET);
	assert_true(records->bytes > story->size);
}

static void check_sent_by(struct tls_story *story, const char *how, int n_functions)
{
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int output;
	pid_t pid = tls_story_start(story, how, kernel_fixture_source(story->fixture), &output);

	assert_int_equal(sensor_watch_tls(sensor, (uint32_t)pid), n_functions);
	assert_int_equal(sensor_watch_tls(sensor, (uint32_t)pid), 0);
	when_it_sends(story, pid, output);
	check_all_counted(story);
}

static void what_ssl_write_is_given_counts_as_in_a_file(void **state)
{
	check_sent_by(*state, "SSL_write", TLS_STORY_OPENSSL);
	coverage_note("records in TLS by OpenSSL", COVERAGE_EXACT);
}

static void what_ssl_write_ex_is_given_counts_as_in_a_file(void **state)
{
	check_sent_by(*state, "SSL_write_ex", TLS_STORY_OPENSSL);
}

static void check_sent_by_nss(struct tls_story *story, const char *how)
{
	if (!nss_peer_is_installed()) {
		print_message("# skip: NSS is not installed (libnss3)\n");
		skip();
	}
	check_sent_by(story, how, TLS_STORY_OPENSSL + TLS_STORY_NSS);
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
static void when_tstclnt_runs(struct tls_story *story, const char *script, pid_t *ret_pid)
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
	struct tls_story *story = *state;
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
	assert_int_equal(n, TLS_STORY_NSS);
	when_it_is_ended(pid); /* the peer takes one after the other */
	when_tstclnt_runs(story, send, &pid);
	/* An emulated machine takes its time for the handshake. */
	for (int i = 0; i < 600 && !kernel_fixture_records(story->fixture)->is_whole; i++)
		usleep(100000);
	when_it_is_ended(pid);
	check_all_counted(story);
}

static void name_go_file(struct tls_story *story, const char *name)
{
	snprintf(story->go_path, sizeof(story->go_path), "%s/%s",
		 kernel_fixture_folder(story->fixture), name);
}

/* It may live for milliseconds: nobody has to see it start. */
static void the_next_program_is_read_from_its_first_write_on(void **state)
{
	struct tls_story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	const char *source = kernel_fixture_source(story->fixture);
	int output, first_output;
	pid_t first, pid;

	name_go_file(story, "go-first");
	first = tls_story_start(story, "SSL_write", source, &first_output);
	assert_int_equal(sensor_watch_tls(sensor, (uint32_t)first), 2);
	name_go_file(story, "go");
	pid = tls_story_start(story, "SSL_write", source, &output);
	when_it_sends(story, pid, output);
	check_all_counted(story);
	name_go_file(story, "go-first");
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
	struct tls_story *story = *state;
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
	struct tls_story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int output;
	pid_t pid = tls_story_start(story, "SSL_write", "-", &output);

	assert_int_equal(sensor_watch_tls(sensor, (uint32_t)pid), 2);
	when_it_sends(story, pid, output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n_told, 0);
	assert_int_equal(sensor_count_records_read(sensor), 0);
}

static void what_was_written_before_it_was_watched_is_no_exact_count(void **state)
{
	struct tls_story *story = *state;
	int output;
	pid_t pid =
		tls_story_start(story, "SSL_write", kernel_fixture_source(story->fixture), &output);

	when_it_sends(story, pid, output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n_told, 0);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, tls_story_set, tls_story_strike)

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
	};
	int r = tls_peer_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests_name("tls", tests, tls_story_serve, NULL);
}
