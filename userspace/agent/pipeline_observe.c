/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/enrich/place.h"
#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

/* A change of the wall clock below this is drift. */
#define SKEW_MIN_NS 2000000000ull

static void emit_released(void *userdata, struct event *event)
{
	agent_emit(userdata, event);
}

/* Only data with customer labels leaves the machine; where it came from follows it. */
static void emit_or_hold(struct agent *agent, struct event *event)
{
	if (event->n_labels == 0) {
		agent->quiet_reports++;
		held_put(agent->held, event);
		return;
	}
	held_release(agent->held, event, emit_released, agent);
	agent_emit(agent, event);
	event_free(event);
}

void agent_see(struct agent *agent, struct event *event)
{
	struct event **grown = realloc(agent->seen, (agent->n_seen + 1) * sizeof(*grown));

	if (!grown) {
		emit_or_hold(agent, event); /* out of order is better than not at all */
		return;
	}
	agent->seen = grown;
	agent->seen[agent->n_seen++] = event;
}

static int compare_times(const void *a, const void *b)
{
	const struct event *x = *(struct event *const *)a, *y = *(struct event *const *)b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	/* What came in came before what went out with it, and an edge before its counters. */
	if (x->direction != y->direction)
		return (int)x->direction - (int)y->direction;
	return (int)x->kind - (int)y->kind;
}

void agent_flush(struct agent *agent)
{
	if (agent->n_seen > 0)
		qsort(agent->seen, agent->n_seen, sizeof(*agent->seen), compare_times);
	for (size_t i = 0; i < agent->n_seen; i++)
		emit_or_hold(agent, agent->seen[i]);
	free(agent->seen);
	agent->seen = NULL;
	agent->n_seen = 0;
}

static void note_file(struct agent *agent, const struct sensor_flow *flow)
{
	struct labelled_file file = {.ino = flow->object.ino,
				     .dev = flow->object.dev,
				     .generation = flow->object.generation,
				     .labels = flow->labels,
				     .path = (char *)flow->path};

	if (flow->object.kind != SENSOR_OBJECT_FILE || !flow->path[0] || flow->is_unlinked)
		return;
	(void)labelled_files_put(agent->files, &file);
	/* The kernel learns names where it sets labels; these came from the record. */
	if (flow->is_new && agent_has_restored(agent))
		(void)sensor_watch_name(agent->sensor, flow->path);
}

static void emit_edge(struct agent *agent, const struct sensor_flow *flow,
		      const struct event *event)
{
	struct event *edge;

	if (event_copy(event, &edge) < 0)
		return;
	edge->kind = EVENT_EDGE;
	/* What moved is told by the report behind it: an edge says only that it began. */
	edge->bytes_total = 0;
	edge->calls_total = 0;
	edge->turns_total = 0;
	edge->since_ns = 0;
	edge->since_calls = 0;
	edge->time_ns = flow->first_ns + agent->report.boot_offset_ns;
	agent_see(agent, edge);
}

static void on_flow(void *userdata, const struct sensor_flow *flow, const struct sensor_app *app)
{
	struct agent *agent = userdata;
	struct event *event;

	agent->reports++;
	note_file(agent, flow);
	if (report_flow(&agent->report, flow, app, &event) < 0)
		return;
	agent_scan_note(agent, flow, event);
	if (flow->is_new && flow->object.kind == SENSOR_OBJECT_INET)
		agent_watch_tls(agent, flow->pid);
	if (flow->is_new && event->kind != EVENT_COVERAGE_GAP)
		emit_edge(agent, flow, event);
	agent_see(agent, event);
}

static void on_app_ended(void *userdata, const struct sensor_app *app)
{
	struct agent *agent = userdata;
	struct event *event;

	if (!(app->labels & policy_class_mask(agent->policy)))
		return;
	if (report_event(&agent->report, EVENT_PROCESS_EXIT,
			 app->ended_ns + agent->report.boot_offset_ns, &event) < 0)
		return;
	if (report_app(&agent->report, app, event) == 0 &&
	    policy_describe_labels(agent->policy, app->labels, event) == 0)
		agent_see(agent, TAKE(event));
	event_free(event);
}

/* Renamed twice before the agent looked, a file is not at its first new name any more: then that
 * it has left the old one decides. */
static const struct labelled_file *find_file(struct agent *agent, const struct sensor_path *path)
{
	switch (path->operation) {
	case SENSOR_PATH_UNLINK:
		return labelled_files_take_unlinked(agent->files, path->path);
	case SENSOR_PATH_RENAME:
		return labelled_files_take_renamed(agent->files, path->path, path->new_path,
						   path->pid);
	case SENSOR_PATH_TRUNCATE:
		return path->path[0] ? labelled_files_find_path(agent->files, path->path, path->pid)
				     : labelled_files_find(agent->files, path->object.dev,
							   path->object.ino);
	}
	return NULL;
}

static enum event_kind kind_of_path(const struct sensor_path *path)
{
	switch (path->operation) {
	case SENSOR_PATH_UNLINK:
		return EVENT_FILE_UNLINK;
	case SENSOR_PATH_RENAME:
		return EVENT_FILE_RENAME;
	default:
		return EVENT_FILE_TRUNCATE;
	}
}

