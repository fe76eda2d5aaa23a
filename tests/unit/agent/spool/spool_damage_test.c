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

/* The child says over the pipe what was synced, then is killed in the middle of its work. */
static void write_until_killed(const char *dir, int fd)
{
	struct spool *spool;

	if (spool_open(dir, SPOOL_LIMIT_DEFAULT_BYTES, &spool) < 0)
		_exit(1);
	for (uint64_t seq = 0, number = 0;; number++) {
		uint8_t record[SPOOL_FIXTURE_BYTES];

		spool_fixture_fill(record, number);
		if (spool_append(spool, record, sizeof(record), &seq) < 0)
			_exit(2);
		if (number % 10 == 9 &&
		    (spool_sync(spool) < 0 || write(fd, &seq, sizeof(seq)) != sizeof(seq)))
			_exit(3);
	}
}

static void unacked_records_survive_a_crash(void **state)
{
	uint64_t synced = 0;
	size_t torn = 0;

	for (int round = 0; round < 5; round++) {
		struct spool_reading reading;
		struct spool *spool;
		int fds[2], status;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			write_until_killed(*state, fds[1]);
		close(fds[1]);
		for (int i = 0; i < 20 + round; i++)
			assert_int_equal(read(fds[0], &synced, sizeof(synced)), sizeof(synced));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		while (read(fds[0], &synced, sizeof(synced)) == sizeof(synced))
			;
		close(fds[0]);

		spool = spool_fixture_open(*state, SPOOL_LIMIT_DEFAULT_BYTES);
		reading = spool_fixture_read(spool, 1);
		assert_int_equal(reading.first_seq, 1);
		assert_true(reading.next_seq > synced);
		/* The kill can tear the very record that was being written, never a synced one. */
		torn += spool_fixture_count(spool).torn_bytes > 0;
		assert_in_range(reading.n_lost, 0, torn);
		spool_close(spool);
	}
}

static void a_torn_tail_is_cut_and_its_seq_is_lost_not_reused(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES);
	struct spool_reading reading;

	spool_fixture_append_many(spool, 10);
	spool_close(spool);
	spool_fixture_cut(*state, 1, 30);

	spool = spool_fixture_open(*state, LIMIT_BYTES);
	assert_int_equal(spool_fixture_count(spool).torn_bytes, SPOOL_FIXTURE_STORED_BYTES - 30);
	assert_int_equal(spool_next_seq(spool), 11);
	spool_fixture_append_many(spool, 5);
	reading = spool_fixture_read(spool, 1);
	assert_int_equal(reading.n_good, 14);
	assert_int_equal(reading.n_lost, 1);
	assert_int_equal(reading.next_seq, 16);
	assert_int_equal(spool_fixture_count(spool).lost, 1);
	spool_close(spool);
}

static void a_corrupt_middle_is_handed_out_as_lost(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES);
	struct spool_reading reading;

	spool_fixture_append_many(spool, 1000);
	/* The data of one, the header of another, and all of three neighbours and a bit. */
	spool_fixture_damage(*state, 1, 10 * SPOOL_FIXTURE_STORED_BYTES + 50, 1);
	spool_fixture_damage(*state, 1, 20 * SPOOL_FIXTURE_STORED_BYTES + 5, 1);
	spool_fixture_damage(*state, 1, 30 * SPOOL_FIXTURE_STORED_BYTES + 1,
			     3 * SPOOL_FIXTURE_STORED_BYTES);

	reading = spool_fixture_read(spool, 1);
	assert_int_equal(reading.n_lost, 1 + 1 + 4);
	assert_int_equal(reading.n_good, 1000 - 6);
	assert_int_equal(reading.next_seq, 1001);
	reading = spool_fixture_read(spool, 1);
	assert_int_equal(reading.n_lost, 6);
	assert_int_equal(spool_fixture_count(spool).lost, 6);
	spool_close(spool);

	spool = spool_fixture_open(*state, LIMIT_BYTES);
	assert_int_equal(spool_fixture_read(spool, 1).n_good, 1000 - 6);
	assert_int_equal(spool_next_seq(spool), 1001);
	spool_close(spool);
}

static void a_segment_that_is_gone_is_lost_from_end_to_end(void **state)
{
	struct spool *spool = spool_fixture_open(*state, LIMIT_BYTES);
	const uint64_t per_segment = LIMIT_BYTES / 8 / SPOOL_FIXTURE_STORED_BYTES;
	struct spool_reading reading;
	char path[512];

	spool_fixture_append_many(spool, per_segment * 3);
	spool_close(spool);
	spool_fixture_segment_path(path, *state, per_segment + 1);
	assert_int_equal(unlink(path), 0);

	spool = spool_fixture_open(*state, LIMIT_BYTES);
	reading = spool_fixture_read(spool, 1);
	assert_int_equal(reading.n_lost, per_segment);
	assert_int_equal(reading.n_good, per_segment * 2);
	spool_close(spool);
}

static void a_full_disk_is_an_error_and_no_damage(void **state)
{
	_cleanup_free_ char *disk = NULL;
	struct spool *spool;
	struct spool_reading reading;
	uint64_t n = 0;

	assert_true(asprintf(&disk, "%s/disk", (char *)*state) > 0);
	if (!transport_mount_small_disk(disk, 256))
		skip();
	spool = spool_fixture_open(disk, LIMIT_BYTES);
	spool_fixture_append_many(spool, 100);
	transport_fill_disk(disk);
	while (spool_fixture_append(spool, 100 + n, NULL) == 0)
		n++;
	assert_int_equal(spool_fixture_append(spool, 100 + n, NULL), -ENOSPC);
	assert_int_equal(spool_sync(spool), 0);
	assert_int_equal(spool_fixture_count(spool).dropped, 2);
	assert_int_equal(spool_fixture_read(spool, 1).n_good, 100 + n);

	transport_free_disk(disk);
	spool_fixture_append_many(spool, 100);
	spool_close(spool);
	spool = spool_fixture_open(disk, LIMIT_BYTES);
	assert_int_equal(spool_fixture_count(spool).torn_bytes, 0);
	reading = spool_fixture_read(spool, 1);
	assert_int_equal(reading.n_good, 200 + n);
	assert_int_equal(reading.n_lost, 0);
	spool_close(spool);
	transport_unmount(disk);
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
		STORY(unacked_records_survive_a_crash),
		STORY(a_torn_tail_is_cut_and_its_seq_is_lost_not_reused),
		STORY(a_corrupt_middle_is_handed_out_as_lost),
		STORY(a_segment_that_is_gone_is_lost_from_end_to_end),
		STORY(a_full_disk_is_an_error_and_no_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
