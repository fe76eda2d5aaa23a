/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_UPLINK_UPLINK_H
#define WEIR_AGENT_UPLINK_UPLINK_H

/*
 * Carries the spool to the collector: keeps one connection, sends batches
 * within a window of bytes in flight, acknowledges to the spool only what the
 * collector has committed, and sends the rest again after a reconnect. It never
 * blocks the loop and never gives up.
 */

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "wire/identity.h"

struct uplink;

/* Same contract as spool_visit_fn. */
typedef int (*uplink_visit_fn)(void *userdata, uint64_t seq, const void *data, size_t size);

/* Where the records come from: same contracts as spool_read(), spool_ack() and spool_settle(). */
struct uplink_reader {
	int (*read)(void *userdata, uint64_t from_seq, size_t max_bytes, uplink_visit_fn visit,
		    void *visit_userdata);
	int (*ack)(void *userdata, uint64_t upto_seq);
	int (*settle)(void *userdata, uint64_t collector_last_seq);
	void *userdata;
};

enum uplink_state {
	UPLINK_WAITING = 1, /* between attempts; the reason says why */
	UPLINK_CONNECTING = 2,
	UPLINK_CONNECTED = 3, /* the collector has answered the hello */
};

/* reason is NULL unless the state is UPLINK_WAITING. */
typedef void (*uplink_state_fn)(void *userdata, enum uplink_state state, const char *reason);

/* Everything is copied; 0 and NULL mean the default where one is named. */
struct uplink_config {
	const char *host; /* name or address */
	uint16_t port;
	const char *collector_name; /* in its certificate; default IDENTITY_COLLECTOR_NAME */
	struct identity_files identity;
	const char *agent; /* the common name of our certificate */
	const char *boot_id;
	struct uplink_reader reader;
	uplink_state_fn on_state; /* on every change; may be NULL */
	void *on_state_userdata;
	uint32_t backoff_first_ms; /* default 250 */
	uint32_t backoff_max_ms;   /* default 30000 */
	uint32_t window_bytes;     /* plain bytes in flight; default 1 MiB */
	uint32_t batch_bytes;      /* plain bytes a batch; default 256 KiB */
};

struct uplink_counts {
	uint64_t connects;    /* hellos answered */
	uint64_t failures;    /* attempts and connections that ended */
	uint64_t events_sent; /* with repeats */
	uint64_t events_acked;
	uint64_t events_lost; /* sent as EVENT_LOSS in place of a record that could not be read */
	uint64_t sent_seq, acked_seq;
	uint64_t in_flight; /* events sent and not acknowledged */
};

/*
 * Starts connecting at once. Returns 0, or -errno with a sentence in
 * *ret_reason (may be NULL; the caller frees it) for identity files that
 * cannot be used.
 */
int uplink_new(sd_event *event, const struct uplink_config *config, struct uplink **ret_uplink,
	       char **ret_reason);
void uplink_free(struct uplink *uplink);

/* New records were synced. */
void uplink_notify(struct uplink *uplink);

enum uplink_state uplink_state(const struct uplink *uplink);
/* Why the last attempt or connection ended, "" when none has. */
const char *uplink_reason(const struct uplink *uplink);
void uplink_count(const struct uplink *uplink, struct uplink_counts *ret_counts);

#endif
