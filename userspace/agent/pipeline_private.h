/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_PIPELINE_PRIVATE_H
#define WEIR_AGENT_PIPELINE_PRIVATE_H

/* The joined stages, as the files of the pipeline share them. */

#include "agent/enrich/cgroup_names.h"
#include "agent/enrich/exe_hash.h"
#include "agent/enrich/greeted.h"
#include "agent/enrich/held.h"
#include "agent/enrich/labelled_files.h"
#include "agent/enrich/quic_names.h"
#include "agent/enrich/volumes.h"
#include "agent/pipeline.h"
#include "agent/report.h"
#include "agent/sensor/sensor.h"
#include "agent/spool/spool.h"
#include "agent/uplink/uplink.h"
#include "policy/policy.h"

struct agent {
	sd_event *loop;
	struct agent_config config; /* strings are the agent's own */
	char *strings[8];
	struct policy *policy;
	struct sensor *sensor;
	struct exe_hash *hashes;
	struct cgroup_names *cgroups;
	struct volumes *volumes;
	struct quic_names *quic;
	struct held *held;
	struct labelled_files *files;
	struct spool *spool;
	struct uplink *uplink;
	struct report_context report;
	char boot_id[40];
	struct keeper *keeper;
	struct agent_names *names;
	struct agent_hosts *hosts;
	struct agent_greetings *greetings;
	struct agent_scan *scan; /* NULL: the policy has no [record] */
	size_t n_records_read;   /* of the policy's, that the kernel side reads streams for */
	sd_event_source *sweep_timer, *walk_timer, *forget_timer, *resolve_timer, *status_timer;
	sd_event_source *labels_timer, *mounts_source;
	struct sensor_losses reported_losses; /* up to here they are told */
	struct sensor_losses kept_losses;     /* and durably so */
	uint64_t mended_misses;               /* of reported_losses.programs_missed */
	uint64_t events_made, events_spooled, events_dropped, reports, quiet_reports;
	uint64_t drops_told;       /* of events_dropped */
	uint64_t dropped_since_ns; /* 0: the spool takes events */
	uint64_t dropped_now;
	bool has_unsynced;
	struct event **seen; /* of the sweep under way, not yet in order */
	size_t n_seen;
	bool is_stopping;
};

/* pipeline_emit.c: everything that goes into the spool. */
/* Takes no ownership. A refused event is counted; its flow is reported again later. */
void agent_emit(struct agent *agent, const struct event *event);
/* An event about the agent itself. detail may be NULL. */
void agent_emit_note(struct agent *agent, enum event_kind kind, uint64_t time_ns,
		     uint64_t gap_end_ns, uint64_t dropped, const char *detail);
/* Syncs what was emitted, then lets the kernel forget what ended. */
void agent_commit(struct agent *agent);

/* pipeline_observe.c: the sensor's handler. */
void agent_observe(struct agent *agent, struct sensor_handler *ret_handler);
/* Takes ownership of an event of the sweep under way. */
void agent_see(struct agent *agent, struct event *event);
/* Emits or holds what the sweep saw, in order of time: tables are read in any order. */
void agent_flush(struct agent *agent);
void agent_observe_clock(struct agent *agent);

/* pipeline_losses.c: what the kernel side could not keep. */
/* Goes on from what earlier agents have told. */
void agent_take_up_losses(struct agent *agent);
void agent_observe_losses(struct agent *agent);
/* What was told is durable now. */
void agent_keep_losses(struct agent *agent);

/* pipeline_coverage.c: which channels the sensor sees, and why not all; NULL when out of memory. */
struct json_t *agent_describe_coverage(const struct agent *agent);

/* pipeline_status.c: DIR/state.json. */
void agent_write_status(struct agent *agent);

/* pipeline_labels.c: DIR/labels. */
int agent_start_keeper(struct agent *agent);
/* Whether labels were set that the kernel has not set itself. */
bool agent_has_restored(const struct agent *agent);
/* Writes down what was labelled last. */
void agent_stop_keeper(struct agent *agent);

