/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as a record of labelled files: what is read is whole, counted, and reads back the same.
 * The first byte, when odd, has a good header put in front of the rest, so that its checksum does
 * not keep the fuzzer out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "agent/labels/record.h"

#define FRAME_HEAD_BYTES 4
#define FRAME_BYTES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void write_checksum(uint8_t *data, size_t size)
{
	uint32_t sum = (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, size);

	memcpy(data + size, &sum, sizeof(sum));
}

/* Header and frames as they came, their checksums made good. */
static void make_whole(uint8_t *data, size_t size)
{
	static const uint32_t head[] = {0x464c5257, RECORD_VERSION};
	size_t at = RECORD_HEADER_BYTES, payload;

	memcpy(data, head, sizeof(head));
	data[13] &= 0xf;
	data[14] = data[15] = 0;
	write_checksum(data, RECORD_HEADER_BYTES - sizeof(uint32_t));
	for (; at + FRAME_BYTES <= size; at += FRAME_BYTES + payload) {
		payload = data[at + 2] | (size_t)data[at + 3] << 8;
		if (at + FRAME_BYTES + payload > size)
			return;
		write_checksum(data + at, FRAME_HEAD_BYTES + payload);
	}
}

static void check(const struct record *record, uint64_t lost)
{
	struct record again;
	uint64_t lost_again;
	uint8_t *data;
	size_t size;

	for (size_t i = 0; i < record->n_files; i++) {
		require(record->files[i].file_system < record->n_file_systems);
		require(record->files[i].labels != 0);
	}
	require(lost <= UINT32_MAX);
	require(record_encode(record, &data, &size) == 0);
	require(record_decode(data, size, &again, &lost_again) == 0);
	require(lost_again == 0 && again.n_files == record->n_files);
	if (record->n_files > 0)
		require(memcmp(&again.files[0].ino, &record->files[0].ino, 8) == 0);
	record_done(&again);
	free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record record;
	uint8_t *copy;
	uint64_t lost;

	if (size < 1 + RECORD_HEADER_BYTES)
		return 0;
	copy = malloc(size - 1);
	require(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		make_whole(copy, size - 1);
	if (record_decode(copy, size - 1, &record, &lost) == 0) {
		check(&record, lost);
		record_done(&record);
	}
	free(copy);
	return 0;
}
