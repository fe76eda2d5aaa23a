/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_UPLINK_UPLINK_PRIVATE_H
#define WEIR_AGENT_UPLINK_UPLINK_PRIVATE_H

/* The uplink's state, shared by uplink.c (connecting) and uplink_send.c (batches and acks) alone.
 */

#include <stdbool.h>
#include <sys/socket.h>

#include "agent/uplink/outbox.h"
#include "agent/uplink/uplink.h"

struct message;
struct resolve;
struct stream;
struct tls_context;

#define UPLINK_ADDRESSES_MAX 8
#define UPLINK_BATCHES_IN_FLIGHT_MAX 64
#define UPLINK_REASON_MAX_BYTES 384

struct uplink_address {
	struct sockaddr_storage address;
	socklen_t size;
};

/* A batch that was sent and not acknowledged. */
struct uplink_flight {
	uint64_t last_seq;
	uint32_t raw_bytes;
};

struct uplink {
	sd_event *event;
	sd_event_source *retry;      /* the end of the wait between attempts */
	sd_event_source *silence;    /* the collector owes an answer for too long */
	struct uplink_config config; /* strings are copies; identity is not kept */
	struct tls_context *tls;
	struct resolve *resolve;
	struct stream *stream;
	struct uplink_address addresses[UPLINK_ADDRESSES_MAX];
	size_t n_addresses, next_address;
	enum uplink_state state;
	char reason[UPLINK_REASON_MAX_BYTES];
	uint32_t backoff_ms;

	uint64_t next_seq; /* to send */
	struct uplink_flight flights[UPLINK_BATCHES_IN_FLIGHT_MAX];
	size_t first_flight, n_flights; /* a ring */
	uint64_t bytes_in_flight;
	struct outbox outbox;
	struct uplink_counts counts;
};

/* uplink_send.c. All work on an open stream and end it by stream_close() when they must. */
void uplink_send_hello(struct uplink *uplink);
/* Handles an answer; returns whether the hello was accepted by it. */
bool uplink_receive(struct uplink *uplink, const struct message *message);
/* Sends what the window allows. */
void uplink_pump(struct uplink *uplink);
void uplink_forget_flights(struct uplink *uplink);

#endif
