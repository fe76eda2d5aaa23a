/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_zip.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "agent/scan/scan_obstacle.h"
#include "base/bytes.h"

#define END_MAGIC 0x06054b50
#define END_BYTES 22
#define END_MAX_COMMENT 65535
#define CENTRAL_MAGIC 0x02014b50
#define CENTRAL_BYTES 46
#define LOCAL_MAGIC 0x04034b50
#define LOCAL_BYTES 30
#define TAIL_CHUNK_BYTES 4096
#define ZIP64 0xffffffff
#define ZIP64_END_BYTES 76  /* with its locator; it may stand there for nothing */
#define HAS_DESCRIPTOR 8    /* in an entry's flags: sizes stand once more behind its data */
#define DESCRIPTOR_BYTES 24 /* at most */

struct directory {
	uint64_t offset, end;
	uint64_t behind; /* the record that tells of it */
	unsigned int n_entries;
};

/* Bytes of the entries, so that what belongs to none of them is seen. */
struct extent {
	uint64_t bytes, may_be_more;
};

/* False when not all of it is there. */
static bool read_at(const struct scan_stretch *file, uint64_t offset, void *data, size_t size)
{
	uint8_t *to = data;

	if (offset > file->size || size > file->size - offset)
		return false;
	while (size > 0) {
		ssize_t n = pread(file->fd, to, size, (off_t)(file->offset + offset));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		to += n;
		offset += (size_t)n;
		size -= (size_t)n;
	}
	return true;
}

static uint32_t read_end(const struct scan_stretch *file, uint64_t at, const uint8_t *end,
			 struct directory *ret_directory)
{
	uint64_t size = bytes_get32(end + 12), offset = bytes_get32(end + 16);

	if (size == ZIP64 || offset == ZIP64 || bytes_get16(end + 10) == UINT16_MAX)
		return SCAN_UNKNOWN_METHOD;
	/* Parts on other disks; and a directory lies before its end. */
	if (bytes_get16(end + 4) != 0 || bytes_get16(end + 8) != bytes_get16(end + 10) ||
	    offset + size > at || at > file->size)
		return SCAN_DAMAGED;
	if (at != offset + size && at != offset + size + ZIP64_END_BYTES)
		return SCAN_DAMAGED;
	*ret_directory = (struct directory){.offset = offset,
					    .end = offset + size,
					    .behind = at + END_BYTES,
					    .n_entries = bytes_get16(end + 10)};
	return 0;
}

/* The record at the end stands before a comment of any length: looked for from behind. */
static uint32_t find_directory(const struct scan_stretch *file, struct directory *ret_directory)
{
	uint8_t chunk[TAIL_CHUNK_BYTES + END_BYTES];
	uint64_t lowest = file->size > END_BYTES + END_MAX_COMMENT
				  ? file->size - END_BYTES - END_MAX_COMMENT
				  : 0;
	uint64_t top = file->size;

	if (file->size < END_BYTES)
		return SCAN_DAMAGED;
	while (top >= END_BYTES + lowest) {
		uint64_t from = top > sizeof(chunk) + lowest ? top - sizeof(chunk) : lowest;
		size_t size = (size_t)(top - from);

		if (!read_at(file, from, chunk, size))
			return SCAN_DAMAGED;
		for (size_t at = size - END_BYTES + 1; at-- > 0;)
			if (bytes_get32(chunk + at) == END_MAGIC &&
			    from + at + END_BYTES + bytes_get16(chunk + at + 20) <= file->size)
				return read_end(file, from + at, chunk + at, ret_directory);
		if (from == lowest)
			break;
		/* A record may lie across the border of two chunks. */
		top = from + END_BYTES - 1;
	}
	return SCAN_DAMAGED;
}

/* Name and extra field stand twice, and their lengths may differ: the data is behind the local
 * ones. */
static bool find_data(const struct scan_stretch *file, uint64_t local, uint64_t size,
		      struct scan_stretch *ret_data)
{
	uint8_t head[LOCAL_BYTES];
	uint64_t offset;

