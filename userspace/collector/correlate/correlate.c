/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/correlate.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/calibration.h"
#include "collector/correlate/detector.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/known.h"
#include "collector/incidents/incident.h"
#include "collector/incidents/incident_text.h"
#include "collector/store/store.h"
#include "policy/policy.h"

#define CORRELATED_UPTO "correlated_upto"
#define CATCH_UP_RECORDS 4096 /* between two notes of progress */
#define NS_PER_HOUR (3600ull * 1000000000)

#define TRACE_KINDS                                                                          \
	(1u << EVENT_EDGE | 1u << EVENT_FLOW | 1u << EVENT_EGRESS | 1u << EVENT_CRM_ACCESS | \
	 1u << EVENT_FILE_RENAME | 1u << EVENT_FILE_UNLINK | 1u << EVENT_FILE_TRUNCATE |     \
	 1u << EVENT_RECORDS)

struct correlate {
	struct store *store;
	const struct policy *policy;
	struct known known;
	struct correlate_counts counts;
	uint64_t taken_upto; /* id of the last record that was taken and not settled; 0: none */
	bool is_behind;      /* the store holds records that were not taken */
};

DEFINE_CLEANUP(cursor_freep, struct store_cursor, store_cursor_free)
DEFINE_CLEANUP(record_freep, struct store_record, store_record_free)

int correlate_new(struct store *store, const struct policy *policy,
		  struct correlate **ret_correlate)
{
	_cleanup_(correlate_freep) struct correlate *correlate = calloc(1, sizeof(*correlate));
	int r;

	if (!correlate)
		return -ENOMEM;
	correlate->store = store;
	correlate->policy = policy;
	correlate->is_behind = true;
	r = known_load(&correlate->known, store);
	if (r < 0)
		return r;
	*ret_correlate = TAKE(correlate);
	return 0;
}

void correlate_free(struct correlate *correlate)
{
	if (!correlate)
		return;
	known_done(&correlate->known);
	free(correlate);
}

void correlate_set_policy(struct correlate *correlate, const struct policy *policy)
{
	correlate->policy = policy;
}

struct correlate_counts correlate_count(const struct correlate *correlate)
{
	struct correlate_counts counts = correlate->counts;

	counts.incidents_dropped = correlate->known.n_dropped;
	return counts;
}

static uint64_t window_ns(const struct policy *policy, const char *detector, int64_t fallback_hours)
{
	int64_t hours = policy_detect_value(policy, detector, "window_hours", fallback_hours);

	return (hours > 0 ? (uint64_t)hours : 1) * NS_PER_HOUR;
}

static int take(struct correlate *correlate, const struct store_record *record)
{
	const char *recipient = episode_recipient(record->event);
	int r = 0;

	correlate->counts.records++;
	if (!(1u << record->event->kind & TRACE_KINDS))
		return 0;
	if (recipient)
		r = known_take_egress(&correlate->known, episode_person(record), recipient,
				      record->event->time_ns,
				      window_ns(correlate->policy, "direct_egress", 168));
	if (r == 0)
		known_take_trace(&correlate->known, record,
				 window_ns(correlate->policy, "clean_up", 24));
	return r;
}

static int put(struct correlate *correlate, const struct known_incident *item,
	       struct incident *incident, char **ret_document)
{
	_cleanup_free_ char *document = NULL;
	struct store_incident stored = {
		.id = incident->id,
		.key = item->key,
		.first_ns = incident->first_ns,
		.last_ns = incident->last_ns,
		.event_ids = incident->events.items,
		.n_event_ids = incident->events.n_items,
	};
	int r = incident_to_document(incident, &document);

	if (r < 0)
		return r;
	stored.document = document;
	r = store_put_incident(correlate->store, &stored);
	if (r < 0)
		return r;
	incident->id = stored.id;
	*ret_document = TAKE(document);
	return 0;
}

/* The thresholds of the severities, at the policy's values where it has some. */
static struct incident_thresholds thresholds_of(const struct policy *policy)
{
	struct incident_thresholds thresholds = INCIDENT_DEFAULT_THRESHOLDS;

