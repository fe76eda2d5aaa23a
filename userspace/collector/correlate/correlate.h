/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_CORRELATE_H
#define WEIR_COLLECTOR_CORRELATE_CORRELATE_H

/*
 * From stored events to incidents. Every incident is computed anew from the store
 * whenever an event that belongs to it arrives, so the order of arrival, repeats,
 * late events and restarts change nothing in the result. Progress is durable: what
 * was stored but not yet correlated when the collector stopped is caught up.
 */

#include <stddef.h>
#include <stdint.h>

struct correlate;
struct incident;
struct policy;
struct store;
struct store_record;

enum correlate_change {
	CORRELATE_NEW = 1,    /* the first time this incident is seen */
	CORRELATE_RAISED = 2, /* its severity went up, or a detector came in */
	CORRELATE_GROWN = 3,  /* more bytes, records or evidence at the same severity */
};

struct correlate_counts {
	uint64_t records;           /* looked at since the start */
	uint64_t recomputed;        /* incidents computed anew */
	uint64_t incidents_dropped; /* no longer in memory because of the limit; they stay stored */
};

/* Called after the incident is durable; the incident is lent for the call. */
typedef void (*correlate_incident_fn)(void *userdata, const struct incident *incident,
				      enum correlate_change change);

/* Reads the known incidents. Borrows store and policy until correlate_free(). 0 or -errno. */
int correlate_new(struct store *store, const struct policy *policy,
		  struct correlate **ret_correlate);
void correlate_free(struct correlate *correlate);

/* After a reload; the new policy is borrowed from here on. */
void correlate_set_policy(struct correlate *correlate, const struct policy *policy);

/*
 * Takes records that store_append() has just stored (those with id 0, duplicates,
 * are passed over): what they belong to is computed by correlate_settle(). Returns
 * 0 or -errno; after an error nothing is lost, what is computed next resumes at the
 * store's "correlated_upto".
 */
int correlate_take(struct correlate *correlate, const struct store_record *records,
		   size_t n_records);

/* Computes each incident that was touched, once, however many batches touched it. 0 or -errno,
 * likewise. */
int correlate_settle(struct correlate *correlate, correlate_incident_fn fn, void *userdata);

/* Both. */
int correlate_process(struct correlate *correlate, const struct store_record *records,
		      size_t n_records, correlate_incident_fn fn, void *userdata);

/* Takes what the store holds beyond "correlated_upto". 0 or -errno. */
int correlate_catch_up(struct correlate *correlate, correlate_incident_fn fn, void *userdata);

struct correlate_counts correlate_count(const struct correlate *correlate);

static inline void correlate_freep(struct correlate **correlate)
{
	if (*correlate)
		correlate_free(*correlate);
}

#endif
