/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "support/store_fixture.h"
#include "base/cleanup.h"

#define AGENT STORE_FIXTURE_AGENT

static char *dir;
static const struct store_query everything;

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

static void the_order_of_arrival_holds_across_segments(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 100);
	struct store_fixture_found found;
	struct store_counts counts;

	(void)state;
	/* No batch is cut in two: 60 do not fit beside 60. */
	for (uint64_t seq = 1; seq <= 600; seq += 60)
		assert_int_equal(store_fixture_append(store, AGENT, seq, 60), 0);
	assert_int_equal(store_count(store, &counts), 0);
	assert_int_equal(counts.segments, 10);
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 600);
	assert_true(found.in_order_of_id);
	assert_true(found.in_order_of_time);
	assert_int_equal(found.first_id, 1);
	assert_int_equal(found.last_id, 90000060);
}

static void a_batch_beyond_the_size_of_a_segment_is_held_by_one(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 10);
	struct store_counts counts;

	(void)state;
	assert_int_equal(store_fixture_append(store, AGENT, 1, 35), 0);
	assert_int_equal(store_fixture_append(store, AGENT, 36, 1), 0);
	assert_int_equal(store_count(store, &counts), 0);
	assert_int_equal(counts.events, 36);
	assert_int_equal(counts.segments, 2);
}

static void reading_goes_on_from_an_id(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 10);
	struct store_query query = {};
	uint64_t n = 0;

	(void)state;
	for (uint64_t seq = 1; seq <= 50; seq += 5) {
		struct store_fixture_found found;

		assert_int_equal(store_fixture_append(store, AGENT, seq, 5), 0);
		found = store_fixture_find(store, &query);
		assert_int_equal(found.n, 5);
		query.after_id = found.last_id;
		n += found.n;
	}
	assert_int_equal(n, 50);
}

/* Two agents whose reports arrive late and by turns. */
static void by_time_events_of_all_segments_are_one_line(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 20);
	struct store_query query = {.by_time = true};
	struct store_fixture_found found;

	(void)state;
	for (uint64_t seq = 1; seq <= 200; seq += 10)
		assert_int_equal(store_fixture_append(store, AGENT, seq, 10), 0);
	for (uint64_t seq = 1; seq <= 200; seq += 10)
		assert_int_equal(store_fixture_append(store, "desk-2", seq, 10), 0);
	found = store_fixture_find(store, &query);
	assert_int_equal(found.n, 400);
	assert_true(found.in_order_of_time);
	assert_false(found.in_order_of_id);

	query.from_ns = STORE_FIXTURE_START_NS + UINT64_C(50000000000);
	query.to_ns = STORE_FIXTURE_START_NS + UINT64_C(59000000000);
	assert_int_equal(store_fixture_find(store, &query).n, 20);
	query.agent = "desk-2";
	assert_int_equal(store_fixture_find(store, &query).n, 10);
	query.agent = "desk-9";
	assert_int_equal(store_fixture_find(store, &query).n, 0);
}

static void set_text(char **slot, const char *text)
{
	free(*slot);
	*slot = strdup(text);
}

static void each_condition_narrows_what_is_found(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_record *records = store_fixture_batch(AGENT, 1, 6);
	const uint64_t inos[] = {4321, UINT64_MAX, 5555};

	(void)state;
	set_text(&records[0].person, "P-ffffffffff");
	set_text(&records[1].event->boot_id, "another boot");
	records[2].event->app.id = 99;
	records[3].event->object.ino = 4321;
	records[1].event->object.ino = UINT64_MAX; /* kept as -1 */
	records[4].event->kind = EVENT_EGRESS;
	records[5].event->kind = EVENT_EDGE;
	assert_int_equal(store_append(store, records, 6), 0);
	store_fixture_free_batch(records, 6);

#define FOUND(...) store_fixture_find(store, &(struct store_query){__VA_ARGS__}).n
	assert_int_equal(FOUND(.person = "P-ffffffffff"), 1);
	assert_int_equal(FOUND(.boot_id = "another boot"), 1);
	assert_int_equal(FOUND(.app_id = 99), 1);
	assert_int_equal(FOUND(.app_id = 7, .boot_id = STORE_FIXTURE_BOOT), 4);
	assert_int_equal(FOUND(.object_inos = inos, .n_object_inos = 1), 1);
	assert_int_equal(FOUND(.object_inos = inos, .n_object_inos = 2), 2);
	assert_int_equal(FOUND(.object_inos = inos, .n_object_inos = 3), 2);
	assert_int_equal(FOUND(.object_inos = inos, .n_object_inos = 2, .app_id = 99), 0);
	assert_int_equal(FOUND(.kinds = 1 << EVENT_EGRESS | 1 << EVENT_EDGE), 2);
	assert_int_equal(FOUND(.after_id = 4, .kinds = 1 << EVENT_EGRESS), 1);
	assert_int_equal(FOUND(.person = "P-ffffffffff", .app_id = 99), 0);
#undef FOUND
}

