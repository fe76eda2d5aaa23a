/* SPDX-License-Identifier: GPL-2.0-only */
/* Any bytes as a line of mountinfo: what a user says of his mount becomes a title that is one line
 * of printable text, ends, and holds no user's name and no folder. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/enrich/volume.h"
#include "base/mountinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check(const struct volume *volume)
{
	require(volume->disk.kind && memchr(volume->title, '\0', sizeof(volume->title)) &&
		memchr(volume->host, '\0', sizeof(volume->host)) && volume->title[0]);
	for (const char *at = volume->host; *at; at++)
		require((unsigned char)*at >= ' ' && *at != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct volume_roots nowhere = {"/no/such/folder", "/no/such/folder"};
	char *line = malloc(size + 1), *path = malloc(size + 1);
	struct mountinfo mount;
	struct volume volume;

	if (line && path) {
		memcpy(line, data, size);
		line[size] = '\0';
		strcpy(path, line);
		if (volume_of_share(path, &volume) == 1)
			check(&volume);
		if (mountinfo_parse(line, &mount)) {
			require(mount.path && mount.type[0] && mount.source && mount.options);
			if (volume_of_mount(&nowhere, &mount, &volume) == 1) {
				check(&volume);
				/* Of these the tag is all there is. */
				if (strcmp(volume.disk.kind, "9p") != 0 &&
				    strcmp(volume.disk.kind, "virtiofs") != 0)
					require(!strpbrk(volume.host, "/@"));
			}
		}
	}
	free(line);
	free(path);
	return 0;
}
