/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/* Stores one event with these totals and says what it added. */
static uint64_t add_total(struct store *store, uint64_t seq, enum event_kind kind,
			  uint64_t bytes_total, uint64_t flow_first_ns)
{
	struct store_record *records = store_fixture_batch(AGENT, seq, 1);
	uint64_t bytes;

	records[0].event->kind = kind;
	records[0].event->bytes_total = bytes_total;
	records[0].event->flow_first_ns = flow_first_ns;
	assert_int_equal(store_append(store, records, 1), 0);
	bytes = records[0].bytes;
	store_fixture_free_batch(records, 1);
	return bytes;
}

static void an_event_adds_its_total_less_the_one_before(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	const uint64_t first = STORE_FIXTURE_START_NS;

	(void)state;
	assert_int_equal(add_total(store, 1, EVENT_EDGE, 0, first), 0);
	assert_int_equal(add_total(store, 2, EVENT_FLOW, 700, first), 700);
	assert_int_equal(add_total(store, 3, EVENT_FLOW, 1000, first), 300);
	/* Another flow of the same app and file. */
	assert_int_equal(add_total(store, 4, EVENT_FLOW, 50, first + 1), 50);
	assert_int_equal(add_total(store, 5, EVENT_FLOW, 1001, first), 1);
	/* What is no flow has no bytes. */
	assert_int_equal(add_total(store, 6, EVENT_FILE_RENAME, 9999, first), 0);
}

static void totals_repeated_after_an_agent_restart_add_nothing(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	const uint64_t first = STORE_FIXTURE_START_NS;

	(void)state;
	assert_int_equal(add_total(store, 1, EVENT_EGRESS, 5000, first), 5000);
	/* The pinned maps still hold the flow: the new agent reports it as it stands. */
	assert_int_equal(add_total(store, 2, EVENT_EDGE, 5000, first), 0);
	assert_int_equal(add_total(store, 3, EVENT_EGRESS, 5000, first), 0);
	assert_int_equal(add_total(store, 4, EVENT_EGRESS, 5200, first), 200);
	/* A total that is lower than a known one takes nothing back and is not counted twice. */
	assert_int_equal(add_total(store, 5, EVENT_EGRESS, 100, first), 0);
	assert_int_equal(add_total(store, 6, EVENT_EGRESS, 5300, first), 100);
}

static void sums_stay_exact_when_the_collector_restarts(void **state)
{
	const uint64_t first = STORE_FIXTURE_START_NS;

	(void)state;
	for (uint64_t seq = 1; seq <= 5; seq++) {
		_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);

		assert_int_equal(add_total(store, seq, EVENT_FLOW, 10 * seq, first), 10);
	}
}

static void a_flow_goes_on_in_the_next_segment(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 2);
	struct store_fixture_found found;

	(void)state;
	for (uint64_t seq = 1; seq <= 50; seq++)
		assert_int_equal(store_fixture_append(store, AGENT, seq, 1), 0);
	found = store_fixture_find(store, &(struct store_query){});
	assert_int_equal(found.n, 50);
	assert_int_equal(found.sum_bytes, 5000);
	assert_int_equal(found.sum_calls, 50);
}

static void a_flow_is_found_again_many_segments_later(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 2);
	const uint64_t first = STORE_FIXTURE_START_NS;

	(void)state;
	assert_int_equal(add_total(store, 1, EVENT_FLOW, 1000, first), 1000);
	/* Other flows fill more segments than are kept open. */
	for (uint64_t seq = 2; seq <= 60; seq++)
		assert_int_equal(add_total(store, seq, EVENT_FLOW, 5, first + seq * 1000000000), 5);
	assert_int_equal(add_total(store, 61, EVENT_FLOW, 1001, first), 1);
}

static void the_same_flow_numbers_of_another_agent_or_boot_are_another_flow(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_record *records = store_fixture_batch("desk-2", 1, 2);

	(void)state;
	assert_int_equal(add_total(store, 1, EVENT_FLOW, 1000, STORE_FIXTURE_START_NS), 1000);
	free(records[1].event->boot_id);
	records[1].event->boot_id = strdup("another boot");
	assert_int_equal(store_append(store, records, 2), 0);
	assert_int_equal(records[0].bytes, 100);
	assert_int_equal(records[1].bytes, 200);
	store_fixture_free_batch(records, 2);
}

static void a_refused_batch_moves_no_totals(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	struct store_record *records = store_fixture_batch(AGENT, 1, 2);

	(void)state;
	records[1].event->seq = 0;
	assert_int_equal(store_append(store, records, 2), -EINVAL);
	records[1].event->seq = 2;
	assert_int_equal(store_append(store, records, 2), 0);
	assert_int_equal(records[0].bytes, 100);
	assert_int_equal(records[1].bytes, 100);
	store_fixture_free_batch(records, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, given_an_empty_folder, remove_the_folder)
	const struct CMUnitTest tests[] = {
		TEST(an_event_adds_its_total_less_the_one_before),
		TEST(totals_repeated_after_an_agent_restart_add_nothing),
		TEST(sums_stay_exact_when_the_collector_restarts),
		TEST(a_flow_goes_on_in_the_next_segment),
		TEST(a_flow_is_found_again_many_segments_later),
		TEST(the_same_flow_numbers_of_another_agent_or_boot_are_another_flow),
		TEST(a_refused_batch_moves_no_totals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
