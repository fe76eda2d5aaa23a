/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "agent/spool/spool.h"
#include "base/cleanup.h"
#include "support/transport_fixture.h"

#define LIMIT_BYTES (1024 * 1024)
#define RECORD_BYTES 100
/* Header and data on the disk. */
#define STORED_BYTES (RECORD_BYTES + 24)

struct reading {
	uint64_t first_seq, next_seq;
	size_t n_good, n_lost, stop_after;
};

static void record_fill(uint8_t record[RECORD_BYTES], uint64_t number)
{
	for (size_t i = 0; i < RECORD_BYTES; i++)
		record[i] = (uint8_t)(number * 31 + i * 7);
	memcpy(record, &number, sizeof(number));
}

/* Every record must be whole: its bytes follow from the number in it. */
static int when_visited(void *userdata, uint64_t seq, const void *data, size_t size)
{
	struct reading *reading = userdata;
	uint8_t expected[RECORD_BYTES];
	uint64_t number;

	if (reading->stop_after && reading->n_good + reading->n_lost == reading->stop_after)
		return 1;
	if (reading->next_seq)
		assert_int_equal(seq, reading->next_seq);
	else
		reading->first_seq = seq;
	reading->next_seq = seq + 1;
	if (!data) {
		reading->n_lost++;
		return 0;
	}
	assert_int_equal(size, RECORD_BYTES);
	memcpy(&number, data, sizeof(number));
	record_fill(expected, number);
	assert_memory_equal(data, expected, RECORD_BYTES);
	reading->n_good++;
	return 0;
}

static struct reading when_read(struct spool *spool, uint64_t from_seq)
{
	struct reading reading = {};

	assert_int_equal(spool_read(spool, from_seq, SIZE_MAX, when_visited, &reading), 0);
	return reading;
}

static int append(struct spool *spool, uint64_t number, uint64_t *ret_seq)
{
	uint8_t record[RECORD_BYTES];

	record_fill(record, number);
	return spool_append(spool, record, sizeof(record), ret_seq);
}

static void given_records(struct spool *spool, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(append(spool, i, NULL), 0);
	assert_int_equal(spool_sync(spool), 0);
}

static struct spool *given_spool(const char *dir, uint64_t limit_bytes)
{
	struct spool *spool;

	assert_int_equal(spool_open(dir, limit_bytes, &spool), 0);
	return spool;
}

static struct spool_counts counts_of(const struct spool *spool)
{
	struct spool_counts counts;

	spool_count(spool, &counts);
	return counts;
}

static void segment_path(char path[512], const char *dir, uint64_t first)
{
	snprintf(path, 512, "%s/%020" PRIu64 ".seg", dir, first);
}

static bool segment_exists(const char *dir, uint64_t first)
{
	char path[512];

	segment_path(path, dir, first);
	return access(path, F_OK) == 0;
}

static void given_damage(const char *dir, uint64_t segment, off_t offset, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[512];

	segment_path(path, dir, segment);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < size; i++) {
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, offset + (off_t)i), 1);
		byte ^= 0xa5;
		assert_int_equal(pwrite(fd, &byte, 1, offset + (off_t)i), 1);
	}
}

static void given_file_cut(const char *dir, uint64_t segment, off_t bytes_from_end)
{
	struct stat status;
	char path[512];

	segment_path(path, dir, segment);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(truncate(path, status.st_size - bytes_from_end), 0);
}

static void a_record_can_be_read_once_it_is_synced(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES);
	uint64_t seq;

	assert_int_equal(append(spool, 7, &seq), 0);
	assert_int_equal(seq, 1);
	assert_int_equal(when_read(spool, 1).n_good, 0);
	assert_int_equal(spool_sync(spool), 0);
	assert_int_equal(when_read(spool, 1).n_good, 1);
	assert_int_equal(spool_next_seq(spool), 2);
	spool_close(spool);
}

static void reading_goes_on_where_it_stopped(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES);
	struct reading reading = {.stop_after = 3};

	given_records(spool, 5000);
	assert_int_equal(spool_read(spool, 1, SIZE_MAX, when_visited, &reading), 0);
	assert_int_equal(reading.next_seq, 4);
	reading.stop_after = 0;
	while (reading.next_seq <= 5000)
		assert_int_equal(spool_read(spool, reading.next_seq, 1000, when_visited, &reading),
				 0);
	assert_int_equal(reading.n_good, 5000);
	assert_int_equal(reading.n_lost, 0);
	spool_close(spool);
}

