/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/correlate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/detector.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/watch.h"
#include "collector/incidents/incident.h"
#include "collector/store/store.h"
#include "policy/policy.h"

#define PROGRESS "correlated_upto"
#define WATCHES_MAX 4096
#define WINDOW_HOURS 168
#define NS_PER_HOUR (3600ull * 1000000000)

struct correlate {
	struct store *store;
	const struct policy *policy;
	struct watch_list watches;
	struct correlate_counts counts;
};

DEFINE_CLEANUP(cursor_freep, struct store_cursor, store_cursor_free)
DEFINE_CLEANUP(record_freep, struct store_record, store_record_free)

static int restore(struct correlate *correlate, const struct store_incident *stored)
{
	_cleanup_(incident_freep) struct incident *incident = NULL;
	int r = incident_from_stored(stored, &incident);

	if (r == 0)
		r = watch_list_restore(&correlate->watches, stored->key, incident);
	/* A document of another version stays as it is; it just cannot grow. */
	return r == -EBADMSG || r == -EINVAL ? 0 : r;
}

static int restore_all(struct correlate *correlate)
{
	struct store_incident **list = NULL;
	size_t n = 0;
	int r = store_list_incidents(correlate->store, &list, &n);

	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = restore(correlate, list[i]);
		store_incident_free(list[i]);
	}
	free(list);
	return r;
}

int correlate_new(struct store *store, const struct policy *policy, struct correlate **ret_correlate)
{
	_cleanup_(correlate_freep) struct correlate *correlate = calloc(1, sizeof(*correlate));
	int r;

	if (!correlate)
		return -ENOMEM;
	correlate->store = store;
	correlate->policy = policy;
	correlate->watches.max_items = WATCHES_MAX;
	r = restore_all(correlate);
	if (r < 0)
		return r;
	*ret_correlate = TAKE(correlate);
	return 0;
}

void correlate_free(struct correlate *correlate)
{
	if (!correlate)
		return;
	watch_list_done(&correlate->watches);
	free(correlate);
}

void correlate_set_policy(struct correlate *correlate, const struct policy *policy)
{
	correlate->policy = policy;
}

static int put_incident(struct correlate *correlate, const struct watch *watch, struct incident *incident)
{
	_cleanup_free_ char *document = NULL;
	struct store_incident row = { .key = watch->key,
				      .first_ns = incident->first_ns,
				      .last_ns = incident->last_ns,
				      .event_ids = incident->events.items,
				      .n_event_ids = incident->events.n_items };
	int r = incident_to_document(incident, &document);

	if (r < 0)
		return r;
	row.document = document;
	r = store_put_incident(correlate->store, &row);
	if (r == 0)
		incident->id = row.id;
	return r;
}

/* Everything anew from the store; *ret_incident stays NULL when its egress is not there. */
static int compute(struct correlate *correlate, const struct watch *watch, struct incident **ret_incident)
{
	const struct incident_thresholds thresholds = INCIDENT_DEFAULT_THRESHOLDS;
	_cleanup_(episode_freep) struct episode *episode = NULL;
	_cleanup_(incident_freep) struct incident *incident = incident_new();
	int r;

	if (!incident)
		return -ENOMEM;
	r = episode_collect(correlate->store, correlate->policy, watch->person, watch->recipient,
			    watch->first_ns, watch->last_ns, &episode);
	if (r <= 0)
		return r;
	free(incident->key);
	incident->key = strdup(watch->key);
	if (!incident->key)
		return -ENOMEM;
	r = episode_fill_incident(episode, correlate->policy, incident);
	if (r == 0)
		r = detector_run_all(episode, correlate->policy, incident);
	if (r < 0)
		return r;
	incident_rate(incident, &thresholds);
	*ret_incident = TAKE(incident);
	return 0;
}

/* 0 when nothing changed. */
static int change_of(const struct watch *watch, const struct incident *incident)
{
	if (watch->severity < 0)
		return CORRELATE_NEW;
	if ((int)incident->severity > watch->severity || incident->n_addends > watch->n_addends)
		return CORRELATE_RAISED;
	if (incident->bytes_out != watch->bytes_out || incident->events.n_items != watch->n_events)
		return CORRELATE_GROWN;
	return 0;
}

static int recompute(struct correlate *correlate, struct watch *watch, correlate_incident_fn fn, void *userdata)
{
	_cleanup_(incident_freep) struct incident *incident = NULL;
	int r = compute(correlate, watch, &incident), change;

	if (r < 0 || !incident)
		return r;
	r = put_incident(correlate, watch, incident);
	if (r < 0)
		return r;
	correlate->counts.recomputed++;
	change = change_of(watch, incident);
	r = watch_remember(watch, incident);
	if (r == 0 && change != 0 && fn)
		fn(userdata, incident, (enum correlate_change)change);
	return r;
}

static int look_at(struct correlate *correlate, const struct store_record *record)
{
	const char *recipient = episode_recipient(record->event);
	int64_t hours = policy_detect_value(correlate->policy, "direct_egress", "window_hours", WINDOW_HOURS);
	struct watch *watch;
	int r;

	correlate->counts.records++;
	if (!recipient) {
		watch_list_touch(&correlate->watches, record);
		return 0;
	}
	r = watch_list_take(&correlate->watches, episode_person(record), recipient, record->event->time_ns,
			    (uint64_t)hours * NS_PER_HOUR, &watch);
	if (r == 0)
		watch->is_dirty = true;
	return r;
}

/* A watch stays dirty until its incident is durable, so an error here only postpones it. */
static int recompute_dirty(struct correlate *correlate, correlate_incident_fn fn, void *userdata)
{
	for (size_t i = 0; i < correlate->watches.n_items; i++) {
		struct watch *watch = &correlate->watches.items[i];
		int r;

		if (!watch->is_dirty)
			continue;
		r = recompute(correlate, watch, fn, userdata);
		if (r < 0)
			return r;
		watch->is_dirty = false;
	}
	return 0;
}

int correlate_catch_up(struct correlate *correlate, correlate_incident_fn fn, void *userdata)
{
	_cleanup_(cursor_freep) struct store_cursor *cursor = NULL;
	struct store_query query = {};
	uint64_t upto = 0;
	int r = store_get_number(correlate->store, PROGRESS, &upto);

	if (r < 0)
		return r;
	query.after_id = upto;
	r = store_query(correlate->store, &query, &cursor);
	if (r < 0)
		return r;
	for (;;) {
		_cleanup_(record_freep) struct store_record *record = NULL;

		r = store_cursor_next(cursor, &record);
		if (r <= 0)
			break;
		upto = record->id;
		r = look_at(correlate, record);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = recompute_dirty(correlate, fn, userdata);
	return r < 0 ? r : store_put_number(correlate->store, PROGRESS, upto);
}

int correlate_process(struct correlate *correlate, const struct store_record *records, size_t n_records,
		      correlate_incident_fn fn, void *userdata)
{
	uint64_t upto = 0;
	int r;

	for (size_t i = 0; i < n_records; i++) {
		if (records[i].id == 0)
			continue;
		r = look_at(correlate, &records[i]);
		if (r < 0)
			return r;
		if (records[i].id > upto)
			upto = records[i].id;
	}
	r = recompute_dirty(correlate, fn, userdata);
	if (r < 0 || upto == 0)
		return r;
	return store_put_number(correlate->store, PROGRESS, upto);
}

struct correlate_counts correlate_count(const struct correlate *correlate)
{
	struct correlate_counts counts = correlate->counts;

	counts.incidents_dropped = correlate->watches.dropped;
	return counts;
}
