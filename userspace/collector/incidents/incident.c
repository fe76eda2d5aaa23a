/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/incidents/incident.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/incidents/incident_text.h"

struct incident *incident_new(void)
{
	struct incident *incident = calloc(1, sizeof(*incident));

	if (!incident)
		return NULL;
	incident->bytes_certainty = EVENT_CERTAINTY_EXACT;
	incident->key = strdup("");
	if (!incident->key) {
		free(incident);
		return NULL;
	}
	return incident;
}

static void addend_done(struct incident_addend *addend)
{
	free(addend->detector);
	free(addend->attack);
	free(addend->reason);
	free(addend->reason_zh);
	incident_ids_done(&addend->events);
}

static void source_done(struct incident_source *source)
{
	free(source->name);
	free(source->kind);
	free(source->class_name);
	free(source->title);
	free(source->title_zh);
	free(source->category);
}

static void sink_done(struct incident_sink *sink)
{
	free(sink->name);
	free(sink->kind);
	free(sink->address);
	free(sink->host);
	free(sink->channel);
}

static void count_done(struct incident_count *count)
{
	free(count->record);
	free(count->title);
	free(count->title_zh);
}

static void step_done(struct incident_step *step)
{
	free(step->agent);
	free(step->boot_id);
	free(step->person);
	free(step->exe);
	free(step->name);
	free(step->zone_name);
	incident_ids_done(&step->events);
}

static void strings_free(char **strings, size_t n_strings)
{
	for (size_t i = 0; i < n_strings; i++)
		free(strings[i]);
	free(strings);
}

void incident_free(struct incident *incident)
{
	if (!incident)
		return;
	for (size_t i = 0; i < incident->n_addends; i++)
		addend_done(&incident->addends[i]);
	for (size_t i = 0; i < incident->n_sources; i++)
		source_done(&incident->sources[i]);
	for (size_t i = 0; i < incident->n_sinks; i++)
		sink_done(&incident->sinks[i]);
	for (size_t i = 0; i < incident->n_lineage; i++)
		step_done(&incident->lineage[i]);
	for (size_t i = 0; i < incident->n_counts; i++)
		count_done(&incident->counts[i]);
	free(incident->counts);
	free(incident->addends);
	free(incident->sources);
	free(incident->sinks);
	free(incident->lineage);
	strings_free(incident->persons, incident->n_persons);
	strings_free(incident->agents, incident->n_agents);
	incident_ids_done(&incident->events);
	free(incident->key);
	free(incident);
}

/* Makes room for one more element by doubling at powers of two. */
static int grow(void *array_pointer, size_t n_items, size_t item_size)
{
	void **array = array_pointer;
	void *grown;

	if (n_items & (n_items - 1))
		return 0;
	grown = reallocarray(*array, n_items ? n_items * 2 : 1, item_size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	return 0;
}

/* Sets *ok to false when memory is out, so that a whole struct is copied with one check. */
static char *copy_text(const char *text, bool *ok)
{
	char *copy = incident_text_copy(text);

	if (!copy)
		*ok = false;
	return copy;
}

static int strings_add(char ***strings, size_t *n_strings, const char *text)
{
	size_t at = 0;
	char *copy;
	int r;

	while (at < *n_strings && strcmp((*strings)[at], text) < 0)
		at++;
	if (at < *n_strings && strcmp((*strings)[at], text) == 0)
		return 0;
	copy = incident_text_copy(text);
	if (!copy)
		return -ENOMEM;
	r = grow(strings, *n_strings, sizeof(**strings));
	if (r < 0) {
		free(copy);
		return r;
	}
	memmove(*strings + at + 1, *strings + at, (*n_strings - at) * sizeof(**strings));
	(*strings)[at] = copy;
	(*n_strings)++;
	return 0;
}

int incident_add_person(struct incident *incident, const char *pseudonym)
{
	return strings_add(&incident->persons, &incident->n_persons, pseudonym);
}

int incident_add_agent(struct incident *incident, const char *agent)
{
	return strings_add(&incident->agents, &incident->n_agents, agent);
}

int incident_add_addend(struct incident *incident, const struct incident_addend *addend)
{
	struct incident_addend copy = {.points = addend->points};
	bool ok = true;
	int r;

	if (incident->n_addends >= INCIDENT_MAX_ADDENDS) {
		incident->n_cut_addends++;
		return 0;
	}
	copy.detector = copy_text(addend->detector, &ok);
	copy.attack = copy_text(addend->attack, &ok);
	copy.reason = copy_text(addend->reason, &ok);
	copy.reason_zh = copy_text(addend->reason_zh, &ok);
	r = ok ? incident_ids_copy(&addend->events, &copy.events) : -ENOMEM;
	if (r == 0)
		r = grow(&incident->addends, incident->n_addends, sizeof(copy));
	if (r < 0) {
		addend_done(&copy);
		return r;
	}
	incident->addends[incident->n_addends++] = copy;
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a, b ? b : "") == 0;
}

