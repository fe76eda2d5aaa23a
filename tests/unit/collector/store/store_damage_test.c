/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/store_fixture.h"
#include "base/cleanup.h"

#define AGENT STORE_FIXTURE_AGENT

enum {
	SEGMENT_ROWS = 1000,
	PAGE_BYTES = 4096,
	SECOND_SEGMENT_ID = 10000001,
};

static char *dir;
static const struct store_query everything;

/* Three segments of 1000 events each; the last is the one that is written to. */
static int given_three_segments(void **state)
{
	_cleanup_(store_freep) struct store *store = NULL;

	(void)state;
	dir = store_fixture_make_dir();
	store = store_fixture_open(dir, SEGMENT_ROWS);
	for (uint64_t seq = 1; seq <= 3000; seq += 500)
		assert_int_equal(store_fixture_append(store, AGENT, seq, 500), 0);
	return 0;
}

static int remove_the_folder(void **state)
{
	(void)state;
	store_fixture_remove_dir(dir);
	return 0;
}

static size_t size_of(const char *file)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	assert_true(asprintf(&path, "%s/%s", dir, file) > 0);
	assert_int_equal(stat(path, &st), 0);
	return (size_t)st.st_size;
}

static void a_damaged_segment_is_set_aside_and_stands_on_the_timeline(void **state)
{
	_cleanup_(store_freep) struct store *store = NULL;
	struct store_fixture_found found;
	struct store_counts counts;

	(void)state;
	store_fixture_damage(dir, "events-000002.db", 0, 512);
	store = store_fixture_open(dir, SEGMENT_ROWS);
	assert_true(store_fixture_has_file(dir, "events-000002.db.corrupt"));
	assert_false(store_fixture_has_file(dir, "events-000002.db"));

	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 2000);
	assert_int_equal(found.n_losses, 1);
	assert_string_equal(found.last_detail,
			    "events-000002.db is damaged: its 1000 events (ids 10000001 to "
			    "10001000) are missing; the file is kept");
	assert_int_equal(store_count(store, &counts), 0);
	assert_int_equal(counts.segments_set_aside, 1);

	assert_int_equal(store_fixture_append(store, AGENT, 3001, 10), 0);
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 2010);
	assert_true(found.in_order_of_id);
}

static void a_loss_is_told_once_however_often_the_store_is_opened(void **state)
{
	(void)state;
	store_fixture_damage(dir, "events-000001.db", 0, 512);
	for (int i = 0; i < 3; i++) {
		_cleanup_(store_freep) struct store *store = store_fixture_open(dir, SEGMENT_ROWS);

		assert_int_equal(store_fixture_find(store, &everything).n_losses, 1);
	}
}

static void damage_in_the_newest_segment_is_found_at_opening(void **state)
{
	_cleanup_(store_freep) struct store *store = NULL;
	struct store_fixture_found found;
	size_t size = size_of("events-000003.db");
	struct store_record *records;

	(void)state;
	/* The header stays whole: only a look at every page finds it. */
	store_fixture_damage(dir, "events-000003.db", 8L * PAGE_BYTES, size - 8UL * PAGE_BYTES);
	store = store_fixture_open(dir, SEGMENT_ROWS);
	assert_true(store_fixture_has_file(dir, "events-000003.db.corrupt"));
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 2000);
	assert_int_equal(found.n_losses, 1);
	/* What the agent still has is taken again, under ids that were never given before. */
	records = store_fixture_batch(AGENT, 2501, 500);
	assert_int_equal(store_append(store, records, 500), 0);
	assert_true(records[0].id > 3 * (SECOND_SEGMENT_ID - 1));
	/* The flow's last known total is that of the second segment: no byte is missing in the sum.
	 */
	assert_int_equal(records[0].bytes, 100 * 501);
	store_fixture_free_batch(records, 500);
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.sum_bytes, 100 * 3000);
}

static void damage_met_while_reading_is_set_aside_and_the_rest_is_read(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, SEGMENT_ROWS);
	struct store_fixture_found found;
	size_t size = size_of("events-000002.db");

	(void)state;
	store_fixture_damage(dir, "events-000002.db", 8L * PAGE_BYTES, size - 8UL * PAGE_BYTES);
	found = store_fixture_find(store, &everything);
	assert_true(found.n >= 2000 && found.n < 3000);
	assert_true(store_fixture_has_file(dir, "events-000002.db.corrupt"));
	assert_int_equal(store_fixture_append(store, AGENT, 3001, 1), 0);
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 2001);
	assert_int_equal(found.n_losses, 1);
}

