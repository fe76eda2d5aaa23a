/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/episode.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/channel.h"
#include "collector/correlate/lineage.h"
#include "collector/incidents/incident.h"
#include "policy/policy.h"

/* Classes that the policy gives a place; 0 when it no longer knows the place. */
static uint64_t place_labels(const struct policy *policy, enum event_role role, const char *name)
{
	const struct policy_zone *zones = NULL;
	const struct policy_folder *folders = NULL;
	size_t n_zones = policy_zones(policy, &zones), n_folders = policy_folders(policy, &folders);
	uint64_t labels = 0;

	for (size_t i = 0; name && role == EVENT_ROLE_CRM && i < n_zones; i++)
		if (zones[i].role == role && strcmp(zones[i].name, name) == 0)
			labels |= zones[i].labels;
	for (size_t i = 0; name && role == EVENT_ROLE_EXPORT && i < n_folders; i++)
		if (folders[i].role == role && strcmp(folders[i].name, name) == 0)
			labels |= folders[i].labels;
	return labels & policy_class_mask(policy);
}

static int add_class(struct incident *incident, const struct policy *policy,
		     const struct incident_source *place, const char *class_name)
{
	const struct policy_class *known = policy_class_by_name(policy, class_name);
	struct incident_source source = *place;

	source.class_name = (char *)class_name;
	if (known) {
		source.title = known->title;
		source.title_zh = known->title_zh;
		source.category = known->category;
	}
	return incident_add_source(incident, &source);
}

/* One source for each class: by the policy, or by what the event was labelled with. */
static int add_source(struct incident *incident, const struct policy *policy,
		      const struct incident_source *place, uint64_t labels,
		      const struct event *event)
{
	const struct policy_class *classes = NULL;
	size_t n_classes = policy_classes(policy, &classes);
	int r = 0;

	for (size_t i = 0; i < n_classes && r == 0; i++)
		if (labels & UINT64_C(1) << classes[i].index)
			r = add_class(incident, policy, place, classes[i].name);
	for (size_t i = 0; labels == 0 && i < event->n_labels && r == 0; i++)
		r = add_class(incident, policy, place, event->labels[i]);
	return r;
}

static int add_flow_source(struct incident *incident, const struct policy *policy,
			   const struct lineage_flow *flow)
{
	const struct event *event = flow->event;
	const char *zone = event->object.zone_name;
	struct incident_source place = {.name = (char *)zone, .connections = 1};

	if (event->direction != EVENT_DIRECTION_IN)
		return 0;
	if (event->object.role == EVENT_ROLE_CRM) {
		place.kind = "crm";
		place.records = episode_lookups(policy, flow, 0);
		place.certainty = EVENT_CERTAINTY_ESTIMATED;
		incident->records += place.records;
		incident->records_certainty = EVENT_CERTAINTY_ESTIMATED;
	} else if (event->object.role == EVENT_ROLE_EXPORT) {
		place.kind = "export";
		place.name = zone ? (char *)zone : event->object.name;
	} else {
		return 0;
	}
	return add_source(incident, policy, &place, place_labels(policy, event->object.role, zone),
			  event);
}

/* An app can be a source by its executable alone: a thick client. */
static int add_client_source(struct incident *incident, const struct policy *policy,
			     const struct lineage_app *app)
{
	const struct policy_executable *executables = NULL;
	size_t n_executables = policy_executables(policy, &executables);
	int r = 0;

	for (size_t i = 0; app->event && app->event->app.exe && i < n_executables && r == 0; i++) {
		struct incident_source place = {.name = executables[i].name, .kind = "client"};

		if (executables[i].labels && strcmp(executables[i].path, app->event->app.exe) == 0)
			r = add_source(incident, policy, &place, executables[i].labels, app->event);
	}
	return r;
}

static bool has_source_of_class(const struct incident *incident, const char *class_name)
{
	for (size_t i = 0; i < incident->n_sources; i++)
		if (strcmp(incident->sources[i].class_name, class_name) == 0)
			return true;
	return false;
}