/* The child says over the pipe what was synced, then is killed in the middle of its work. */
static void write_until_killed(const char *dir, int fd)
{
	struct spool *spool;

	if (spool_open(dir, SPOOL_LIMIT_DEFAULT_BYTES, &spool) < 0)
		_exit(1);
	for (uint64_t seq = 0, number = 0;; number++) {
		uint8_t record[RECORD_BYTES];

		record_fill(record, number);
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

	for (int round = 0; round < 5; round++) {
		struct reading reading;
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

		spool = given_spool(*state, SPOOL_LIMIT_DEFAULT_BYTES);
		reading = when_read(spool, 1);
		assert_int_equal(reading.first_seq, 1);
		assert_true(reading.next_seq > synced);
		assert_int_equal(reading.n_lost, 0);
		spool_close(spool);
	}
}

static void a_torn_tail_is_cut_and_its_seq_is_lost_not_reused(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES);
	struct reading reading;

	given_records(spool, 10);
	spool_close(spool);
	given_file_cut(*state, 1, 30);

	spool = given_spool(*state, LIMIT_BYTES);
	assert_int_equal(counts_of(spool).torn_bytes, STORED_BYTES - 30);
	assert_int_equal(spool_next_seq(spool), 11);
	given_records(spool, 5);
	reading = when_read(spool, 1);
	assert_int_equal(reading.n_good, 14);
	assert_int_equal(reading.n_lost, 1);
	assert_int_equal(reading.next_seq, 16);
	assert_int_equal(counts_of(spool).lost, 1);
	spool_close(spool);
}

static void a_corrupt_middle_is_handed_out_as_lost(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES);
	struct reading reading;

	given_records(spool, 1000);
	/* The data of one, the header of another, and all of three neighbours and a bit. */
	given_damage(*state, 1, 10 * STORED_BYTES + 50, 1);
	given_damage(*state, 1, 20 * STORED_BYTES + 5, 1);
	given_damage(*state, 1, 30 * STORED_BYTES + 1, 3 * STORED_BYTES);

	reading = when_read(spool, 1);
	assert_int_equal(reading.n_lost, 1 + 1 + 4);
	assert_int_equal(reading.n_good, 1000 - 6);
	assert_int_equal(reading.next_seq, 1001);
	reading = when_read(spool, 1);
	assert_int_equal(reading.n_lost, 6);
	assert_int_equal(counts_of(spool).lost, 6);
	spool_close(spool);

	spool = given_spool(*state, LIMIT_BYTES);
	assert_int_equal(when_read(spool, 1).n_good, 1000 - 6);
	assert_int_equal(spool_next_seq(spool), 1001);
	spool_close(spool);
}

static void a_segment_that_is_gone_is_lost_from_end_to_end(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES);
	const uint64_t per_segment = LIMIT_BYTES / 8 / STORED_BYTES;
	struct reading reading;
	char path[512];

	given_records(spool, per_segment * 3);
	spool_close(spool);
	segment_path(path, *state, per_segment + 1);
	assert_int_equal(unlink(path), 0);

	spool = given_spool(*state, LIMIT_BYTES);
	reading = when_read(spool, 1);
	assert_int_equal(reading.n_lost, per_segment);
	assert_int_equal(reading.n_good, per_segment * 2);
	spool_close(spool);
}

static void at_the_limit_nothing_is_overwritten_until_an_ack_makes_room(void **state)
{
	struct spool *spool = given_spool(*state, 32 * 1024);
	uint64_t n = 0;

	while (append(spool, n, NULL) == 0)
		n++;
	assert_int_equal(append(spool, n, NULL), -ENOSPC);
	assert_int_equal(spool_sync(spool), 0);
	assert_int_equal(counts_of(spool).dropped, 2);
	assert_true(counts_of(spool).bytes <= 32 * 1024);
	assert_int_equal(when_read(spool, 1).n_good, n);

	assert_int_equal(spool_ack(spool, n), 0);
	assert_int_equal(counts_of(spool).bytes, 0);
	given_records(spool, 10);
	assert_int_equal(when_read(spool, n + 1).n_good, 10);
	spool_close(spool);
}

