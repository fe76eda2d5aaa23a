/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define SWEEP_US 1000000ull
#define SWEEP_SOON_US 100000ull
#define WALK_US 5000000ull
#define FORGET_US 60000000ull
#define RESOLVE_US 60000000ull
#define STATUS_US 3000000ull
#define ACCURACY_US 50000ull
#define DRAIN_US 5000000ull
#define DRAIN_STEP_US 50000ull

void agent_sweep(struct agent *agent)
{
	sensor_mark_seen(agent->sensor, clock_boottime_ns());
	agent_observe_clock(agent);
	agent_reread_hosts(agent);
	agent_hear_greetings(agent);
	if (!sensor_is_idle(agent->sensor))
		(void)sensor_sweep(agent->sensor);
	agent_tell_questions(agent);
	agent_flush(agent);
	volumes_forget_others(agent->volumes);
	agent_scan_sweep(agent);
	agent_observe_losses(agent);
	agent_commit(agent);
}

static void arm(sd_event_source *timer, uint64_t in_us)
{
	sd_event_source_set_time_relative(timer, in_us);
	sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static int on_sweep(sd_event_source *source, uint64_t us, void *userdata)
{
	(void)us;
	agent_sweep(userdata);
	arm(source, SWEEP_US);
	return 0;
}

void agent_sweep_soon(struct agent *agent)
{
	uint64_t planned_us, now_us;

	if (!agent->sweep_timer || sd_event_source_get_time(agent->sweep_timer, &planned_us) < 0 ||
	    sd_event_now(agent->loop, CLOCK_MONOTONIC, &now_us) < 0)
		return;
	if (planned_us > now_us + SWEEP_SOON_US)
		arm(agent->sweep_timer, SWEEP_SOON_US);
}

static int on_walk(sd_event_source *source, uint64_t us, void *userdata)
{
	struct agent *agent = userdata;

	(void)us;
	if (agent->mended_misses != agent->reported_losses.programs_missed &&
	    sensor_mend(agent->sensor) == 0)
		agent->mended_misses = agent->reported_losses.programs_missed;
	if (sensor_has_volatiles(agent->sensor))
		(void)sensor_walk(agent->sensor);
	sensor_rest_tls(agent->sensor);
	arm(source, WALK_US);
	return 0;
}

static int on_forget(sd_event_source *source, uint64_t us, void *userdata)
{
	struct agent *agent = userdata;

	(void)us;
	if (!sensor_has_volatiles(agent->sensor)) /* or else each walk does it */
		(void)sensor_forget_gone(agent->sensor);
	arm(source, FORGET_US);
	return 0;
}

static int on_resolve(sd_event_source *source, uint64_t us, void *userdata)
{
	struct agent *agent = userdata;

	(void)us;
	if (policy_resolve(agent->policy, NULL) == 1) {
		int r = sensor_apply_policy(agent->sensor, agent->policy);

		if (r < 0)
			log_error("new addresses of the policy do not fit into the kernel's "
				  "tables: %s",
				  strerror(-r));
	}
	arm(source, RESOLVE_US);
	return 0;
}

static int on_status(sd_event_source *source, uint64_t us, void *userdata)
{
	(void)us;
	agent_write_status(userdata);
	arm(source, STATUS_US);
	return 0;
}

int agent_start_timers(struct agent *agent)
{
	struct {
		sd_event_source **slot;
		uint64_t us;
		sd_event_time_handler_t handler;
	} timers[] = {
		{&agent->sweep_timer, SWEEP_US, on_sweep},
		{&agent->walk_timer, WALK_US, on_walk},
		{&agent->forget_timer, FORGET_US, on_forget},
		{&agent->resolve_timer, RESOLVE_US, on_resolve},
		{&agent->status_timer, STATUS_US, on_status},
	};

	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		int r = sd_event_add_time_relative(agent->loop, timers[i].slot, CLOCK_MONOTONIC,
						   timers[i].us, ACCURACY_US, timers[i].handler,
						   agent);

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_spool(void *userdata, uint64_t from_seq, size_t max_bytes, uplink_visit_fn visit,
		      void *visit_userdata)
{
	return spool_read(userdata, from_seq, max_bytes, visit, visit_userdata);
}

static int ack_spool(void *userdata, uint64_t upto_seq)
{
	return spool_ack(userdata, upto_seq);
}

static int settle_spool(void *userdata, uint64_t collector_last_seq)
{
	return spool_settle(userdata, collector_last_seq);
}

/* Once per outage: uplink tells every attempt. */
static void on_uplink_state(void *userdata, enum uplink_state state, const char *reason)
{
	struct agent *agent = userdata;
	struct uplink_counts counts = {};

	if (agent->uplink)
		uplink_count(agent->uplink, &counts);
	if (state == UPLINK_WAITING && counts.failures <= 1 && !agent->is_stopping)
		log_warning("no collector: %s; events stay in the spool",
			    reason ? reason : "unknown");
}

int agent_start_uplink(struct agent *agent, sd_event *loop, char **ret_reason)
{
	_cleanup_free_ char *authority = NULL, *certificate = NULL, *key = NULL;
	const char *dir = agent->config.identity_dir;
	struct uplink_config config = {
		.host = agent->config.collector_host,
		.port = agent->config.collector_port,
		.agent = agent->config.agent_id,
		.boot_id = agent->boot_id,
		.reader = {read_spool, ack_spool, settle_spool, agent->spool},
		.on_state = on_uplink_state,
		.on_state_userdata = agent,
	};

	if (asprintf(&authority, "%s/ca.crt", dir) < 0 ||
	    asprintf(&certificate, "%s/agent.crt", dir) < 0 ||
	    asprintf(&key, "%s/agent.key", dir) < 0)
		return -ENOMEM;
	config.identity.authority = authority;
	config.identity.certificate = certificate;
	config.identity.key = key;
	return uplink_new(loop, &config, &agent->uplink, ret_reason);
}

static bool is_drained(struct agent *agent)
{
	struct spool_counts counts;

	spool_count(agent->spool, &counts);
	return counts.first_seq >= counts.next_seq;
}

/* The agent's own loop has ended by now, so the uplink gets another one. */
void agent_drain(struct agent *agent)
{
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_free_ char *reason = NULL;

	uplink_free(agent->uplink);
	agent->uplink = NULL;
	if (is_drained(agent) || sd_event_new(&loop) < 0 ||
	    agent_start_uplink(agent, loop, &reason) < 0)
		return;
	for (uint64_t us = 0; us < DRAIN_US && !is_drained(agent); us += DRAIN_STEP_US)
		if (sd_event_run(loop, DRAIN_STEP_US) < 0)
			break;
	uplink_free(agent->uplink);
	agent->uplink = NULL;
}