/* pipeline_scan.c: records in labelled files, counted by a process of its own. */
int agent_start_scan(struct agent *agent);
void agent_free_scan(struct agent *agent);
/* A flow, and what is reported of it. */
void agent_scan_note(struct agent *agent, const struct sensor_flow *flow,
		     const struct event *event);
/* An app that sends in another way than by a flow. */
void agent_scan_note_sender(struct agent *agent, uint64_t app_id);
/* After a sweep: looks at files that have left, and at some that were written. */
void agent_scan_sweep(struct agent *agent);
/* Waits some seconds for what has left and is not counted yet; tells what is not counted then. */
void agent_scan_finish(struct agent *agent);

struct agent_scan_counts {
	uint64_t asked, answered, failed;
	uint64_t waiting; /* 1 while a file is being read */
	/* That gave way at a limit: scan_list.h. */
	uint64_t files_forgotten, readers_forgotten, senders_forgotten;
};

void agent_scan_count(const struct agent *agent, struct agent_scan_counts *ret_counts);

/* pipeline_records.c: records in what goes through pipes and sockets, counted by the sensor. */
int agent_start_records(struct agent *agent, const uint8_t key[SIPHASH_KEY_BYTES]);
/* Which of the policy's records are not looked for there, as a sentence; NULL: all are, or there is
 * no memory. */
char *agent_describe_unread_records(const struct agent *agent);
void agent_report_unread_records(struct agent *agent);
void agent_see_records(void *userdata, const struct sensor_flow *flow, const struct sensor_app *app,
		       const struct sensor_records *records);
/* An app that holds labelled data may have loaded a TLS library. */
void agent_watch_tls(struct agent *agent, uint32_t pid);

/* pipeline_names.c: what labelled apps ask name servers. */
int agent_start_names(struct agent *agent);
void agent_free_names(struct agent *agent);
/* The sensor's handler of questions. */
void agent_take_question(void *userdata, const struct sensor_question *question,
			 const struct sensor_app *app);
/* Tells, as part of a sweep, what looks like a tunnel. */
void agent_tell_questions(struct agent *agent);
void agent_tell_questions_again(struct agent *agent);

struct agent_names_counts {
	uint64_t seen, counted, dropped, refused; /* questions */
};

void agent_count_names(const struct agent *agent, struct agent_names_counts *ret_counts);

/* pipeline_hosts.c: what addresses are called. */
int agent_start_hosts(struct agent *agent);
void agent_free_hosts(struct agent *agent);
/* As part of a sweep: looks whether /etc/hosts has changed. */
void agent_reread_hosts(struct agent *agent);
/* Whether DNS answers are seen. */
bool agent_sees_answers(const struct agent *agent);

struct tap_counts;
struct resolved_counts;

void agent_count_resolved(const struct agent *agent, struct resolved_counts *ret_counts);
void agent_count_answers(const struct agent *agent, struct tap_counts *ret_counts);

/* pipeline_greetings.c: whom connections are for, as clients say before they hold labels. */
int agent_start_greetings(struct agent *agent);
void agent_free_greetings(struct agent *agent);
/* Takes what was said until now: it must not fill the ring. */
void agent_hear_greetings(struct agent *agent);
/* The host that a flow's connection was made to, of report_context. The name lives until the next
 * call here. */
bool agent_find_greeted(void *userdata, const struct sensor_flow *flow,
			struct greeted_name *ret_name);
/* Whether they are heard. */
bool agent_hears_greetings(const struct agent *agent);

struct agent_greetings_counts {
	uint64_t heard, refused, dropped; /* parts */
};

void agent_count_greetings(const struct agent *agent, struct agent_greetings_counts *ret_counts);
/* Those that were not whole when others took their place. */
uint64_t agent_count_evicted_greetings(const struct agent *agent);

/* pipeline_loop.c */
int agent_start_timers(struct agent *agent);
void agent_sweep(struct agent *agent);
void agent_sweep_soon(struct agent *agent);
int agent_start_uplink(struct agent *agent, sd_event *loop, char **ret_reason);
/* Gives the uplink a loop of its own until the spool is empty or the time is up. */
void agent_drain(struct agent *agent);

#endif
