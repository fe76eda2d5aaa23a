/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * The kernel's table of labelled files has an end, and nothing tells that a file on a disk is gone:
 * where the table is crowded, its files are asked for. One that has no name any more, but that
 * somebody holds, is still there.
 */

#include "agent/keeper_private.h"
#include "agent/sensor/sensor.h"
#include "base/clock.h"

#define EVERY_NS (600 * CLOCK_NS_PER_SECOND)
#define AT_ONCE_NS (CLOCK_NS_PER_SECOND / 10) /* longer, and who rings waits */
#define REST_NS (10 * CLOCK_NS_PER_SECOND)    /* one in a hundred of all time */
#define FILES_PER_GLANCE 64                   /* at the clock */

struct asking {
	struct keeper *keeper;
	uint64_t n_seen, until_ns;
};

static int ask_for(void *userdata, const struct sensor_file *file)
{
	struct asking *asking = userdata;
	struct keeper *keeper = asking->keeper;

	if (asking->n_seen++ < keeper->n_asked)
		return 0;
	if (mounts_have_file(keeper->mounts, file->object.dev, file->object.ino,
			     file->object.generation) == 0 &&
	    sensor_forget_file(keeper->config.sensor, file) == 0)
		asking->n_seen--; /* those behind it move up */
	return asking->n_seen % FILES_PER_GLANCE == 0 && clock_boottime_ns() > asking->until_ns;
}

void keeper_prune_table(struct keeper *keeper, uint64_t now_ns)
{
	struct asking asking = {.keeper = keeper, .until_ns = clock_boottime_ns() + AT_ONCE_NS};

	if (now_ns < keeper->ask_not_before_ns || !sensor_is_crowded(keeper->config.sensor))
		return;
	if (sensor_visit_files(keeper->config.sensor, ask_for, &asking) == 1) {
		keeper->n_asked = asking.n_seen;
		keeper->ask_not_before_ns = now_ns + REST_NS;
	} else {
		keeper->n_asked = 0;
		keeper->ask_not_before_ns = now_ns + EVERY_NS;
	}
	mounts_release(keeper->mounts);
}