static void damage_met_while_appending_does_not_stop_the_append(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, SEGMENT_ROWS);
	struct store_fixture_found found;
	size_t size = size_of("events-000002.db");

	(void)state;
	store_fixture_damage(dir, "events-000002.db", PAGE_BYTES, size - PAGE_BYTES);
	/* A repeat: whether it is one stands in the damaged file. */
	assert_int_equal(store_fixture_append(store, AGENT, 1201, 10), 0);
	assert_true(store_fixture_has_file(dir, "events-000002.db.corrupt"));
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 2010);
	assert_int_equal(found.n_losses, 1);
}

static void a_reader_says_what_it_cannot_read_and_changes_nothing(void **state)
{
	_cleanup_(store_freep) struct store *store = NULL;
	struct store_query by_time = {.by_time = true};
	struct store_fixture_found found;

	(void)state;
	store_fixture_damage(dir, "events-000002.db", 0, 512);
	store = store_fixture_open_for_reading(dir);
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 2000);
	assert_int_equal(found.n_losses, 1);
	assert_non_null(strstr(found.last_detail, "events-000002.db"));
	found = store_fixture_find(store, &by_time);
	assert_int_equal(found.n, 2000);
	assert_int_equal(found.n_losses, 1);
	assert_true(store_fixture_has_file(dir, "events-000002.db"));
	/* Who follows the timeline is told once. */
	found = store_fixture_find(store, &(struct store_query){.after_id = SECOND_SEGMENT_ID});
	assert_int_equal(found.n_losses, 0);
}

static void a_segment_cut_to_nothing_is_a_loss_too(void **state)
{
	_cleanup_(store_freep) struct store *store = NULL;
	_cleanup_free_ char *path = NULL;

	(void)state;
	assert_true(asprintf(&path, "%s/events-000003.db", dir) > 0);
	assert_int_equal(truncate(path, 0), 0);
	store = store_fixture_open(dir, SEGMENT_ROWS);
	assert_true(store_fixture_has_file(dir, "events-000003.db.corrupt"));
	assert_int_equal(store_fixture_find(store, &everything).n_losses, 1);
}

static void all_segments_lost_is_a_store_that_goes_on(void **state)
{
	_cleanup_(store_freep) struct store *store = NULL;
	struct store_fixture_found found;

	(void)state;
	store_fixture_damage(dir, "events-000001.db", 0, 512);
	store_fixture_damage(dir, "events-000002.db", 0, 512);
	store_fixture_damage(dir, "events-000003.db", 0, 512);
	store = store_fixture_open(dir, SEGMENT_ROWS);
	assert_int_equal(store_fixture_append(store, AGENT, 3001, 5), 0);
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 5);
	assert_int_equal(found.n_losses, 3);
}

static void damaged_incidents_are_set_aside_and_start_anew(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, SEGMENT_ROWS);
	struct store_fixture_found found;
	uint64_t value;

	(void)state;
	assert_int_equal(store_put_number(store, "correlated_upto", 77), 0);
	store_close(TAKE(store));
	store_fixture_damage(dir, "weir.db", 0, 512);
	store = store_fixture_open(dir, SEGMENT_ROWS);
	assert_true(store_fixture_has_file(dir, "weir.db.corrupt"));
	/* Correlation starts from the first event again. */
	assert_int_equal(store_get_number(store, "correlated_upto", &value), 0);
	found = store_fixture_find(store, &everything);
	assert_int_equal(found.n, 3000);
	assert_int_equal(found.n_losses, 1);
	assert_non_null(strstr(found.last_detail, "weir.db"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, given_three_segments, remove_the_folder)
	const struct CMUnitTest tests[] = {
		TEST(a_damaged_segment_is_set_aside_and_stands_on_the_timeline),
		TEST(a_loss_is_told_once_however_often_the_store_is_opened),
		TEST(damage_in_the_newest_segment_is_found_at_opening),
		TEST(damage_met_while_reading_is_set_aside_and_the_rest_is_read),
		TEST(damage_met_while_appending_does_not_stop_the_append),
		TEST(a_reader_says_what_it_cannot_read_and_changes_nothing),
		TEST(a_segment_cut_to_nothing_is_a_loss_too),
		TEST(all_segments_lost_is_a_store_that_goes_on),
		TEST(damaged_incidents_are_set_aside_and_start_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
