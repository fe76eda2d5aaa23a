/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/episode.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage.h"
#include "collector/store/store.h"
#include "policy/policy.h"

/* The edge of an egress is stamped with its first byte, the report with its last: a sweep apart,
 * or more on a busy machine. */
#define EPISODE_EDGE_LEAD_NS 10000000000ull

#define NS_PER_HOUR (3600ull * 1000000000)

DEFINE_CLEANUP(cursor_freep, struct store_cursor, store_cursor_free)
DEFINE_CLEANUP(record_freep, struct store_record, store_record_free)

static const char *text_or(const char *text, const char *fallback)
{
	return text && *text ? text : fallback;
}

/* Whose data went where, for an egress and for the edge before it. */
static const char *recipient_of(const struct event *event)
{
	const struct event_object *object = &event->object;

	if (event->direction != EVENT_DIRECTION_OUT || object->role != EVENT_ROLE_SINK ||
	    event->n_labels == 0)
		return NULL;
	return text_or(object->zone_name, text_or(object->address, text_or(object->name, "?")));
}

const char *episode_recipient(const struct event *event)
{
	return event->kind == EVENT_EGRESS ? recipient_of(event) : NULL;
}

const char *episode_person(const struct store_record *record)
{
	return text_or(record->person, "P-unknown");
}

const struct policy_zone *episode_find_zone(const struct policy *policy, enum event_role role,
					    const char *name)
{
	const struct policy_zone *zones = NULL;
	size_t n_zones = policy_zones(policy, &zones);

	for (size_t i = 0; name && i < n_zones; i++)
		if (zones[i].role == role && strcmp(zones[i].name, name) == 0)
			return &zones[i];
	return NULL;
}

bool episode_sink_is_allowed(const struct policy *policy, const struct event_object *object)
{
	const struct policy_zone *zone =
		episode_find_zone(policy, EVENT_ROLE_SINK, object->zone_name);

	if (zone)
		return zone->allowed;
	return object->zone_kind &&
	       policy_match_device(policy, object->zone_kind, object->serial, object->volume)
		       .allowed;
}

int episode_add_earlier(struct episode *episode, uint64_t incident_id, const char *person,
			uint64_t first_ns)
{
	struct episode_earlier added = {.incident_id = incident_id, .first_ns = first_ns}, *grown;
	size_t at = episode->n_earlier;

	grown = reallocarray(episode->earlier, at + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	episode->earlier = grown;
	added.person = strdup(person);
	if (!added.person)
		return -ENOMEM;
	for (; at > 0 &&
	       (grown[at - 1].first_ns > first_ns ||
		(grown[at - 1].first_ns == first_ns && grown[at - 1].incident_id > incident_id));
	     at--)
		grown[at] = grown[at - 1];
	grown[at] = added;
	episode->n_earlier++;
	return 0;
}

void episode_free(struct episode *episode)
{
	if (!episode)
		return;
	lineage_free(episode->lineage);
	for (size_t i = 0; i < episode->n_earlier; i++)
		free(episode->earlier[i].person);
	free(episode->earlier);
	free(episode->person);
	free(episode->recipient);
	free(episode);
}

static int new_episode(const struct policy *policy, const char *person, const char *recipient,
		       struct episode **ret_episode)
{
	_cleanup_(episode_freep) struct episode *episode = calloc(1, sizeof(*episode));
	struct lineage_limits limits = LINEAGE_DEFAULT_LIMITS;
	int64_t hours = policy_detect_value(policy, "direct_egress", "window_hours", 168);
	int r;

	if (!episode)
		return -ENOMEM;
	limits.lookback_ns = (hours > 0 ? (uint64_t)hours : 1) * NS_PER_HOUR;
	r = lineage_new(&limits, &episode->lineage);
	if (r < 0)
		return r;
	episode->person = strdup(person);
	episode->recipient = strdup(recipient);
	if (!episode->person || !episode->recipient)
		return -ENOMEM;
	episode->bytes_certainty = EVENT_CERTAINTY_EXACT;
	episode->is_allowed = true;
	*ret_episode = TAKE(episode);
	return 0;
}

static int take_egress(struct episode *episode, const struct policy *policy,
		       const struct store_record *record, uint64_t first_ns)
{
	const struct event *event = record->event;
	const char *recipient = recipient_of(event);

	if (!recipient || strcmp(recipient, episode->recipient) != 0 ||
	    strcmp(episode_person(record), episode->person) != 0)
		return 0;
	if (event->kind == EVENT_EGRESS) {
		if (event->time_ns < first_ns)
			return 0;
		if (episode->n_egress == 0 || event->time_ns < episode->first_ns)
			episode->first_ns = event->time_ns;
		if (event->time_ns > episode->last_ns)
			episode->last_ns = event->time_ns;
		if (event->certainty < episode->bytes_certainty)
			episode->bytes_certainty = event->certainty;
		episode->bytes += record->bytes;
		episode->n_egress++;
		episode->is_allowed &= episode_sink_is_allowed(policy, &event->object);
		episode->is_removable |= event->object.zone_kind &&
					 policy_kind_is_removable(event->object.zone_kind);
	}
	return lineage_add_egress(episode->lineage, record);
}

int episode_collect(struct store *store, const struct policy *policy, const char *person,
		    const char *recipient, uint64_t first_ns, uint64_t last_ns,
		    struct episode **ret_episode)
{
	_cleanup_(episode_freep) struct episode *episode = NULL;
	_cleanup_(cursor_freep) struct store_cursor *cursor = NULL;
	struct store_query query = {
		.from_ns = first_ns > EPISODE_EDGE_LEAD_NS ? first_ns - EPISODE_EDGE_LEAD_NS : 1,
		.to_ns = last_ns,
		.kinds = 1u << EVENT_EGRESS | 1u << EVENT_EDGE,
		.person = strcmp(person, "P-unknown") == 0 ? NULL : person,
	};
	int r = new_episode(policy, person, recipient, &episode);

	if (r == 0)
		r = store_query(store, &query, &cursor);
	while (r >= 0) {
		_cleanup_(record_freep) struct store_record *record = NULL;

		r = store_cursor_next(cursor, &record);
		if (r <= 0)
			break;
		r = take_egress(episode, policy, record, first_ns);
	}
	if (r < 0)
		return r;
	if (episode->n_egress == 0)
		return 0;
	r = lineage_walk(episode->lineage, store);
	if (r == 0)
		r = episode_is_picture(episode, policy);
	if (r < 0)
		return r;
	episode->is_picture = r;
	*ret_episode = TAKE(episode);
	return 1;
}

static bool zone_is_tls(const struct policy *policy, const char *name)
{
	const struct policy_zone *zone = episode_find_zone(policy, EVENT_ROLE_CRM, name);

	return !zone || zone->tls;
}

uint64_t episode_lookups(const struct policy *policy, const struct lineage_flow *flow,
			 uint64_t after_ns)
{
	bool has_handshake = zone_is_tls(policy, flow->event->object.zone_name);
	uint64_t turns = 0;

	if (after_ns == 0)
		turns = flow->turns;
	else
		for (size_t i = 0; i < flow->n_reports; i++)
			if (flow->reports[i].time_ns > after_ns)
				turns += flow->reports[i].turns;
	if (has_handshake && flow->first_ns > after_ns && turns > 0)
		turns--;
	return turns;
}
