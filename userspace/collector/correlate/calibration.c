/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/calibration.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/known.h"
#include "collector/correlate/lineage.h"
#include "collector/correlate/obfuscation.h"
#include "collector/incidents/incident.h"

#define MIN_SAMPLES 3 /* of fewer one odd upload would be the rule */

struct samples {
	uint64_t *bytes; /* per record */
	size_t n_bytes;
};

static void samples_done(struct samples *samples)
{
	free(samples->bytes);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int take_samples(const struct known *known, const struct known_incident *own,
			const char *classes, bool is_packed, struct samples *samples)
{
	uint64_t *bytes = reallocarray(samples->bytes, known->n_items + 1, sizeof(*bytes));

	if (!bytes)
		return -ENOMEM;
	samples->bytes = bytes;
	samples->n_bytes = 0;
	for (size_t i = 0; i < known->n_items; i++) {
		const struct known_incident *item = &known->items[i];

		if (item != own && item->bytes_per_record > 0 && item->is_packed == is_packed &&
		    item->first_ns < own->first_ns && strcmp(item->classes, classes) == 0)
			bytes[samples->n_bytes++] = item->bytes_per_record;
	}
	qsort(bytes, samples->n_bytes, sizeof(*bytes), compare_numbers);
	return 0;
}

static uint64_t median(const struct samples *samples)
{
	size_t middle = samples->n_bytes / 2;

	return samples->n_bytes % 2 ? samples->bytes[middle]
				    : (samples->bytes[middle - 1] + samples->bytes[middle]) / 2;
}

/* The number in a file as it was found last, 0: nobody could count it. */
static uint64_t count_file(const struct lineage_object *object)
{
	const struct event *event =
		object && object->n_scans > 0 ? object->scans[object->n_scans - 1].event : NULL;
	uint64_t most = 0;

	for (size_t i = 0;
	     event && event->certainty == EVENT_CERTAINTY_EXACT && i < event->n_counts; i++)
		most = event->counts[i].n_records > most ? event->counts[i].n_records : most;
	return most;
}

static bool is_new_object(const struct lineage *lineage, size_t at)
{
	const struct lineage_object *object = lineage_object_of(lineage, &lineage->flows[at]);

	for (size_t i = 0; i < at; i++)
		if (lineage->flows[i].event->direction == EVENT_DIRECTION_IN &&
		    lineage_object_of(lineage, &lineage->flows[i]) == object)
			return false;
	return true;
}

/* What had come in from all sources, 0: of one it is not known. */
static uint64_t count_received(const struct episode *episode, const struct policy *policy,
			       const struct incident *incident)
{
	const struct lineage *lineage = episode->lineage;
	uint64_t received = 0, n;

	for (size_t i = 0; i < incident->n_sources; i++)
		if (strcmp(incident->sources[i].kind, "crm") != 0 &&
		    strcmp(incident->sources[i].kind, "export") != 0)
			return 0;
	if (lineage->n_cut > 0 || lineage->n_cut_reports > 0)
		return 0;
	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];
		enum event_role role = flow->event->object.role;

		if (flow->event->direction != EVENT_DIRECTION_IN)
			continue;
		if (role == EVENT_ROLE_CRM)
			received += episode_lookups(policy, flow, 0);
		if (role != EVENT_ROLE_EXPORT || !is_new_object(lineage, i))
			continue;
		n = count_file(lineage_object_of(lineage, flow));
		if (n == 0)
			return 0;
		received += n;
	}
	return received;
}

static void conclude(const struct samples *samples, uint64_t received, struct incident *incident)
{
	struct incident_by_bytes *by = &incident->by_bytes;
	uint64_t bytes = median(samples), records = (incident->bytes_out + bytes / 2) / bytes;

	by->n_samples = samples->n_bytes;
	by->bytes_per_record = bytes;
	by->received = received;
	by->records = received > 0 && records > received ? received : records;
	by->is_answer = incident->records_certainty == EVENT_CERTAINTY_UNKNOWN && by->records > 0;
	if (!by->is_answer)
		return;
	incident->records = by->records;
	incident->records_certainty = EVENT_CERTAINTY_ESTIMATED;
}

int calibration_apply(const struct known *known, const struct known_incident *item,
		      const struct episode *episode, const struct policy *policy,
		      struct incident *incident)
{
	_cleanup_(samples_done) struct samples samples = {};
	_cleanup_free_ char *classes = NULL;
	bool is_packed = obfuscation_is_packed(episode->lineage);
	int r;

	incident->by_bytes.is_packed = is_packed;
	/* A picture's bytes say nothing of records, and what was counted needs no estimate. */
	if (episode->is_picture || incident->n_counts > 0 ||
	    incident->records_certainty == EVENT_CERTAINTY_EXACT ||
	    incident->bytes_certainty == EVENT_CERTAINTY_UNKNOWN)
		return 0;
	r = known_classes(incident, &classes);
	if (r == 0)
		r = take_samples(known, item, classes, is_packed, &samples);
	if (r == 0 && is_packed && samples.n_bytes < MIN_SAMPLES) {
		r = take_samples(known, item, classes, false, &samples);
		incident->by_bytes.is_floor = true;
	}
	if (r < 0)
		return r;
	if (samples.n_bytes >= MIN_SAMPLES)
		conclude(&samples, count_received(episode, policy, incident), incident);
	else
		incident->by_bytes.is_floor = false;
	return 0;
}
