/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/pipeline_private.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "collector/people/people.h"

enum {
	SETTLE_WITHIN_US = 2000000
};

/* The records of one batch. Events are the caller's, persons are ours. */
struct batch {
	struct store_record *records;
	size_t n_records;
};

static void batch_done(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_records; i++)
		free(batch->records[i].person);
	free(batch->records);
}

void pipeline_on_incident(void *userdata, const struct incident *incident,
			  enum correlate_change change)
{
	struct collector *collector = userdata;

	(void)change;
	if (collector->config.on_incident)
		collector->config.on_incident(collector->config.userdata, incident);
}

static int identify(struct collector *collector, struct batch *batch, struct event **events,
		    size_t n_events)
{
	struct collector_stage *stage = &collector->status.stages[STAGE_PEOPLE];

	stage->in += n_events;
	for (size_t i = 0; i < n_events; i++) {
		struct store_record *record = &batch->records[i];
		int r;

		record->event = events[i];
		r = people_identify(collector->people, events[i], &record->person,
				    &record->is_staff);
		if (r < 0) {
			stage->dropped += n_events;
			return r;
		}
	}
	stage->out += n_events;
	return 0;
}

/* One line when trouble begins and one when it is over, not one for each try. */
static void note_result(struct collector *collector, int error)
{
	if (error == collector->status.last_error)
		return;
	if (error == -ENOSPC)
		log_error("no room left in %s: agents keep their events until there is some",
			  collector->dir);
	else if (error < 0)
		log_error("cannot store events in %s: %s; agents keep them and send them again",
			  collector->dir, strerror(-error));
	else
		log_info("events are stored in %s again", collector->dir);
	collector->status.last_error = error;
}

static int put(struct collector *collector, struct batch *batch)
{
	struct collector_stage *stage = &collector->status.stages[STAGE_STORE];
	int r;

	stage->in += batch->n_records;
	r = store_append(collector->store, batch->records, batch->n_records);
	if (r < 0)
		stage->dropped += batch->n_records;
	else
		stage->out += batch->n_records;
	return r;
}

/* Moves what was stored to the front, in order, and returns how many that are. */
static size_t sort_out_duplicates(struct batch *batch)
{
	size_t n_stored = 0;

	for (size_t i = 0; i < batch->n_records; i++) {
		struct store_record record = batch->records[i];

		if (record.id == 0)
			continue;
		batch->records[i] = batch->records[n_stored];
		batch->records[n_stored++] = record;
	}
	return n_stored;
}

void pipeline_note_correlation(struct collector *collector, int error)
{
	struct collector_stage *stage = &collector->status.stages[STAGE_CORRELATE];

	if (error < 0 && !collector->is_behind)
		log_error("cannot work out incidents: %s; tried again in a moment, events are safe",
			  strerror(-error));
	collector->is_behind = error < 0;
	if (error == 0)
		stage->out = stage->in;
}

void pipeline_settle(struct collector *collector)
{
	collector->unsettled_since_us = 0;
	pipeline_note_correlation(
		collector, correlate_settle(collector->correlate, pipeline_on_incident, collector));
}

/* Batches that wait already are stored first, so that what they all belong to is computed once: who
 * is slow then does not fall further behind with each. They never end while an agent makes up for
 * a week, so there is a limit. */
static void settle_soon(struct collector *collector)
{
	uint64_t now_us = clock_boottime_ns() / 1000;

	if (collector->unsettled_since_us == 0)
		collector->unsettled_since_us = now_us;
	if (now_us - collector->unsettled_since_us >= SETTLE_WITHIN_US ||
	    sd_event_source_set_enabled(collector->settling, SD_EVENT_ONESHOT) < 0)
		pipeline_settle(collector);
}

/* What is stored is stored: a failure from here on is made good later and refuses no batch. */
static void deliver(struct collector *collector, struct batch *batch)
{
	struct collector_stage *stage = &collector->status.stages[STAGE_CORRELATE];
	size_t n_stored = sort_out_duplicates(batch);

	collector->status.duplicates += batch->n_records - n_stored;
	if (n_stored == 0)
		return;
	if (collector->config.on_records)
		collector->config.on_records(collector->config.userdata, batch->records, n_stored);
	stage->in += n_stored;
	if (correlate_take(collector->correlate, batch->records, n_stored) < 0)
		pipeline_settle(collector);
	else
		settle_soon(collector);
}

static int process(struct collector *collector, struct batch *batch, struct event **events)
{
	int r = identify(collector, batch, events, batch->n_records);

	if (r == 0)
		r = put(collector, batch);
	return r;
}

int pipeline_on_batch(void *userdata, const char *agent, uint64_t first_seq, struct event **events,
		      size_t n_events)
{
	struct collector *collector = userdata;
	_cleanup_(batch_done) struct batch batch = {.n_records = n_events};
	int r;

	(void)agent;
	(void)first_seq;
	if (n_events == 0)
		return 0;
	batch.records = calloc(n_events, sizeof(*batch.records));
	if (!batch.records) {
		batch.n_records = 0;
		return -ENOMEM;
	}
	/* The events lose their login uid here. Ingest decodes the batch anew for another try. */
	r = process(collector, &batch, events);
	note_result(collector, r);
	collector->status.batches++;
	if (r < 0) {
		collector->status.batches_refused++;
		return r;
	}
	deliver(collector, &batch);
	return 0;
}
