/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "agent/enrich/place.h"
#include "agent/pipeline_scan.h"
#include "agent/scan/scan_obstacle.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* A file that changes all the time is read at this pace, 2 MB/s, at most. */
#define REST_NS_PER_BYTE 500

static int make_event(struct agent *agent, const struct scan_list_file *file, const char *path,
		      uint64_t time_ns, struct event **ret_event)
{
	_cleanup_(event_freep) struct event *event = NULL;
	int r = report_event(&agent->report, EVENT_RECORDS, time_ns, &event);

	if (r < 0)
		return r;
	event->app.login_uid = UINT32_MAX;
	event->object.kind = EVENT_OBJECT_FILE;
	event->object.dev = file->dev;
	event->object.ino = file->ino;
	event->object.generation = file->generation;
	r = place_describe_path(agent->policy, path, volumes_find(agent->volumes, file->dev, 0),
				false, event);
	if (r == 0)
		r = policy_describe_labels(agent->policy, file->labels, event);
	if (r == 0)
		*ret_event = TAKE(event);
	return r;
}

static void tell_obstacles(struct event *event, uint32_t obstacles)
{
	char why[512];

	if (!obstacles && event->n_counts > 0)
		return;
	scan_obstacle_describe(obstacles, why, sizeof(why));
	if (asprintf(&event->detail, "%s: %s",
		     event->n_counts > 0 ? "records in this file may be more"
					 : "records in this file are not known",
		     obstacles ? why : "none is recognised in it") < 0)
		event->detail = NULL;
}

void agent_scan_tell_failure(struct agent *agent, struct scan_list_file *file, uint32_t obstacles)
{
	uint64_t at_ns = file->read_ns ? file->read_ns : file->touched_ns;
	_cleanup_(event_freep) struct event *event = NULL;

	if (make_event(agent, file, file->path, at_ns + agent->report.boot_offset_ns, &event) < 0)
		return;
	tell_obstacles(event, obstacles);
	agent_emit(agent, event);
	event_free(scan_list_take(agent->scan->list, file));
	file->is_told = true;
	file->is_known = false;
}

void agent_scan_tell_kept(struct agent *agent, struct scan_list_file *file)
{
	_cleanup_(event_freep) struct event *event = scan_list_take(agent->scan->list, file);

	if (!event)
		return;
	agent_emit(agent, event);
	file->is_told = true;
}

static int add_counts(const struct scan_hello *hello, const struct scan_answer *answer,
		      struct event *event)
{
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < hello->n_rules; i++) {
		if (answer->n_found[i] > 0)
			r = event_add_count(event, hello->rules[i].name, answer->n_found[i],
					    answer->fingerprints + at, answer->n_given[i]);
		at += answer->n_given[i];
	}
	for (size_t i = 0; i < event->n_counts; i++)
		event->counts[i].is_in_order = event->counts[i].n_fingerprints > 0;
	return r;
}

void agent_scan_tell(struct agent *agent, const struct scan_answer *answer, uint32_t obstacles)
{
	struct agent_scan *scan = agent->scan;
	const struct agent_scan_job *job = &scan->job;
	const struct scan_version *version = &job->version;
	struct scan_list_file *file =
		scan_list_find(scan->list, job->file.dev, job->file.ino, job->file.generation);
	_cleanup_(event_freep) struct event *event = NULL;

	if (make_event(agent, &job->file, job->path, clock_realtime_ns(), &event) < 0 ||
	    add_counts(&scan->hello, answer, event) < 0)
		return;
	event->certainty = event->n_counts == 0 ? EVENT_CERTAINTY_UNKNOWN
			   : obstacles          ? EVENT_CERTAINTY_ESTIMATED
						: EVENT_CERTAINTY_EXACT;
	event->rows = answer->rows;
	event->size_bytes = version->size;
	/* A time of change can be set back, one of the inode moves with every rename. */
	event->content_ns = version->modified_ns < version->changed_ns ? version->modified_ns
								       : version->changed_ns;
	tell_obstacles(event, obstacles);
	if (file) {
		file->is_known = !(obstacles & SCAN_CHANGED);
		file->version = *version;
		file->known_ns = clock_boottime_ns();
		file->rest_ns = file->known_ns + version->size * REST_NS_PER_BYTE;
	}
	/* What never left is nobody's business; what was told before is not true any more. */
	if (file && !job->file.had_left && !file->is_told) {
		scan_list_keep(scan->list, file, TAKE(event));
		return;
	}
	agent_emit(agent, event);
	if (!file)
		return;
	event_free(scan_list_take(scan->list, file));
	file->is_told = true;
}
