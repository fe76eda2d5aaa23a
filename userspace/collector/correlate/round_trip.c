/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/detector.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/lineage.h"
#include "collector/correlate/received_list.h"
#include "collector/incidents/incident.h"
#include "collector/incidents/incident_format.h"
#include "policy/policy.h"

/*
 * A list came in from a peer, CRM turns followed, an answer went to the same peer.
 *
 * A messenger carries its peer's origin from merely talking to it, so the origin on
 * the egress proves nothing by itself. The proof lies upstream: either the app that
 * used the CRM had taken in the peer's data before, or what the sender read carries
 * both the class and the peer's origin.
 */

#define NEVER UINT64_MAX
#define CITED_REPORTS 16 /* of one flow */

struct trip {
	const struct episode *episode;
	const struct policy *policy;
	const char *peer;
	uint64_t list_ns;   /* the peer's data came in */
	uint64_t answer_ns; /* first egress that closes the trip */
	uint64_t n_turns;   /* CRM turns in between, an estimate */
	struct incident_ids events;
};

static bool is_crm(const struct lineage_flow *flow)
{
	return flow->event->object.role == EVENT_ROLE_CRM;
}

static bool is_from_peer(const struct lineage_flow *flow, const char *peer)
{
	const struct event_object *object = &flow->event->object;

	return flow->event->direction == EVENT_DIRECTION_IN && object->role == EVENT_ROLE_SINK &&
	       object->zone_name && strcmp(object->zone_name, peer) == 0;
}

/* Does the flow bring the peer's data into its app? What an app wrote itself brings it nothing, and
 * may be older than the peer's data in it: an origin is a flow's from its first byte on. */
static bool brings_list(const struct lineage *lineage, const struct lineage_flow *flow,
			const char *peer)
{
	if (flow->event->direction != EVENT_DIRECTION_IN || is_crm(flow) ||
	    lineage_is_own(lineage, flow))
		return false;
	return is_from_peer(flow, peer) || lineage_has_origin(flow->event, peer);
}

/* When the app first held the peer's data, NEVER if it did not. */
static uint64_t list_reached_app(const struct lineage *lineage, size_t app, const char *peer)
{
	uint64_t first_ns = NEVER;

	for (size_t i = lineage->apps[app].first_flow; i != LINEAGE_NO_FLOW;
	     i = lineage->flows[i].next_of_app) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (brings_list(lineage, flow, peer) && flow->first_ns < first_ns)
			first_ns = flow->first_ns;
	}
	return first_ns;
}

/* When the peer's data came into the lineage at all: from the peer, or as a file that has it. */
static uint64_t list_came_in(const struct lineage *lineage, const char *peer)
{
	uint64_t from_peer_ns = NEVER, from_object_ns = NEVER;

	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (is_from_peer(flow, peer) && flow->first_ns < from_peer_ns)
			from_peer_ns = flow->first_ns;
		else if (brings_list(lineage, flow, peer) && flow->first_ns < from_object_ns)
			from_object_ns = flow->first_ns;
	}
	return from_peer_ns != NEVER ? from_peer_ns : from_object_ns;
}

/* A sender read an object that carries class and origin: somebody upstream joined the two. */
static bool sender_read_joined(const struct lineage *lineage, const char *peer)
{
	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (lineage->apps[flow->app].is_sender && !is_crm(flow) &&
		    flow->event->direction == EVENT_DIRECTION_IN && !is_from_peer(flow, peer) &&
		    !lineage_is_own(lineage, flow) && flow->event->n_labels > 0 &&
		    lineage_has_origin(flow->event, peer))
			return true;
	}
	return false;
}

static int take_turns(struct trip *trip, const struct lineage_flow *flow, uint64_t after_ns,
		      uint64_t *first_crm_ns)
{
	if (after_ns == NEVER || flow->last_ns <= after_ns)
		return 0;
	if (flow->event->direction == EVENT_DIRECTION_IN) {
		trip->n_turns += episode_lookups(trip->policy, flow, after_ns);
		for (size_t i = 0; i < flow->n_reports; i++)
			if (flow->reports[i].time_ns > after_ns &&
			    flow->reports[i].time_ns < *first_crm_ns)
				*first_crm_ns = flow->reports[i].time_ns;
	}
	return detector_cite_flow(&trip->events, flow, CITED_REPORTS);
}

/* Counts the CRM turns after the list; first_crm_ns is NEVER when there was none. */
static int find_turns(struct trip *trip, uint64_t *first_crm_ns)
{
	const struct lineage *lineage = trip->episode->lineage;
	bool is_joined = sender_read_joined(lineage, trip->peer);
	int r = 0;

	*first_crm_ns = NEVER;
	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];
		uint64_t reached_ns;

		if (!is_crm(flow))
			continue;
		reached_ns = list_reached_app(lineage, flow->app, trip->peer);
		if (is_joined && trip->list_ns < reached_ns)
			reached_ns = trip->list_ns;
		r = take_turns(trip, flow, reached_ns, first_crm_ns);
	}
	return r;
}

/* The first egress to the peer after the CRM was used, with the flows that show both ends. */
static int find_answer(struct trip *trip, uint64_t first_crm_ns)
{
	const struct lineage *lineage = trip->episode->lineage;
	int r = 0;

	trip->answer_ns = NEVER;
	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (brings_list(lineage, flow, trip->peer))
			r = detector_cite_flow(&trip->events, flow, CITED_REPORTS);
		if (!flow->is_egress || !lineage_has_origin(flow->event, trip->peer))
			continue;
		for (size_t j = 0; j < flow->n_reports; j++)
			if (flow->reports[j].time_ns >= first_crm_ns &&
			    flow->reports[j].time_ns < trip->answer_ns)
				trip->answer_ns = flow->reports[j].time_ns;
		if (r == 0)
			r = detector_cite_flow(&trip->events, flow, CITED_REPORTS);
	}
	return r;
}

