/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/lineage.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage_graph.h"
#include "collector/correlate/lineage_index.h"
#include "collector/store/store.h"

/* A label is set on an object when a write enters, its flow is stamped when that returns; a reader
 * can be done before. So much later may a cause seem than its effect. */
#define LINEAGE_SLACK_NS 1000000000ull

#define LINEAGE_FLOW_KINDS \
	(1u << EVENT_EDGE | 1u << EVENT_FLOW | 1u << EVENT_CRM_ACCESS | 1u << EVENT_EGRESS)
#define LINEAGE_MARK_KINDS                                                               \
	(1u << EVENT_FILE_RENAME | 1u << EVENT_FILE_UNLINK | 1u << EVENT_FILE_TRUNCATE | \
	 1u << EVENT_RECORDS)

DEFINE_CLEANUP(cursor_freep, struct store_cursor, store_cursor_free)
DEFINE_CLEANUP(record_freep, struct store_record, store_record_free)

/* A node to walk on from. */
struct work {
	size_t node;
	bool is_object;
};

struct walk {
	struct lineage *lineage;
	struct store *store;
	struct work *queue; /* first in, first out: the shortest way to a node counts its depth */
	size_t n_queue, at, room;
};

int lineage_new(const struct lineage_limits *limits, struct lineage **ret_lineage)
{
	_cleanup_(lineage_freep) struct lineage *lineage = calloc(1, sizeof(*lineage));

	if (!lineage)
		return -ENOMEM;
	lineage->limits = *limits;
	lineage->index = lineage_index_new();
	if (!lineage->index)
		return -ENOMEM;
	*ret_lineage = TAKE(lineage);
	return 0;
}

static void object_done(struct lineage_object *object)
{
	for (size_t i = 0; i < object->n_names; i++)
		free(object->names[i].name);
	for (size_t i = 0; i < object->n_marks; i++) {
		free(object->marks[i].person);
		free(object->marks[i].exe);
		free(object->marks[i].name);
		free(object->marks[i].previous_name);
	}
	for (size_t i = 0; i < object->n_scans; i++)
		event_free(object->scans[i].event);
	free(object->scans);
	free(object->names);
	free(object->marks);
	free(object->agent);
	free(object->boot_id);
}

void lineage_free(struct lineage *lineage)
{
	if (!lineage)
		return;
	for (size_t i = 0; i < lineage->n_flows; i++) {
		event_free(lineage->flows[i].event);
		free(lineage->flows[i].person);
		free(lineage->flows[i].reports);
		for (size_t j = 0; j < lineage->flows[i].n_scans; j++)
			event_free(lineage->flows[i].scans[j].event);
		free(lineage->flows[i].scans);
	}
	for (size_t i = 0; i < lineage->n_apps; i++) {
		free(lineage->apps[i].agent);
		free(lineage->apps[i].boot_id);
	}
	for (size_t i = 0; i < lineage->n_objects; i++)
		object_done(&lineage->objects[i]);
	free(lineage->flows);
	free(lineage->apps);
	free(lineage->objects);
	lineage_index_free(lineage->index);
	free(lineage);
}

