/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "agent/keeper.h"
#include "agent/names/resolved.h"
#include "agent/names/tap.h"
#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

static size_t own_memory_bytes(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
	unsigned long size, resident;

	if (!file || fscanf(file, "%lu %lu", &size, &resident) != 2)
		return 0;
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* In equals out, waiting and dropped taken together. */
struct stage {
	const char *name;
	uint64_t in, out, waiting, dropped;
};

static void add_stage(json_t *table, const struct stage *stage)
{
	json_array_append_new(table,
			      json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", stage->name, "in",
					(json_int_t)stage->in, "out", (json_int_t)stage->out,
					"waiting", (json_int_t)stage->waiting, "dropped",
					(json_int_t)stage->dropped));
}

/* What is in the ring has rung and was not read yet: nobody else counts it. */
static void add_sensor_stages(json_t *table, const struct sensor_counts *counts)
{
	uint64_t written = counts->edges_rung - counts->losses.ring_full;
	struct stage doorbell = {
		.name = "doorbell",
		.in = counts->edges_rung,
		.out = counts->edges_read - counts->edges_damaged,
		.waiting = written > counts->edges_read ? written - counts->edges_read : 0,
		.dropped = counts->losses.ring_full + counts->edges_damaged};
	struct stage paths = {.name = "path calls",
			      .in = counts->paths_seen,
			      .out = counts->paths_told,
			      .waiting = counts->paths_waiting,
			      .dropped = counts->losses.paths_dropped};

	add_stage(table, &doorbell);
	add_stage(table, &paths);
}

static void add_event_stages(json_t *table, const struct agent *agent)
{
	struct held_counts held;
	struct spool_counts spool;
	struct stage held_stage, spool_stage;
	struct stage events = {.name = "events",
			       .in = agent->events_made,
			       .out = agent->events_spooled,
			       .dropped = agent->events_dropped};

	held_count(agent->held, &held);
	held_stage = (struct stage){.name = "held",
				    .in = held.taken,
				    .out = held.released,
				    .waiting = held.size,
				    .dropped = held.dropped};
	spool_count(agent->spool, &spool);
	spool_stage = (struct stage){.name = "spool",
				     .in = spool.next_seq - 1,
				     .out = spool.first_seq - 1,
				     .waiting = spool.next_seq - spool.first_seq};
	add_stage(table, &held_stage);
	add_stage(table, &events);
	add_stage(table, &spool_stage);
}

static void add_scan_stage(json_t *table, const struct agent *agent)
{
	struct agent_scan_counts counts;

	agent_scan_count(agent, &counts);
	add_stage(table, &(struct stage){.name = "scan",
					 .in = counts.asked,
					 .out = counts.answered,
					 .waiting = counts.waiting,
					 .dropped = counts.failed});
}

static void add_answers_stage(json_t *table, const struct agent *agent)
{
	struct tap_counts counts = {};

	agent_count_answers(agent, &counts);
	add_stage(table, &(struct stage){.name = "dns answers",
					 .in = counts.packets,
					 .out = counts.taken,
					 .dropped = counts.dropped + counts.refused});
}

static void add_resolved_stage(json_t *table, const struct agent *agent)
{
	struct resolved_counts counts;

	agent_count_resolved(agent, &counts);
	add_stage(table, &(struct stage){.name = "resolved answers",
					 .in = counts.replies,
					 .out = counts.taken,
					 .dropped = counts.refused});
}

static void add_greetings_stage(json_t *table, const struct agent *agent)
{
	struct agent_greetings_counts counts;

	agent_count_greetings(agent, &counts);
	add_stage(table, &(struct stage){.name = "greetings",
					 .in = counts.heard,
					 .out = counts.heard - counts.refused - counts.dropped,
					 .dropped = counts.refused + counts.dropped});
}

static void add_names_stage(json_t *table, const struct agent *agent)
{
	struct agent_names_counts counts;

	agent_count_names(agent, &counts);
	add_stage(table, &(struct stage){.name = "dns questions",
					 .in = counts.seen,
					 .out = counts.counted,
					 .dropped = counts.dropped + counts.refused});
}

/* A record that cannot be read is sent as the loss that it is, under its number. */
static void add_uplink_stage(json_t *table, const struct agent *agent)
{
	struct uplink_counts uplink = {};
	struct stage stage = {.name = "uplink"};

	if (agent->uplink)
		uplink_count(agent->uplink, &uplink);
	stage.in = uplink.sent_seq;
	stage.out = uplink.acked_seq;
	stage.waiting = uplink.in_flight;
	add_stage(table, &stage);
}

static json_t *describe_stages(const struct agent *agent, const struct sensor_counts *counts)
{
	json_t *table = json_array();

	add_sensor_stages(table, counts);
	add_scan_stage(table, agent);
	add_names_stage(table, agent);
	add_answers_stage(table, agent);
	add_resolved_stage(table, agent);
	add_greetings_stage(table, agent);
	add_event_stages(table, agent);
	add_uplink_stage(table, agent);
	return table;
}

