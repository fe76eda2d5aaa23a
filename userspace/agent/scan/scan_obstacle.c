/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/scan/scan_obstacle.h"

#include <string.h>

static const struct {
	enum scan_obstacle obstacle;
	const char *words;
} reasons[] = {
	{SCAN_ENCRYPTED, "some of it is encrypted"},
	{SCAN_NOT_TEXT, "some of it is not text"},
	{SCAN_TOO_LARGE, "it is too large, or unpacks to too much"},
	{SCAN_NESTED, "an archive is within the archive"},
	{SCAN_DAMAGED, "it is damaged"},
	{SCAN_UNKNOWN_METHOD, "some of it is packed in a way that is not known"},
	{SCAN_TOO_MANY, "it has too many entries or different records"},
	{SCAN_CHANGED, "it changed while it was read"},
	{SCAN_GONE, "it was gone"},
	{SCAN_TOO_SLOW, "reading it took too long and was ended"},
	{SCAN_STOPPED, "the scanner ended at a limit or by a fault"},
	{SCAN_UNREAD, "the agent was stopped before it was read"},
	{SCAN_ENCODED, "some of it is encoded"},
};

void scan_obstacle_describe(uint32_t obstacles, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (!(obstacles & reasons[i].obstacle))
			continue;
		if (text[0])
			strncat(text, "; ", size - strlen(text) - 1);
		strncat(text, reasons[i].words, size - strlen(text) - 1);
	}
}