	thresholds.medium = policy_detect_value(policy, "severity", "medium", thresholds.medium);
	thresholds.high = policy_detect_value(policy, "severity", "high", thresholds.high);
	thresholds.critical =
		policy_detect_value(policy, "severity", "critical", thresholds.critical);
	return thresholds;
}

static int add_earlier(const struct correlate *correlate, const struct known_incident *item,
		       struct episode *episode)
{
	int r = 0;

	for (size_t i = 0; episode->is_removable && i < correlate->known.n_items && r == 0; i++) {
		const struct known_incident *other = &correlate->known.items[i];

		if (other->id != 0 && other->first_ns < item->first_ns &&
		    strcmp(other->recipient, item->recipient) == 0)
			r = episode_add_earlier(episode, other->id, other->person, other->first_ns);
	}
	return r;
}

/* That customer data was in it is an estimate, and the policy allows where it went. */
static bool is_let_go(const struct episode *episode, const struct policy *policy)
{
	return episode->is_picture && episode->is_allowed &&
	       policy_detect_value(policy, "screen_capture", "allowed_is_silent", true);
}

/* Returns 1 with an incident, 0 when no detector finds one, -errno. */
static int compute(struct correlate *correlate, const struct known_incident *item,
		   struct incident **ret_incident)
{
	_cleanup_(incident_freep) struct incident *incident = incident_new();
	_cleanup_(episode_freep) struct episode *episode = NULL;
	struct incident_thresholds thresholds = thresholds_of(correlate->policy);
	int r;

	if (!incident)
		return -ENOMEM;
	correlate->counts.recomputed++;
	r = episode_collect(correlate->store, correlate->policy, item->person, item->recipient,
			    item->first_ns, item->last_ns, &episode);
	if (r <= 0)
		return r;
	if (is_let_go(episode, correlate->policy))
		return 0;
	r = add_earlier(correlate, item, episode);
	if (r == 0)
		r = episode_fill_incident(episode, correlate->policy, incident);
	if (r == 0)
		r = calibration_apply(&correlate->known, item, episode, correlate->policy,
				      incident);
	if (r == 0)
		r = detector_run_all(episode, correlate->policy, incident);
	if (r < 0)
		return r;
	if (incident->n_addends == 0)
		return 0;
	free(incident->key);
	incident->key = incident_text_copy(item->key);
	if (!incident->key)
		return -ENOMEM;
	incident->id = item->id;
	incident_rate(incident, &thresholds);
	*ret_incident = TAKE(incident);
	return 1;
}

static enum correlate_change change_of(const struct known_incident *item,
				       const struct incident *incident)
{
	if (item->id == 0)
		return CORRELATE_NEW;
	if ((int)incident->severity > item->severity ||
	    known_count_detectors(incident) > item->n_detectors)
		return CORRELATE_RAISED;
	return CORRELATE_GROWN;
}

static int is_unchanged(const struct known_incident *item, const struct incident *incident)
{
	_cleanup_free_ char *document = NULL;
	int r = incident_to_document(incident, &document);

	if (r < 0)
		return r;
	return item->id != 0 && known_hash_document(document) == item->document_hash;
}

static int recompute(struct correlate *correlate, size_t at, correlate_incident_fn fn,
		     void *userdata)
{
	struct known_incident *item = &correlate->known.items[at];
	_cleanup_(incident_freep) struct incident *incident = NULL;
	_cleanup_free_ char *document = NULL;
	enum correlate_change change;
	int r = compute(correlate, item, &incident);

	if (r <= 0)
		return r;
	r = is_unchanged(item, incident);
	if (r > 0)
		known_tell_later(&correlate->known, at);
	if (r != 0)
		return r < 0 ? r : 0;
	change = change_of(item, incident);
	r = put(correlate, item, incident, &document);
	if (r == 0 && change == CORRELATE_NEW) {
		/* The id is known only now, and the document is to hold it. */
		free(TAKE(document));
		r = put(correlate, item, incident, &document);
	}
	if (r == 0)
		r = known_update(&correlate->known, at, incident, document);
	if (r == 0) {
		known_tell_later(&correlate->known, at);
		known_tell_uncounted(&correlate->known, at);
	}
	if (r == 0 && fn)
		fn(userdata, incident, change);
	return r;
}

