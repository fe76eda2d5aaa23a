/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/live.h"

#include <inttypes.h>
#include <poll.h>

#include "cli/store_source.h"
#include "collector/incidents/incident.h"
#include "collector/store/store.h"
#include "replay/replay_text.h"

/*
 * A pipe is writable when it has room for PIPE_BUF bytes, which is more than a
 * line. Memory streams and the like have no descriptor and never block.
 */
static bool may_write(FILE *stream)
{
	struct pollfd out = {.fd = fileno(stream), .events = POLLOUT};

	if (out.fd < 0)
		return true;
	return poll(&out, 1, 0) == 1 && !(out.revents & (POLLERR | POLLHUP | POLLNVAL));
}

/* False when the line must be left out. */
static bool begin_line(struct live *live)
{
	if (!may_write(live->stream)) {
		live->left_out++;
		return false;
	}
	if (live->left_out > 0)
		fprintf(live->stream, "(%" PRIu64 " lines left out; weir replay has them)\n",
			live->left_out);
	live->left_out = 0;
	return true;
}

static bool is_shown_live(enum event_kind kind)
{
	switch (kind) {
	case EVENT_EDGE:
	case EVENT_EGRESS:
	case EVENT_AGENT_GAP:
	case EVENT_LOSS:
	case EVENT_COVERAGE_GAP:
	case EVENT_CLOCK_SKEW:
		return true;
	default:
		return false;
	}
}

void live_show_records(struct live *live, const struct store_record *records, size_t n_records)
{
	struct replay_text_options options = {.colour = live->colour};

	for (size_t i = 0; i < n_records; i++) {
		struct replay_item item = store_source_item(&records[i]);

		/* id 0 marks what was stored before. */
		if (records[i].id == 0 || !is_shown_live(item.event->kind) || !begin_line(live))
			continue;
		if (replay_text_print(&item, &options, live->stream) < 0) {
			clearerr(live->stream);
			live->left_out++;
		}
	}
}

/* An estimate grows with every lookup; a count is told each time, and when it holds no more. */
static bool is_shown(const struct live *live, size_t slot, const struct incident *incident)
{
	return live->shown[slot].id == incident->id && live->shown[slot].score == incident->score &&
	       live->shown[slot].records_certainty == incident->records_certainty &&
	       (incident->records_certainty != EVENT_CERTAINTY_EXACT ||
		live->shown[slot].records == incident->records);
}

void live_show_incident(struct live *live, const struct incident *incident)
{
	size_t slot = incident->id % LIVE_REMEMBERED_INCIDENTS;

	if (is_shown(live, slot, incident))
		return;
	if (!begin_line(live))
		return;
	if (incident_print_line(incident, live->lang, live->stream) < 0 ||
	    fflush(live->stream) != 0) {
		clearerr(live->stream);
		live->left_out++;
		return;
	}
	live->shown[slot].id = incident->id;
	live->shown[slot].score = incident->score;
	live->shown[slot].records = incident->records;
	live->shown[slot].records_certainty = incident->records_certainty;
}