/* Classes that went out and that no source found here explains. */
static int add_unknown_sources(struct incident *incident, const struct policy *policy,
			       const struct lineage_flow *flow)
{
	const struct incident_source place = {.name = "", .kind = "unknown"};
	int r = 0;

	for (size_t i = 0; flow->is_egress && i < flow->event->n_labels && r == 0; i++)
		if (!has_source_of_class(incident, flow->event->labels[i]))
			r = add_class(incident, policy, &place, flow->event->labels[i]);
	return r;
}

static int add_sources(const struct lineage *lineage, const struct policy *policy,
		       struct incident *incident)
{
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++)
		r = add_flow_source(incident, policy, &lineage->flows[i]);
	for (size_t i = 0; i < lineage->n_apps && r == 0; i++)
		r = add_client_source(incident, policy, &lineage->apps[i]);
	for (size_t i = 0; i < lineage->n_flows && r == 0; i++)
		r = add_unknown_sources(incident, policy, &lineage->flows[i]);
	return r;
}

/* A disk is one place however many files went there. */
static const char *address_of(const struct event_object *object)
{
	if (object->address)
		return object->address;
	return object->zone_name ? NULL : object->name;
}

static int add_flow_sink(struct incident *incident, const struct policy *policy,
			 const struct lineage *lineage, const struct lineage_flow *flow)
{
	const struct event_object *object = &flow->event->object;
	struct incident_sink sink = {
		.name = object->zone_name,
		.kind = object->zone_kind,
		.address = (char *)address_of(object),
		.host = object->host,
		.host_source = object->host_source,
		.channel = (char *)channel_of(lineage, flow),
		.allowed = episode_sink_is_allowed(policy, object),
		.bytes = flow->bytes,
	};

	return flow->is_egress ? incident_add_sink(incident, &sink) : 0;
}

static int add_flow_step(struct incident *incident, const struct lineage_flow *flow)
{
	const struct event *event = flow->event;
	struct incident_step step = {
		.first_ns = flow->first_ns,
		.last_ns = flow->last_ns,
		.agent = event->agent,
		.boot_id = event->boot_id,
		.person = flow->person,
		.app_id = event->app.id,
		.pid = event->app.pid,
		.exe = event->app.exe ? event->app.exe : event->app.comm,
		.direction = event->direction,
		.object_kind = event->object.kind,
		.role = event->object.role,
		.dev = event->object.dev,
		.ino = event->object.ino,
		.generation = event->object.generation,
		.name = event->object.name,
		.zone_name = event->object.zone_name,
		.bytes = flow->bytes,
		.calls = flow->calls,
	};
	int r = 0;

	for (size_t i = 0; i < flow->n_reports && r == 0; i++)
		r = incident_ids_add(&step.events, flow->reports[i].id);
	if (r == 0)
		r = incident_add_step(incident, &step);
	for (size_t i = 0; i < flow->n_reports && r == 0; i++)
		r = incident_add_event(incident, flow->reports[i].id);
	incident_ids_done(&step.events);
	return r;
}

int episode_fill_incident(const struct episode *episode, const struct policy *policy,
			  struct incident *incident)
{
	const struct lineage *lineage = episode->lineage;
	int r = incident_add_person(incident, episode->person);

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		/* A colleague whose data came in by the lineage stands beside the sender. */
		if (*flow->person)
			r = incident_add_person(incident, flow->person);
		if (r == 0 && flow->event->agent)
			r = incident_add_agent(incident, flow->event->agent);
		if (r == 0)
			r = add_flow_sink(incident, policy, lineage, flow);
		if (r == 0 && !lineage_is_inner(lineage, flow))
			r = add_flow_step(incident, flow);
	}
	if (r == 0)
		r = add_sources(lineage, policy, incident);
	/* Who looked many up may have shown one. */
	if (r == 0 && episode->is_picture) {
		incident->records = 0;
		incident->records_certainty = EVENT_CERTAINTY_UNKNOWN;
	}
	if (r == 0)
		r = episode_count_records(episode, policy, incident);
	incident->bytes_out = episode->bytes;
	incident->bytes_certainty = episode->bytes_certainty;
	incident->first_ns = episode->first_ns;
	incident->last_ns = episode->last_ns;
	incident->n_cut_lineage = lineage->n_cut;
	incident->n_cut_events += lineage->n_cut_reports;
	return r;
}
