/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "support/store_fixture.h"
#include "base/cleanup.h"

#define AGENT STORE_FIXTURE_AGENT

static char *dir;

static int given_an_empty_folder(void **state)
{
	(void)state;
	dir = store_fixture_make_dir();
	return 0;
}

static int remove_the_folder(void **state)
{
	(void)state;
	store_fixture_remove_dir(dir);
	return 0;
}

static void each_agent_seq_is_held_once(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_record *again;
	struct store_counts counts;
	uint64_t seq;

	(void)state;
	assert_int_equal(store_fixture_append(store, AGENT, 1, 10), 0);
	/* Half of it is a repeat, as after a lost ack. */
	again = store_fixture_batch(AGENT, 6, 10);
	assert_int_equal(store_append(store, again, 10), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(again[i].id, i < 5 ? 0 : 6 + i);
	store_fixture_free_batch(again, 10);
	/* The same seqs of another agent are other events. */
	assert_int_equal(store_fixture_append(store, "desk-2", 1, 3), 0);
	assert_int_equal(store_count(store, &counts), 0);
	assert_int_equal(counts.events, 18);
	assert_int_equal(counts.duplicates, 5);
	assert_int_equal(store_last_seq(store, AGENT, &seq), 0);
	assert_int_equal(seq, 15);
	assert_int_equal(store_last_seq(store, "desk-2", &seq), 0);
	assert_int_equal(seq, 3);
	assert_int_equal(store_last_seq(store, "desk-3", &seq), 0);
	assert_int_equal(seq, 0);
}

static void a_seq_twice_in_one_batch_is_held_once(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_record *records = store_fixture_batch(AGENT, 1, 3);

	(void)state;
	records[2].event->seq = 1;
	assert_int_equal(store_append(store, records, 3), 0);
	assert_int_equal(records[1].id, 2);
	assert_int_equal(records[2].id, 0);
	store_fixture_free_batch(records, 3);
}

static void a_late_seq_is_stored_and_only_once(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_counts counts;
	uint64_t seq;

	(void)state;
	assert_int_equal(store_fixture_append(store, AGENT, 11, 5), 0);
	assert_int_equal(store_fixture_append(store, AGENT, 1, 5), 0);
	assert_int_equal(store_fixture_append(store, AGENT, 1, 5), 0);
	assert_int_equal(store_count(store, &counts), 0);
	assert_int_equal(counts.events, 10);
	assert_int_equal(counts.duplicates, 5);
	assert_int_equal(store_last_seq(store, AGENT, &seq), 0);
	assert_int_equal(seq, 15);
}

static void a_batch_that_cannot_be_is_refused_whole(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_record *records = store_fixture_batch(AGENT, 1, 3);
	struct store_counts counts;

	(void)state;
	free(records[2].event->agent);
	records[2].event->agent = strdup("desk-2");
	assert_int_equal(store_append(store, records, 3), -EINVAL);
	records[1].event->seq = 0;
	assert_int_equal(store_append(store, records, 2), -EINVAL);
	assert_int_equal(store_count(store, &counts), 0);
	assert_int_equal(counts.events, 0);
	store_fixture_free_batch(records, 3);
}

static void what_is_read_is_what_was_written(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_record *records = store_fixture_batch(AGENT, 1, 1);
	_cleanup_(store_cursor_freep) struct store_cursor *cursor = NULL;
	_cleanup_(store_record_freep) struct store_record *record = NULL;

	(void)state;
	records[0].event->app.login_uid = 1017;
	records[0].event->object.ino = UINT64_MAX - 1;
	assert_int_equal(store_append(store, records, 1), 0);
	store_fixture_free_batch(records, 1);
	assert_int_equal(store_query(store, &(struct store_query){}, &cursor), 0);
	assert_int_equal(store_cursor_next(cursor, &record), 1);
	assert_int_equal(record->id, 1);
	assert_string_equal(record->event->agent, AGENT);
	assert_int_equal(record->event->seq, 1);
	assert_string_equal(record->person, "P-0123456789");
	assert_true(record->is_staff);
	assert_int_equal(record->bytes, 100);
	assert_int_equal(record->event->bytes_total, 100);
	assert_string_equal(record->event->app.exe, "/usr/bin/zip");
	assert_string_equal(record->event->labels[0], "customer.contact");
	assert_true(record->event->object.ino == UINT64_MAX - 1);
	assert_int_equal(record->event->app.login_uid, 0);
}

static void a_batch_survives_kill_9(void **state)
{
	struct store_fixture_found found;
	_cleanup_(store_freep) struct store *store = NULL;
	int status, ready[2];
	pid_t child;
	char byte;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		store = store_fixture_open(dir, 0);
		if (store_fixture_append(store, AGENT, 1, 500) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));

	store = store_fixture_open(dir, 0);
	found = store_fixture_find(store, &(struct store_query){});
	assert_int_equal(found.n, 500);
	assert_int_equal(found.n_losses, 0);
	assert_int_equal(found.sum_bytes, 50000);
	assert_true(found.in_order_of_id);
}

static void a_kill_amid_appends_leaves_whole_batches(void **state)
{
	(void)state;
	for (unsigned int delay_us = 2000; delay_us < 60000; delay_us += 9000) {
		_cleanup_(store_freep) struct store *store = NULL;
		struct store_fixture_found found;
		uint64_t last;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			store = store_fixture_open(dir, 100);
			store_last_seq(store, AGENT, &last);
			for (uint64_t seq = last + 1;; seq += 20)
				if (store_fixture_append(store, AGENT, seq, 20) < 0)
					_exit(1);
		}
		usleep(delay_us);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		store = store_fixture_open(dir, 100);
		assert_int_equal(store_last_seq(store, AGENT, &last), 0);
		assert_int_equal(last % 20, 0);
		found = store_fixture_find(store, &(struct store_query){});
		assert_int_equal(found.n, last);
		assert_int_equal(found.n_losses, 0);
		assert_int_equal(found.sum_bytes, 100 * last);
	}
}

static void only_one_collector_writes(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store *second = NULL;

	(void)state;
	assert_int_equal(store_open(dir, false, &second), -EBUSY);
	assert_null(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, given_an_empty_folder, remove_the_folder)
	const struct CMUnitTest tests[] = {
		TEST(each_agent_seq_is_held_once),
		TEST(a_seq_twice_in_one_batch_is_held_once),
		TEST(a_late_seq_is_stored_and_only_once),
		TEST(a_batch_that_cannot_be_is_refused_whole),
		TEST(what_is_read_is_what_was_written),
		TEST(a_batch_survives_kill_9),
		TEST(a_kill_amid_appends_leaves_whole_batches),
		TEST(only_one_collector_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
