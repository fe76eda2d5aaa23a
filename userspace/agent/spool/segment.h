/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SPOOL_SEGMENT_H
#define WEIR_AGENT_SPOOL_SEGMENT_H

/*
 * The records inside one segment file, as bytes. A record that is damaged is
 * passed over and the next good one is found again: headers and data have
 * checksums of their own, so a flipped bit costs one record. Works on any
 * bytes whatever and is fuzzed.
 *
 * A record, little endian: u32 magic, u32 size, u64 seq, u32 CRC32 of the data,
 * u32 CRC32 of the 20 bytes before it, the data.
 */

#include <stddef.h>
#include <stdint.h>

#define SEGMENT_HEADER_BYTES 24

struct segment_record {
	uint64_t seq;
	const uint8_t *data; /* points into the segment */
	size_t size;
	size_t end; /* offset behind the record */
};

/* The header of a record; the data follows it in the file. size is at most SPOOL_RECORD_MAX_BYTES.
 */
void segment_write_header(uint8_t header[SEGMENT_HEADER_BYTES], uint64_t seq, const void *data,
			  size_t size);

/*
 * The first undamaged record at or behind offset whose seq is in [from_seq,
 * end_seq). Returns 1 with it, or 0 when there is none.
 */
int segment_find(const uint8_t *bytes, size_t size, size_t offset, uint64_t from_seq,
		 uint64_t end_seq, struct segment_record *ret_record);

#endif
