/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/episode.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/lineage.h"
#include "collector/incidents/incident.h"
#include "policy/policy.h"

#define MAX_RECORDS 64 /* of names that agents give */

/* Different records of one name, over all files. */
struct tally {
	const char *record; /* borrowed from an event */
	uint64_t *fingerprints;
	size_t n_fingerprints;
	uint64_t n_unlisted; /* the highest count that came without its fingerprints */
	size_t n_scans;
};

struct counting {
	const struct lineage *lineage;
	const struct policy *policy;
	struct lineage_scans scans; /* of what was read to be sent */
	bool is_whole;              /* all that went out was counted */
	struct tally tallies[MAX_RECORDS];
	size_t n_tallies;
};

static void counting_done(struct counting *counting)
{
	for (size_t i = 0; i < counting->n_tallies; i++)
		free(counting->tallies[i].fingerprints);
	lineage_scans_done(&counting->scans);
}

/* A file that a sender has read; it may have changed between two reads. */
static int take_read(struct counting *counting, const struct lineage_flow *flow,
		     uint64_t *size_bytes)
{
	const struct lineage_object *object = lineage_object_of(counting->lineage, flow);
	const struct lineage_scan *last = NULL;
	uint64_t file_bytes = 0;
	int r = 0;

	for (size_t i = 0; object && i < flow->n_reports && r == 0; i++) {
		const struct lineage_scan *scan = lineage_scan_of(object, flow->reports[i].time_ns);

		if (flow->reports[i].bytes == 0 || (scan && scan == last))
			continue;
		counting->is_whole &= scan && scan->event->certainty == EVENT_CERTAINTY_EXACT;
		if (!scan)
			continue;
		last = scan;
		file_bytes += scan->event->size_bytes;
		r = lineage_scans_add(&counting->scans, scan);
	}
	/* Of a file that was read in part not all records went out. */
	counting->is_whole &= object && flow->bytes >= file_bytes;
	*size_bytes += file_bytes;
	return r;
}

/* The last scan of each app that wrote into it says of how much. */
static bool is_last_of_writer(const struct lineage_object *object, size_t at)
{
	for (size_t i = at + 1; i < object->n_scans; i++)
		if (object->scans[i].event->app.id == object->scans[at].event->app.id)
			return false;
	return true;
}

/* A pipe or local socket that a sender has read: all that was written there, and nothing that was
 * not counted. */
static int take_stream(struct counting *counting, const struct lineage_flow *flow,
		       uint64_t *size_bytes)
{
	const struct lineage_object *object = lineage_object_of(counting->lineage, flow);
	uint64_t written_bytes = 0;
	int r = 0;

	for (size_t i = 0; object && i < object->n_scans && r == 0; i++) {
		const struct event *event = object->scans[i].event;

		r = lineage_scans_add(&counting->scans, &object->scans[i]);
		if (!is_last_of_writer(object, i))
			continue;
		written_bytes += event->size_bytes;
		counting->is_whole &= event->certainty == EVENT_CERTAINTY_EXACT;
	}
	counting->is_whole &= object && object->n_scans > 0 &&
			      object->n_scans < LINEAGE_MAX_SCANS && flow->bytes == written_bytes;
	*size_bytes += written_bytes;
	return r;
}

static bool is_stream(const struct event_object *object)
{
	return object->kind == EVENT_OBJECT_PIPE || object->kind == EVENT_OBJECT_UNIX ||
	       object->kind == EVENT_OBJECT_CLIPBOARD;
}

bool episode_app_is_client(const struct policy *policy, const struct lineage_app *app)
{
	const struct policy_executable *executables = NULL;
	size_t n_executables = policy_executables(policy, &executables);
	const char *exe = app->event ? app->event->app.exe : NULL;

	for (size_t i = 0; exe && i < n_executables; i++)
		if (executables[i].labels && strcmp(executables[i].path, exe) == 0)
			return true;
	return false;
}

static int take_sender(struct counting *counting, const struct lineage_app *app)
{
	uint64_t out_bytes = 0, size_bytes = 0;
	size_t n_files = 0;
	bool is_all_counted;
	int r = lineage_scans_add_sent(&counting->scans, counting->lineage, app, &is_all_counted);

	/* Whatever it had read then does not matter. */
	if (r < 0 || is_all_counted)
		return r;
	for (size_t i = app->first_flow; i != LINEAGE_NO_FLOW && r == 0;
	     i = counting->lineage->flows[i].next_of_app) {
		const struct lineage_flow *flow = &counting->lineage->flows[i];
		const struct event *event = flow->event;

		if (flow->is_egress)
			out_bytes += flow->bytes;
		if (event->direction != EVENT_DIRECTION_IN || event->n_labels == 0 ||
		    flow->bytes == 0)
			continue;
		if (event->object.kind == EVENT_OBJECT_FILE) {
			n_files++;
			r = take_read(counting, flow, &size_bytes);
		} else if (is_stream(&event->object)) {
			n_files++;
			r = take_stream(counting, flow, &size_bytes);
		} else {
			counting->is_whole = false;
		}
	}
	/* Fewer bytes than were read: some went elsewhere, or packed; of several files it is not
	 * known which. */
	counting->is_whole &= n_files > 0 && out_bytes >= size_bytes &&
			      !(app->sends_elsewhere && n_files > 1) &&
			      !episode_app_is_client(counting->policy, app);
	return r;
}

