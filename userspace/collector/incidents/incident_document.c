/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident_document.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/incidents/incident.h"
#include "collector/incidents/incident_by_bytes.h"
#include "collector/store/store.h"

#define DOCUMENT_VERSION 1

/* Identities use all 64 bits; JSON integers are signed. The bits are kept as they are. */
static json_int_t as_json(uint64_t number)
{
	return (json_int_t)number;
}

json_t *incident_document_ids(const struct incident_ids *ids)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < ids->n_items; i++)
		if (json_array_append_new(array, json_integer(as_json(ids->items[i]))) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

json_t *incident_document_strings(char *const *strings, size_t n_strings)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < n_strings; i++)
		if (json_array_append_new(array, json_string(strings[i])) < 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *addend_to_json(const void *item)
{
	const struct incident_addend *addend = item;

	return json_pack("{s:s, s:s, s:I, s:s, s:s, s:o}", "detector", addend->detector, "attack",
			 addend->attack, "points", (json_int_t)addend->points, "reason",
			 addend->reason, "reason_zh", addend->reason_zh, "events",
			 incident_document_ids(&addend->events));
}

static json_t *source_to_json(const void *item)
{
	const struct incident_source *source = item;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "name", source->name,
			 "kind", source->kind, "class", source->class_name, "title", source->title,
			 "title_zh", source->title_zh, "category", source->category, "records",
			 as_json(source->records), "connections", as_json(source->connections),
			 "certainty", event_certainty_to_string(source->certainty));
}

static json_t *count_to_json(const void *item)
{
	const struct incident_count *count = item;

	return json_pack("{s:s, s:s, s:s, s:I}", "record", count->record, "title", count->title,
			 "title_zh", count->title_zh, "n_records", as_json(count->n_records));
}

static json_t *sink_to_json(const void *item)
{
	const struct incident_sink *sink = item;

	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:b, s:I}", "name", sink->name, "kind",
			 sink->kind, "address", sink->address, "host", sink->host, "host_source",
			 (int)sink->host_source, "channel", sink->channel, "allowed", sink->allowed,
			 "bytes", as_json(sink->bytes));
}

static json_t *step_to_json(const void *item)
{
	const struct incident_step *step = item;

	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:s, s:i, s:i, s:i, s:I, s:I, s:I, "
			 "s:s, s:s, s:I, s:I, s:o}",
			 "first_ns", as_json(step->first_ns), "last_ns", as_json(step->last_ns),
			 "agent", step->agent, "boot_id", step->boot_id, "person", step->person,
			 "app_id", as_json(step->app_id), "pid", (json_int_t)step->pid, "exe",
			 step->exe, "direction", (int)step->direction, "object_kind",
			 (int)step->object_kind, "role", (int)step->role, "dev", as_json(step->dev),
			 "ino", as_json(step->ino), "generation", as_json(step->generation), "name",
			 step->name, "zone_name", step->zone_name, "bytes", as_json(step->bytes),
			 "calls", as_json(step->calls), "events",
			 incident_document_ids(&step->events));
}

static json_t *list_to_json(const void *items, size_t n_items, size_t item_size,
			    json_t *(*to_json)(const void *item))
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < n_items; i++)
		if (json_array_append_new(array, to_json((const char *)items + i * item_size)) <
		    0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

#define LIST(items, n_items, to_json) list_to_json(items, n_items, sizeof(*(items)), to_json)

int incident_to_document(const struct incident *incident, char **ret_document)
{
	_cleanup_(json_decrefp) json_t *root = json_pack(
		"{s:i, s:I, s:s, s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
		DOCUMENT_VERSION, "id", as_json(incident->id), "key", incident->key, "score",
		(json_int_t)incident->score, "severity", (int)incident->severity, "addends",
		LIST(incident->addends, incident->n_addends, addend_to_json), "persons",
		incident_document_strings(incident->persons, incident->n_persons), "agents",
		incident_document_strings(incident->agents, incident->n_agents), "sources",
		LIST(incident->sources, incident->n_sources, source_to_json), "sinks",
		LIST(incident->sinks, incident->n_sinks, sink_to_json), "lineage",
		LIST(incident->lineage, incident->n_lineage, step_to_json), "events",
		incident_document_ids(&incident->events));
	_cleanup_(json_decrefp) json_t *figures = json_pack(
		"{s:o, s:o, s:I, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "counts",
		LIST(incident->counts, incident->n_counts, count_to_json), "by_bytes",
		incident_by_bytes_to_document(incident), "bytes_out", as_json(incident->bytes_out),
		"bytes_certainty", event_certainty_to_string(incident->bytes_certainty), "records",
		as_json(incident->records), "records_certainty",
		event_certainty_to_string(incident->records_certainty), "first_ns",
		as_json(incident->first_ns), "last_ns", as_json(incident->last_ns), "cut_events",
		as_json(incident->n_cut_events), "cut_steps", as_json(incident->n_cut_steps),
		"cut_addends", as_json(incident->n_cut_addends), "cut_lineage",
		as_json(incident->n_cut_lineage));
	char *document;

	if (!root || !figures || json_object_update(root, figures) < 0)
		return -ENOMEM;
	document = json_dumps(root, JSON_COMPACT);
	if (!document)
		return -ENOMEM;
	*ret_document = document;
	return 0;
}

static int ids_from_json(json_t *array, struct incident_ids *ids, size_t limit)
{
	int r = 0;

	if (!json_is_array(array) || json_array_size(array) > limit)
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(array) && r == 0; i++) {
		json_t *item = json_array_get(array, i);

		if (!json_is_integer(item))
			return -EBADMSG;
		r = incident_ids_add(ids, (uint64_t)json_integer_value(item));
	}
	return r;
}

