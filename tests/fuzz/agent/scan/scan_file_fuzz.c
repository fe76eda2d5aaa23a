/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as a file: text, gz, or a zip whose directory lies wherever it says. Obstacles are
 * known ones, and nothing is found in a file that was not begun. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/scan/scan_file.h"
#include "agent/scan/scan_obstacle.h"
#include "agent/scan/scan_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

/* Made once: its tables take longer than a file. */
static struct scan_text *scanner(void)
{
	static const struct scan_rule rules[] = {
		{POLICY_RECORD_PATTERN, "number", "P20\\d{8}"},
		{POLICY_RECORD_MOBILE, "mobile", ""},
	};
	static const uint8_t key[SIPHASH_KEY_BYTES] = "fuzz";
	static struct scan_text *text;

	if (!text)
		require(scan_text_new(rules, 2, key, &text) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan_text *text = scanner();
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char words[600];
	uint32_t obstacles;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	obstacles = scan_file(fd, size, text);
	require(!(obstacles & ~SCAN_ALL_OBSTACLES));
	scan_obstacle_describe(obstacles, words, sizeof(words));
	require(!obstacles == !words[0]);
	/* A file that was cut after it was opened. */
	require(ftruncate(fd, (off_t)(size / 2)) == 0);
	require(!(scan_file(fd, size, text) & ~SCAN_ALL_OBSTACLES));
	close(fd);
	return 0;
}