static struct tally *tally_of(struct counting *counting, const char *record)
{
	for (size_t i = 0; i < counting->n_tallies; i++)
		if (strcmp(counting->tallies[i].record, record) == 0)
			return &counting->tallies[i];
	if (counting->n_tallies == MAX_RECORDS)
		return NULL;
	counting->tallies[counting->n_tallies].record = record;
	return &counting->tallies[counting->n_tallies++];
}

static int add_count(struct counting *counting, const struct event_count *count)
{
	struct tally *tally = tally_of(counting, count->record);
	uint64_t *grown;

	if (!tally) {
		counting->is_whole = false;
		return 0;
	}
	tally->n_scans++;
	if (count->n_fingerprints == 0) {
		if (count->n_records > tally->n_unlisted)
			tally->n_unlisted = count->n_records;
		return 0;
	}
	grown = reallocarray(tally->fingerprints, tally->n_fingerprints + count->n_fingerprints,
			     sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memcpy(grown + tally->n_fingerprints, count->fingerprints,
	       count->n_fingerprints * sizeof(*grown));
	tally->fingerprints = grown;
	tally->n_fingerprints += count->n_fingerprints;
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* How many different ones there are; two lists of which one was too long to come along may share
 * any. */
static uint64_t sum_up(struct counting *counting, struct tally *tally)
{
	uint64_t n = 0;

	if (tally->n_fingerprints > 0)
		qsort(tally->fingerprints, tally->n_fingerprints, sizeof(*tally->fingerprints),
		      compare_numbers);
	for (size_t i = 0; i < tally->n_fingerprints; i++)
		n += i == 0 || tally->fingerprints[i] != tally->fingerprints[i - 1];
	if (tally->n_unlisted == 0)
		return n;
	counting->is_whole &= tally->n_scans == 1;
	return n > tally->n_unlisted ? n : tally->n_unlisted;
}

static int tell(const struct counting *counting, const uint64_t *numbers, struct incident *incident)
{
	int r = 0;

	for (size_t i = 0; i < counting->n_tallies && r == 0; i++) {
		const char *name = counting->tallies[i].record;
		const struct policy_record *record = policy_record_by_name(counting->policy, name);
		const struct incident_count count = {
			.record = (char *)name,
			.title = record ? record->title : NULL,
			.title_zh = record ? record->title_zh : NULL,
			.n_records = numbers[i],
		};

		r = incident_add_count(incident, &count);
	}
	for (size_t i = 0; i < counting->scans.n_items && r == 0; i++)
		r = incident_add_event(incident, counting->scans.items[i]->id);
	return r;
}

/* A row has a number of each kind, so the kind with the most different ones says how many rows
 * there were at least. */
static int conclude(struct counting *counting, struct incident *incident)
{
	uint64_t numbers[MAX_RECORDS], most = 0;

	for (size_t i = 0; i < counting->n_tallies; i++) {
		numbers[i] = sum_up(counting, &counting->tallies[i]);
		most = numbers[i] > most ? numbers[i] : most;
	}
	/* An estimate by turns is of what was looked up; one by some of the files may miss more. */
	if (most == 0 ||
	    (!counting->is_whole && incident->records_certainty != EVENT_CERTAINTY_UNKNOWN))
		return 0;
	incident->records = most;
	incident->records_certainty =
		counting->is_whole ? EVENT_CERTAINTY_EXACT : EVENT_CERTAINTY_ESTIMATED;
	return tell(counting, numbers, incident);
}

int episode_count_records(const struct episode *episode, const struct policy *policy,
			  struct incident *incident)
{
	const struct lineage *lineage = episode->lineage;
	_cleanup_(counting_done) struct counting counting = {
		.lineage = lineage, .policy = policy, .is_whole = lineage->n_cut_reports == 0};
	int r = 0;

	for (size_t i = 0; i < lineage->n_apps && r == 0; i++)
		if (lineage->apps[i].is_sender)
			r = take_sender(&counting, &lineage->apps[i]);
	for (size_t i = 0; i < counting.scans.n_items && r == 0; i++) {
		const struct event *event = counting.scans.items[i]->event;

		for (size_t j = 0; j < event->n_counts && r == 0; j++)
			r = add_count(&counting, &event->counts[j]);
	}
	return r < 0 ? r : conclude(&counting, incident);
}
