/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/spool/segment.h"

#include <stdbool.h>
#include <string.h>

#include "agent/spool/spool.h"
#include "base/bytes.h"

/* No text of an event can look like a header: one that fits has NUL bytes in its size. */
#define SEGMENT_MAGIC UINT32_C(0xf15c0b57)
#define CHECKED_HEADER_BYTES 20

void segment_write_header(uint8_t header[SEGMENT_HEADER_BYTES], uint64_t seq, const void *data,
			  size_t size)
{
	uint8_t *to = bytes_put32(header, SEGMENT_MAGIC);

	to = bytes_put32(to, (uint32_t)size);
	to = bytes_put64(to, seq);
	to = bytes_put32(to, bytes_checksum(data, size));
	bytes_put32(to, bytes_checksum(header, CHECKED_HEADER_BYTES));
}

/* Whether a whole header stands here and its record fits into the segment. */
static bool header_read(const uint8_t *bytes, size_t size, size_t offset,
			struct segment_record *ret_record)
{
	const uint8_t *header = bytes + offset;
	size_t data_size;

	if (size - offset < SEGMENT_HEADER_BYTES || bytes_get32(header) != SEGMENT_MAGIC)
		return false;
	data_size = bytes_get32(header + 4);
	if (data_size == 0 || data_size > SPOOL_RECORD_MAX_BYTES ||
	    data_size > size - offset - SEGMENT_HEADER_BYTES)
		return false;
	if (bytes_checksum(header, CHECKED_HEADER_BYTES) !=
	    bytes_get32(header + CHECKED_HEADER_BYTES))
		return false;
	ret_record->seq = bytes_get64(header + 8);
	ret_record->data = header + SEGMENT_HEADER_BYTES;
	ret_record->size = data_size;
	ret_record->end = offset + SEGMENT_HEADER_BYTES + data_size;
	return true;
}

/* The next place where a header could begin, or size. */
static size_t magic_find(const uint8_t *bytes, size_t size, size_t offset)
{
	const uint32_t magic = htole32(SEGMENT_MAGIC);
	const uint8_t *found;

	if (offset >= size)
		return size;
	found = memmem(bytes + offset, size - offset, &magic, sizeof(magic));
	return found ? (size_t)(found - bytes) : size;
}

int segment_find(const uint8_t *bytes, size_t size, size_t offset, uint64_t from_seq,
		 uint64_t end_seq, struct segment_record *ret_record)
{
	while (offset < size) {
		struct segment_record record;

		if (!header_read(bytes, size, offset, &record)) {
			offset = magic_find(bytes, size, offset + 1);
			continue;
		}
		if (record.seq >= from_seq && record.seq < end_seq &&
		    bytes_checksum(record.data, record.size) ==
			    bytes_get32(bytes + offset + CHECKED_HEADER_BYTES - 4)) {
			*ret_record = record;
			return 1;
		}
		offset = record.end;
	}
	return 0;
}
