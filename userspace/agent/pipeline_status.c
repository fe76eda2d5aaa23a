/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

struct coverage {
	const char *channel, *coverage, *why;
};

static const struct coverage channels[] = {
	{"file read and write", "full", ""},
	{"sendfile, splice, tee, copy_file_range", "full", ""},
	{"pipe, fifo", "full", ""},
	{"tcp and udp, ipv4 and ipv6", "full", ""},
	{"loopback connections", "full", ""},
	{"unix stream sockets", "full", ""},
	{"unix datagram sockets", "partial", "unconnected sendto() is not followed"},
	{"mmap", "partial",
	 "bytes are estimated by length; a mapping made before the label came is missed"},
	{"exec arguments", "partial",
	 "bytes are estimated; environment variables are not followed"},
	{"io_uring", "none",
	 "a coverage_gap event says when an app that holds labelled data uses it"},
	{"process_vm_readv, ptrace", "none", "a coverage_gap event says when it is used"},
	{"32-bit system calls", "none", "counted as a loss"},
	{"terminals", "none", "what a person reads off the screen is not seen"},
	{"clipboard", "none", "the X server and compositors are hubs and pass no labels on"},
};

static json_t *coverage_table(void)
{
	json_t *table = json_array();

	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++)
		json_array_append_new(
			table, json_pack("{s:s, s:s, s:s}", "channel", channels[i].channel,
					 "coverage", channels[i].coverage, "why", channels[i].why));
	return table;
}

static json_t *stage(const char *name, uint64_t in, uint64_t out, uint64_t dropped)
{
	return json_pack("{s:s, s:I, s:I, s:I}", "name", name, "in", (json_int_t)in, "out",
			 (json_int_t)out, "dropped", (json_int_t)dropped);
}

static json_t *stages(struct agent *agent, const struct sensor_counts *counts)
{
	struct spool_counts spool;
	struct uplink_counts uplink = {};
	json_t *table = json_array();

	spool_count(agent->spool, &spool);
	if (agent->uplink)
		uplink_count(agent->uplink, &uplink);
	json_array_append_new(table, stage("doorbell", counts->edges_rung,
					   counts->edges_rung - counts->losses.ring_full,
					   counts->losses.ring_full));
	json_array_append_new(table, stage("events", agent->events_made, agent->events_spooled,
					   agent->events_dropped));
	json_array_append_new(table,
			      stage("spool", spool.next_seq - 1, spool.first_seq - 1, spool.lost));
	return table;
}

static size_t own_memory_bytes(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/self/statm", "re");
	unsigned long size, resident;

	if (!file || fscanf(file, "%lu %lu", &size, &resident) != 2)
		return 0;
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static json_t *describe(struct agent *agent)
{
	struct sensor_counts counts;
	struct sensor_start start;
	const char *reason = agent->uplink ? uplink_reason(agent->uplink) : "";
	bool is_connected = agent->uplink && uplink_state(agent->uplink) == UPLINK_CONNECTED;

	sensor_count(agent->sensor, &counts);
	sensor_describe_start(agent->sensor, &start);
	return json_pack(
		"{s:I, s:s, s:i, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:o, s:o}",
		"time_ns", (json_int_t)clock_realtime_ns(), "agent", agent->config.agent_id, "pid",
		(int)getpid(), "policy", policy_fingerprint(agent->policy), "attach_mode",
		start.attach_mode, "lsm_bpf", start.lsm_bpf, "connected", (int)is_connected,
		"uplink_reason", is_connected ? "" : reason, "hot_apps",
		(json_int_t)counts.hot_apps, "labelled_files", (json_int_t)counts.objects, "flows",
		(json_int_t)counts.flows, "held_events", (json_int_t)held_size(agent->held),
		"held_dropped", (json_int_t)held_dropped(agent->held), "programs",
		(json_int_t)counts.programs, "programs_missed",
		(json_int_t)counts.losses.programs_missed, "memory_bytes",
		(json_int_t)own_memory_bytes(), "stages", stages(agent, &counts), "coverage",
		coverage_table());
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
		(void)file_write_durably(path, text, strlen(text), 0600);
}