static void a_full_disk_is_an_error_and_no_damage(void **state)
{
	_cleanup_free_ char *disk = NULL;
	struct spool *spool;
	struct reading reading;
	uint64_t n = 0;

	assert_true(asprintf(&disk, "%s/disk", (char *)*state) > 0);
	if (!transport_mount_small_disk(disk, 256))
		skip();
	spool = given_spool(disk, LIMIT_BYTES);
	given_records(spool, 100);
	transport_fill_disk(disk);
	while (append(spool, 100 + n, NULL) == 0)
		n++;
	assert_int_equal(append(spool, 100 + n, NULL), -ENOSPC);
	assert_int_equal(spool_sync(spool), 0);
	assert_int_equal(counts_of(spool).dropped, 2);
	assert_int_equal(when_read(spool, 1).n_good, 100 + n);

	transport_free_disk(disk);
	given_records(spool, 100);
	spool_close(spool);
	spool = given_spool(disk, LIMIT_BYTES);
	assert_int_equal(counts_of(spool).torn_bytes, 0);
	reading = when_read(spool, 1);
	assert_int_equal(reading.n_good, 200 + n);
	assert_int_equal(reading.n_lost, 0);
	spool_close(spool);
	transport_unmount(disk);
}

static void acked_segments_are_deleted_and_the_seq_goes_on_after_a_restart(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES);

	given_records(spool, 5000);
	assert_true(segment_exists(*state, 1));
	assert_int_equal(spool_ack(spool, 5001), -EINVAL);
	assert_int_equal(spool_ack(spool, 2500), 0);
	assert_false(segment_exists(*state, 1));
	assert_int_equal(counts_of(spool).first_seq, 2501);
	assert_int_equal(when_read(spool, 2501).n_good, 2500);
	assert_int_equal(spool_ack(spool, 5000), 0);
	assert_int_equal(counts_of(spool).first_seq, 5001);
	spool_close(spool);

	spool = given_spool(*state, LIMIT_BYTES);
	assert_int_equal(spool_next_seq(spool), 5001);
	spool_close(spool);
}

static void a_second_process_is_kept_out(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES), *second = NULL;

	assert_int_equal(spool_open(*state, LIMIT_BYTES, &second), -EBUSY);
	assert_null(second);
	spool_close(spool);
}

static void a_new_spool_is_numbered_behind_what_the_collector_holds(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES);
	struct reading reading;

	given_records(spool, 10);
	assert_int_equal(spool_settle(spool, 700), 0);
	reading = when_read(spool, 701);
	assert_int_equal(reading.first_seq, 701);
	assert_int_equal(reading.n_good, 10);
	assert_int_equal(spool_ack(spool, 705), 0);
	spool_close(spool);

	spool = given_spool(*state, LIMIT_BYTES);
	assert_int_equal(spool_next_seq(spool), 711);
	/* Settled once: a collector that knows less or the same changes nothing. */
	assert_int_equal(spool_settle(spool, 705), 0);
	assert_int_equal(spool_next_seq(spool), 711);
	spool_close(spool);
}

static void an_old_copy_of_a_spool_is_numbered_anew(void **state)
{
	struct spool *spool = given_spool(*state, LIMIT_BYTES);
	struct reading reading;

	assert_int_equal(spool_settle(spool, 0), 0);
	given_records(spool, 10);
	assert_int_equal(spool_settle(spool, 10), 0);
	assert_int_equal(spool_next_seq(spool), 11);
	assert_int_equal(spool_settle(spool, 5000), 0);
	reading = when_read(spool, 5001);
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
	spool = given_spool(*state, LIMIT_BYTES);
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
		STORY(unacked_records_survive_a_crash),
		STORY(a_torn_tail_is_cut_and_its_seq_is_lost_not_reused),
		STORY(a_corrupt_middle_is_handed_out_as_lost),
		STORY(a_segment_that_is_gone_is_lost_from_end_to_end),
		STORY(at_the_limit_nothing_is_overwritten_until_an_ack_makes_room),
		STORY(a_full_disk_is_an_error_and_no_damage),
		STORY(acked_segments_are_deleted_and_the_seq_goes_on_after_a_restart),
		STORY(a_second_process_is_kept_out),
		STORY(a_new_spool_is_numbered_behind_what_the_collector_holds),
		STORY(an_old_copy_of_a_spool_is_numbered_anew),
		STORY(sizes_out_of_bounds_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