static int addend_from_json(struct incident *incident, json_t *json)
{
	struct incident_addend addend = {0};
	json_int_t points;
	json_t *events;
	int r;

	if (json_unpack(json, "{s:s, s:s, s:I, s:s, s:s, s:o}", "detector", &addend.detector,
			"attack", &addend.attack, "points", &points, "reason", &addend.reason,
			"reason_zh", &addend.reason_zh, "events", &events) < 0)
		return -EBADMSG;
	addend.points = points;
	r = ids_from_json(events, &addend.events, INCIDENT_MAX_EVENTS);
	if (r == 0)
		r = incident_add_addend(incident, &addend);
	incident_ids_done(&addend.events);
	return r;
}

static int source_from_json(struct incident *incident, json_t *json)
{
	struct incident_source source = {0};
	json_int_t records, connections;
	const char *certainty;

	if (json_unpack(json, "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s}", "name", &source.name,
			"kind", &source.kind, "class", &source.class_name, "title", &source.title,
			"title_zh", &source.title_zh, "category", &source.category, "records",
			&records, "connections", &connections, "certainty", &certainty) < 0)
		return -EBADMSG;
	source.records = (uint64_t)records;
	source.connections = (uint64_t)connections;
	source.certainty = event_certainty_from_string(certainty);
	return incident_add_source(incident, &source);
}

static int sink_from_json(struct incident *incident, json_t *json)
{
	struct incident_sink sink = {0};
	int allowed, host_source = EVENT_HOST_NONE;
	json_int_t bytes;

	/* Documents of older collectors have no host and no channel. */
	if (json_unpack(json, "{s:s, s:s, s:s, s?s, s?i, s?s, s:b, s:I}", "name", &sink.name,
			"kind", &sink.kind, "address", &sink.address, "host", &sink.host,
			"host_source", &host_source, "channel", &sink.channel, "allowed", &allowed,
			"bytes", &bytes) < 0)
		return -EBADMSG;
	if (host_source >= EVENT_HOST_NONE && host_source <= EVENT_HOST_LAST)
		sink.host_source = (enum event_host_source)host_source;
	sink.allowed = allowed;
	sink.bytes = (uint64_t)bytes;
	return incident_add_sink(incident, &sink);
}

static int step_from_json(struct incident *incident, json_t *json)
{
	struct incident_step step = {0};
	json_int_t first, last, app, pid, dev, ino, generation, bytes, calls;
	int direction, kind, role, r;
	json_t *events;

	if (json_unpack(json,
			"{s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:s, s:i, s:i, s:i, s:I, s:I, s:I, "
			"s:s, s:s, s:I, s:I, s:o}",
			"first_ns", &first, "last_ns", &last, "agent", &step.agent, "boot_id",
			&step.boot_id, "person", &step.person, "app_id", &app, "pid", &pid, "exe",
			&step.exe, "direction", &direction, "object_kind", &kind, "role", &role,
			"dev", &dev, "ino", &ino, "generation", &generation, "name", &step.name,
			"zone_name", &step.zone_name, "bytes", &bytes, "calls", &calls, "events",
			&events) < 0)
		return -EBADMSG;
	step.first_ns = (uint64_t)first;
	step.last_ns = (uint64_t)last;
	step.app_id = (uint64_t)app;
	step.pid = (uint32_t)pid;
	step.direction = (enum event_direction)direction;
	step.object_kind = (enum event_object_kind)kind;
	step.role = (enum event_role)role;
	step.dev = (uint64_t)dev;
	step.ino = (uint64_t)ino;
	step.generation = (uint64_t)generation;
	step.bytes = (uint64_t)bytes;
	step.calls = (uint64_t)calls;
	r = ids_from_json(events, &step.events, SIZE_MAX);
	if (r == 0)
		r = incident_add_step(incident, &step);
	incident_ids_done(&step.events);
	return r;
}

