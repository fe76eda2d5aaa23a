/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/lineage_graph.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage_index.h"
#include "collector/store/store.h"

static uint64_t hash_text(uint64_t hash, const char *text)
{
	text = text ? text : "";
	return lineage_hash_bytes(hash, text, strlen(text) + 1);
}

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
	return lineage_hash_bytes(hash, &number, sizeof(number));
}

uint64_t lineage_hash_app(const char *agent, const char *boot_id, uint64_t app_id)
{
	uint64_t hash = hash_text(LINEAGE_HASH_START, "app");

	return hash_number(hash_text(hash_text(hash, agent), boot_id), app_id);
}

uint64_t lineage_hash_object(const char *agent, const char *boot_id, enum event_object_kind kind,
			     uint64_t dev, uint64_t ino, uint64_t generation)
{
	uint64_t hash = hash_text(LINEAGE_HASH_START, "object");

	hash = hash_text(hash, agent);
	hash = hash_text(hash, kind == EVENT_OBJECT_FILE ? "" : boot_id);
	hash = hash_number(hash_number(hash, dev), ino);
	return hash_number(hash, generation);
}

static uint64_t hash_flow(const struct event *event)
{
	const struct event_object *object = &event->object;
	uint64_t hash = lineage_hash_app(event->agent, event->boot_id, event->app.id);

	hash = hash_number(hash_number(hash, object->dev), object->ino);
	hash = hash_number(hash_number(hash, object->generation), event->direction);
	/* One unconnected socket serves many peers. */
	return hash_text(hash, object->address);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

int lineage_graph_app(struct lineage *lineage, const char *agent, const char *boot_id,
		      uint64_t app_id, size_t *ret_at, bool *ret_is_new)
{
	uint64_t hash = lineage_hash_app(agent, boot_id, app_id);
	struct lineage_app *apps, app = {.id = app_id, .first_flow = LINEAGE_NO_FLOW};
	size_t probe = 0, at;

	while ((at = lineage_index_next(lineage->index, hash, &probe)) != LINEAGE_INDEX_NONE) {
		if (at >= lineage->n_apps || lineage->apps[at].id != app_id ||
		    !same_text(lineage->apps[at].agent, agent) ||
		    !same_text(lineage->apps[at].boot_id, boot_id))
			continue;
		*ret_at = at;
		*ret_is_new = false;
		return 1;
	}
	if (lineage->n_apps + lineage->n_objects >= lineage->limits.max_nodes)
		return 0;
	apps = reallocarray(lineage->apps, lineage->n_apps + 1, sizeof(*apps));
	if (!apps)
		return -ENOMEM;
	lineage->apps = apps;
	app.agent = strdup(agent ? agent : "");
	app.boot_id = strdup(boot_id ? boot_id : "");
	if (!app.agent || !app.boot_id ||
	    lineage_index_put(lineage->index, hash, lineage->n_apps) < 0) {
		free(app.agent);
		free(app.boot_id);
		return -ENOMEM;
	}
	*ret_at = lineage->n_apps;
	*ret_is_new = true;
	apps[lineage->n_apps++] = app;
	return 1;
}

bool lineage_graph_is_same_object(const struct lineage_object *object, const struct event *event)
{
	return object->ino == event->object.ino && object->dev == event->object.dev &&
	       object->generation == event->object.generation &&
	       same_text(object->agent, event->agent) &&
	       (!*object->boot_id || same_text(object->boot_id, event->boot_id));
}

static uint64_t hash_object_of(const struct event *event)
{
	const struct event_object *object = &event->object;

	return lineage_hash_object(event->agent, event->boot_id, object->kind, object->dev,
				   object->ino, object->generation);
}

static size_t find_object(const struct lineage *lineage, const struct event *event)
{
	uint64_t hash = hash_object_of(event);
	size_t probe = 0, at;

	while ((at = lineage_index_next(lineage->index, hash, &probe)) != LINEAGE_INDEX_NONE)
		if (at < lineage->n_objects &&
		    lineage_graph_is_same_object(&lineage->objects[at], event))
			return at;
	return LINEAGE_INDEX_NONE;
}

int lineage_graph_object(struct lineage *lineage, const struct event *event, size_t *ret_at,
			 bool *ret_is_new)
{
	size_t at = find_object(lineage, event);
	struct lineage_object *objects, object = {
						.kind = event->object.kind,
						.dev = event->object.dev,
						.ino = event->object.ino,
						.generation = event->object.generation,
					};
	bool is_file = event->object.kind == EVENT_OBJECT_FILE;

	*ret_is_new = at == LINEAGE_INDEX_NONE;
	*ret_at = at;
	if (!*ret_is_new)
		return 1;
	if (lineage->n_apps + lineage->n_objects >= lineage->limits.max_nodes)
		return 0;
	objects = reallocarray(lineage->objects, lineage->n_objects + 1, sizeof(*objects));
	if (!objects)
		return -ENOMEM;
	lineage->objects = objects;
	object.agent = strdup(event->agent ? event->agent : "");
	object.boot_id = strdup(is_file || !event->boot_id ? "" : event->boot_id);
	if (!object.agent || !object.boot_id ||
	    lineage_index_put(lineage->index, hash_object_of(event), lineage->n_objects) < 0) {
		free(object.agent);
		free(object.boot_id);
		return -ENOMEM;
	}
	*ret_at = lineage->n_objects;
	objects[lineage->n_objects++] = object;
	return 1;
}

static size_t find_flow(const struct lineage *lineage, const struct event *event)
{
	uint64_t hash = hash_flow(event);
	size_t probe = 0, at;

	while ((at = lineage_index_next(lineage->index, hash, &probe)) != LINEAGE_INDEX_NONE) {
		const struct event *known = at < lineage->n_flows ? lineage->flows[at].event : NULL;

		if (known && known->app.id == event->app.id &&
		    known->direction == event->direction &&
		    known->object.ino == event->object.ino &&
		    known->object.dev == event->object.dev &&
		    known->object.generation == event->object.generation &&
		    same_text(known->agent, event->agent) &&
		    same_text(known->boot_id, event->boot_id) &&
		    same_text(known->object.address, event->object.address))
			return at;
	}
	return LINEAGE_INDEX_NONE;
}

struct lineage_flow *lineage_graph_flow(struct lineage *lineage, const struct event *event)
{
	size_t at = find_flow(lineage, event);

	return at == LINEAGE_INDEX_NONE ? NULL : &lineage->flows[at];
}

static int add_flow(struct lineage *lineage, size_t app, const struct store_record *record,
		    size_t *ret_at)
{
	struct lineage_flow *flows,
		flow = {.app = app, .object = LINEAGE_NO_OBJECT, .first_ns = UINT64_MAX};

	/* Doubling at powers of two. */
	if ((lineage->n_flows & (lineage->n_flows - 1)) == 0) {
		flows = reallocarray(lineage->flows, lineage->n_flows ? lineage->n_flows * 2 : 1,
				     sizeof(*flows));
		if (!flows)
			return -ENOMEM;
		lineage->flows = flows;
	}
	if (event_copy(record->event, &flow.event) < 0)
		return -ENOMEM;
	flow.person = strdup(record->person ? record->person : "");
	if (!flow.person ||
	    lineage_index_put(lineage->index, hash_flow(flow.event), lineage->n_flows) < 0) {
		event_free(flow.event);
		free(flow.person);
		return -ENOMEM;
	}
	if (!lineage->apps[app].event || !lineage->apps[app].event->app.exe)
		lineage->apps[app].event = flow.event;
	flow.next_of_app = lineage->apps[app].first_flow;
	lineage->apps[app].first_flow = lineage->n_flows;
	*ret_at = lineage->n_flows;
	lineage->flows[lineage->n_flows++] = flow;
	return 0;
}

static uint64_t start_of(const struct lineage_flow *flow, const struct event *event,
			 uint64_t since_ns)
{
	uint64_t start_ns = event->flow_first_ns ? event->flow_first_ns : event->time_ns;

	if (flow && flow->last_ns > start_ns)
		start_ns = flow->last_ns;
	if (since_ns > start_ns)
		start_ns = since_ns;
	return start_ns < event->time_ns ? start_ns : event->time_ns;
}

/* Nothing that a record adds was there when the agent had looked before. Of a record that adds what
 * earlier ones should have told, which did not come, that is not known: 0. */
static uint64_t since_of(const struct store_record *record)
{
	const struct event *event = record->event;

	return event->calls_total - record->calls >= event->since_calls ? event->since_ns : 0;
}

uint64_t lineage_graph_start(const struct lineage *lineage, const struct store_record *record)
{
	size_t at = find_flow(lineage, record->event);

	return start_of(at == LINEAGE_INDEX_NONE ? NULL : &lineage->flows[at], record->event,
			since_of(record));
}

static int keep_report(struct lineage *lineage, struct lineage_flow *flow,
		       const struct lineage_report *report)
{
	struct lineage_report *reports;

	if (lineage->n_reports >= lineage->limits.max_reports) {
		lineage->n_cut_reports++;
		return 0;
	}
	if ((flow->n_reports & (flow->n_reports - 1)) == 0) {
		reports = reallocarray(flow->reports, flow->n_reports ? flow->n_reports * 2 : 1,
				       sizeof(*reports));
		if (!reports)
			return -ENOMEM;
		flow->reports = reports;
	}
	flow->reports[flow->n_reports++] = *report;
	lineage->n_reports++;
	return 0;
}

static int merge_names(struct event *known, const struct event *event)
{
	int r = 0;

	for (size_t i = 0; i < event->n_labels && r == 0; i++)
		r = event_add_label(known, event->labels[i]);
	for (size_t i = 0; i < event->n_origins && r == 0; i++)
		r = event_add_origin(known, event->origins[i]);
	if (r == 0 && !known->object.name && event->object.name) {
		known->object.name = strdup(event->object.name);
		r = known->object.name ? 0 : -ENOMEM;
	}
	if (r == 0 && !known->app.exe && event->app.exe) {
		known->app.exe = strdup(event->app.exe);
		r = known->app.exe ? 0 : -ENOMEM;
	}
	return r;
}

int lineage_graph_report(struct lineage *lineage, size_t app, const struct store_record *record,
			 uint64_t limit_ns, size_t *ret_flow)
{
	const struct event *event = record->event;
	size_t at = find_flow(lineage, event);
	struct lineage_flow *flow = at == LINEAGE_INDEX_NONE ? NULL : &lineage->flows[at];
	struct lineage_report report = {
		.id = record->id,
		.start_ns = start_of(flow, event, since_of(record)),
		.time_ns = event->time_ns,
		.bytes = record->bytes,
		.calls = record->calls,
		.turns = record->turns,
	};
	uint64_t first_ns;
	int r;

	*ret_flow = at;
	if (flow && record->id <= flow->last_id)
		return 1;
	if (report.start_ns > limit_ns)
		return 0;
	if (!flow) {
		r = add_flow(lineage, app, record, &at);
		if (r < 0)
			return r;
		flow = &lineage->flows[at];
		*ret_flow = at;
	}
	r = keep_report(lineage, flow, &report);
	if (r == 0)
		r = merge_names(flow->event, event);
	if (r < 0)
		return r;
	/* Totals, like those that the store makes what was added of. */
	if (event->questions.names >= flow->event->questions.names)
		flow->event->questions = event->questions;
	flow->is_crm |= event->object.role == EVENT_ROLE_CRM;
	first_ns = start_of(flow, event, 0);
	flow->first_ns = first_ns < flow->first_ns ? first_ns : flow->first_ns;
	flow->last_ns = event->time_ns > flow->last_ns ? event->time_ns : flow->last_ns;
	flow->bytes += record->bytes;
	flow->calls += record->calls;
	flow->turns += record->turns;
	flow->last_id = record->id;
	return 1;
}

void lineage_graph_set_objects(struct lineage *lineage)
{
	for (size_t i = 0; i < lineage->n_flows; i++) {
		size_t at = find_object(lineage, lineage->flows[i].event);

		lineage->flows[i].object = at == LINEAGE_INDEX_NONE ? LINEAGE_NO_OBJECT : at;
	}
}
