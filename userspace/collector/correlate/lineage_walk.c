/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/lineage.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage_graph.h"
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
	size_t n_visits;
};

/* Objects that are looked up at once. A browser has a thousand that only it has touched. */
#define WALK_MAX_TOGETHER 512

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

static int take_sighting(struct walk *walk, size_t object, const struct store_record *record)
{
	struct lineage_object *node = &walk->lineage->objects[object];
	int r;

	if (!lineage_graph_is_same_object(node, record->event))
		return 0;
	r = lineage_graph_sighting(walk->lineage, object, record);
	if (r < 0)
		return r;
	if (record->event->kind == EVENT_RECORDS)
		return lineage_graph_scan(node, record);
	return record->event->direction == EVENT_DIRECTION_OUT ? take_writer(walk, object, record)
							       : 0;
}

/* Several may have one number: each file system counts for itself. */
static int take_sightings(struct walk *walk, const struct work *works, size_t n_works,
			  const struct store_record *record)
{
	size_t low = 0, high = n_works;
	int r = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (walk->lineage->objects[works[middle].node].ino < record->event->object.ino)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < n_works && r == 0; low++) {
		if (walk->lineage->objects[works[low].node].ino != record->event->object.ino)
			break;
		r = take_sighting(walk, works[low].node, record);
	}
	return r;
}

/* Of one agent and boot; sorted by inode. */
static int walk_objects(struct walk *walk, const struct work *works, size_t n_works)
{
	_cleanup_(cursor_freep) struct store_cursor *cursor = NULL;
	const struct lineage_object *first = &walk->lineage->objects[works[0].node];
	uint64_t inos[WALK_MAX_TOGETHER];
	struct store_query query = {
		.from_ns = walk->lineage->from_ns,
		.agent = first->agent,
		.boot_id = *first->boot_id ? first->boot_id : NULL,
		.object_inos = inos,
		.n_object_inos = n_works,
		.kinds = LINEAGE_FLOW_KINDS | LINEAGE_MARK_KINDS,
	};
	int r;

	for (size_t i = 0; i < n_works; i++)
		inos[i] = walk->lineage->objects[works[i].node].ino;
	r = store_query(walk->store, &query, &cursor);
	while (r >= 0) {
		_cleanup_(record_freep) struct store_record *record = NULL;

		r = store_cursor_next(cursor, &record);
		if (r <= 0)
			break;
		r = take_sightings(walk, works, n_works, record);
	}
	return r;
}

static int compare_inodes(const void *a, const void *b, void *userdata)
{
	const struct lineage *lineage = userdata;
	uint64_t x = lineage->objects[((const struct work *)a)->node].ino;
	uint64_t y = lineage->objects[((const struct work *)b)->node].ino;

	return (x > y) - (x < y);
}

/* How many of the next ones can be looked up together: they are equally far from the egress. */
static size_t count_together(const struct walk *walk)
{
	const struct lineage_object *objects = walk->lineage->objects;
	const struct work *works = walk->queue + walk->at;
	const struct lineage_object *first = &objects[works[0].node];
	size_t n = 0;

	while (n < WALK_MAX_TOGETHER && walk->at + n < walk->n_queue && works[n].is_object &&
	       objects[works[n].node].depth == first->depth &&
	       !strcmp(objects[works[n].node].agent, first->agent) &&
	       !strcmp(objects[works[n].node].boot_id, first->boot_id))
		n++;
	return n;
}

static int walk_next(struct walk *walk)
{
	struct work works[WALK_MAX_TOGETHER] = {walk->queue[walk->at]};
	struct lineage *lineage = walk->lineage;
	size_t n = 1;

	if (!works[0].is_object) {
		walk->at++;
		lineage->apps[works[0].node].is_queued = false;
		return walk_app(walk, works[0].node);
	}
	n = count_together(walk);
	memcpy(works, walk->queue + walk->at, n * sizeof(*works));
	walk->at += n;
	for (size_t i = 0; i < n; i++)
		lineage->objects[works[i].node].is_queued = false;
	qsort_r(works, n, sizeof(*works), compare_inodes, lineage);
	return walk_objects(walk, works, n);
}

static int walk_all(struct walk *walk)
{
	struct lineage *lineage = walk->lineage;
	int r;

	for (; walk->at < walk->n_queue; walk->n_visits++) {
		if (walk->n_visits >= lineage->limits.max_visits) {
			lineage->n_cut += walk->n_queue - walk->at;
			break;
		}
		r = walk_next(walk);
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
		lineage_graph_set_objects(lineage);
		lineage_graph_set_inner(lineage);
		r = lineage_graph_set_leave_times(lineage);
	}
	free(walk.queue);
	return r;
}