/* The address that the peer's data came from first, NULL when only an object brought it. */
static const char *list_address(const struct lineage *lineage, const char *peer)
{
	const struct lineage_flow *first = NULL;

	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (is_from_peer(flow, peer) && (!first || flow->first_ns < first->first_ns))
			first = flow;
	}
	return first ? first->event->object.address : NULL;
}

/* The address that an answer went to: the wanted one if any did. */
static const char *answer_address(const struct lineage *lineage, const char *peer,
				  const char *wanted)
{
	const char *found = NULL;

	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];
		const char *address = flow->event->object.address;

		if (!flow->is_egress || !address || !lineage_has_origin(flow->event, peer))
			continue;
		if (!found || (wanted && strcmp(address, wanted) == 0))
			found = address;
	}
	return found;
}

/* One service may have many addresses. */
static int describe_peer(const struct trip *trip, bool zh, char **ret_text)
{
	const char *from = list_address(trip->episode->lineage, trip->peer);
	const char *to = answer_address(trip->episode->lineage, trip->peer, from);
	int n;

	if (!from || !to)
		n = asprintf(ret_text, "%s", trip->peer);
	else if (strcmp(from, to) == 0)
		n = asprintf(ret_text, zh ? "%s（%s）" : "%s (%s)", trip->peer, to);
	else
		n = asprintf(ret_text, zh ? "%s（来自 %s，发往 %s）" : "%s (from %s, to %s)",
			     trip->peer, from, to);
	return n < 0 ? -ENOMEM : 0;
}

static int report(const struct detector *detector, const struct trip *trip,
		  struct incident *incident)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL, *peer = NULL, *peer_zh = NULL;
	struct incident_time_text list = incident_format_time(trip->list_ns);
	struct incident_time_text answer = incident_format_time(trip->answer_ns);
	struct incident_number_text turns = incident_format_number(trip->n_turns);
	struct incident_number_text records = incident_format_number(incident->records);
	bool is_exact = incident->records_certainty == EVENT_CERTAINTY_EXACT;
	int64_t points = policy_detect_value(trip->policy, detector->id, "weight", 50);

	if (describe_peer(trip, false, &peer) < 0 || describe_peer(trip, true, &peer_zh) < 0)
		return -ENOMEM;
	if (asprintf(&reason,
		     "Round trip: a list came in from %s at %s, about %s CRM lookups (estimated) "
		     "followed, and from %s on an answer%s%s%s went to the same %s: the data's "
		     "origin equals its destination.",
		     trip->peer, list.text, turns.text, answer.text, is_exact ? " with " : "",
		     is_exact ? records.text : "", is_exact ? " records (exact)" : "", peer) < 0)
		return -ENOMEM;
	if (asprintf(&reason_zh,
		     "往返：%s 从 %s 收到名单，其后约有 %s 次（估计）客户管理系统（CRM）查询，%s "
		     "起，"
		     "结果%s%s%s被发回同一个 %s，即数据的来处与去处相同。",
		     list.text, trip->peer, turns.text, answer.text, is_exact ? "（" : "",
		     is_exact ? records.text : "", is_exact ? " 条记录，精确）" : "", peer_zh) < 0)
		return -ENOMEM;
	return detector_add(detector, incident, "T1213.004", points, reason, reason_zh,
			    &trip->events);
}

static bool egress_has_origin(const struct episode *episode)
{
	for (size_t i = 0; i < episode->lineage->n_flows; i++)
		if (episode->lineage->flows[i].is_egress &&
		    lineage_has_origin(episode->lineage->flows[i].event, episode->recipient))
			return true;
	return false;
}

static int run(const struct detector *detector, const struct episode *episode,
	       const struct policy *policy, struct incident *incident)
{
	struct trip trip = {.episode = episode, .policy = policy, .peer = episode->recipient};
	int64_t least = policy_detect_value(policy, detector->id, "min_turns", 1);
	struct received_list list;
	uint64_t first_crm_ns;
	int r;

	if (!egress_has_origin(episode))
		return 0;
	trip.list_ns = list_came_in(episode->lineage, trip.peer);
	if (trip.list_ns == NEVER)
		return 0;
	r = find_turns(&trip, &first_crm_ns);
	if (r == 0 && first_crm_ns != NEVER && trip.n_turns >= (uint64_t)(least > 0 ? least : 0))
		r = find_answer(&trip, first_crm_ns);
	else
		trip.answer_ns = NEVER;
	if (r == 0 && trip.answer_ns != NEVER)
		r = report(detector, &trip, incident);
	if (r == 0 && trip.answer_ns != NEVER)
		r = received_list_find(episode->lineage, trip.peer, &list);
	if (r > 0)
		r = received_list_tell(&list, detector, policy, episode, trip.peer,
				       policy_detect_value(policy, detector->id, "list_weight", 10),
				       incident);
	incident_ids_done(&trip.events);
	return r;
}

const struct detector detector_round_trip = {
	.id = "round_trip",
	.title = "a list came in, lookups followed, the answer went to the same peer",
	.title_zh = "收到名单、查询客户管理系统（CRM）、结果发回同一对象",
	.attack = "T1213.004",
	.run = run,
};
