/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INGEST_INGEST_H
#define WEIR_COLLECTOR_INGEST_INGEST_H

/*
 * The collector's door: takes batches from many agents over mutual TLS 1.3 and
 * acknowledges one only after the callback has committed it. When the callback
 * fails (a full disk), the agent is kept waiting on its open connection and the
 * batch is tried again later; nothing is acknowledged, dropped or disconnected.
 */

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "wire/identity.h"

struct event;
struct ingest;

/*
 * Commits a batch durably and returns 0, or -errno to be called again later
 * with the same batch. events[i]->seq is first_seq + i and ->agent is agent,
 * the authenticated name. The events stay ingest's, but the callback may keep
 * one by putting NULL in its place, also when it fails. Repeats of what is
 * stored already can occur and must be answered by 0.
 */
typedef int (*ingest_batch_fn)(void *userdata, const char *agent, uint64_t first_seq,
			       struct event **events, size_t n_events);

/* The highest seq committed of an agent, 0 for none. 0 or -errno. */
typedef int (*ingest_last_seq_fn)(void *userdata, const char *agent, uint64_t *ret_seq);

/* Something for the log: who (agent name or address) and a sentence. At most ten a second. */
typedef void (*ingest_note_fn)(void *userdata, const char *who, const char *text);

struct ingest_config {
	const char *listen_address; /* IPv4 or IPv6 address; NULL: 127.0.0.1 */
	uint16_t port;              /* 0: any free one, see ingest_port() */
	struct identity_files identity;
	ingest_last_seq_fn last_seq;
	ingest_note_fn on_note;    /* may be NULL */
	uint32_t max_connections;  /* 0: 1024 */
	uint32_t retry_first_ms;   /* after a failed commit; 0: 500, doubles up to retry_max_ms */
	uint32_t retry_max_ms;     /* 0: 15000 */
	uint32_t hello_timeout_ms; /* from accept to hello; 0: 10000 */
};

struct ingest_counts {
	uint64_t connections; /* now */
	uint64_t agents;      /* now, those that said hello */
	uint64_t accepted;
	uint64_t refused;            /* over the limit, bad certificate, bad hello, bad frame */
	uint64_t events_in;          /* in batches received, with repeats */
	uint64_t events_out;         /* in batches committed and acknowledged */
	uint64_t events_waiting;     /* received, not committed: tried again */
	uint64_t events_undecodable; /* stored as EVENT_LOSS in their place */
	uint64_t events_missing;     /* seqs that an agent skipped */
	uint64_t events_dropped; /* received, not committed, connection ended: the agent sends again
				  */
	uint64_t commit_failures;
	uint64_t notes_suppressed;
};

/*
 * userdata is given to all three callbacks. Returns 0, -EADDRINUSE, -EADDRNOTAVAIL,
 * -EACCES, -EINVAL (no address), or what tls_context_new_server() returns; on
 * failure *ret_reason (may be NULL) receives a sentence that the caller frees.
 */
int ingest_new(sd_event *event, const struct ingest_config *config, ingest_batch_fn on_batch,
	       void *userdata, struct ingest **ret_ingest, char **ret_reason);
/* Closes all connections; what was not acknowledged the agents send again. */
void ingest_free(struct ingest *ingest);

uint16_t ingest_port(const struct ingest *ingest);
void ingest_count(const struct ingest *ingest, struct ingest_counts *ret_counts);

#endif
