/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_SCAN_SCAN_MARKUP_H
#define WEIR_AGENT_SCAN_SCAN_MARKUP_H

/*
 * The text of a part of an OOXML document: tags go, paragraphs and rows become
 * lines, and what a word processor has cut in pieces ("runs") is joined again.
 */

#include <stddef.h>
#include <stdint.h>

struct scan_text;

#define SCAN_MARKUP_TAG_BYTES 16

struct scan_markup {
	char tag[SCAN_MARKUP_TAG_BYTES]; /* its name as far as it was read */
	size_t n_tag;
	int is_tag;  /* within "<...>" */
	int is_name; /* within its name */
};

/* Begins with a zeroed markup; gives what is text to text. */
void scan_markup_feed(struct scan_markup *markup, struct scan_text *text, const uint8_t *data,
		      size_t size);

#endif
