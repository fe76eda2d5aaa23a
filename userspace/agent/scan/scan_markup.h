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

#define SCAN_MARKUP_HELD_BYTES 16

enum scan_markup_place {
	SCAN_MARKUP_TEXT,
	SCAN_MARKUP_NAME,      /* of a tag */
	SCAN_MARKUP_TAG,       /* behind its name */
	SCAN_MARKUP_REFERENCE, /* "&#50;" */
	SCAN_MARKUP_QUOTED,    /* "<![CDATA[...]]>" */
};

struct scan_markup {
	enum scan_markup_place place;
	char held[SCAN_MARKUP_HELD_BYTES]; /* name, reference or brackets, as far as read */
	size_t n_held;
};

/* Begins with a zeroed markup; gives what is text to text. */
void scan_markup_feed(struct scan_markup *markup, struct scan_text *text, const uint8_t *data,
		      size_t size);

#endif
