/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Losses are counted from when the programs were loaded; each is told once, whichever agent is
 * running. What was told is kept when it is durable: a kill before that repeats it.
 */

#include <stddef.h>
#include <string.h>

#include "agent/pipeline_private.h"
#include "base/clock.h"

static const struct {
	size_t offset; /* in struct sensor_losses */
	const char *detail;
} losses[] = {
	{offsetof(struct sensor_losses, ring_full),
	 "the ring buffer was full: edges were found by the sweep, unlinks and renames may be "
	 "missing"},
	{offsetof(struct sensor_losses, processes_full),
	 "the process table was full: processes were taken in again at their next call"},
	{offsetof(struct sensor_losses, apps_full),
	 "the app table was full: apps could not be told apart"},
	{offsetof(struct sensor_losses, objects_full),
	 "the object table was full: labels of objects could not be kept"},
	{offsetof(struct sensor_losses, flows_full),
	 "the flow table was full: bytes were counted per app, without their destination"},
	{offsetof(struct sensor_losses, inflight_full),
	 "the table of calls under way was full: a swapped descriptor may be taken for another"},
	{offsetof(struct sensor_losses, unknown_calls),
	 "x32 system calls of apps that may hold labelled data were not decoded"},
	{offsetof(struct sensor_losses, labels_too_far),
	 "labels were dropped at the limit on hops"},
	{offsetof(struct sensor_losses, names_full),
	 "a table of names was full: unlinks and renames of labelled files may be missing, and "
	 "names of apps"},
	{offsetof(struct sensor_losses, volatiles_full),
	 "the table of shared objects was full: who held them already is found when he opens them "
	 "again"},
	{offsetof(struct sensor_losses, mappings_full),
	 "an app has more shared mappings than are followed"},
	{offsetof(struct sensor_losses, inodes_full),
	 "the table of files in memory was full: labels of some that are gone stay in the object "
	 "table"},
	{offsetof(struct sensor_losses, records_full),
	 "a table of records was full: those in some pipes and sockets are estimated"},
	{offsetof(struct sensor_losses, paths_dropped),
	 "too many unlinks and renames came at once: some of labelled files are missing"},
	{offsetof(struct sensor_losses, programs_missed),
	 "the kernel skipped runs of the sensor's programs"},
};

static uint64_t *find(struct sensor_losses *of, size_t i)
{
	return (uint64_t *)((char *)of + losses[i].offset);
}

void agent_take_up_losses(struct agent *agent)
{
	sensor_read_told(agent->sensor, &agent->kept_losses);
	agent->reported_losses = agent->kept_losses;
	/* The start has made up for all that earlier agents knew of. */
	agent->mended_misses = agent->kept_losses.programs_missed;
}

void agent_observe_losses(struct agent *agent)
{
	struct sensor_counts counts;

	sensor_count(agent->sensor, &counts);
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
		uint64_t *told = find(&agent->reported_losses, i);
		uint64_t now = *find(&counts.losses, i), refused = agent->events_dropped;

		if (now <= *told)
			continue;
		agent_emit_note(agent, EVENT_LOSS, clock_realtime_ns(), 0, now - *told,
				losses[i].detail);
		if (agent->events_dropped == refused)
			*told = now;
	}
}

void agent_keep_losses(struct agent *agent)
{
	if (memcmp(&agent->kept_losses, &agent->reported_losses, sizeof(agent->kept_losses)) == 0 ||
	    sensor_keep_told(agent->sensor, &agent->reported_losses) < 0)
		return;
	agent->kept_losses = agent->reported_losses;
}
