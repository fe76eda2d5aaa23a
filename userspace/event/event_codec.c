/* SPDX-License-Identifier: GPL-2.0-only */
#include "event/event_codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "proto/event.pb-c.h"

/* A policy has 64 label bits; more names than that are no event of ours. */
#define NAMES_MAX 64

/* Zero and NULL stay off the wire. */
#define PUT(message, field, value)                              \
	do {                                                    \
		(message)->field = (value);                     \
		(message)->has_##field = (message)->field != 0; \
	} while (0)

/* The message borrows the event's strings: it is packed and dropped, never freed. */
static void put_app(const struct event_app *app, Weir__EventApp *message)
{
	PUT(message, id, app->id);
	PUT(message, parent_id, app->parent_id);
	PUT(message, start_ns, app->start_ns);
	PUT(message, pid, app->pid);
	PUT(message, login_uid, app->login_uid);
	message->exe = app->exe;
	message->exe_sha256 = app->exe_sha256;
	message->comm = app->comm;
	message->cgroup = app->cgroup;
}

static void put_object(const struct event_object *object, Weir__EventObject *message)
{
	PUT(message, kind, object->kind);
	PUT(message, role, object->role);
	PUT(message, dev, object->dev);
	PUT(message, ino, object->ino);
	PUT(message, generation, object->generation);
	PUT(message, port, object->port);
	PUT(message, host_source, object->host_source);
	message->name = object->name;
	message->previous_name = object->previous_name;
	message->address = object->address;
	message->zone_name = object->zone_name;
	message->zone_kind = object->zone_kind;
	message->vendor = object->vendor;
	message->model = object->model;
	message->serial = object->serial;
	message->volume = object->volume;
	message->host = object->host;
}

static void put_event(const struct event *event, Weir__Event *message)
{
	PUT(message, seq, event->seq);
	PUT(message, time_ns, event->time_ns);
	PUT(message, gap_end_ns, event->gap_end_ns);
	PUT(message, kind, event->kind);
	PUT(message, direction, event->direction);
	PUT(message, certainty, event->certainty);
	PUT(message, hops, event->hops);
	PUT(message, flow_first_ns, event->flow_first_ns);
	PUT(message, bytes_total, event->bytes_total);
	PUT(message, calls_total, event->calls_total);
	PUT(message, turns_total, event->turns_total);
	PUT(message, since_ns, event->since_ns);
	PUT(message, since_calls, event->since_calls);
	PUT(message, dropped, event->dropped);
	PUT(message, rows, event->rows);
	PUT(message, content_ns, event->content_ns);
	PUT(message, size_bytes, event->size_bytes);
	message->agent = event->agent;
	message->boot_id = event->boot_id;
	message->detail = event->detail;
	message->labels = event->labels;
	message->n_labels = event->n_labels;
	message->origins = event->origins;
	message->n_origins = event->n_origins;
}

/* As much room as an event may have counts. */
struct counts {
	Weir__RecordCount messages[EVENT_MAX_COUNTS];
	Weir__RecordCount *pointers[EVENT_MAX_COUNTS];
};

static void put_counts(const struct event *event, struct counts *counts, Weir__Event *message)
{
	for (size_t i = 0; i < event->n_counts && i < EVENT_MAX_COUNTS; i++) {
		Weir__RecordCount *count = &counts->messages[i];

		weir__record_count__init(count);
		count->record = event->counts[i].record;
		PUT(count, n_records, event->counts[i].n_records);
		PUT(count, is_in_order, event->counts[i].is_in_order);
		count->fingerprints = event->counts[i].fingerprints;
		count->n_fingerprints = event->counts[i].n_fingerprints;
		counts->pointers[i] = count;
		message->n_counts++;
	}
	message->counts = counts->pointers;
}

static void put_questions(const struct event_questions *questions, Weir__Questions *asked,
			  Weir__Event *message)
{
	PUT(asked, names, questions->names);
	PUT(asked, name_bytes, questions->name_bytes);
	PUT(asked, text, questions->text);
	PUT(asked, longest_bytes, questions->longest_bytes);
	message->questions = questions->names ? asked : NULL;
}

int event_encode(const struct event *event, uint8_t **ret_data, size_t *ret_size)
{
	Weir__EventApp app = WEIR__EVENT_APP__INIT;
	Weir__EventObject object = WEIR__EVENT_OBJECT__INIT;
	Weir__Questions questions = WEIR__QUESTIONS__INIT;
	Weir__Event message = WEIR__EVENT__INIT;
	struct counts counts;
	uint8_t *data;
	size_t size;

	put_app(&event->app, &app);
	put_object(&event->object, &object);
	put_event(event, &message);
	put_counts(event, &counts, &message);
	put_questions(&event->questions, &questions, &message);
	message.app = &app;
	message.object = &object;

	size = weir__event__get_packed_size(&message);
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	weir__event__pack(&message, data);
	*ret_data = data;
	*ret_size = size;
	return 0;
}

