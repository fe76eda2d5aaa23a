/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Files that lie in an export folder when the sensor starts. They are labelled then and not when
 * they are first opened, because they can be moved out of the folder unopened. Each is opened
 * without being read: the kernel side sees where it lies, and nothing is changed or waited for.
 */

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/clock.h"
#include "policy/policy.h"
#include "bpf/weir.skel.h"

#define LABEL_SECONDS_MAX 5 /* of the start: a network share may answer slowly */

static void show_file(const char *path)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
}

/* False when it is left before its end. */
static bool visit_tree(FTS *tree, uint64_t files_max, uint64_t end_ns, uint64_t *files)
{
	FTSENT *entry;

	while ((entry = fts_read(tree))) {
		if (entry->fts_info != FTS_F)
			continue;
		if (*files == files_max || clock_boottime_ns() > end_ns)
			return false;
		show_file(entry->fts_accpath);
		++*files;
	}
	return true;
}

/* Half of the table at most: the other half is for what flows. */
void sensor_label_folders(struct sensor *sensor, const struct policy *policy)
{
	uint64_t files_max = bpf_map__max_entries(sensor->skeleton->maps.objects) / 2;
	uint64_t end_ns = clock_boottime_ns() + LABEL_SECONDS_MAX * CLOCK_NS_PER_SECOND;
	const struct policy_folder *folders;
	size_t n_folders = policy_folders(policy, &folders);

	for (size_t i = 0; i < n_folders; i++) {
		char *const paths[] = {(char *)folders[i].path, NULL};
		FTS *tree;

		if (folders[i].labels == 0)
			continue;
		/* Links within it lead elsewhere; the folder itself may be named by one. */
		tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_XDEV, NULL);
		if (!tree)
			continue;
		if (!visit_tree(tree, files_max, end_ns, &sensor->start.folder_files))
			sensor->start.is_folder_cut = true;
		fts_close(tree);
	}
}