static int count_from_json(struct incident *incident, json_t *json)
{
	struct incident_count count = {0};
	json_int_t n_records;

	if (json_unpack(json, "{s:s, s:s, s:s, s:I}", "record", &count.record, "title",
			&count.title, "title_zh", &count.title_zh, "n_records", &n_records) < 0)
		return -EBADMSG;
	count.n_records = (uint64_t)n_records;
	return incident_add_count(incident, &count);
}

static int person_from_json(struct incident *incident, json_t *json)
{
	return json_is_string(json) ? incident_add_person(incident, json_string_value(json))
				    : -EBADMSG;
}

static int agent_from_json(struct incident *incident, json_t *json)
{
	return json_is_string(json) ? incident_add_agent(incident, json_string_value(json))
				    : -EBADMSG;
}

static int list_from_json(struct incident *incident, json_t *root, const char *key,
			  int (*from_json)(struct incident *incident, json_t *json))
{
	json_t *array = json_object_get(root, key);
	int r = json_is_array(array) ? 0 : -EBADMSG;

	for (size_t i = 0; r == 0 && i < json_array_size(array); i++)
		r = from_json(incident, json_array_get(array, i));
	return r;
}

static int figures_from_json(struct incident *incident, json_t *root)
{
	json_int_t id, score, bytes, records, first, last, events, steps, addends, lineage;
	const char *bytes_certainty, *records_certainty, *key;
	int version, severity;
	char *copy;

	if (json_unpack(root,
			"{s:i, s:I, s:s, s:I, s:i, s:I, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, "
			"s:I}",
			"version", &version, "id", &id, "key", &key, "score", &score, "severity",
			&severity, "bytes_out", &bytes, "bytes_certainty", &bytes_certainty,
			"records", &records, "records_certainty", &records_certainty, "first_ns",
			&first, "last_ns", &last, "cut_events", &events, "cut_steps", &steps,
			"cut_addends", &addends, "cut_lineage", &lineage) < 0 ||
	    version != DOCUMENT_VERSION || severity < INCIDENT_LOW || severity > INCIDENT_CRITICAL)
		return -EBADMSG;
	copy = strdup(key);
	if (!copy)
		return -ENOMEM;
	free(incident->key);
	incident->key = copy;
	incident->id = (uint64_t)id;
	incident->score = score;
	incident->severity = (enum incident_severity)severity;
	incident->bytes_out = (uint64_t)bytes;
	incident->bytes_certainty = event_certainty_from_string(bytes_certainty);
	incident->records = (uint64_t)records;
	incident->records_certainty = event_certainty_from_string(records_certainty);
	incident->first_ns = (uint64_t)first;
	incident->last_ns = (uint64_t)last;
	incident->n_cut_events = (uint64_t)events;
	incident->n_cut_steps = (uint64_t)steps;
	incident->n_cut_addends = (uint64_t)addends;
	incident->n_cut_lineage = (uint64_t)lineage;
	return 0;
}

int incident_from_document(const char *document, struct incident **ret_incident)
{
	_cleanup_(json_decrefp) json_t *root = json_loads(document, 0, NULL);
	_cleanup_(incident_freep) struct incident *incident = incident_new();
	int r;

	if (!incident)
		return -ENOMEM;
	r = figures_from_json(incident, root);
	if (r == 0)
		r = list_from_json(incident, root, "addends", addend_from_json);
	if (r == 0)
		r = list_from_json(incident, root, "persons", person_from_json);
	if (r == 0)
		r = list_from_json(incident, root, "agents", agent_from_json);
	if (r == 0)
		r = list_from_json(incident, root, "sources", source_from_json);
	if (r == 0)
		r = list_from_json(incident, root, "sinks", sink_from_json);
	/* Older documents have none. */
	if (r == 0 && json_object_get(root, "counts"))
		r = list_from_json(incident, root, "counts", count_from_json);
	if (r == 0)
		r = incident_by_bytes_from_document(json_object_get(root, "by_bytes"), incident);
	if (r == 0)
		r = list_from_json(incident, root, "lineage", step_from_json);
	if (r == 0)
		r = ids_from_json(json_object_get(root, "events"), &incident->events,
				  INCIDENT_MAX_EVENTS);
	if (r < 0)
		return r;
	*ret_incident = TAKE(incident);
	return 0;
}

int incident_from_stored(const struct store_incident *stored, struct incident **ret_incident)
{
	_cleanup_(incident_freep) struct incident *incident = NULL;
	char *key;
	int r = incident_from_document(stored->document ? stored->document : "", &incident);

	if (r < 0)
		return r;
	key = strdup(stored->key ? stored->key : "");
	if (!key)
		return -ENOMEM;
	free(incident->key);
	incident->key = key;
	incident->id = stored->id;
	*ret_incident = TAKE(incident);
	return 0;
}
