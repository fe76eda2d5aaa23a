/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#define NS_PER_S 1000000000ull
#define NS_PER_MS 1000000ull
/* Every byte may become \xNN. */
#define ESCAPED_BYTE_SIZE 4

void figures_format_bytes(uint64_t bytes, char ret_text[FIGURES_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(ret_text, FIGURES_SIZE, "%u B", (unsigned int)bytes);
		return;
	}
	/* 1023.95 would be written 1024.0 */
	while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(ret_text, FIGURES_SIZE, "%.1f %s", value, units[unit]);
}

void figures_format_time(uint64_t time_ns, char ret_text[FIGURES_SIZE])
{
	time_t seconds = (time_t)(time_ns / NS_PER_S);
	struct tm local;
	char date[32];

	if (!localtime_r(&seconds, &local) ||
	    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &local) == 0) {
		snprintf(ret_text, FIGURES_SIZE, "%llu ns", (unsigned long long)time_ns);
		return;
	}
	snprintf(ret_text, FIGURES_SIZE, "%s.%03u", date,
		 (unsigned int)(time_ns % NS_PER_S / NS_PER_MS));
}

void figures_format_duration(uint64_t duration_ns, char ret_text[FIGURES_SIZE])
{
	unsigned long long seconds = duration_ns / NS_PER_S;

	if (seconds < 60)
		snprintf(ret_text, FIGURES_SIZE, "%llu.%llu s", seconds,
			 (unsigned long long)(duration_ns % NS_PER_S / (100 * NS_PER_MS)));
	else if (seconds < 3600)
		snprintf(ret_text, FIGURES_SIZE, "%llu min %llu s", seconds / 60, seconds % 60);
	else if (seconds < 86400)
		snprintf(ret_text, FIGURES_SIZE, "%llu h %llu min", seconds / 3600,
			 seconds % 3600 / 60);
	else
		snprintf(ret_text, FIGURES_SIZE, "%llu d %llu h", seconds / 86400,
			 seconds % 86400 / 3600);
}

/* Marks that change the reading direction or show nothing at all: they disguise file names. */
static int is_invisible(wchar_t c)
{
	return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2060 && c <= 0x2069) || c == 0xfeff || c == 0x61c;
}

/* Bytes of the next character and its columns; columns are -1 where it must be escaped. */
static size_t next_character(const char *text, size_t size, int *ret_columns)
{
	mbstate_t state = {0};
	wchar_t character;
	size_t length = mbrtowc(&character, text, size, &state);

	if (length == 0 || length > size) {
		*ret_columns = -1;
		return 1;
	}
	*ret_columns = is_invisible(character) ? -1 : wcwidth(character);
	return length;
}

size_t figures_width(const char *text)
{
	size_t size = strlen(text), width = 0;

	while (size > 0) {
		int columns;
		size_t length = next_character(text, size, &columns);

		width += columns < 0 ? length * ESCAPED_BYTE_SIZE : (size_t)columns;
		text += length;
		size -= length;
	}
	return width;
}

char *figures_escape(const char *text)
{
	size_t size = strlen(text), used = 0;
	char *escaped = malloc(size * ESCAPED_BYTE_SIZE + 1);

	if (!escaped)
		return NULL;
	while (size > 0) {
		int columns;
		size_t length = next_character(text, size, &columns);

		if (columns >= 0) {
			memcpy(escaped + used, text, length);
			used += length;
		} else {
			for (size_t i = 0; i < length; i++)
				used += (size_t)sprintf(escaped + used, "\\x%02x",
							(unsigned char)text[i]);
		}
		text += length;
		size -= length;
	}
	escaped[used] = '\0';
	return escaped;
}
