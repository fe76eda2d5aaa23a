/* SPDX-License-Identifier: GPL-2.0-only */
#include "event/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

struct event *event_new(void)
{
	return calloc(1, sizeof(struct event));
}

static void names_free(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static void counts_free(struct event_count *counts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(counts[i].record);
		free(counts[i].fingerprints);
	}
	free(counts);
}

void event_free(struct event *event)
{
	if (!event)
		return;
	free(event->agent);
	free(event->boot_id);
	free(event->app.exe);
	free(event->app.exe_sha256);
	free(event->app.comm);
	free(event->app.cgroup);
	free(event->object.name);
	free(event->object.previous_name);
	free(event->object.address);
	free(event->object.zone_name);
	free(event->object.host);
	free(event->object.zone_kind);
	free(event->object.vendor);
	free(event->object.model);
	free(event->object.serial);
	free(event->object.volume);
	names_free(event->labels, event->n_labels);
	names_free(event->origins, event->n_origins);
	counts_free(event->counts, event->n_counts);
	free(event->detail);
	free(event);
}

static int names_add(char ***names, size_t *n, const char *name)
{
	_cleanup_free_ char *copy = NULL;
	char **grown;
	size_t at = 0;

	while (at < *n && strcmp((*names)[at], name) < 0)
		at++;
	if (at < *n && strcmp((*names)[at], name) == 0)
		return 0;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	grown = reallocarray(*names, *n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memmove(grown + at + 1, grown + at, (*n - at) * sizeof(*grown));
	grown[at] = TAKE(copy);
	*names = grown;
	(*n)++;
	return 0;
}

int event_add_label(struct event *event, const char *name)
{
	return names_add(&event->labels, &event->n_labels, name);
}

int event_add_origin(struct event *event, const char *name)
{
	return names_add(&event->origins, &event->n_origins, name);
}

static size_t count_fingerprints(const struct event *event)
{
	size_t n = 0;

	for (size_t i = 0; i < event->n_counts; i++)
		n += event->counts[i].n_fingerprints;
	return n;
}

int event_add_count(struct event *event, const char *record, uint64_t n_records,
		    const uint64_t *fingerprints, size_t n_fingerprints)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_free_ uint64_t *copy = NULL;
	struct event_count *grown;

	if (event->n_counts >= EVENT_MAX_COUNTS ||
	    n_fingerprints > EVENT_MAX_FINGERPRINTS - count_fingerprints(event))
		return -E2BIG;
	name = strdup(record);
	copy = calloc(n_fingerprints + 1, sizeof(*copy));
	grown = reallocarray(event->counts, event->n_counts + 1, sizeof(*grown));
	if (grown)
		event->counts = grown;
	if (!name || !copy || !grown)
		return -ENOMEM;
	if (n_fingerprints > 0)
		memcpy(copy, fingerprints, n_fingerprints * sizeof(*copy));
	grown[event->n_counts++] = (struct event_count){.record = TAKE(name),
							.n_records = n_records,
							.fingerprints = TAKE(copy),
							.n_fingerprints = n_fingerprints};
	return 0;
}

static int copy_app(const struct event_app *from, struct event_app *to)
{
	*to = *from;
	to->exe = NULL;
	to->exe_sha256 = NULL;
	to->comm = NULL;
	to->cgroup = NULL;
	if (text_copy(from->exe, &to->exe) < 0 ||
	    text_copy(from->exe_sha256, &to->exe_sha256) < 0 ||
	    text_copy(from->comm, &to->comm) < 0)
		return -ENOMEM;
	return text_copy(from->cgroup, &to->cgroup);
}

static int copy_object(const struct event_object *from, struct event_object *to)
{
	*to = *from;
	to->name = NULL;
	to->previous_name = NULL;
	to->address = NULL;
	to->zone_name = NULL;
	to->zone_kind = NULL;
	to->vendor = NULL;
	to->model = NULL;
	to->serial = NULL;
	to->volume = NULL;
	to->host = NULL;
	if (text_copy(from->name, &to->name) < 0 ||
	    text_copy(from->previous_name, &to->previous_name) < 0 ||
	    text_copy(from->address, &to->address) < 0 ||
	    text_copy(from->zone_name, &to->zone_name) < 0 ||
	    text_copy(from->vendor, &to->vendor) < 0 || text_copy(from->model, &to->model) < 0 ||
	    text_copy(from->serial, &to->serial) < 0 || text_copy(from->volume, &to->volume) < 0 ||
	    text_copy(from->host, &to->host) < 0)
		return -ENOMEM;
	return text_copy(from->zone_kind, &to->zone_kind);
}

/* Every pointer of *to that is not yet copied is NULL, so a half-made copy can be freed. */
static void copy_numbers(const struct event *from, struct event *to)
{
	*to = *from;
	to->agent = NULL;
	to->boot_id = NULL;
	to->app = (struct event_app){0};
	to->object = (struct event_object){0};
	to->labels = NULL;
	to->n_labels = 0;
	to->origins = NULL;
	to->n_origins = 0;
	to->counts = NULL;
	to->n_counts = 0;
	to->detail = NULL;
}

static int copy_names(const struct event *from, struct event *to)
{
	int r;

	for (size_t i = 0; i < from->n_counts; i++) {
		const struct event_count *count = &from->counts[i];

		r = event_add_count(to, count->record, count->n_records, count->fingerprints,
				    count->n_fingerprints);
		if (r < 0)
			return r;
		to->counts[i].is_in_order = count->is_in_order;
	}
	for (size_t i = 0; i < from->n_labels; i++) {
		r = event_add_label(to, from->labels[i]);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < from->n_origins; i++) {
		r = event_add_origin(to, from->origins[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int event_copy(const struct event *event, struct event **ret_event)
{
	_cleanup_(event_freep) struct event *copy = event_new();
	int r;

	if (!copy)
		return -ENOMEM;
	copy_numbers(event, copy);
	if (copy_app(&event->app, &copy->app) < 0 ||
	    copy_object(&event->object, &copy->object) < 0 ||
	    text_copy(event->agent, &copy->agent) < 0 ||
	    text_copy(event->boot_id, &copy->boot_id) < 0 ||
	    text_copy(event->detail, &copy->detail) < 0)
		return -ENOMEM;
	r = copy_names(event, copy);
	if (r < 0)
		return r;
	*ret_event = TAKE(copy);
	return 0;
}
