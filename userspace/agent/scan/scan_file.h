/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_FILE_H
#define WEIR_AGENT_SCAN_SCAN_FILE_H

/*
 * Reads one open file for records, whatever it calls itself: text (csv, txt, json),
 * gz, zip, and the documents that are zips of markup (docx, xlsx, pptx). Archives
 * in archives are not opened.
 */

#include <stdint.h>

struct scan_text;

#define SCAN_FILE_MAX_BYTES (64ull << 20)
#define SCAN_FILE_MAX_UNPACKED_BYTES (256ull << 20)

/* Adds what is found to text, whose counts begin anew. Returns a mask of enum scan_obstacle: 0
 * means that all of the file was read. */
uint32_t scan_file(int fd, uint64_t size, struct scan_text *text);

#endif
