/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/mountinfo.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Three octal digits that a byte can be. */
static bool is_octal(const char *digits)
{
	return digits[0] >= '0' && digits[0] <= '3' && strspn(digits, "01234567") >= 3;
}

/* "\040" stands for a blank, and so do others. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (*text == '\\' && is_octal(text + 1)) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 4;
			continue;
		}
		*to++ = *text++;
	}
	*to = '\0';
}

/* Ends the word at *at and leaves *at behind it; an empty one is a word, too: a mount may have no
 * source. */
static char *take_word(char **at)
{
	char *word = *at, *end = strchrnul(word, ' ');

	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

/* "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
bool mountinfo_parse(char *line, struct mountinfo *ret_mount)
{
	unsigned int major, minor;
	char *words[3], *path, *dash;
	uint64_t id;
	int at = 0;

	if (sscanf(line, "%" SCNu64 " %*u %u:%u %*s %n", &id, &major, &minor, &at) < 3 || at == 0)
		return false;
	dash = strstr(line + at, " - ");
	if (!dash)
		return false;
	*dash = '\0';
	line += at;
	path = take_word(&line);
	line = dash + 3;
	for (int i = 0; i < 3; i++) {
		words[i] = take_word(&line);
		unescape(words[i]);
	}
	if (!*words[0])
		return false;
	unescape(path);
	*ret_mount = (struct mountinfo){.id = id,
					.dev = major << 20 | minor,
					.path = path,
					.type = words[0],
					.source = words[1],
					.options = words[2]};
	return true;
}
