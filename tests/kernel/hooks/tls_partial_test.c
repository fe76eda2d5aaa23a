/* SPDX-License-Identifier: GPL-2.0-only */

/* A count of what a TLS connection sent is exact only when all that went into it was read. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"
#include "kernel/kernel_files.h"
#include "kernel/kernel_records.h"
#include "kernel/tls_peer.h"
#include "kernel/tls_story.h"

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
static pid_t given_a_sender_in_steps(struct tls_story *story, const char *text, int *ret_output)
{
	kernel_files_write(story->text_path, text, strlen(text), 0644);
	return tls_story_start(story, "SSL_write/steps", kernel_fixture_source(story->fixture),
			       ret_output);
}

static void when_the_next_part_is_sent(struct tls_story *story, int output, int step)
{
	char path[224], done[5];

	snprintf(path, sizeof(path), "%s.%d", story->go_path, step);
	kernel_files_write(path, "", 0, 0644);
	assert_int_equal(read(output, done, sizeof(done)), sizeof(done));
}

static void when_the_library_is_watched(struct tls_story *story, pid_t pid)
{
	assert_int_equal(sensor_watch_tls(kernel_fixture_sensor(story->fixture), (uint32_t)pid),
			 TLS_STORY_OPENSSL);
}

/* As a chat does: many calls, of a few bytes each. */
static void what_goes_in_many_small_calls_counts_exactly(void **state)
{
	struct tls_story *story = *state;
	int output;
	pid_t pid;

	story->size = 0;
	tls_story_add_rows(story, 0, 200);
	pid = given_a_sender_in_steps(story, story->text, &output);
	when_the_library_is_watched(story, pid);
	when_the_next_part_is_sent(story, output, 0);
	wait_for(pid, output);
	kernel_records_check(kernel_fixture_records(story->fixture), story->text, story->size, 400);
	assert_true(kernel_fixture_records(story->fixture)->is_whole);
}

static void what_was_sent_while_no_agent_was_there_is_no_exact_count(void **state)
{
	struct tls_story *story = *state;
	int output;
	pid_t pid;

	story->size = 0;
	tls_story_add_rows(story, 0, 20);
	strcat(story->text + story->size++, "\f");
	tls_story_add_rows(story, 20, 2);
	strcat(story->text + story->size++, "\f");
	tls_story_add_rows(story, 22, 1);
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
	struct tls_story *story = *state;
	int output;
	pid_t pid;

	story->size = 0;
	tls_story_add_rows(story, 0, 20);
	strcat(story->text + story->size++, "\f");
	tls_story_add_rows(story, 20, 1);
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
	struct tls_story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int output;
	pid_t pid;

	story->size = 0;
	tls_story_add_rows(story, 0, 100);
	strcat(story->text + story->size++, "\f");
	tls_story_add_rows(story, 100, 30);
	strcat(story->text + story->size++, "\f");
	tls_story_add_rows(story, 130, 1);
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
	struct tls_story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	int output;
	pid_t pid;

	story->size = 0;
	tls_story_add_rows(story, 0, 4);
	strcat(story->text + story->size++, "\f");
	tls_story_add_rows(story, 4, 1);
	strcat(story->text + story->size++, "\f");
	tls_story_add_rows(story, 5, 1);
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

#define STORY(test) cmocka_unit_test_setup_teardown(test, tls_story_set, tls_story_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_goes_in_many_small_calls_counts_exactly),
		STORY(what_was_sent_while_no_agent_was_there_is_no_exact_count),
		STORY(what_was_sent_while_nobody_knew_the_library_is_no_exact_count),
		STORY(what_another_way_into_the_connection_sent_is_no_exact_count),
		STORY(a_call_for_which_there_is_no_room_makes_no_exact_count),
	};
	int r = tls_peer_main(argc, argv);

	return r >= 0 ? r
		      : cmocka_run_group_tests_name("tls read in part", tests, tls_story_serve,
						    NULL);
}
