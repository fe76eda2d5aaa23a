/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/boot_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

#define MAX_BYTES 256

/* "BOOT-ID OFFSET\n"; false for another boot and for anything else. */
static bool parse(const char *text, const char *boot_id, uint64_t *ret_offset_ns)
{
	size_t size = strlen(boot_id);
	uint64_t offset_ns;
	char end;

	if (strncmp(text, boot_id, size) != 0 || text[size] != ' ' ||
	    sscanf(text + size, " %" SCNu64 "%c", &offset_ns, &end) != 2 || end != '\n')
		return false;
	*ret_offset_ns = offset_ns;
	return true;
}

int boot_clock_load(const char *dir, const char *boot_id, uint64_t *ret_offset_ns)
{
	_cleanup_free_ char *path = NULL, *text = NULL, *line = NULL;
	uint64_t offset_ns = clock_boot_offset_ns();
	int r, size;

	if (asprintf(&path, "%s/boot-clock", dir) < 0)
		return -ENOMEM;
	r = file_read_all(path, MAX_BYTES, &text, NULL);
	if (r == 0 && parse(text, boot_id, ret_offset_ns))
		return 0;
	size = asprintf(&line, "%s %" PRIu64 "\n", boot_id, offset_ns);
	if (size < 0)
		return -ENOMEM;
	r = file_write_durably(path, line, (size_t)size, 0600);
	if (r < 0)
		return r;
	*ret_offset_ns = offset_ns;
	return 0;
}
