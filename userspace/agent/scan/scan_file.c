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

enum manner {
	AS_TEXT,
	AS_MARKUP,
	AS_TRIMMING, /* as text, when it is that */
};

/* A file, or an entry of an archive. */
struct part {
	struct scan_text *text;
	struct scan_markup markup;
	enum manner manner;
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

static bool is_utf16(const uint8_t *data, size_t size)
{
	return size >= 2 && (!memcmp(data, "\xff\xfe", 2) || !memcmp(data, "\xfe\xff", 2));
}

static void begin_part(struct part *part, const uint8_t *data, size_t size)
{
	part->is_begun = true;
	refuse_by_format(part, format_of(data, size));
	if (part->manner == AS_TRIMMING && memchr(data, 0, size))
		part->is_refused = true;
	/* Its tags are not found by single bytes. */
	if (part->manner == AS_MARKUP && is_utf16(data, size)) {
		part->manner = AS_TEXT;
		part->obstacles |= SCAN_NOT_TEXT;
	}
}

static void take(void *userdata, const uint8_t *data, size_t size)
{
	struct part *part = userdata;

	if (size == 0)
		return;
	if (!part->is_begun)
		begin_part(part, data, size);
	if (part->is_refused || scan_text_is_binary(part->text))
		return;
	/* A tag would swallow the byte by which the text sees that it is none. */
	if (part->manner == AS_MARKUP && memchr(data, 0, size))
		part->manner = AS_TEXT;
	if (part->manner == AS_MARKUP)
		scan_markup_feed(&part->markup, part->text, data, size);
	else
		scan_text_feed(part->text, data, size);
}

static uint32_t scan_part(struct scan *scan, const struct scan_stretch *stretch,
			  enum scan_packing packing, enum manner manner)
{
	struct part part = {.text = scan->text, .manner = manner};
	uint32_t obstacles;

	scan_text_begin(scan->text);
	obstacles = scan_inflate(stretch, packing, &scan->left_bytes, take, &part);
	if (!scan_text_end(scan->text))
		obstacles |= SCAN_NOT_TEXT;
	/* Of a picture nothing is missed, nor what it unpacks to. */
	if (part.manner == AS_TRIMMING && part.is_refused)
		obstacles = 0;
	return obstacles | part.obstacles;
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), n_end = strlen(end);

	return n >= n_end && strcasecmp(name + n - n_end, end) == 0;
}

static bool has_one_of(const char *name, const char *const *parts)
{
	while (*parts && !strcasestr(name, *parts))
		parts++;
	return *parts != NULL;
}

/* Where Word, Excel and PowerPoint, and all who write as they do, have what they know. */
static bool is_of_office(const char *name)
{
	static const char *const folders[] = {"word", "xl", "ppt", NULL};
	size_t n;

	name += strspn(name, "/\\");
	n = strcspn(name, "/\\");
	for (size_t i = 0; folders[i]; i++)
		if (strlen(folders[i]) == n && strncasecmp(name, folders[i], n) == 0)
			return true;
	return false;
}

/* By the name of a part of a document, capital or small (ECMA-376-2): how the document looks is
 * not read and not missed, as long as it is no text. In markup that is somebody's own, values
 * stand side by side as no prose does; in pivot caches they are attributes. */
static enum manner manner_of(const char *name)
{
	static const char *const trimmings[] = {"/media/", "/fonts/", "/printerSettings/",
						"docProps/thumbnail.", NULL};

	if (has_one_of(name, trimmings))
		return AS_TRIMMING;
	if (!is_of_office(name) || strcasestr(name, "pivotCache"))
		return AS_TEXT;
	return ends_with(name, ".xml") || ends_with(name, ".rels") || ends_with(name, ".vml")
		       ? AS_MARKUP
		       : AS_TEXT;
}

static uint32_t scan_entry(void *userdata, const struct scan_zip_entry *entry)
{
	struct scan *scan = userdata;

	if (entry->flags & 1)
		return SCAN_ENCRYPTED;
	if (entry->method != SCAN_ZIP_STORED && entry->method != SCAN_ZIP_DEFLATED)
		return SCAN_UNKNOWN_METHOD;
	if (entry->unpacked_bytes > scan->left_bytes)
		return SCAN_TOO_LARGE;
	return scan_part(scan, &entry->data,
			 entry->method == SCAN_ZIP_STORED ? SCAN_STORED : SCAN_DEFLATED,
			 scan->is_ooxml ? manner_of(entry->name) : AS_TEXT);
}

static uint32_t look_for_ooxml(void *userdata, const struct scan_zip_entry *entry)
{
	struct scan *scan = userdata;

	scan->is_ooxml |= strcasecmp(entry->name, "[Content_Types].xml") == 0;
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
		obstacles = scan_part(&scan, &file, SCAN_GZIPPED, AS_TEXT);
		break;
	default:
		obstacles = scan_part(&scan, &file, SCAN_STORED, AS_TEXT);
		break;
	}
	if (scan_text_is_encoded(text))
		obstacles |= SCAN_ENCODED;
	if (scan_text_is_cut(text))
		obstacles |= SCAN_TOO_MANY;
	return obstacles;
}