static int describe_file(struct agent *agent, const struct sensor_path *path,
			 const struct labelled_file *file, struct event *event)
{
	bool is_rename = path->operation == SENSOR_PATH_RENAME;
	bool is_truncate = path->operation == SENSOR_PATH_TRUNCATE;

	event->certainty = EVENT_CERTAINTY_EXACT;
	event->object.kind = EVENT_OBJECT_FILE;
	event->object.role = EVENT_ROLE_LOCAL;
	event->object.dev = file->dev;
	event->object.ino = file->ino;
	event->object.generation = file->generation;
	/* The names of the call: the file may have gone on to another one since. */
	event->object.name = strdup(is_rename     ? path->new_path
				    : is_truncate ? file->path
						  : path->path);
	if (is_rename)
		event->object.previous_name = strdup(path->path);
	return policy_describe_labels(agent->policy, file->labels, event);
}

static bool is_sink(const struct agent *agent, const char *path)
{
	return policy_match_path(agent->policy, path).role == EVENT_ROLE_SINK;
}

/* Of the file that was moved, if it is still where it went. */
static void read_size(const struct sensor_path *path, const struct labelled_file *file,
		      struct event *event)
{
	struct stat info;

	if (lstat(path->new_path, &info) < 0 || info.st_ino != file->ino ||
	    file_kernel_dev(info.st_dev) != file->dev)
		return;
	event->bytes_total = (uint64_t)info.st_size;
	event->certainty = EVENT_CERTAINTY_ESTIMATED;
}

static void see_moved(struct agent *agent, const struct sensor_path *path,
		      const struct labelled_file *file, const struct sensor_app *app, bool is_out)
{
	_cleanup_(event_freep) struct event *event = NULL;

	/* It is taken before it is given. */
	if (report_event(&agent->report, is_out ? EVENT_EGRESS : EVENT_FLOW,
			 path->time_ns + is_out + agent->report.boot_offset_ns, &event) < 0 ||
	    report_app(&agent->report, app, event) < 0)
		return;
	event->app.id = path->app_id;
	event->direction = is_out ? EVENT_DIRECTION_OUT : EVENT_DIRECTION_IN;
	event->flow_first_ns = path->time_ns + is_out + agent->report.first_offset_ns;
	event->calls_total = 1;
	event->object.kind = EVENT_OBJECT_FILE;
	event->object.dev = file->dev;
	event->object.ino = file->ino;
	event->object.generation = file->generation;
	read_size(path, file, event);
	if (place_describe_path(agent->policy, is_out ? path->new_path : path->path, NULL, is_out,
				event) == 0 &&
	    policy_describe_labels(agent->policy, file->labels, event) == 0)
		agent_see(agent, TAKE(event));
}

/* No byte is written when a file is moved into a folder that a cloud mirrors, and yet all of it
 * goes there: who moved it took it from one place to the other. */
static void see_if_moved_out(struct agent *agent, const struct sensor_path *path,
			     const struct labelled_file *file, const struct sensor_app *app)
{
	if (path->operation != SENSOR_PATH_RENAME || !is_sink(agent, path->new_path) ||
	    is_sink(agent, path->path))
		return;
	see_moved(agent, path, file, app, false);
	see_moved(agent, path, file, app, true);
}

static void on_path(void *userdata, const struct sensor_path *path, const struct sensor_app *app)
{
	struct agent *agent = userdata;
	const struct labelled_file *file = find_file(agent, path);
	struct event *event;

	if (!file || !(file->labels & policy_class_mask(agent->policy)))
		return;
	if (report_event(&agent->report, kind_of_path(path),
			 path->time_ns + agent->report.boot_offset_ns, &event) < 0)
		return;
	if (report_app(&agent->report, app, event) == 0 &&
	    describe_file(agent, path, file, event) == 0)
		agent_see(agent, TAKE(event));
	event_free(event);
	see_if_moved_out(agent, path, file, app);
}

/* Its container may be taken away before the next sweep comes by. */
static void on_app_labelled(void *userdata, const struct sensor_app *app)
{
	struct agent *agent = userdata;

	agent_watch_tls(agent, app->pid);
	(void)cgroup_names_get(agent->cgroups, app->cgroup_id);
}

/* What it says stays here, but for the host's name. */
static void on_hello(void *userdata, const struct sensor_hello *hello)
{
	const struct quic_peer peer = {hello->app_id, hello->peer, hello->port, hello->local_port};
	struct agent *agent = userdata;

	(void)quic_names_take(agent->quic, &peer, hello->datagram, hello->bytes);
}

static void on_rung(void *userdata)
{
	agent_sweep_soon(userdata);
}

void agent_observe(struct agent *agent, struct sensor_handler *ret_handler)
{
	*ret_handler = (struct sensor_handler){.flow = on_flow,
					       .app_labelled = on_app_labelled,
					       .app_ended = on_app_ended,
					       .path = on_path,
					       .records = agent_see_records,
					       .question = agent_take_question,
					       .hello = on_hello,
					       .rung = on_rung,
					       .userdata = agent};
}

void agent_observe_clock(struct agent *agent)
{
	uint64_t offset_ns = clock_boot_offset_ns(), before_ns = agent->report.boot_offset_ns;
	uint64_t change_ns = offset_ns > before_ns ? offset_ns - before_ns : before_ns - offset_ns;
	char detail[96];

	agent->report.boot_offset_ns = offset_ns;
	if (change_ns < SKEW_MIN_NS)
		return;
	snprintf(detail, sizeof(detail), "the clock was set %s by %" PRIu64 " ms",
		 offset_ns > before_ns ? "forward" : "back", change_ns / 1000000);
	agent_emit_note(agent, EVENT_CLOCK_SKEW, clock_realtime_ns(), 0, 0, detail);
}
