/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_markup.h"

#include <stdbool.h>
#include <string.h>

#include "agent/scan/scan_text.h"

/* ECMA-376: of word processing (w:), spreadsheets (none) and slides (a:). */
static const char *const lines[] = {"w:p", "w:br", "w:cr", "w:tr",    "row",  "si",
				    "a:p", "a:br", "a:tr", "comment", "text", NULL};
static const char *const gaps[] = {"w:tab", "w:tc", "c", "v", "is", "f", "a:tc", NULL};

static bool is_one_of(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* What stands for a tag in the text; tags of runs and of their looks leave nothing. */
static void end_tag(struct scan_markup *markup, struct scan_text *text)
{
	const char *name = markup->tag + (markup->tag[0] == '/');

	if (is_one_of(lines, name))
		scan_text_feed(text, (const uint8_t *)"\n", 1);
	else if (is_one_of(gaps, name))
		scan_text_feed(text, (const uint8_t *)"\t", 1);
	markup->is_tag = false;
}

static void begin_tag(struct scan_markup *markup)
{
	*markup = (struct scan_markup){.is_tag = true, .is_name = true};
}

static void read_tag(struct scan_markup *markup, struct scan_text *text, uint8_t byte)
{
	bool is_end = byte == '>' || (byte == '/' && markup->n_tag > 0) || byte <= ' ';

	if (markup->is_name && is_end)
		markup->is_name = false;
	/* A name that is too long is none of ours: cut, it is still none. */
	if (markup->is_name && markup->n_tag + 1 < sizeof(markup->tag))
		markup->tag[markup->n_tag++] = (char)byte;
	if (byte == '>')
		end_tag(markup, text);
}

void scan_markup_feed(struct scan_markup *markup, struct scan_text *text, const uint8_t *data,
		      size_t size)
{
	size_t at = 0;

	while (at < size) {
		const uint8_t *tag = markup->is_tag ? NULL : memchr(data + at, '<', size - at);
		size_t n = tag ? (size_t)(tag - data) - at : size - at;

		if (markup->is_tag) {
			read_tag(markup, text, data[at++]);
			continue;
		}
		scan_text_feed(text, data + at, n);
		at += n;
		if (tag) {
			begin_tag(markup);
			at++;
		}
	}
}
