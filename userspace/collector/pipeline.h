/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_PIPELINE_H
#define WEIR_COLLECTOR_PIPELINE_H

/*
 * The collector: ingest -> people -> store -> correlate -> incidents, joined on
 * one event loop. A batch is acknowledged after its commit and not otherwise,
 * so what goes wrong here stays in the agents' spools and comes again. Every
 * stage counts what went in, what came out and what it dropped.
 */

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "collector/store/store.h"

struct collector;
struct incident;
struct policy;

struct collector_config {
	const char *data_dir; /* DIR; the collector writes below DIR/collector */
	const char
		*identity_dir; /* holds ca.crt, collector.crt, collector.key; NULL: DIR/identity */
	const char *listen_address;  /* numeric; NULL: 127.0.0.1 */
	uint16_t listen_port;        /* 0: the kernel picks one, see collector_port() */
	const struct policy *policy; /* outlives the collector */

	bool is_alone; /* its one agent is its own: that it comes and goes is no news */

	/* The live lines; each may be NULL. The arguments belong to the collector. */
	void (*on_records)(void *userdata, const struct store_record *records, size_t n_records);
	void (*on_incident)(void *userdata, const struct incident *incident);
	void *userdata;
};

/* Since start. in = out + dropped at rest. */
struct collector_stage {
	const char *name;
	uint64_t in;
	uint64_t out;
	uint64_t waiting; /* to be tried again by the stage itself */
	uint64_t dropped; /* refused or failed; for ingest and store the agent sends them again */
};

enum {
	COLLECTOR_N_STAGES = 4
};

struct collector_status {
	/* ingest, people, store, correlate */
	struct collector_stage stages[COLLECTOR_N_STAGES];
	uint64_t duplicates; /* of the store's out: recognised and held once */
	uint64_t batches;
	uint64_t batches_refused;
	uint64_t agents; /* connected now */
	uint64_t connections_refused;
	uint64_t events_missing;     /* seqs that an agent skipped */
	uint64_t events_undecodable; /* stored as a loss in their place */
	uint16_t port;
	struct store_counts store;
	int last_error; /* of the latest batch, 0 when it went well */
};

/*
 * Opens the store (catching up with what was stored and not correlated) and
 * listens. Returns 0 or -errno, having said why in one line of the log:
 * -EADDRINUSE, -EBUSY (another collector writes there), -ENOENT, ...
 */
int collector_new(sd_event *event_loop, const struct collector_config *config,
		  struct collector **ret_collector);
/* Writes the last status and closes. */
void collector_free(struct collector *collector);

uint16_t collector_port(const struct collector *collector);
int collector_get_status(struct collector *collector, struct collector_status *ret_status);

static inline void collector_freep(struct collector **collector)
{
	if (*collector)
		collector_free(*collector);
}

#endif
