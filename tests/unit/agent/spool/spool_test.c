/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "support/spool_fixture.h"
#include "support/transport_fixture.h"

#define LIMIT_BYTES (1024 * 1024)

static void a_record_can_be_read_once_it_is_synced(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES);
	uint64_t seq;

	assert_int_equal(spool_fixture_append(spool, 7, &seq), 0);
	assert_int_equal(seq, 1);
	assert_int_equal(spool_fixture_read(spool, 1).n_good, 0);
	assert_int_equal(spool_sync(spool), 0);
	assert_int_equal(spool_fixture_read(spool, 1).n_good, 1);
	assert_int_equal(spool_next_seq(spool), 2);
	spool_close(spool);
}

static void reading_goes_on_where_it_stopped(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES);
	struct spool_reading reading = {.stop_after = 3};

	spool_fixture_append_many(spool, 5000);
	assert_int_equal(spool_read(spool, 1, SIZE_MAX, spool_fixture_visit, &reading), 0);
	assert_int_equal(reading.next_seq, 4);
	reading.stop_after = 0;
	while (reading.next_seq <= 5000)
		assert_int_equal(
			spool_read(spool, reading.next_seq, 1000, spool_fixture_visit, &reading),
			0);
	assert_int_equal(reading.n_good, 5000);
	assert_int_equal(reading.n_lost, 0);
	spool_close(spool);
}

static void at_the_limit_nothing_is_overwritten_until_an_ack_makes_room(void **state)
{
	struct spool *spool = spool_fixture_open(*state, 32 * 1024);
	uint64_t n = 0;

	while (spool_fixture_append(spool, n, NULL) == 0)
		n++;
	assert_int_equal(spool_fixture_append(spool, n, NULL), -ENOSPC);
	assert_int_equal(spool_sync(spool), 0);
	assert_int_equal(spool_fixture_count(spool).dropped, 2);
	assert_true(spool_fixture_count(spool).bytes <= 32 * 1024);
	assert_int_equal(spool_fixture_read(spool, 1).n_good, n);

	assert_int_equal(spool_ack(spool, n), 0);
	assert_int_equal(spool_fixture_count(spool).bytes, 0);
	spool_fixture_append_many(spool, 10);
	assert_int_equal(spool_fixture_read(spool, n + 1).n_good, 10);
	spool_close(spool);
}

static void acked_segments_are_deleted_and_the_seq_goes_on_after_a_restart(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES);

	spool_fixture_append_many(spool, 5000);
	assert_true(spool_fixture_has_segment(*state, 1));
	assert_int_equal(spool_ack(spool, 5001), -EINVAL);
	assert_int_equal(spool_ack(spool, 2500), 0);
	assert_false(spool_fixture_has_segment(*state, 1));
	assert_int_equal(spool_fixture_count(spool).first_seq, 2501);
	assert_int_equal(spool_fixture_read(spool, 2501).n_good, 2500);
	assert_int_equal(spool_ack(spool, 5000), 0);
	assert_int_equal(spool_fixture_count(spool).first_seq, 5001);
	spool_close(spool);

	spool = spool_fixture_open(*state, LIMIT_BYTES);
	assert_int_equal(spool_next_seq(spool), 5001);
	spool_close(spool);
}

static void a_second_process_is_kept_out(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES), *second = NULL;

	assert_int_equal(spool_open(*state, LIMIT_BYTES, &second), -EBUSY);
	assert_null(second);
	spool_close(spool);
}

static void a_new_spool_is_numbered_behind_what_the_collector_holds(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES);
	struct spool_reading reading;

	spool_fixture_append_many(spool, 10);
	assert_int_equal(spool_settle(spool, 700), 0);
	reading = spool_fixture_read(spool, 701);
	assert_int_equal(reading.first_seq, 701);
	assert_int_equal(reading.n_good, 10);
	assert_int_equal(spool_ack(spool, 705), 0);
	spool_close(spool);

	spool = spool_fixture_open(*state, LIMIT_BYTES);
	assert_int_equal(spool_next_seq(spool), 711);
	/* Settled once: a collector that knows less or the same changes nothing. */
	assert_int_equal(spool_settle(spool, 705), 0);
	assert_int_equal(spool_next_seq(spool), 711);
	spool_close(spool);
}

static void an_old_copy_of_a_spool_is_numbered_anew(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES);
	struct spool_reading reading;

	assert_int_equal(spool_settle(spool, 0), 0);
	spool_fixture_append_many(spool, 10);
	assert_int_equal(spool_settle(spool, 10), 0);
	assert_int_equal(spool_next_seq(spool), 11);
	assert_int_equal(spool_settle(spool, 5000), 0);
	reading = spool_fixture_read(spool, 5001);
	assert_int_equal(reading.first_seq, 5001);
	assert_int_equal(reading.n_good, 10);
	spool_close(spool);
}

static void sizes_out_of_bounds_are_refused(void **state)
{
	_cleanup_free_ uint8_t *big = calloc(1, SPOOL_RECORD_MAX_BYTES + 1);
	struct spool *spool = NULL;

	assert_non_null(big);
	assert_int_equal(spool_open(*state, 1024, &spool), -EINVAL);
	spool = spool_fixture_open(*state, LIMIT_BYTES);
	assert_int_equal(spool_append(spool, big, 0, NULL), -EINVAL);
	assert_int_equal(spool_append(spool, big, SPOOL_RECORD_MAX_BYTES + 1, NULL), -EMSGSIZE);
	assert_int_equal(spool_append(spool, big, SPOOL_RECORD_MAX_BYTES, NULL), 0);
	assert_int_equal(spool_next_seq(spool), 2);
	spool_close(spool);
}

static int set_up(void **state)
{
	*state = transport_make_dir();
	return 0;
}

static int tear_down(void **state)
{
	transport_remove_dir(*state);
	return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_record_can_be_read_once_it_is_synced),
		STORY(reading_goes_on_where_it_stopped),
		STORY(at_the_limit_nothing_is_overwritten_until_an_ack_makes_room),
		STORY(acked_segments_are_deleted_and_the_seq_goes_on_after_a_restart),
		STORY(a_second_process_is_kept_out),
		STORY(a_new_spool_is_numbered_behind_what_the_collector_holds),
		STORY(an_old_copy_of_a_spool_is_numbered_anew),
		STORY(sizes_out_of_bounds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
