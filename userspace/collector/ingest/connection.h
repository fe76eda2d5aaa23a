/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_INGEST_CONNECTION_H
#define WEIR_COLLECTOR_INGEST_CONNECTION_H

/*
 * One agent's connection: hello, batches, acks. It holds at most one batch that
 * is not committed yet and reads nothing further meanwhile, so a slow disk is
 * felt as back-pressure by the agent and not as memory here.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <systemd/sd-event.h>

#include "collector/ingest/ingest.h"

struct stream;
struct tls_context;

#define CONNECTION_ADDRESS_MAX_BYTES 64

/* A batch as it came, kept for the next try. */
struct held_batch {
	uint64_t first_seq;
	uint32_t raw_bytes;
	uint8_t *deflated; /* NULL: none is held */
	size_t deflated_bytes;
	size_t n_events;
};

struct connection {
	LIST_ENTRY(connection) link;
	struct ingest *ingest;
	struct stream *stream;
	sd_event_source *timer; /* until the hello: its deadline; then: the next try */
	char address[CONNECTION_ADDRESS_MAX_BYTES];
	char agent[IDENTITY_NAME_MAX_BYTES + 1]; /* "" until the hello */
	bool is_replaced;
	uint64_t acked_seq;
	uint32_t retry_ms;
	struct held_batch held;
};

LIST_HEAD(connection_list, connection);

/* Shared by ingest.c and connection.c alone. */
struct ingest {
	sd_event *event;
	sd_event_source *listener, *listen_again;
	int listen_fd;
	uint16_t port;
	struct tls_context *tls;
	struct ingest_config config;
	ingest_batch_fn on_batch;
	void *userdata;
	struct connection_list connections; /* newest first */
	uint64_t note_second;
	uint32_t notes_in_second;
	struct ingest_counts counts;
};

/* Takes fd on success. Returns 0 or -errno. */
int connection_new(struct ingest *ingest, int fd, const char *address);
void connection_free(struct connection *connection);

/* For the log, within the limit of notes. */
void ingest_note(struct ingest *ingest, const char *who, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