static void get_app(Weir__EventApp *message, struct event_app *app)
{
	app->id = message->id;
	app->parent_id = message->parent_id;
	app->start_ns = message->start_ns;
	app->pid = message->pid;
	app->login_uid = message->login_uid;
	app->exe = TAKE(message->exe);
	app->exe_sha256 = TAKE(message->exe_sha256);
	app->comm = TAKE(message->comm);
	app->cgroup = TAKE(message->cgroup);
}

/* A newer agent may know more than we do: what it names reads as "other" or unknown, not as
 * garbage. */
static void get_object(Weir__EventObject *message, struct event_object *object)
{
	object->kind = message->kind <= EVENT_OBJECT_LAST ? message->kind : EVENT_OBJECT_OTHER;
	object->role = message->role <= EVENT_ROLE_LOCAL ? message->role : EVENT_ROLE_NONE;
	object->dev = message->dev;
	object->ino = message->ino;
	object->generation = message->generation;
	object->port = message->port;
	object->name = TAKE(message->name);
	object->previous_name = TAKE(message->previous_name);
	object->address = TAKE(message->address);
	object->zone_name = TAKE(message->zone_name);
	object->zone_kind = TAKE(message->zone_kind);
	object->vendor = TAKE(message->vendor);
	object->model = TAKE(message->model);
	object->serial = TAKE(message->serial);
	object->volume = TAKE(message->volume);
	object->host = TAKE(message->host);
	object->host_source =
		message->host_source <= EVENT_HOST_LAST ? message->host_source : EVENT_HOST_NONE;
}

static void get_questions(const Weir__Questions *message, struct event_questions *questions)
{
	questions->names = message->names;
	questions->name_bytes = message->name_bytes;
	questions->text = message->text;
	questions->longest_bytes = message->longest_bytes;
}

static void get_event(Weir__Event *message, struct event *event)
{
	event->seq = message->seq;
	event->time_ns = message->time_ns;
	event->gap_end_ns = message->gap_end_ns;
	event->kind = message->kind <= EVENT_KIND_LAST ? message->kind : EVENT_UNKNOWN;
	event->direction = message->direction <= EVENT_DIRECTION_OUT ? message->direction
								     : EVENT_DIRECTION_NONE;
	event->certainty = message->certainty <= EVENT_CERTAINTY_EXACT ? message->certainty
								       : EVENT_CERTAINTY_UNKNOWN;
	event->hops = message->hops;
	event->flow_first_ns = message->flow_first_ns;
	event->bytes_total = message->bytes_total;
	event->calls_total = message->calls_total;
	event->turns_total = message->turns_total;
	event->since_ns = message->since_ns;
	event->since_calls = message->since_calls;
	event->dropped = message->dropped;
	event->rows = message->rows;
	event->content_ns = message->content_ns;
	event->size_bytes = message->size_bytes;
	event->agent = TAKE(message->agent);
	event->boot_id = TAKE(message->boot_id);
	event->detail = TAKE(message->detail);
}

/* Through event_add_*: a peer's lists need not be sorted or free of repeats. */
static int get_names(const Weir__Event *message, struct event *event)
{
	int r;

	if (message->n_labels > NAMES_MAX || message->n_origins > NAMES_MAX)
		return -EBADMSG;
	for (size_t i = 0; i < message->n_labels; i++) {
		r = event_add_label(event, message->labels[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < message->n_origins; i++) {
		r = event_add_origin(event, message->origins[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

static int get_counts(const Weir__Event *message, struct event *event)
{
	for (size_t i = 0; i < message->n_counts; i++) {
		const Weir__RecordCount *count = message->counts[i];
		int r;

		/* All fingerprints or none, or no sum of several could be trusted. */
		if (!count->record ||
		    (count->n_fingerprints > 0 && count->n_fingerprints != count->n_records))
			return -EBADMSG;
		r = event_add_count(event, count->record, count->n_records, count->fingerprints,
				    count->n_fingerprints);
		if (r < 0)
			return r == -E2BIG ? -EBADMSG : r;
		event->counts[i].is_in_order = count->is_in_order;
	}
	return 0;
}

static void message_free(Weir__Event *message)
{
	weir__event__free_unpacked(message, NULL);
}

DEFINE_CLEANUP(message_cleanup, Weir__Event, message_free)

int event_decode(const uint8_t *data, size_t size, struct event **ret_event)
{
	_cleanup_(message_cleanup) Weir__Event *message = weir__event__unpack(NULL, size, data);
	_cleanup_(event_freep) struct event *event = NULL;
	int r;

	if (!message)
		return -EBADMSG;
	event = event_new();
	if (!event)
		return -ENOMEM;
	if (message->app)
		get_app(message->app, &event->app);
	if (message->object)
		get_object(message->object, &event->object);
	if (message->questions)
		get_questions(message->questions, &event->questions);
	get_event(message, event);
	r = get_names(message, event);
	if (r == 0)
		r = get_counts(message, event);
	if (r < 0)
		return r;
	*ret_event = TAKE(event);
	return 0;
}
