/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "event/event_codec.h"

static void note_refused(struct agent *agent, int error, uint64_t n_events)
{
	if (agent->dropped_since_ns == 0) {
		agent->dropped_since_ns = clock_realtime_ns();
		log_warning(
			"the spool takes no more events (%s); counters stay in the kernel and are "
			"reported when there is room",
			strerror(-error));
	}
	agent->events_dropped += n_events;
	agent->dropped_now++;
}

/* What was taken since the last sync is not on the disk and in the spool no more, if a sync has
 * failed: at a commit, or at the end of a segment, for the event that was to begin the next one.
 * Returns how many events these are. */
static uint64_t take_back(struct agent *agent)
{
	uint64_t n_events;
	struct spool_counts spool;

	spool_count(agent->spool, &spool);
	n_events = agent->events_spooled - spool.appended;
	agent->events_spooled = spool.appended;
	if (n_events > 0)
		agent->reported_losses = agent->kept_losses; /* they are told again */
	return n_events;
}

void agent_emit(struct agent *agent, const struct event *event)
{
	_cleanup_free_ uint8_t *data = NULL;
	uint64_t seq;
	size_t size;
	int r;

	agent->events_made++;
	r = event_encode(event, &data, &size);
	if (r == 0)
		r = spool_append(agent->spool, data, size, &seq);
	if (r < 0) {
		note_refused(agent, r, 1 + take_back(agent));
		return;
	}
	agent->events_spooled++;
	agent->has_unsynced = true;
}

void agent_emit_note(struct agent *agent, enum event_kind kind, uint64_t time_ns,
		     uint64_t gap_end_ns, uint64_t dropped, const char *detail)
{
	_cleanup_(event_freep) struct event *event = NULL;

	if (report_event(&agent->report, kind, time_ns, &event) < 0)
		return;
	event->gap_end_ns = gap_end_ns;
	event->dropped = dropped;
	event->app.login_uid = UINT32_MAX;
	if (detail)
		event->detail = strdup(detail);
	agent_emit(agent, event);
}

/* The spool has room again: the time without is a loss of events on the timeline, of no bytes. */
static void report_refused(struct agent *agent)
{
	agent_emit_note(
		agent, EVENT_LOSS, agent->dropped_since_ns, clock_realtime_ns(),
		agent->events_dropped - agent->drops_told,
		"the spool was full: single steps may be missing, totals are reported again");
}

/* All that was emitted is durable, and so is what was told of refused events before. */
static void conclude(struct agent *agent, uint64_t drops)
{
	sensor_forget_ended(agent->sensor);
	agent_keep_losses(agent);
	if (agent->events_dropped != drops)
		return; /* what was to tell of them was refused itself */
	agent->dropped_since_ns = 0;
	agent->drops_told = drops;
}

void agent_commit(struct agent *agent)
{
	bool is_refused = agent->dropped_now > 0;
	uint64_t drops = agent->events_dropped;
	int r;

	agent->dropped_now = 0;
	if (!is_refused && agent->dropped_since_ns != 0)
		report_refused(agent);
	if (agent->has_unsynced) {
		r = spool_sync(agent->spool);
		if (r < 0) {
			note_refused(agent, r, take_back(agent));
			agent->dropped_now = 0;
			is_refused = true;
		}
		agent->has_unsynced = false;
	}
	if (is_refused) {
		sensor_report_again(agent->sensor);
		agent_tell_questions_again(agent);
	} else {
		conclude(agent, drops);
	}
	if (agent->uplink)
		uplink_notify(agent->uplink);
}
