/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/keeper_private.h"
#include "agent/sensor/sensor.h"
#include "base/clock.h"

void keeper_tell_loading(struct keeper *keeper, const struct kept_loading *loading)
{
	keeper->counts.unnamed = loading->unnamed;
	/* The next record is written without what was lost, so that it is told once. */
	keeper->is_dirty = loading->outcome != KEPT_LOADED || loading->unnamed || loading->over;
	if (loading->outcome == KEPT_NEWER)
		keeper_tell(
			keeper, KEEPER_LOSS, 0,
			"the record of labelled files is of a later version of Weir: it is kept "
			"beside (.newer), and labels of before the last boot are gone");
	else if (loading->is_lost_unknown)
		keeper_tell(keeper, KEEPER_LOSS, 0,
			    "the record of labelled files was damaged: labels of before the last "
			    "boot are gone");
	else if (loading->lost)
		keeper_tell(keeper, KEEPER_LOSS, loading->lost,
			    "a part of the record of labelled files was damaged: labels of %" PRIu64
			    " files of before the last boot are gone",
			    loading->lost);
	if (loading->unnamed)
		keeper_tell(keeper, KEEPER_LOSS, loading->unnamed,
			    "labels of %" PRIu64
			    " files were dropped: the policy does not name them "
			    "any more",
			    loading->unnamed);
	if (loading->over)
		keeper_tell(keeper, KEEPER_LOSS, loading->over,
			    "%" PRIu64 " files of the record do not fit: their labels are gone",
			    loading->over);
}

struct restoring {
	struct keeper *keeper;
	uint32_t dev;
	uint64_t n_set, n_full, n_unknown;
};

/* Returns false for a file that is gone. One that cannot be looked up stays in the record, and
 * without a label: it may be another one by now. */
static bool restore_file(void *userdata, const struct kept_file *file)
{
	struct restoring *restoring = userdata;
	struct keeper *keeper = restoring->keeper;
	const struct sensor_file labelled = {
		.object = {SENSOR_OBJECT_FILE, file->ino, restoring->dev, file->generation},
		.labels = file->labels,
		.since_ns = file->since_ns - clock_boot_offset_ns(),
		.hops = file->hops,
		.is_source = file->is_source,
	};
	int r = mounts_have_file(keeper->mounts, restoring->dev, file->ino, file->generation);

	if (r == 0)
		return false;
	if (r < 0) {
		restoring->n_unknown++;
		return true;
	}
	r = sensor_label_file(keeper->config.sensor, &labelled);
	restoring->n_set += r == 1;
	restoring->n_full += r < 0;
	return true;
}

static void tell_failures(struct keeper *keeper, const struct restoring *restoring)
{
	if (restoring->n_full)
		keeper_tell(keeper, KEEPER_LOSS, restoring->n_full,
			    "the object table was full: labels of before the last boot could not "
			    "be set");
	if (restoring->n_unknown)
		keeper_tell(keeper, KEEPER_LOSS, restoring->n_unknown,
			    "labelled files of before the last boot could not be looked up: they "
			    "have no label until they can be");
}

/* Copies of a file system have one identity; what is the same file on each gets the label. */
static uint64_t restore_place(struct keeper *keeper, const struct mounts_place *place)
{
	struct restoring restoring = {.keeper = keeper, .dev = place->dev};
	int gone = kept_visit(keeper->kept, &place->id, restore_file, &restoring);

	if (gone > 0) {
		keeper->counts.gone += (uint64_t)gone;
		keeper->is_dirty = true;
	}
	keeper->counts.restored += restoring.n_set;
	tell_failures(keeper, &restoring);
	return restoring.n_set;
}

static bool had(const struct mounts *mounts, const struct mounts_place *wanted)
{
	const struct mounts_place *places;
	size_t n_places = mounts ? mounts_places(mounts, &places) : 0;

	for (size_t i = 0; i < n_places; i++)
		if (places[i].dev == wanted->dev && file_system_is_same(&places[i].id, &wanted->id))
			return true;
	return false;
}

void keeper_restore(struct keeper *keeper, const struct mounts *before)
{
	const struct mounts_place *places;
	size_t n_places = mounts_places(keeper->mounts, &places);
	uint64_t n_set = 0;

	for (size_t i = 0; i < n_places; i++)
		if (!had(before, &places[i]))
			n_set += restore_place(keeper, &places[i]);
	mounts_release(keeper->mounts);
	/* Somebody may have opened them before. */
	if (n_set > 0)
		(void)sensor_walk(keeper->config.sensor);
}