/* What was lost to limits, since the programs were loaded or, of the agent's own, since it began.
 */
static json_t *describe_losses(const struct agent *agent, const struct sensor_losses *losses)
{
	struct spool_counts spool;

	spool_count(agent->spool, &spool);
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:I, s:I}",
		"processes_full", (json_int_t)losses->processes_full, "apps_full",
		(json_int_t)losses->apps_full, "objects_full", (json_int_t)losses->objects_full,
		"flows_full", (json_int_t)losses->flows_full, "overflow_in_bytes",
		(json_int_t)losses->overflow_in_bytes, "overflow_out_bytes",
		(json_int_t)losses->overflow_out_bytes, "inflight_full",
		(json_int_t)losses->inflight_full, "names_full", (json_int_t)losses->names_full,
		"volatiles_full", (json_int_t)losses->volatiles_full, "mappings_full",
		(json_int_t)losses->mappings_full, "inodes_full", (json_int_t)losses->inodes_full,
		"labels_too_far", (json_int_t)losses->labels_too_far, "unknown_calls",
		(json_int_t)losses->unknown_calls, "paths_dropped",
		(json_int_t)losses->paths_dropped, "records_full", (json_int_t)losses->records_full,
		"files_unnamed", (json_int_t)labelled_files_dropped(agent->files), "spool_damaged",
		(json_int_t)spool.lost, "programs_missed", (json_int_t)losses->programs_missed);
}

/* What gave way to newer entries in tables where the longest unused one does, ever, and what the
 * scanner of files has no room for. */
static json_t *describe_evicted(const struct agent *agent)
{
	struct sensor_evicted evicted[SENSOR_LRU_TABLES];
	struct agent_scan_counts scan;
	json_t *tables = json_object();

	sensor_count_evicted(agent->sensor, evicted);
	agent_scan_count(agent, &scan);
	for (size_t i = 0; tables && i < SENSOR_LRU_TABLES; i++)
		json_object_set_new(tables, evicted[i].table,
				    json_integer((json_int_t)evicted[i].entries));
	if (!tables)
		return NULL;
	json_object_set_new(tables, "greetings",
			    json_integer((json_int_t)agent_count_evicted_greetings(agent)));
	json_object_set_new(tables, "files_to_scan",
			    json_integer((json_int_t)scan.files_forgotten));
	json_object_set_new(tables, "readers_of_files",
			    json_integer((json_int_t)scan.readers_forgotten));
	json_object_set_new(tables, "senders_of_files",
			    json_integer((json_int_t)scan.senders_forgotten));
	return tables;
}

static json_t *describe_start(const struct agent *agent)
{
	struct sensor_start start;

	sensor_describe_start(agent->sensor, &start);
	return json_pack("{s:s, s:s, s:b}", "attach_mode", start.attach_mode, "lsm_bpf",
			 start.lsm_bpf, "io_uring", (int)start.follows_uring);
}

static json_t *describe(struct agent *agent)
{
	const char *reason = agent->uplink ? uplink_reason(agent->uplink) : "";
	bool is_connected = agent->uplink && uplink_state(agent->uplink) == UPLINK_CONNECTED;
	struct sensor_counts counts;
	struct keeper_counts kept = {};
	json_t *status = describe_start(agent), *rest;

	sensor_count(agent->sensor, &counts);
	if (agent->keeper)
		keeper_count(agent->keeper, &kept);
	rest = json_pack(
		"{s:I, s:s, s:i, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, "
		"s:o, s:o}",
		"time_ns", (json_int_t)clock_realtime_ns(), "agent", agent->config.agent_id, "pid",
		(int)getpid(), "policy", policy_fingerprint(agent->policy), "connected",
		(int)is_connected, "uplink_reason", is_connected ? "" : reason, "hot_apps",
		(json_int_t)counts.hot_apps, "labelled_files", (json_int_t)counts.objects,
		"files_kept", (json_int_t)kept.kept, "files_restored", (json_int_t)kept.restored,
		"files_not_kept", (json_int_t)kept.refused, "flows", (json_int_t)counts.flows,
		"programs", (json_int_t)counts.programs, "memory_bytes",
		(json_int_t)own_memory_bytes(), "losses", describe_losses(agent, &counts.losses),
		"evicted", describe_evicted(agent), "stages", describe_stages(agent, &counts),
		"coverage", agent_describe_coverage(agent));
	if (!status || !rest || json_object_update(status, rest) < 0) {
		json_decref(status);
		status = NULL;
	}
	json_decref(rest);
	return status;
}

/* A status that cannot be written is not worth stopping for: the next one may be. */
void agent_write_status(struct agent *agent)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	json_t *status = describe(agent);

	if (status)
		text = json_dumps(status, JSON_COMPACT);
	json_decref(status);
	if (text && asprintf(&path, "%s/state.json", agent->config.data_dir) >= 0)
		(void)file_write_atomically(path, text, strlen(text), 0600);
}
