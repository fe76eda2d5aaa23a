/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_ZIP_H
#define WEIR_AGENT_SCAN_SCAN_ZIP_H

/*
 * The entries of a zip archive by its central directory (APPNOTE 6.3.9), which is
 * what programs that unpack it go by. Every offset and size is held against the
 * file before it is used; zip64, split and encrypted directories are not read.
 */

#include <stdint.h>

#include "agent/scan/scan_inflate.h"

#define SCAN_ZIP_MAX_ENTRIES 4096
#define SCAN_ZIP_NAME_BYTES 512

struct scan_zip_entry {
	char name[SCAN_ZIP_NAME_BYTES]; /* the end of one that is longer */
	struct scan_stretch data;
	uint64_t unpacked_bytes; /* as the archive says */
	uint16_t method;
	uint16_t flags;
};

#define SCAN_ZIP_STORED 0
#define SCAN_ZIP_DEFLATED 8

typedef uint32_t (*scan_zip_visit_fn)(void *userdata, const struct scan_zip_entry *entry);

/*
 * Calls visit for each entry that is no folder, and for what stands behind the archive or is its
 * comment, as an entry without a name. Returns obstacles of the archive itself, 0 for none,
 * together with those of visit.
 */
uint32_t scan_zip_visit(const struct scan_stretch *file, scan_zip_visit_fn visit, void *userdata);

#endif
