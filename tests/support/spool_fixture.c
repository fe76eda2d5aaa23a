/* SPDX-License-Identifier: GPL-2.0-only */
#include "spool_fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"

void spool_fixture_fill(uint8_t record[SPOOL_FIXTURE_BYTES], uint64_t number)
{
	for (size_t i = 0; i < SPOOL_FIXTURE_BYTES; i++)
		record[i] = (uint8_t)(number * 31 + i * 7);
	memcpy(record, &number, sizeof(number));
}

/* Every record must be whole: its bytes follow from the number in it. */
int spool_fixture_visit(void *userdata, uint64_t seq, const void *data, size_t size)
{
	struct spool_reading *reading = userdata;
	uint8_t expected[SPOOL_FIXTURE_BYTES];
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
	assert_int_equal(size, SPOOL_FIXTURE_BYTES);
	memcpy(&number, data, sizeof(number));
	spool_fixture_fill(expected, number);
	assert_memory_equal(data, expected, SPOOL_FIXTURE_BYTES);
	reading->n_good++;
	return 0;
}

struct spool_reading spool_fixture_read(struct spool *spool, uint64_t from_seq)
{
	struct spool_reading reading = {};

	assert_int_equal(spool_read(spool, from_seq, SIZE_MAX, spool_fixture_visit, &reading), 0);
	return reading;
}

int spool_fixture_append(struct spool *spool, uint64_t number, uint64_t *ret_seq)
{
	uint8_t record[SPOOL_FIXTURE_BYTES];

	spool_fixture_fill(record, number);
	return spool_append(spool, record, sizeof(record), ret_seq);
}

void spool_fixture_append_many(struct spool *spool, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(spool_fixture_append(spool, i, NULL), 0);
	assert_int_equal(spool_sync(spool), 0);
}

struct spool *spool_fixture_open(const char *dir, uint64_t limit_bytes)
{
	struct spool *spool;

	assert_int_equal(spool_open(dir, limit_bytes, &spool), 0);
	return spool;
}

struct spool_counts spool_fixture_count(const struct spool *spool)
{
	struct spool_counts counts;

	spool_count(spool, &counts);
	return counts;
}

void spool_fixture_segment_path(char path[512], const char *dir, uint64_t first)
{
	snprintf(path, 512, "%s/%020" PRIu64 ".seg", dir, first);
}

bool spool_fixture_has_segment(const char *dir, uint64_t first)
{
	char path[512];

	spool_fixture_segment_path(path, dir, first);
	return access(path, F_OK) == 0;
}

void spool_fixture_damage(const char *dir, uint64_t segment, off_t offset, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[512];

	spool_fixture_segment_path(path, dir, segment);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < size; i++) {
		uint8_t byte;

		assert_int_equal(pread(fd, &byte, 1, offset + (off_t)i), 1);
		byte ^= 0xa5;
		assert_int_equal(pwrite(fd, &byte, 1, offset + (off_t)i), 1);
	}
}

void spool_fixture_cut(const char *dir, uint64_t segment, off_t bytes_from_end)
{
	struct stat status;
	char path[512];

	spool_fixture_segment_path(path, dir, segment);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(truncate(path, status.st_size - bytes_from_end), 0);
}