static int recompute_dirty(struct correlate *correlate, correlate_incident_fn fn, void *userdata)
{
	bool has_more = true;

	/* One may make those before it dirty, which began later; each does so once. */
	while (has_more) {
		has_more = false;
		for (size_t i = 0; i < correlate->known.n_items; i++) {
			int r;

			if (!correlate->known.items[i].is_dirty)
				continue;
			r = recompute(correlate, i, fn, userdata);
			if (r < 0)
				return r;
			correlate->known.items[i].is_dirty = false;
			has_more = true;
		}
	}
	return 0;
}

/* Incidents first, then the note of progress: after a crash in between they are computed again. */
static int finish(struct correlate *correlate, uint64_t upto, correlate_incident_fn fn,
		  void *userdata)
{
	int r = recompute_dirty(correlate, fn, userdata);

	return r < 0 ? r : store_put_number(correlate->store, CORRELATED_UPTO, upto);
}

/* Takes the next records after *upto. Returns 1 when there may be more, 0 at the end, -errno. */
static int catch_up_some(struct correlate *correlate, uint64_t *upto, correlate_incident_fn fn,
			 void *userdata)
{
	_cleanup_(cursor_freep) struct store_cursor *cursor = NULL;
	const struct store_query query = {.after_id = *upto};
	uint64_t last_id = *upto;
	size_t n_records = 0;
	int r = store_query(correlate->store, &query, &cursor);

	while (r >= 0 && n_records < CATCH_UP_RECORDS) {
		_cleanup_(record_freep) struct store_record *record = NULL;

		r = store_cursor_next(cursor, &record);
		if (r <= 0)
			break;
		n_records++;
		last_id = record->id;
		r = take(correlate, record);
	}
	if (r < 0 || n_records == 0)
		return r;
	/* No cursor stays open over writes. */
	store_cursor_free(TAKE(cursor));
	r = finish(correlate, last_id, fn, userdata);
	if (r < 0)
		return r;
	*upto = last_id;
	return n_records == CATCH_UP_RECORDS;
}

int correlate_catch_up(struct correlate *correlate, correlate_incident_fn fn, void *userdata)
{
	uint64_t upto = 0;
	int r = store_get_number(correlate->store, CORRELATED_UPTO, &upto);

	if (r < 0)
		return r;
	/* What an earlier call had marked and could not finish. */
	r = recompute_dirty(correlate, fn, userdata);
	if (r < 0)
		return r;
	do
		r = catch_up_some(correlate, &upto, fn, userdata);
	while (r > 0);
	if (r == 0)
		correlate->is_behind = false;
	return r;
}

int correlate_take(struct correlate *correlate, const struct store_record *records,
		   size_t n_records)
{
	int r = 0;

	for (size_t i = 0; i < n_records && r == 0 && !correlate->is_behind; i++) {
		if (records[i].id == 0)
			continue;
		if (records[i].id > correlate->taken_upto)
			correlate->taken_upto = records[i].id;
		r = take(correlate, &records[i]);
	}
	correlate->is_behind |= r < 0;
	return r;
}

int correlate_settle(struct correlate *correlate, correlate_incident_fn fn, void *userdata)
{
	uint64_t upto = correlate->taken_upto;
	int r = 0;

	correlate->taken_upto = 0;
	if (correlate->is_behind)
		return correlate_catch_up(correlate, fn, userdata);
	if (upto > 0)
		r = finish(correlate, upto, fn, userdata);
	correlate->is_behind = r < 0;
	return r;
}

int correlate_process(struct correlate *correlate, const struct store_record *records,
		      size_t n_records, correlate_incident_fn fn, void *userdata)
{
	int r = correlate_take(correlate, records, n_records);

	return r < 0 ? r : correlate_settle(correlate, fn, userdata);
}
