/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as the last segment of a spool: it opens, every seq before the next one is handed out
 * once and in order, and it takes records again. The first byte, when odd, makes the rest the data
 * of good records with one byte damaged, so that checksums do not keep the fuzzer out. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool/segment.h"
#include "agent/spool/spool.h"

#define RECORD_BYTES 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void write_good_records(int fd, const uint8_t *data, size_t size)
{
	size_t damage_at = data[0];
	uint64_t seq = 1;

	for (size_t i = 1; i < size; i += RECORD_BYTES) {
		uint8_t record[SEGMENT_HEADER_BYTES + RECORD_BYTES];
		size_t n = size - i < RECORD_BYTES ? size - i : RECORD_BYTES;

		segment_write_header(record, seq++, data + i, n);
		memcpy(record + SEGMENT_HEADER_BYTES, data + i, n);
		if (damage_at < SEGMENT_HEADER_BYTES + n)
			record[damage_at] ^= data[0];
		damage_at -= damage_at < n ? damage_at : n;
		require(write(fd, record, SEGMENT_HEADER_BYTES + n) > 0);
	}
}

static int check_order(void *userdata, uint64_t seq, const void *data, size_t size)
{
	uint64_t *next_seq = userdata;

	require(seq == *next_seq && (data != NULL) == (size > 0));
	return ++*next_seq > 100000 ? 1 : 0;
}

static void use_spool(const char *dir)
{
	struct spool *spool;
	uint64_t next_seq = 1, seq, end;

	require(spool_open(dir, SPOOL_LIMIT_DEFAULT_BYTES, &spool) == 0);
	end = spool_next_seq(spool);
	require(spool_read(spool, 1, SIZE_MAX, check_order, &next_seq) == 0);
	require(next_seq > 100000 || next_seq == end);
	require(spool_append(spool, "new", 3, &seq) == 0 && seq == end);
	require(spool_sync(spool) == 0 && spool_ack(spool, seq) == 0);
	spool_close(spool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[64], segment[128], path[128];
	int fd;

	if (size == 0)
		return 0;
	/* /dev/shm: what is fuzzed is the reading, not the disk. */
	snprintf(dir, sizeof(dir), "/dev/shm/weir-spool-fuzz-%d", (int)getpid());
	require(mkdir(dir, 0700) == 0);
	snprintf(segment, sizeof(segment), "%s/%020d.seg", dir, 1);
	fd = open(segment, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	require(fd >= 0);
	if (data[0] & 1)
		write_good_records(fd, data, size);
	else
		require(write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
	close(fd);
	use_spool(dir);
	unlink(segment);
	snprintf(path, sizeof(path), "%s/lock", dir);
	unlink(path);
	require(rmdir(dir) == 0);
	return 0;
}