	if (!read_at(file, local, head, sizeof(head)) || bytes_get32(head) != LOCAL_MAGIC)
		return false;
	offset = local + LOCAL_BYTES + bytes_get16(head + 26) + bytes_get16(head + 28);
	if (offset > file->size || size > file->size - offset)
		return false;
	*ret_data = (struct scan_stretch){
		.fd = file->fd, .offset = file->offset + offset, .size = size};
	return true;
}

/* Reads the entry at *at and moves on behind it. */
static uint32_t read_entry(const struct scan_stretch *file, const struct directory *directory,
			   uint64_t *at, struct extent *extent, struct scan_zip_entry *ret_entry)
{
	struct scan_zip_entry entry = {};
	uint8_t head[CENTRAL_BYTES];
	uint64_t packed, next;
	size_t n_name, n_cut;

	if (*at + CENTRAL_BYTES > directory->end || !read_at(file, *at, head, sizeof(head)) ||
	    bytes_get32(head) != CENTRAL_MAGIC)
		return SCAN_DAMAGED;
	n_name = bytes_get16(head + 28);
	next = *at + CENTRAL_BYTES + n_name + bytes_get16(head + 30) + bytes_get16(head + 32);
	if (next > directory->end)
		return SCAN_DAMAGED;
	n_cut = n_name < sizeof(entry.name) ? 0 : n_name - sizeof(entry.name) + 1;
	packed = bytes_get32(head + 20);
	entry.flags = bytes_get16(head + 8);
	entry.method = bytes_get16(head + 10);
	entry.unpacked_bytes = bytes_get32(head + 24);
	if (!read_at(file, *at + CENTRAL_BYTES + n_cut, entry.name, n_name - n_cut))
		return SCAN_DAMAGED;
	*at = next;
	if (packed == ZIP64 || bytes_get32(head + 42) == ZIP64)
		return SCAN_UNKNOWN_METHOD;
	if (!find_data(file, bytes_get32(head + 42), packed, &entry.data))
		return SCAN_DAMAGED;
	extent->bytes += entry.data.offset - file->offset - bytes_get32(head + 42) + packed;
	extent->may_be_more += entry.flags & HAS_DESCRIPTOR ? DESCRIPTOR_BYTES : 0;
	*ret_entry = entry;
	return 0;
}

static bool is_folder(const struct scan_zip_entry *entry)
{
	size_t n = strlen(entry->name);

	return n > 0 && entry->name[n - 1] == '/' && entry->data.size == 0;
}

static uint32_t visit_entries(const struct scan_stretch *file, const struct directory *directory,
			      scan_zip_visit_fn visit, void *userdata)
{
	uint64_t at = directory->offset;
	struct extent extent = {};
	uint32_t obstacles = 0;

	for (unsigned int i = 0; i < directory->n_entries; i++) {
		struct scan_zip_entry entry;
		uint32_t obstacle = i < SCAN_ZIP_MAX_ENTRIES
					    ? read_entry(file, directory, &at, &extent, &entry)
					    : SCAN_TOO_MANY;

		/* Where the next one is, is known from the last one only. */
		if (obstacle)
			return obstacles | obstacle;
		if (!is_folder(&entry))
			obstacles |= visit(userdata, &entry);
	}
	if (at != directory->end || extent.bytes > directory->offset ||
	    extent.bytes + extent.may_be_more < directory->offset)
		obstacles |= SCAN_DAMAGED;
	return obstacles;
}

uint32_t scan_zip_visit(const struct scan_stretch *file, scan_zip_visit_fn visit, void *userdata)
{
	struct directory directory = {};
	uint32_t obstacles = find_directory(file, &directory);
	struct scan_zip_entry behind = {.method = SCAN_ZIP_STORED};

	if (obstacles)
		return obstacles;
	obstacles = visit_entries(file, &directory, visit, userdata);
	behind.data = (struct scan_stretch){.fd = file->fd,
					    .offset = file->offset + directory.behind,
					    .size = file->size - directory.behind};
	behind.unpacked_bytes = behind.data.size;
	return behind.data.size > 0 ? obstacles | visit(userdata, &behind) : obstacles;
}
