/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_markup.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/scan/scan_text.h"

/* ECMA-376: of word processing, spreadsheets and slides. What stands before the colon is the
 * writer's choice: .NET writes "x:si" where Excel writes "si". */
static const char *const lines[] = {"p", "br", "cr", "tr", "row", "si", "comment", "text", NULL};
static const char *const gaps[] = {"tab", "tc", "c", "v", "is", "f", NULL};

static bool is_one_of(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static void feed(struct scan_text *text, const char *data, size_t size)
{
	scan_text_feed(text, (const uint8_t *)data, size);
}

/* A name that is too long is none of ours: cut, it is still none. */
static void hold(struct scan_markup *markup, uint8_t byte)
{
	if (markup->n_held + 1 < sizeof(markup->held))
		markup->held[markup->n_held++] = (char)byte;
}

static void begin(struct scan_markup *markup, enum scan_markup_place place)
{
	*markup = (struct scan_markup){.place = place};
}

/* What stands for a tag in the text; tags of runs and of their looks leave nothing. */
static void end_tag(struct scan_markup *markup, struct scan_text *text)
{
	const char *name = markup->held + (markup->held[0] == '/');
	const char *colon = strchr(name, ':');

	name = colon ? colon + 1 : name;
	if (is_one_of(lines, name))
		feed(text, "\n", 1);
	else if (is_one_of(gaps, name))
		feed(text, "\t", 1);
	begin(markup, SCAN_MARKUP_TEXT);
}

static void read_tag(struct scan_markup *markup, struct scan_text *text, uint8_t byte)
{
	bool is_end = byte == '>' || (byte == '/' && markup->n_held > 0) || byte <= ' ';

	if (markup->place == SCAN_MARKUP_NAME && is_end)
		markup->place = SCAN_MARKUP_TAG;
	if (markup->place == SCAN_MARKUP_NAME)
		hold(markup, byte);
	if (byte == '>')
		end_tag(markup, text);
	else if (markup->place == SCAN_MARKUP_NAME && strcmp(markup->held, "![CDATA[") == 0)
		begin(markup, SCAN_MARKUP_QUOTED);
}

/* The byte that "&#50" or "&#x32" stands for, 0xff for one beyond ASCII as it stands in no token;
 * -1 for what names no character, or one by a word, such as "&amp": no token needs those. */
static int number_of(const char *reference)
{
	bool is_hex = reference[1] == '#' && reference[2] == 'x';
	char *end = NULL;
	unsigned long number;

	if (reference[1] != '#' || !isxdigit((unsigned char)reference[is_hex ? 3 : 2]))
		return -1;
	number = strtoul(reference + (is_hex ? 3 : 2), &end, is_hex ? 16 : 10);
	if (*end != '\0')
		return -1;
	return number > 0 && number < 0x80 ? (int)number : 0xff;
}

/* Returns whether the byte belongs to it. */
static bool read_reference(struct scan_markup *markup, struct scan_text *text, uint8_t byte)
{
	bool goes_on = (isalnum(byte) || byte == '#') && markup->n_held + 1 < sizeof(markup->held);
	int number = byte == ';' ? number_of(markup->held) : -1;

	if (goes_on) {
		hold(markup, byte);
		return true;
	}
	if (number >= 0)
		feed(text, &(char){(char)number}, 1);
	else
		feed(text, markup->held, markup->n_held);
	begin(markup, SCAN_MARKUP_TEXT);
	return number >= 0;
}

static void read_quoted(struct scan_markup *markup, struct scan_text *text, uint8_t byte)
{
	if (byte == '>' && markup->n_held >= 2) {
		begin(markup, SCAN_MARKUP_TEXT);
	} else if (byte == ']') {
		hold(markup, byte);
	} else {
		feed(text, markup->held, markup->n_held);
		feed(text, &(char){(char)byte}, 1);
		begin(markup, SCAN_MARKUP_QUOTED);
	}
}

/* Returns bytes that were read. */
static size_t read_prose(struct scan_markup *markup, struct scan_text *text, const uint8_t *data,
			 size_t size)
{
	size_t n = 0;

	while (n < size && data[n] != '<' && data[n] != '&')
		n++;
	scan_text_feed(text, data, n);
	if (n == size)
		return n;
	begin(markup, data[n] == '<' ? SCAN_MARKUP_NAME : SCAN_MARKUP_REFERENCE);
	if (data[n] == '&')
		hold(markup, '&');
	return n + 1;
}

void scan_markup_feed(struct scan_markup *markup, struct scan_text *text, const uint8_t *data,
		      size_t size)
{
	size_t at = 0;

	while (at < size) {
		switch (markup->place) {
		case SCAN_MARKUP_TEXT:
			at += read_prose(markup, text, data + at, size - at);
			break;
		case SCAN_MARKUP_NAME:
		case SCAN_MARKUP_TAG:
			read_tag(markup, text, data[at++]);
			break;
		case SCAN_MARKUP_REFERENCE:
			at += read_reference(markup, text, data[at]);
			break;
		case SCAN_MARKUP_QUOTED:
			read_quoted(markup, text, data[at++]);
			break;
		}
	}
}
