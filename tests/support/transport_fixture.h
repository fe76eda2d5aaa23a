/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_TRANSPORT_FIXTURE_H
#define WEIR_TESTS_SUPPORT_TRANSPORT_FIXTURE_H

/*
 * The real transport on loopback: folders, certificates, a collector that keeps
 * what it commits in a file, and an agent with a spool and an uplink. Failures
 * end the test.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "agent/spool/spool.h"
#include "agent/uplink/uplink.h"
#include "collector/ingest/ingest.h"

#define TRANSPORT_AGENT "desk-1"
#define TRANSPORT_TEXT_MAX_BYTES 8192

/* A new folder below /tmp; the caller passes it to transport_remove_dir(). */
char *transport_make_dir(void);
void transport_remove_dir(char *dir);
/* A tmpfs of this size on DIR. Returns false when this machine does not let us. */
bool transport_mount_small_disk(const char *dir, unsigned int kibibytes);
void transport_unmount(const char *dir);
/* Fills the disk below DIR to the last byte, and empties it again. */
void transport_fill_disk(const char *dir);
void transport_free_disk(const char *dir);

/* Paths in a folder made by identity_ensure(), for agent or collector; freed with the fixture's
 * path buffer. */
struct transport_paths {
	char authority[256], certificate[256], key[256];
};
struct identity_files transport_identity(struct transport_paths *paths, const char *authority_dir,
					 const char *dir, const char *file);

/* DIR/FILE.crt and .key, signed by the authority of DIR but without extended key usage, as another
 * tool might issue them. */
void transport_issue_without_role(const char *dir, const char *file, const char *name);

/* What the collector has committed, as a file of (seq, kind) pairs with fdatasync, like a store. */
struct transport_collector {
	sd_event *event;
	struct ingest *ingest;
	int fd;
	uint64_t last_seq, repeats;
	unsigned int calls, failures_to_come;
	char notes[TRANSPORT_TEXT_MAX_BYTES];
};

/* config may be NULL; its identity and callbacks are filled in. */
void transport_collector_start(struct transport_collector *collector, sd_event *event,
			       const char *identity_dir, const char *data_dir, uint16_t port,
			       const struct ingest_config *config);
void transport_collector_stop(struct transport_collector *collector);
struct ingest_counts transport_collector_counts(const struct transport_collector *collector);
/* The (seq, kind) pairs in the file, in order. The caller frees *ret_pairs. */
size_t transport_committed(const char *data_dir, uint64_t (**ret_pairs)[2]);
/* Asserts that 1..n are there, each once and in order, and returns how many are EVENT_LOSS. */
size_t transport_assert_committed_once(const char *data_dir, uint64_t n);

struct transport_agent {
	sd_event *event;
	struct spool *spool;
	struct uplink *uplink;
	unsigned int waits; /* how often it went to UPLINK_WAITING */
};

/* identity may be NULL: agent.crt of identity_dir. */
void transport_agent_start(struct transport_agent *agent, sd_event *event, const char *identity_dir,
			   const char *data_dir, uint16_t port,
			   const struct identity_files *identity, const char *collector_name);
void transport_agent_stop(struct transport_agent *agent);
/* Appends n events to a spool and syncs. */
void transport_append_events(struct spool *spool, size_t n);
struct uplink_counts transport_agent_counts(const struct transport_agent *agent);

/* Runs the loop until done says true; the test fails after the time. */
typedef bool (*transport_done_fn)(void *userdata);
void transport_run_until(sd_event *event, transport_done_fn done, void *userdata,
			 unsigned int timeout_ms);
void transport_run_for(sd_event *event, unsigned int ms);
bool transport_agent_has_no_backlog(void *agent);
bool transport_agent_waits(void *agent);

/* A foreign client in a process of its own: speaks TLS between the versions (0: plain text), sends
 * the bytes, and collects what comes back or why it failed. */
struct transport_client {
	uint16_t port;
	const struct identity_files *identity; /* NULL: none */
	int min_version, max_version;
	const void *bytes;
	size_t n_bytes;
	pid_t pid;
	int pipe_fd;
	char answer[TRANSPORT_TEXT_MAX_BYTES]; /* printable, after transport_client_is_done() */
	size_t n_answer;
};
void transport_client_start(struct transport_client *client);
bool transport_client_is_done(void *client);

#endif
