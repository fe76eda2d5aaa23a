/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/incidents/incident_by_bytes.h"
#include "collector/incidents/incident_document.h"
#include "collector/incidents/incident_law.h"

/* Adds to a list unless it is there. Takes no reference; 0 or -1. */
static int add_once(json_t *list, const char *text, size_t size)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
		if (strlen(json_string_value(item)) == size &&
		    memcmp(json_string_value(item), text, size) == 0)
			return 0;
	return json_array_append_new(list, json_stringn(text, size));
}

static json_t *detectors_to_json(const struct incident *incident)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < incident->n_addends; i++) {
		const char *id = incident->addends[i].detector;

		if (add_once(list, id, strlen(id)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* An addend may name several techniques, separated by spaces. */
static json_t *attack_to_json(const struct incident *incident)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < incident->n_addends; i++) {
		const char *at = incident->addends[i].attack;

		while (*at) {
			size_t size = strcspn(at, " ");

			if (size > 0 && add_once(list, at, size) < 0) {
				json_decref(list);
				return NULL;
			}
			at += size + (at[size] == ' ');
		}
	}
	return list;
}

static json_t *count_to_json(uint64_t value, enum event_certainty certainty)
{
	return json_pack("{s:o, s:s}", "value",
			 certainty == EVENT_CERTAINTY_UNKNOWN ? json_null()
							      : json_integer((json_int_t)value),
			 "certainty", event_certainty_to_string(certainty));
}

static json_t *sources_to_json(const struct incident *incident, bool zh)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < incident->n_sources; i++) {
		const struct incident_source *source = &incident->sources[i];
		json_t *item = json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:I, s:o}", "name", source->name, "kind",
			source->kind, "class", source->class_name, "title",
			zh && *source->title_zh ? source->title_zh : source->title, "category",
			source->category, "connections", (json_int_t)source->connections, "records",
			count_to_json(source->records, source->certainty));

		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *counts_to_json(const struct incident *incident, bool zh)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < incident->n_counts; i++) {
		const struct incident_count *count = &incident->counts[i];
		json_t *item = json_pack("{s:s, s:s, s:I}", "record", count->record, "title",
					 zh && *count->title_zh ? count->title_zh : count->title,
					 "records", (json_int_t)count->n_records);

		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *sinks_to_json(const struct incident *incident)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < incident->n_sinks; i++) {
		const struct incident_sink *sink = &incident->sinks[i];
		json_t *item = json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:I}", "name", sink->name, "kind",
			sink->kind, "address", sink->address, "host", sink->host, "host_source",
			event_host_source_to_string(sink->host_source), "channel", sink->channel,
			"allowed", sink->allowed, "bytes", (json_int_t)sink->bytes);

		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *addends_to_json(const struct incident *incident, bool zh)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < incident->n_addends; i++) {
		const struct incident_addend *addend = &incident->addends[i];
		json_t *item =
			json_pack("{s:s, s:s, s:I, s:s, s:o}", "detector", addend->detector,
				  "attack", addend->attack, "points", (json_int_t)addend->points,
				  "reason", zh ? addend->reason_zh : addend->reason, "events",
				  incident_document_ids(&addend->events));

		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *law_to_json(const struct incident *incident, bool zh)
{
	struct incident_law_fact facts[INCIDENT_LAW_MAX_FACTS];
	size_t n_facts = incident_law_facts(incident, facts);
	json_t *list = json_array();

	for (size_t i = 0; list && i < n_facts; i++) {
		const struct incident_law_fact *fact = &facts[i];
		json_t *item = json_pack(
			"{s:s, s:s, s:s, s:o, s:I, s:I, s:I}", "item", fact->item, "category",
			fact->category, "title", zh ? fact->title_zh : fact->title, "records",
			count_to_json(fact->records, fact->certainty), "on_duty",
			(json_int_t)fact->on_duty, "ordinary", (json_int_t)fact->ordinary,
			"ten_times_on_duty", (json_int_t)fact->ten_times_on_duty);

		if (json_array_append_new(list, item) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *step_to_json(const struct incident_step *step)
{
	return json_pack(
		"{s:I, s:I, s:s, s:s, s:s, s:{s:I, s:s, s:I}, s:{s:s, s:s, s:s, s:s}, s:I, "
		"s:I, s:o}",
		"first_ns", (json_int_t)step->first_ns, "last_ns", (json_int_t)step->last_ns,
		"agent", step->agent, "person", step->person, "direction",
		event_direction_to_string(step->direction), "app", "id", (json_int_t)step->app_id,
		"exe", step->exe, "pid", (json_int_t)step->pid, "object", "kind",
		event_object_kind_to_string(step->object_kind), "role",
		event_role_to_string(step->role), "name", step->name, "zone", step->zone_name,
		"bytes", (json_int_t)step->bytes, "calls", (json_int_t)step->calls, "events",
		incident_document_ids(&step->events));
}

static json_t *lineage_to_json(const struct incident *incident)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < incident->n_lineage; i++)
		if (json_array_append_new(list, step_to_json(&incident->lineage[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *incident_to_json(const struct incident *incident, const char *lang)
{
	bool zh = incident_lang_is_chinese(lang);
	_cleanup_free_ char *text = NULL;
	const char *start;

	if (incident_explain(incident, lang, &text) < 0)
		return NULL;
	start = text + strspn(text, " ");
	return json_pack(
		"{s:I, s:s, s:I, s:o, s:o, s:o, s:o, s:I, s:s, s:o, s:o, s:I, s:I, s:s, s:o, s:o, "
		"s:o, "
		"s:o, "
		"s:o, s:o, s:o, s:{s:I, s:I, s:I, s:I}}",
		"id", (json_int_t)incident->id, "severity",
		incident_severity_to_string(incident->severity), "score",
		(json_int_t)incident->score, "detectors", detectors_to_json(incident), "persons",
		incident_document_strings(incident->persons, incident->n_persons), "sources",
		sources_to_json(incident, zh), "sinks", sinks_to_json(incident), "bytes_out",
		(json_int_t)incident->bytes_out, "bytes_certainty",
		event_certainty_to_string(incident->bytes_certainty), "records",
		count_to_json(incident->records, incident->records_certainty), "counts",
		counts_to_json(incident, zh), "first_ns", (json_int_t)incident->first_ns, "last_ns",
		(json_int_t)incident->last_ns, "explanation", start, "addends",
		addends_to_json(incident, zh), "attack", attack_to_json(incident), "agents",
		incident_document_strings(incident->agents, incident->n_agents), "law",
		law_to_json(incident, zh), "lineage", lineage_to_json(incident), "events",
		incident_document_ids(&incident->events), "by_bytes",
		incident_by_bytes_to_json(incident), "cut", "events",
		(json_int_t)incident->n_cut_events, "steps", (json_int_t)incident->n_cut_steps,
		"addends", (json_int_t)incident->n_cut_addends, "lineage",
		(json_int_t)incident->n_cut_lineage);
}
