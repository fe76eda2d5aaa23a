/* SPDX-License-Identifier: GPL-2.0-only */
#include "event/event_json.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"

DEFINE_CLEANUP(json_cleanup, json_t, json_decref)

/*
 * A string that is no UTF-8 (a path may hold any bytes) is written with each
 * odd byte as '?', rather than losing the event.
 */
static json_t *json_of_text(const char *text)
{
	_cleanup_free_ char *ascii = NULL;
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	ascii = strdup(text);
	if (!ascii)
		return NULL;
	for (char *c = ascii; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(ascii);
}

static bool set_text(json_t *object, const char *key, const char *text)
{
	return json_object_set_new(object, key, json_of_text(text)) == 0;
}

/* Only when there is something to say: keys beyond the documented ones appear where they apply. */
static bool set_text_if_any(json_t *object, const char *key, const char *text)
{
	return !text || !*text || set_text(object, key, text);
}

static bool set_number(json_t *object, const char *key, uint64_t value)
{
	return json_object_set_new(object, key, json_integer((json_int_t)value)) == 0;
}

static bool set_number_if_any(json_t *object, const char *key, uint64_t value)
{
	return !value || set_number(object, key, value);
}

static json_t *json_of_names(char *const *names, size_t n)
{
	_cleanup_(json_cleanup) json_t *array = json_array();

	for (size_t i = 0; array && i < n; i++)
		if (json_array_append_new(array, json_of_text(names[i])) < 0)
			return NULL;
	return TAKE(array);
}

static json_t *json_of_app(const struct event_app *app)
{
	_cleanup_(json_cleanup) json_t *object = json_object();

	if (!object || !set_number(object, "id", app->id) || !set_text(object, "exe", app->exe) ||
	    !set_number(object, "pid", app->pid) ||
	    !set_number(object, "start_ns", app->start_ns) ||
	    !set_number_if_any(object, "parent_id", app->parent_id) ||
	    !set_text_if_any(object, "comm", app->comm) ||
	    !set_text_if_any(object, "exe_sha256", app->exe_sha256) ||
	    !set_text_if_any(object, "cgroup", app->cgroup))
		return NULL;
	return TAKE(object);
}

static json_t *json_of_object(const struct event_object *about)
{
	_cleanup_(json_cleanup) json_t *object = json_object();

	if (!object || !set_text(object, "kind", event_object_kind_to_string(about->kind)) ||
	    !set_text(object, "name", about->name) ||
	    !set_text(object, "role", event_role_to_string(about->role)) ||
	    !set_text_if_any(object, "previous_name", about->previous_name) ||
	    !set_text_if_any(object, "address", about->address) ||
	    !set_number_if_any(object, "port", about->port) ||
	    !set_text_if_any(object, "zone", about->zone_name) ||
	    !set_text_if_any(object, "zone_kind", about->zone_kind) ||
	    !set_text_if_any(object, "vendor", about->vendor) ||
	    !set_text_if_any(object, "model", about->model) ||
	    !set_text_if_any(object, "serial", about->serial) ||
	    !set_text_if_any(object, "volume", about->volume) ||
	    !set_text_if_any(object, "host", about->host) ||
	    !set_text_if_any(object, "host_source",
			     about->host ? event_host_source_to_string(about->host_source)
					 : NULL) ||
	    !set_number_if_any(object, "dev", about->dev) ||
	    !set_number_if_any(object, "ino", about->ino) ||
	    !set_number_if_any(object, "generation", about->generation))
		return NULL;
	return TAKE(object);
}

static json_t *json_of_count(const struct event_count *count)
{
	_cleanup_(json_cleanup) json_t *object = json_object();

	if (!object || !set_text(object, "record", count->record) ||
	    !set_number(object, "different", count->n_records))
		return NULL;
	return TAKE(object);
}

/* Counts only: fingerprints are for joining lists, not for reading. */
static json_t *json_of_counts(const struct event *event)
{
	_cleanup_(json_cleanup) json_t *object = json_object(), *counts = json_array();

	for (size_t i = 0; counts && i < event->n_counts; i++)
		if (json_array_append_new(counts, json_of_count(&event->counts[i])) < 0)
			return NULL;
	if (!object || !counts || json_object_set_new(object, "counts", TAKE(counts)) < 0 ||
	    !set_number(object, "rows", event->rows) ||
	    !set_number(object, "content_ns", event->content_ns) ||
	    !set_number(object, "size_bytes", event->size_bytes))
		return NULL;
	return TAKE(object);
}

static bool set_counts_if_any(json_t *object, const struct event *event)
{
	return event->kind != EVENT_RECORDS ||
	       json_object_set_new(object, "records", json_of_counts(event)) == 0;
}

static bool set_questions_if_any(json_t *object, const struct event_questions *questions)
{
	return !questions->names ||
	       json_object_set_new(object, "questions",
				   json_pack("{s:I, s:I, s:I, s:I}", "names",
					     (json_int_t)questions->names, "name_bytes",
					     (json_int_t)questions->name_bytes, "text",
					     (json_int_t)questions->text, "longest_bytes",
					     (json_int_t)questions->longest_bytes)) == 0;
}

static bool set_counters(json_t *object, const struct event *event, uint64_t bytes, uint64_t calls)
{
	return set_number(object, "bytes", bytes) && set_number(object, "calls", calls) &&
	       set_number(object, "bytes_total", event->bytes_total) &&
	       set_number(object, "calls_total", event->calls_total) &&
	       set_number_if_any(object, "turns_total", event->turns_total) &&
	       set_number_if_any(object, "since_ns", event->since_ns) &&
	       set_number_if_any(object, "since_calls", event->since_calls) &&
	       set_text(object, "certainty", event_certainty_to_string(event->certainty)) &&
	       set_number_if_any(object, "flow_first_ns", event->flow_first_ns) &&
	       set_number_if_any(object, "hops", event->hops) &&
	       set_number_if_any(object, "dropped", event->dropped) &&
	       set_number_if_any(object, "gap_end_ns", event->gap_end_ns) &&
	       set_text_if_any(object, "detail", event->detail);
}

json_t *event_to_json(const struct event *event, const char *person, uint64_t bytes, uint64_t calls)
{
	_cleanup_(json_cleanup) json_t *object = json_object();

	if (!object || !set_number(object, "seq", event->seq) ||
	    !set_text(object, "agent", event->agent) ||
	    !set_text_if_any(object, "boot_id", event->boot_id) ||
	    !set_number(object, "time_ns", event->time_ns) ||
	    !set_text(object, "kind", event_kind_to_string(event->kind)) ||
	    !set_text(object, "direction", event_direction_to_string(event->direction)) ||
	    !set_text(object, "person", person) ||
	    json_object_set_new(object, "app", json_of_app(&event->app)) < 0 ||
	    json_object_set_new(object, "object", json_of_object(&event->object)) < 0 ||
	    json_object_set_new(object, "labels", json_of_names(event->labels, event->n_labels)) <
		    0 ||
	    json_object_set_new(object, "origins",
				json_of_names(event->origins, event->n_origins)) < 0 ||
	    !set_counters(object, event, bytes, calls) || !set_counts_if_any(object, event) ||
	    !set_questions_if_any(object, &event->questions))
		return NULL;
	return TAKE(object);
}
