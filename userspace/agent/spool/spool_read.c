/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "agent/spool/segment.h"
#include "agent/spool/spool_private.h"
#include "base/cleanup.h"

/* What a record counts for beyond its data, so that a read of lost records ends, too. */
#define READ_OVERHEAD_BYTES 16

/* One spool_read(): how far it is and how much it may still take. */
struct spool_reading {
	struct spool *spool;
	spool_visit_fn visit;
	void *userdata;
	uint64_t place;
	size_t bytes_left;
};

/* Returns 0 to go on, 1 to stop, -errno. */
static int reading_visit(struct spool_reading *reading, const void *data, size_t size)
{
	struct spool *spool = reading->spool;
	size_t cost = size + READ_OVERHEAD_BYTES;
	int r;

	if (reading->bytes_left == 0)
		return 1;
	r = reading->visit(reading->userdata, reading->place + spool->base, data, size);
	if (r != 0)
		return r;
	if (!data && reading->place > spool->lost_counted_place) {
		spool->lost_counted_place = reading->place;
		spool->counts.lost++;
	}
	reading->place++;
	reading->bytes_left -= cost < reading->bytes_left ? cost : reading->bytes_left;
	return 0;
}

static int reading_visit_lost(struct spool_reading *reading, uint64_t until_place)
{
	while (reading->place < until_place) {
		int r = reading_visit(reading, NULL, 0);

		if (r != 0)
			return r;
	}
	return 0;
}

static int reading_visit_bytes(struct spool_reading *reading, const struct spool_segment *segment,
			       const uint8_t *bytes, size_t size, uint64_t end_place)
{
	struct spool *spool = reading->spool;
	struct segment_record record;
	size_t offset = 0;
	int r;

	if (spool->cursor_segment == segment->first_place && spool->cursor_place == reading->place)
		offset = spool->cursor_offset;
	while (segment_find(bytes, size, offset, reading->place, end_place, &record)) {
		r = reading_visit_lost(reading, record.seq);
		if (r == 0)
			r = reading_visit(reading, record.data, record.size);
		if (r != 0)
			return r;
		offset = record.end;
		spool->cursor_segment = segment->first_place;
		spool->cursor_place = reading->place;
		spool->cursor_offset = offset;
	}
	return reading_visit_lost(reading, end_place);
}

static int reading_visit_segment(struct spool_reading *reading, size_t index)
{
	const struct spool *spool = reading->spool;
	const struct spool_segment *segment = &spool->segments[index];
	bool is_active = index + 1 == spool->n_segments;
	uint64_t end_place = is_active ? spool->synced_place : segment[1].first_place;
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size = 0;
	int r;

	r = spool_files_load(spool, segment, &bytes, &size);
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	/* Any other failure is the disk's: all that the segment held is lost, and said so. */
	if (is_active && size > spool->synced_bytes)
		size = spool->synced_bytes;
	return reading_visit_bytes(reading, segment, bytes, size, end_place);
}

static size_t spool_find_segment(const struct spool *spool, uint64_t place)
{
	size_t low = 0, high = spool->n_segments;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (spool->segments[middle].first_place <= place)
			low = middle;
		else
			high = middle;
	}
	return low;
}

int spool_read(struct spool *spool, uint64_t from_seq, size_t max_bytes, spool_visit_fn visit,
	       void *userdata)
{
	struct spool_reading reading = {
		.spool = spool,
		.visit = visit,
		.userdata = userdata,
		.place = spool->segments[0].first_place,
		.bytes_left = max_bytes,
	};

	if (from_seq >= reading.place + spool->base)
		reading.place = from_seq - spool->base;
	while (reading.bytes_left > 0 && reading.place < spool->synced_place) {
		int r = reading_visit_segment(&reading, spool_find_segment(spool, reading.place));

		if (r != 0)
			return r < 0 ? r : 0;
	}
	return 0;
}