const char *lineage_basename(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

const char *lineage_program(const struct event *event)
{
	const char *name = lineage_basename(event->app.exe);

	/* One executable with many programs in it: only the name it was called by tells. */
	if ((!*name || strcmp(name, "busybox") == 0) && event->app.comm)
		return event->app.comm;
	return name;
}

bool lineage_has_origin(const struct event *event, const char *origin)
{
	for (size_t i = 0; i < event->n_origins; i++)
		if (strcmp(event->origins[i], origin) == 0)
			return true;
	return false;
}

int lineage_add_egress(struct lineage *lineage, const struct store_record *record)
{
	const struct event *event = record->event;
	bool is_new;
	size_t app, flow;
	int r = lineage_graph_app(lineage, event->agent, event->boot_id, event->app.id, &app,
				  &is_new);

	if (r == 0)
		lineage->n_cut++;
	if (r <= 0)
		return r;
	lineage->apps[app].is_sender = true;
	if (event->time_ns > lineage->apps[app].until_ns)
		lineage->apps[app].until_ns = event->time_ns;
	r = lineage_graph_report(lineage, app, record, UINT64_MAX, &flow);
	if (r < 0)
		return r;
	lineage->flows[flow].is_egress = true;
	return 0;
}

static uint64_t later(uint64_t ns, uint64_t by_ns)
{
	return ns > UINT64_MAX - by_ns ? UINT64_MAX : ns + by_ns;
}

static int walk_push(struct walk *walk, size_t node, bool is_object)
{
	struct lineage *lineage = walk->lineage;
	bool *is_queued =
		is_object ? &lineage->objects[node].is_queued : &lineage->apps[node].is_queued;

	if (*is_queued)
		return 0;
	if (walk->n_queue == walk->room) {
		size_t room = walk->room ? walk->room * 2 : 64;
		struct work *queue = reallocarray(walk->queue, room, sizeof(*queue));

		if (!queue)
			return -ENOMEM;
		walk->queue = queue;
		walk->room = room;
	}
	*is_queued = true;
	walk->queue[walk->n_queue++] = (struct work){.node = node, .is_object = is_object};
	return 0;
}

/* Follows to an app that held the data until until_ns. Returns 1 when it is or will be walked,
 * 0 when a limit forbids it, or -ENOMEM. */
static int follow_app(struct walk *walk, const char *agent, const char *boot_id, uint64_t app_id,
		      uint64_t until_ns, unsigned int depth)
{
	struct lineage *lineage = walk->lineage;
	bool is_new = false;
	size_t at;
	int r;

	/* 0 is an open query, and no app. */
	if (app_id == 0 || depth > lineage->limits.max_depth)
		return 0;
	r = lineage_graph_app(lineage, agent, boot_id, app_id, &at, &is_new);
	if (r <= 0)
		return r;
	if (is_new)
		lineage->apps[at].depth = depth;
	if (!is_new && lineage->apps[at].until_ns >= until_ns)
		return 1;
	lineage->apps[at].until_ns = until_ns;
	r = walk_push(walk, at, false);
	return r < 0 ? r : 1;
}

static int follow_object(struct walk *walk, const struct event *event, uint64_t until_ns,
			 unsigned int depth)
{
	struct lineage *lineage = walk->lineage;
	bool is_new = false;
	size_t at;
	int r;

	if (event->object.ino == 0 || depth > lineage->limits.max_depth)
		return 0;
	r = lineage_graph_object(lineage, event, &at, &is_new);
	if (r <= 0)
		return r;
	if (is_new) {
		lineage->objects[at].depth = depth;
		lineage->objects[at].role = event->object.role;
	}
	if (!is_new && lineage->objects[at].until_ns >= until_ns)
		return 1;
	lineage->objects[at].until_ns = until_ns;
	r = walk_push(walk, at, true);
	return r < 0 ? r : 1;
}

/* A socket to another machine ends the walk: nobody on this one wrote what came in. */
static bool object_is_passage(const struct event_object *object)
{
	if (object->role == EVENT_ROLE_CRM)
		return false;
	if (object->kind == EVENT_OBJECT_SOCKET)
		return object->role == EVENT_ROLE_LOCAL || object->role == EVENT_ROLE_NONE;
	return object->kind != EVENT_OBJECT_NONE;
}

static int take_incoming(struct walk *walk, size_t app, const struct store_record *record)
{
	struct lineage *lineage = walk->lineage;
	const struct event *event = record->event;
	uint64_t until_ns = lineage->apps[app].until_ns;
	unsigned int depth = lineage->apps[app].depth;
	struct lineage_flow *flow;
	size_t at;
	int r;

	r = lineage_graph_report(lineage, app, record, later(until_ns, LINEAGE_SLACK_NS), &at);
	if (r <= 0)
		return r;
	if (event->direction != EVENT_DIRECTION_IN || !object_is_passage(&event->object))
		return 0;
	/* What the object held by the last read: later writes were not read here. */
	flow = &lineage->flows[at];
	until_ns = flow->last_ns < until_ns ? flow->last_ns : until_ns;
	if (event->object.kind == EVENT_OBJECT_APP)
		r = follow_app(walk, event->agent, event->boot_id, event->object.ino, until_ns,
			       depth + 1);
	else
		r = follow_object(walk, event, until_ns, depth);
	lineage->flows[at].is_cut = r == 0;
	return r < 0 ? r : 0;
}

static int walk_app(struct walk *walk, size_t app)
{
	_cleanup_(cursor_freep) struct store_cursor *cursor = NULL;
	const struct lineage_app *node = &walk->lineage->apps[app];
	struct store_query query = {
		.from_ns = walk->lineage->from_ns,
		.agent = node->agent,
		.boot_id = node->boot_id,
		.app_id = node->id,
		.kinds = LINEAGE_FLOW_KINDS | (node->is_sender ? 1u << EVENT_RECORDS : 0),
	};
	int r = store_query(walk->store, &query, &cursor);

	while (r >= 0) {
		_cleanup_(record_freep) struct store_record *record = NULL;

		r = store_cursor_next(cursor, &record);
		if (r <= 0)
			break;
		if (record->event->kind == EVENT_RECORDS)
			r = lineage_graph_flow_scan(walk->lineage, record);
		else if (record->event->direction == EVENT_DIRECTION_IN ||
			 record->event->object.role == EVENT_ROLE_CRM)
			r = take_incoming(walk, app, record);
		else if (record->event->kind == EVENT_EGRESS && record->bytes > 0)
			walk->lineage->apps[app].sends_elsewhere |=
				!lineage_graph_flow(walk->lineage, record->event);
	}
	return r;
}

static int take_writer(struct walk *walk, size_t object, const struct store_record *record)
{
	struct lineage *lineage = walk->lineage;
	const struct event *event = record->event;
	uint64_t until_ns = lineage->objects[object].until_ns;
	unsigned int depth = lineage->objects[object].depth + 1;
	uint64_t limit_ns = later(until_ns, LINEAGE_SLACK_NS);
	uint64_t start_ns = lineage_graph_start(lineage, record);
	bool is_new = false;
	size_t app, flow;
	int r;

	if (event->app.id == 0 || start_ns > limit_ns)
		return 0;
	if (depth > lineage->limits.max_depth) {
		lineage->n_cut++;
		return 0;
	}
	/* The flow hangs on its app, so the app is made first and walked after. */
	r = lineage_graph_app(lineage, event->agent, event->boot_id, event->app.id, &app, &is_new);
	if (r <= 0) {
		lineage->n_cut += r == 0;
		return r;
	}
	r = lineage_graph_report(lineage, app, record, limit_ns, &flow);
	if (r <= 0)
		return r;
	if (is_new)
		lineage->apps[app].depth = depth;
	r = follow_app(walk, event->agent, event->boot_id, event->app.id,
		       event->time_ns < until_ns ? event->time_ns : until_ns, depth);
	return r < 0 ? r : 0;
}

static int walk_object(struct walk *walk, size_t object)
{
	_cleanup_(cursor_freep) struct store_cursor *cursor = NULL;
	const struct lineage_object *node = &walk->lineage->objects[object];
	struct store_query query = {
		.from_ns = walk->lineage->from_ns,
		.agent = node->agent,
		.boot_id = *node->boot_id ? node->boot_id : NULL,
		.object_ino = node->ino,
		.object_dev = node->dev,
		.object_generation = node->generation,
		.kinds = LINEAGE_FLOW_KINDS | LINEAGE_MARK_KINDS,
	};
	int r = store_query(walk->store, &query, &cursor);

	while (r >= 0) {
		_cleanup_(record_freep) struct store_record *record = NULL;

		r = store_cursor_next(cursor, &record);
		if (r <= 0)
			break;
		if (!lineage_graph_is_same_object(&walk->lineage->objects[object], record->event))
			continue;
		r = lineage_graph_sighting(walk->lineage, object, record);
		if (r == 0 && record->event->kind == EVENT_RECORDS)
			r = lineage_graph_scan(&walk->lineage->objects[object], record);
		else if (r == 0 && record->event->direction == EVENT_DIRECTION_OUT)
			r = take_writer(walk, object, record);
	}
	return r;
}

static int walk_all(struct walk *walk)
{
	struct lineage *lineage = walk->lineage;
	int r;

	for (; walk->at < walk->n_queue; walk->at++) {
		struct work work = walk->queue[walk->at];

		if (walk->at >= lineage->limits.max_visits) {
			lineage->n_cut += walk->n_queue - walk->at;
			break;
		}
		if (work.is_object)
			lineage->objects[work.node].is_queued = false;
		else
			lineage->apps[work.node].is_queued = false;
		r = work.is_object ? walk_object(walk, work.node) : walk_app(walk, work.node);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < lineage->n_flows; i++)
		lineage->n_cut += lineage->flows[i].is_cut;
	return 0;
}

int lineage_walk(struct lineage *lineage, struct store *store)
{
	struct walk walk = {.lineage = lineage, .store = store};
	uint64_t first_ns = UINT64_MAX;
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows; i++)
		for (size_t j = 0; j < lineage->flows[i].n_reports; j++)
			if (lineage->flows[i].reports[j].time_ns < first_ns)
				first_ns = lineage->flows[i].reports[j].time_ns;
	/* 0 is an open query: nothing is older than the first nanosecond. */
	lineage->from_ns =
		first_ns > lineage->limits.lookback_ns ? first_ns - lineage->limits.lookback_ns : 1;
	for (size_t i = 0; i < lineage->n_apps && r == 0; i++)
		r = walk_push(&walk, i, false);
	if (r == 0)
		r = walk_all(&walk);
	if (r == 0) {
		lineage_graph_set_leave_times(lineage);
		lineage_graph_set_inner(lineage);
	}
	free(walk.queue);
	return r;
}
