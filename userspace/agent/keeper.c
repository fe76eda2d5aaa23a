/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/keeper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/keeper_private.h"
#include "agent/sensor/sensor.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define MOUNTINFO "/proc/self/mountinfo"
#define WRITE_EVERY_NS (5 * CLOCK_NS_PER_SECOND)
#define TIME_SHARE 100 /* of all time, what the looking and writing may take at most: one in */
#define PRUNE_EVERY_NS (600 * CLOCK_NS_PER_SECOND)
#define DETAIL_BYTES 256

void keeper_tell(const struct keeper *keeper, enum keeper_news news, uint64_t n, const char *format,
		 ...)
{
	char detail[DETAIL_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(detail, sizeof(detail), format, arguments);
	va_end(arguments);
	keeper->config.tell(keeper->config.userdata, news, n, detail);
}

/* Once for each type of file system, in the life of an agent. */
static void tell_other(struct keeper *keeper, const char *type)
{
	for (size_t i = 0; i < keeper->n_told_types; i++)
		if (strcmp(keeper->told_types[i], type) == 0)
			return;
	if (keeper->n_told_types == KEEPER_TYPES_MAX)
		return;
	snprintf(keeper->told_types[keeper->n_told_types++], KEEPER_TYPE_BYTES, "%s", type);
	keeper_tell(keeper, KEEPER_GAP, 0,
		    "labels of files on %s are not kept over a reboot: the file system and its "
		    "files have no identity there that lasts",
		    type);
}

struct looking {
	struct keeper *keeper;
	uint64_t refused;
	int error;
};

/* Whether the inode is still that file is asked once, when it is new to the record. What cannot be
 * asked, because its file system was unmounted just now, is asked before its label is set. */
static int look_at(void *userdata, const struct sensor_file *file)
{
	struct looking *looking = userdata;
	struct keeper *keeper = looking->keeper;
	struct kept_file kept = {.ino = file->object.ino,
				 .generation = file->object.generation,
				 .hops = file->hops,
				 .labels = file->labels,
				 .since_ns = file->since_ns + clock_boot_offset_ns(),
				 .is_source = file->is_source};
	const char *type;
	enum mounts_verdict verdict =
		mounts_find(keeper->mounts, file->object.dev, &kept.file_system, &type);
	int r;

	if (verdict == MOUNTS_OTHER)
		tell_other(keeper, type);
	if (verdict != MOUNTS_KEPT || kept_has(keeper->kept, &kept) ||
	    mounts_have_file(keeper->mounts, file->object.dev, kept.ino, kept.generation) == 0)
		return 0;
	r = kept_put(keeper->kept, &kept);
	looking->refused += r == -ENOSPC;
	keeper->is_dirty |= r == 1;
	return r == -ENOMEM ? r : 0;
}

static int look_into_table(struct keeper *keeper, uint64_t *ret_refused)
{
	struct looking looking = {.keeper = keeper};
	int r = sensor_visit_files(keeper->config.sensor, look_at, &looking);

	*ret_refused = looking.refused;
	return r;
}

struct pruning {
	struct keeper *keeper;
	uint32_t dev;
};

static bool is_there(void *userdata, const struct kept_file *file)
{
	struct pruning *pruning = userdata;

	return mounts_have_file(pruning->keeper->mounts, pruning->dev, file->ino,
				file->generation) != 0;
}

/* Files that were removed since make room for new ones. Returns whether there is room now. */
static bool prune(struct keeper *keeper)
{
	const struct mounts_place *places;
	size_t n_places = mounts_places(keeper->mounts, &places);
	uint64_t now_ns = clock_boottime_ns();
	int dropped = 0;

	if (keeper->pruned_ns && now_ns - keeper->pruned_ns < PRUNE_EVERY_NS)
		return false;
	keeper->pruned_ns = now_ns;
	for (size_t i = 0; i < n_places; i++) {
		struct pruning pruning = {keeper, places[i].dev};
		int r = kept_visit(keeper->kept, &places[i].id, is_there, &pruning);

		dropped += r > 0 ? r : 0;
	}
	keeper->counts.gone += (uint64_t)dropped;
	keeper->is_dirty |= dropped > 0;
	return dropped > 0;
}

/* The same files are refused at every look: what is told is how many there are more of. */
static void tell_refused(struct keeper *keeper, uint64_t refused)
{
	uint64_t told = keeper->counts.refused;

	if (refused <= told)
		return;
	keeper_tell(keeper, KEEPER_LOSS, refused - told,
		    "the record of labelled files is full (%zu): labels of more files will be gone "
		    "after a reboot",
		    keeper->config.max_files);
	keeper->counts.refused = refused;
}

static int look(struct keeper *keeper)
{
	uint64_t changes = sensor_label_changes(keeper->config.sensor), refused;
	int r;

	if (changes == keeper->seen_changes)
		return 0;
	r = look_into_table(keeper, &refused);
	if (r == 0 && refused > 0 && prune(keeper))
		r = look_into_table(keeper, &refused);
	mounts_release(keeper->mounts);
	if (r < 0)
		return r;
	keeper->seen_changes = changes;
	tell_refused(keeper, refused);
	return 0;
}

int keeper_write(struct keeper *keeper)
{
	int r = look(keeper);

	if (r == 0 && !keeper->is_dirty)
		return 0;
	if (r == 0)
		r = kept_save(keeper->kept, keeper->config.path, keeper->config.policy);
	if (r < 0 && !keeper->is_failing)
		keeper_tell(keeper, KEEPER_LOSS, 0,
			    "the record of labelled files cannot be written (%s): labels set from "
			    "now on will be gone after a reboot, unless a later try succeeds",
			    strerror(-r));
	keeper->is_failing = r < 0;
	if (r < 0)
		return r;
	keeper->is_dirty = false;
	keeper->counts.writes++;
	return 0;
}

void keeper_look(struct keeper *keeper, uint64_t now_ns)
{
	uint64_t pause_ns, began_ns;

	keeper_prune_table(keeper, now_ns);
	if (now_ns < keeper->not_before_ns ||
	    (!keeper->is_dirty &&
	     sensor_label_changes(keeper->config.sensor) == keeper->seen_changes))
		return;
	began_ns = clock_boottime_ns();
	(void)keeper_write(keeper);
	pause_ns = (clock_boottime_ns() - began_ns) * TIME_SHARE;
	keeper->not_before_ns = now_ns + (pause_ns > WRITE_EVERY_NS ? pause_ns : WRITE_EVERY_NS);
}

/* First with the mounts as they were: files that were just labelled may be on what is gone now. */
void keeper_mounts_changed(struct keeper *keeper)
{
	struct mounts *before = keeper->mounts, *now;

	(void)look(keeper);
	if (mounts_read(MOUNTINFO, &now) < 0)
		return;
	keeper->mounts = now;
	keeper_restore(keeper, before);
	mounts_free(before);
}

static int load(struct keeper *keeper)
{
	struct kept_loading loading;
	int r = kept_load(keeper->kept, keeper->config.path, keeper->config.policy, &loading);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		keeper_tell(
			keeper, KEEPER_LOSS, 0,
			"the record of labelled files cannot be read (%s): labels of before the "
			"last boot are gone",
			strerror(-r));
	else
		keeper_tell_loading(keeper, &loading);
	return 0;
}

int keeper_new(const struct keeper_config *config, struct keeper **ret_keeper)
{
	_cleanup_(keeper_freep) struct keeper *keeper = calloc(1, sizeof(*keeper));
	int r;

	if (!keeper)
		return -ENOMEM;
	keeper->config = *config;
	keeper->config.path = strdup(config->path);
	keeper->seen_changes = UINT64_MAX;
	if (!keeper->config.path)
		return -ENOMEM;
	r = kept_new(config->max_files, &keeper->kept);
	if (r == 0)
		r = mounts_read(MOUNTINFO, &keeper->mounts);
	if (r == 0)
		r = load(keeper);
	if (r < 0)
		return r;
	keeper_restore(keeper, NULL);
	*ret_keeper = TAKE(keeper);
	return 0;
}

void keeper_free(struct keeper *keeper)
{
	if (!keeper)
		return;
	kept_free(keeper->kept);
	mounts_free(keeper->mounts);
	free((char *)keeper->config.path);
	free(keeper);
}

void keeper_count(const struct keeper *keeper, struct keeper_counts *ret_counts)
{
	*ret_counts = keeper->counts;
	ret_counts->kept = kept_size(keeper->kept);
}