static void the_events_of_an_incident_are_found_wherever_they_are(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 10);
	char key[] = "P-1", document[] = "{}";
	uint64_t ids[] = {3, 10000004, 20000001};
	struct store_incident incident = {
		.key = key, .document = document, .event_ids = ids, .n_event_ids = 3};
	struct store_query query = {};
	struct store_fixture_found found;

	(void)state;
	for (uint64_t seq = 1; seq <= 30; seq += 10)
		assert_int_equal(store_fixture_append(store, AGENT, seq, 10), 0);
	assert_int_equal(store_put_incident(store, &incident), 0);
	query.incident = incident.id;
	found = store_fixture_find(store, &query);
	assert_int_equal(found.n, 3);
	assert_int_equal(found.first_id, 3);
	assert_int_equal(found.last_id, 20000001);
	query.incident = incident.id + 1;
	assert_int_equal(store_fixture_find(store, &query).n, 0);
}

static void a_reader_needs_something_to_read(void **state)
{
	struct store *store = NULL;

	(void)state;
	assert_int_equal(store_open(dir, true, &store), -ENOENT);
	assert_int_equal(store_open("/nonexistent/weir", true, &store), -ENOENT);
	assert_null(store);
}

static void a_reader_writes_nothing(void **state)
{
	_cleanup_(store_freep) struct store *reader = NULL;
	char key[] = "P-1", document[] = "{}";
	struct store_incident incident = {.key = key, .document = document};

	(void)state;
	store_close(store_fixture_open(dir, 0));
	reader = store_fixture_open_for_reading(dir);
	assert_int_equal(store_fixture_append(reader, AGENT, 1, 1), -EROFS);
	assert_int_equal(store_put_incident(reader, &incident), -EROFS);
	assert_int_equal(store_put_number(reader, "n", 1), -EROFS);
}

/* As `weir show` beside a collector that never rests: what is seen is a whole prefix. */
static void reading_works_while_a_collector_writes(void **state)
{
	struct store_query by_time = {.by_time = true};
	uint64_t last = 0;
	pid_t child;

	(void)state;
	store_close(store_fixture_open(dir, 200));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* A reader that fails must not leave a writer behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		struct store *store = store_fixture_open(dir, 200);

		/* Bounded, because a reader looks at all there is each time. */
		for (uint64_t seq = 1; seq <= 4000; seq += 20)
			if (store_fixture_append(store, AGENT, seq, 20) < 0)
				_exit(1);
		pause();
	}
	for (int i = 0; i < 40; i++) {
		_cleanup_(store_freep) struct store *reader = store_fixture_open_for_reading(dir);
		struct store_fixture_found found = store_fixture_find(reader, &everything);
		struct store_counts counts;
		uint64_t seq;

		assert_int_equal(found.n % 20, 0);
		assert_int_equal(found.n_losses, 0);
		assert_int_equal(found.sum_bytes, 100 * found.n);
		assert_true(found.n >= last);
		assert_true(found.in_order_of_id);
		last = found.n;
		found = store_fixture_find(reader, &by_time);
		assert_true(found.n >= last);
		assert_true(found.in_order_of_time);
		assert_int_equal(store_count(reader, &counts), 0);
		assert_true(counts.events >= found.n);
		assert_int_equal(store_last_seq(reader, AGENT, &seq), 0);
		assert_true(seq >= counts.events);
	}
	assert_true(last > 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, given_an_empty_folder, remove_the_folder)
	const struct CMUnitTest tests[] = {
		TEST(the_order_of_arrival_holds_across_segments),
		TEST(a_batch_beyond_the_size_of_a_segment_is_held_by_one),
		TEST(reading_goes_on_from_an_id),
		TEST(by_time_events_of_all_segments_are_one_line),
		TEST(each_condition_narrows_what_is_found),
		TEST(the_events_of_an_incident_are_found_wherever_they_are),
		TEST(a_reader_needs_something_to_read),
		TEST(a_reader_writes_nothing),
		TEST(reading_works_while_a_collector_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