int incident_add_source(struct incident *incident, const struct incident_source *source)
{
	struct incident_source copy = *source;
	bool ok = true;
	int r;

	for (size_t i = 0; i < incident->n_sources; i++) {
		struct incident_source *known = &incident->sources[i];

		if (!same_text(known->name, source->name) ||
		    !same_text(known->kind, source->kind) ||
		    !same_text(known->class_name, source->class_name))
			continue;
		known->records += source->records;
		known->connections += source->connections;
		if (source->certainty != EVENT_CERTAINTY_UNKNOWN)
			known->certainty = source->certainty;
		return 0;
	}
	copy.name = copy_text(source->name, &ok);
	copy.kind = copy_text(source->kind, &ok);
	copy.class_name = copy_text(source->class_name, &ok);
	copy.title = copy_text(source->title, &ok);
	copy.title_zh = copy_text(source->title_zh, &ok);
	copy.category = copy_text(source->category, &ok);
	r = ok ? grow(&incident->sources, incident->n_sources, sizeof(copy)) : -ENOMEM;
	if (r < 0) {
		source_done(&copy);
		return r;
	}
	incident->sources[incident->n_sources++] = copy;
	return 0;
}

int incident_add_sink(struct incident *incident, const struct incident_sink *sink)
{
	struct incident_sink copy = *sink;
	bool ok = true;
	int r;

	for (size_t i = 0; i < incident->n_sinks; i++) {
		struct incident_sink *known = &incident->sinks[i];

		if (same_text(known->name, sink->name) &&
		    same_text(known->address, sink->address) &&
		    same_text(known->host, sink->host) &&
		    same_text(known->channel, sink->channel)) {
			known->bytes += sink->bytes;
			return 0;
		}
	}
	copy.name = copy_text(sink->name, &ok);
	copy.kind = copy_text(sink->kind, &ok);
	copy.address = copy_text(sink->address, &ok);
	copy.host = copy_text(sink->host, &ok);
	copy.channel = copy_text(sink->channel, &ok);
	r = ok ? grow(&incident->sinks, incident->n_sinks, sizeof(copy)) : -ENOMEM;
	if (r < 0) {
		sink_done(&copy);
		return r;
	}
	incident->sinks[incident->n_sinks++] = copy;
	return 0;
}

int incident_add_count(struct incident *incident, const struct incident_count *count)
{
	struct incident_count copy = {.n_records = count->n_records};
	bool ok = true;
	int r;

	copy.record = copy_text(count->record, &ok);
	copy.title = copy_text(count->title, &ok);
	copy.title_zh = copy_text(count->title_zh, &ok);
	r = ok ? grow(&incident->counts, incident->n_counts, sizeof(copy)) : -ENOMEM;
	if (r < 0) {
		count_done(&copy);
		return r;
	}
	incident->counts[incident->n_counts++] = copy;
	return 0;
}

int incident_add_step(struct incident *incident, const struct incident_step *step)
{
	struct incident_step copy = *step;
	size_t at = incident->n_lineage;
	bool ok = true;
	int r;

	if (incident->n_lineage >= INCIDENT_MAX_STEPS) {
		incident->n_cut_steps++;
		return 0;
	}
	copy.events = (struct incident_ids){0};
	copy.agent = copy_text(step->agent, &ok);
	copy.boot_id = copy_text(step->boot_id, &ok);
	copy.person = copy_text(step->person, &ok);
	copy.exe = copy_text(step->exe, &ok);
	copy.name = copy_text(step->name, &ok);
	copy.zone_name = copy_text(step->zone_name, &ok);
	r = ok ? incident_ids_copy(&step->events, &copy.events) : -ENOMEM;
	if (r == 0)
		r = grow(&incident->lineage, incident->n_lineage, sizeof(copy));
	if (r < 0) {
		step_done(&copy);
		return r;
	}
	while (at > 0 && incident->lineage[at - 1].first_ns > step->first_ns)
		at--;
	memmove(&incident->lineage[at + 1], &incident->lineage[at],
		(incident->n_lineage - at) * sizeof(copy));
	incident->lineage[at] = copy;
	incident->n_lineage++;
	return 0;
}

int incident_add_event(struct incident *incident, uint64_t event_id)
{
	if (incident->events.n_items >= INCIDENT_MAX_EVENTS &&
	    !incident_ids_contain(&incident->events, event_id)) {
		incident->n_cut_events++;
		return 0;
	}
	return incident_ids_add(&incident->events, event_id);
}

enum incident_severity incident_severity_of(int64_t score,
					    const struct incident_thresholds *thresholds)
{
	if (score >= thresholds->critical)
		return INCIDENT_CRITICAL;
	if (score >= thresholds->high)
		return INCIDENT_HIGH;
	if (score >= thresholds->medium)
		return INCIDENT_MEDIUM;
	return INCIDENT_LOW;
}

void incident_rate(struct incident *incident, const struct incident_thresholds *thresholds)
{
	int64_t score = 0;

	for (size_t i = 0; i < incident->n_addends; i++)
		score += incident->addends[i].points;
	incident->score = score < 0 ? 0 : score;
	incident->severity = incident_severity_of(incident->score, thresholds);
}

bool incident_lang_is_chinese(const char *lang)
{
	return lang && strncmp(lang, "zh", 2) == 0;
}

const char *incident_severity_to_string(enum incident_severity severity)
{
	switch (severity) {
	case INCIDENT_LOW:
		return "low";
	case INCIDENT_MEDIUM:
		return "medium";
	case INCIDENT_HIGH:
		return "high";
	case INCIDENT_CRITICAL:
		return "critical";
	}
	return "low";
}

const char *incident_severity_to_text(enum incident_severity severity, const char *lang)
{
	if (!incident_lang_is_chinese(lang))
		return incident_severity_to_string(severity);
	switch (severity) {
	case INCIDENT_LOW:
		return "低";
	case INCIDENT_MEDIUM:
		return "中";
	case INCIDENT_HIGH:
		return "高";
	case INCIDENT_CRITICAL:
		return "严重";
	}
	return "低";
}
