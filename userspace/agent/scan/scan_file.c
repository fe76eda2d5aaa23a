/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_file.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "agent/scan/scan_inflate.h"
#include "agent/scan/scan_markup.h"
#include "agent/scan/scan_obstacle.h"
#include "agent/scan/scan_text.h"
#include "agent/scan/scan_zip.h"

#define MAGIC_BYTES 5

enum format {
	PLAIN,
	ZIP,
	GZIP,
	PDF,
};

struct scan {
	struct scan_text *text;
	uint64_t left_bytes; /* that may still be unpacked */
	bool is_ooxml;
};

/* A file, or an entry of an archive. */
struct part {
	struct scan_text *text;
	struct scan_markup markup;
	bool is_markup;
	bool is_begun;
	bool is_refused; /* what it is was seen by its first bytes */
	uint32_t obstacles;
};

static enum format format_of(const uint8_t *data, size_t size)
{
	if (size >= 4 && (!memcmp(data, "PK\3\4", 4) || !memcmp(data, "PK\5\6", 4)))
		return ZIP;
	if (size >= 2 && !memcmp(data, "\x1f\x8b", 2))
		return GZIP;
	return size >= 5 && !memcmp(data, "%PDF-", 5) ? PDF : PLAIN;
}

static void refuse_by_format(struct part *part, enum format format)
{
	part->is_refused = format != PLAIN;
	part->obstacles |= format == PLAIN ? 0u
			   : format == PDF ? (uint32_t)SCAN_NOT_TEXT
					   : (uint32_t)SCAN_NESTED;
}

static void take(void *userdata, const uint8_t *data, size_t size)
{
	struct part *part = userdata;

	if (size == 0)
		return;
	if (!part->is_begun)
		refuse_by_format(part, format_of(data, size));
	part->is_begun = true;
	if (part->is_refused || scan_text_is_binary(part->text))
		return;
	if (part->is_markup)
		scan_markup_feed(&part->markup, part->text, data, size);
	else
		scan_text_feed(part->text, data, size);
}

static uint32_t scan_part(struct scan *scan, const struct scan_stretch *stretch,
			  enum scan_packing packing, bool is_markup)
{
	struct part part = {.text = scan->text, .is_markup = is_markup};
	uint32_t obstacles;

	scan_text_begin(scan->text);
	obstacles = scan_inflate(stretch, packing, &scan->left_bytes, take, &part);
	if (!scan_text_end(scan->text))
		obstacles |= SCAN_NOT_TEXT;
	return obstacles | part.obstacles;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), n_end = strlen(end);

	return n >= n_end && strcmp(name + n - n_end, end) == 0;
}

/* How a document looks and what it is made of; pictures are not read and not missed. */
static bool is_trimming(const struct scan_zip_entry *entry)
{
	return !ends_with(entry->name, ".xml") && !strstr(entry->name, "/embeddings/");
}

static uint32_t scan_entry(void *userdata, const struct scan_zip_entry *entry)
{
	struct scan *scan = userdata;

	if (entry->flags & 1)
		return SCAN_ENCRYPTED;
	if (scan->is_ooxml && is_trimming(entry))
		return 0;
	if (entry->method != SCAN_ZIP_STORED && entry->method != SCAN_ZIP_DEFLATED)
		return SCAN_UNKNOWN_METHOD;
	if (entry->unpacked_bytes > scan->left_bytes)
		return SCAN_TOO_LARGE;
	return scan_part(scan, &entry->data,
			 entry->method == SCAN_ZIP_STORED ? SCAN_STORED : SCAN_DEFLATED,
			 scan->is_ooxml);
}

static uint32_t look_for_ooxml(void *userdata, const struct scan_zip_entry *entry)
{
	struct scan *scan = userdata;

	scan->is_ooxml |= strcmp(entry->name, "[Content_Types].xml") == 0;
	return 0;
}

static uint32_t scan_zip(struct scan *scan, const struct scan_stretch *file)
{
	uint32_t obstacles = scan_zip_visit(file, look_for_ooxml, scan);

	/* What can be read of a damaged archive is read all the same. */
	return obstacles | scan_zip_visit(file, scan_entry, scan);
}

uint32_t scan_file(int fd, uint64_t size, struct scan_text *text)
{
	struct scan scan = {.text = text, .left_bytes = SCAN_FILE_MAX_UNPACKED_BYTES};
	const struct scan_stretch file = {.fd = fd, .size = size};
	uint8_t magic[MAGIC_BYTES];
	uint32_t obstacles;
	ssize_t n;

	scan_text_restart(text);
	if (size > SCAN_FILE_MAX_BYTES)
		return SCAN_TOO_LARGE;
	do
		n = pread(fd, magic, sizeof(magic), 0);
	while (n < 0 && errno == EINTR);
	switch (n > 0 ? format_of(magic, (size_t)n) : PLAIN) {
	case ZIP:
		obstacles = scan_zip(&scan, &file);
		break;
	case GZIP:
		obstacles = scan_part(&scan, &file, SCAN_GZIPPED, false);
		break;
	default:
		obstacles = scan_part(&scan, &file, SCAN_STORED, false);
		break;
	}
	if (scan_text_is_cut(text))
		obstacles |= SCAN_TOO_MANY;
	return obstacles;
}
