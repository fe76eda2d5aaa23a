/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_PIPELINE_PRIVATE_H
#define WEIR_COLLECTOR_PIPELINE_PRIVATE_H

/* What joins the two halves of the pipeline: setting up and telling, and the way of a batch. */

#include <stdbool.h>

#include "collector/correlate/correlate.h"
#include "collector/pipeline.h"

struct event;
struct ingest;
struct people;

enum pipeline_stage {
	STAGE_INGEST,
	STAGE_PEOPLE,
	STAGE_STORE,
	STAGE_CORRELATE
};

struct collector {
	struct collector_config config; /* callbacks; the strings are not kept */
	char *dir;                      /* DIR/collector */
	struct people *people;
	struct store *store;
	struct correlate *correlate;
	struct ingest *ingest;
	sd_event_source *timer;
	sd_event_source *settling;   /* works out what was stored, when no batch waits */
	uint64_t unsettled_since_us; /* CLOCK_MONOTONIC; 0: all is worked out */
	struct collector_status status;
	bool is_behind; /* correlation failed: catch up later */
};

/* An ingest_batch_fn; userdata is the collector. */
int pipeline_on_batch(void *userdata, const char *agent, uint64_t first_seq, struct event **events,
		      size_t n_events);

/* Works out what batches since the last time belong to, and counts and logs how that went. */
void pipeline_settle(struct collector *collector);

/* Counts and logs how correlation went. */
void pipeline_note_correlation(struct collector *collector, int error);

/* A correlate_incident_fn; userdata is the collector. */
void pipeline_on_incident(void *userdata, const struct incident *incident,
			  enum correlate_change change);

#endif
