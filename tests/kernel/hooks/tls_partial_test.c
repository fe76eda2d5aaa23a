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

struct sender {
	pid_t pid;
	int output;
};

/* A program that sends so many rows to one connection in each of several parts, which end with a 0,
 * each when it is told to. */
static struct sender given_a_sender(struct tls_story *story, const size_t *rows)
{
	struct sender sender;
	size_t from = 0;

	story->size = 0;
	for (size_t i = 0; rows[i]; from += rows[i++]) {
		if (i > 0)
			strcat(story->text + story->size++, "\f");
		tls_story_add_rows(story, from, rows[i]);
	}
	kernel_files_write(story->text_path, story->text, story->size, 0644);
	sender.pid = tls_story_start(story, "SSL_write/steps",
				     kernel_fixture_source(story->fixture), &sender.output);
	return sender;
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
	struct sender sender = given_a_sender(story, (const size_t[]){200, 0});

	when_the_library_is_watched(story, sender.pid);
	when_the_next_part_is_sent(story, sender.output, 0);
	wait_for(sender.pid, sender.output);
	kernel_records_check(kernel_fixture_records(story->fixture), story->text, story->size, 400);
	assert_true(kernel_fixture_records(story->fixture)->is_whole);
}

static void what_was_sent_while_no_agent_was_there_is_no_exact_count(void **state)
{
	struct tls_story *story = *state;
	struct sender sender = given_a_sender(story, (const size_t[]){20, 2, 1, 0});

	when_the_library_is_watched(story, sender.pid);
	when_the_next_part_is_sent(story, sender.output, 0);
	kernel_fixture_kill_sensor(story->fixture);
	when_the_next_part_is_sent(story, sender.output, 1);
	kernel_fixture_restart_sensor(story->fixture);
	kernel_records_look(kernel_fixture_sensor(story->fixture));
	when_the_library_is_watched(story, sender.pid);
	when_the_next_part_is_sent(story, sender.output, 2);
	wait_for(sender.pid, sender.output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n, 42);
	assert_false(kernel_fixture_records(story->fixture)->is_whole);
}

static void what_was_sent_while_nobody_knew_the_library_is_no_exact_count(void **state)
{
	struct tls_story *story = *state;
	struct sender sender = given_a_sender(story, (const size_t[]){20, 1, 0});

	when_the_next_part_is_sent(story, sender.output, 0);
	when_the_library_is_watched(story, sender.pid);
	when_the_next_part_is_sent(story, sender.output, 1);
	wait_for(sender.pid, sender.output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n, 2);
	assert_false(kernel_fixture_records(story->fixture)->is_whole);
}

/* SSL_write_ex2 of OpenSSL 3.3, kTLS that the program sets up itself: whatever is not watched. */
static void what_another_way_into_the_connection_sent_is_no_exact_count(void **state)
{
	struct tls_story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	struct sender sender = given_a_sender(story, (const size_t[]){100, 30, 1, 0});

	when_the_library_is_watched(story, sender.pid);
	when_the_next_part_is_sent(story, sender.output, 0);
	sensor_unwatch_tls(sensor);
	when_the_next_part_is_sent(story, sender.output, 1);
	when_the_library_is_watched(story, sender.pid);
	sensor->tls.attached_ns = 0; /* as if it had been watched all the time */
	when_the_next_part_is_sent(story, sender.output, 2);
	wait_for(sender.pid, sender.output);
	assert_int_equal(kernel_fixture_records(story->fixture)->n, 202);
	assert_false(kernel_fixture_records(story->fixture)->is_whole);
}

static void a_call_for_which_there_is_no_room_makes_no_exact_count(void **state)
{
	struct tls_story *story = *state;
	struct sensor *sensor = kernel_fixture_sensor(story->fixture);
	struct sender sender = given_a_sender(story, (const size_t[]){4, 1, 1, 0});

	when_the_library_is_watched(story, sender.pid);
	when_the_next_part_is_sent(story, sender.output, 0);
	fill_calls(sensor);
	when_the_next_part_is_sent(story, sender.output, 1);
	empty_calls(sensor);
	when_the_next_part_is_sent(story, sender.output, 2);
	wait_for(sender.pid, sender.output);
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
