/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/enrich/boot_clock.h"
#include "agent/keeper.h"
#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

#define DEFAULT_PIN_DIR "/sys/fs/bpf/weir"
#define DEFAULT_SPOOL_BYTES (1ull << 30)
#define HELD_EVENTS_MAX 4096
#define QUIC_CONNECTIONS_MAX 256
#define LABELLED_FILES_MAX 131072

static int own_string(struct agent *agent, const char **string)
{
	if (!*string)
		return 0;
	for (size_t i = 0; i < sizeof(agent->strings) / sizeof(agent->strings[0]); i++) {
		if (agent->strings[i])
			continue;
		agent->strings[i] = strdup(*string);
		*string = agent->strings[i];
		return *string ? 0 : -ENOMEM;
	}
	return -ENOMEM;
}

static int copy_config(struct agent *agent, const struct agent_config *config)
{
	struct agent_config *own = &agent->config;

	*own = *config;
	if (!own->pin_dir)
		own->pin_dir = DEFAULT_PIN_DIR;
	if (!own->spool_limit_bytes)
		own->spool_limit_bytes = DEFAULT_SPOOL_BYTES;
	if (own_string(agent, &own->data_dir) < 0 || own_string(agent, &own->policy_path) < 0 ||
	    own_string(agent, &own->pin_dir) < 0 || own_string(agent, &own->identity_dir) < 0 ||
	    own_string(agent, &own->agent_id) < 0 || own_string(agent, &own->collector_host) < 0 ||
	    own_string(agent, &own->btf_path) < 0 || own_string(agent, &own->record_key) < 0)
		return -ENOMEM;
	return 0;
}

static int load_policy(struct agent *agent)
{
	struct policy_problems problems = {};
	int r = policy_load(agent->config.policy_path, &agent->policy, &problems);

	if (r < 0)
		policy_problems_print(&problems, stderr);
	policy_problems_done(&problems);
	return r;
}

static int read_boot_id(struct agent *agent)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_all("/proc/sys/kernel/random/boot_id", sizeof(agent->boot_id), &text,
			      NULL);

	if (r < 0)
		return r;
	snprintf(agent->boot_id, sizeof(agent->boot_id), "%.*s", (int)strcspn(text, "\n"), text);
	return 0;
}

static int open_spool(struct agent *agent)
{
	_cleanup_free_ char *dir = NULL;
	int r;

	if (asprintf(&dir, "%s/spool", agent->config.data_dir) < 0)
		return -ENOMEM;
	r = file_make_dirs(agent->config.data_dir, 0700);
	if (r == 0)
		r = spool_open(dir, agent->config.spool_limit_bytes, &agent->spool);
	if (r == -EBUSY)
		log_error("another agent uses the spool %s", dir);
	else if (r < 0)
		log_error("cannot open the spool %s: %s", dir, strerror(-r));
	return r;
}

static int prepare(struct agent *agent, const struct agent_config *config)
{
	static const struct volumes_config machine = {"/proc", {"/sys", "/dev"}};
	int r = copy_config(agent, config);

	if (r == 0)
		r = load_policy(agent);
	if (r < 0)
		return r;
	r = read_boot_id(agent);
	if (r == 0)
		r = exe_hash_new(&agent->hashes);
	if (r == 0)
		r = cgroup_names_new("/proc/self/mounts", &agent->cgroups);
	if (r == 0)
		r = volumes_new(&machine, &agent->volumes);
	if (r == 0)
		r = quic_names_new(QUIC_CONNECTIONS_MAX, &agent->quic);
	if (r == 0)
		r = held_new(HELD_EVENTS_MAX, &agent->held);
	if (r == 0)
		r = labelled_files_new(LABELLED_FILES_MAX, &agent->files);
	if (r < 0) {
		log_error("cannot start the agent: %s", strerror(-r));
		return r;
	}
	agent->report = (struct report_context){.policy = agent->policy,
						.hashes = agent->hashes,
						.cgroups = agent->cgroups,
						.volumes = agent->volumes,
						.quic = agent->quic,
						.find_greeted = agent_find_greeted,
						.greeted_userdata = agent,
						.boot_id = agent->boot_id,
						.boot_offset_ns = clock_boot_offset_ns()};
	r = open_spool(agent);
	if (r < 0)
		return r;
	r = boot_clock_load(agent->config.data_dir, agent->boot_id, &agent->report.first_offset_ns);
	if (r < 0)
		log_error("cannot keep the clock of this boot in %s: %s", agent->config.data_dir,
			  strerror(-r));
	return r;
}

static int start_sensor(struct agent *agent)
{
	const struct policy_sensor *limits = policy_sensor(agent->policy);
	const struct sensor_config config = {
		.pin_dir = agent->config.pin_dir,
		.btf_path = agent->config.btf_path,
		.ring_bytes = agent->config.ring_bytes,
		.max_hops = limits->max_hops,
		.arguments_min_bytes = limits->arguments_min_bytes,
	};
	_cleanup_free_ char *reason = NULL;
	struct sensor_handler handler;
	int r;

	r = agent_start_names(agent);
	if (r == 0)
		r = agent_start_hosts(agent);
	if (r < 0)
		return r;
	agent_observe(agent, &handler);
	r = sensor_new(agent->loop, &config, agent->policy, &handler, &agent->sensor, &reason);
	if (r < 0)
		log_error("%s", reason ? reason : strerror(-r));
	if (r < 0)
		return r;
	agent_take_up_losses(agent);
	return agent_start_greetings(agent);
}

static const char *describe_gap(const struct sensor_start *start)
{
	switch (start->takeover) {
	case SENSOR_RESUMED:
		return "no agent was running; the kernel went on counting";
	case SENSOR_UPGRADED:
		return "no agent was running; the kernel went on counting, and the programs of "
		       "another build took over";
	case SENSOR_MIGRATED:
		return "no agent was running, and tables of another version were taken over: calls "
		       "were not seen meanwhile, nor the rest of what was under way";
	default:
		return "no agent was running and the sensor was replaced: labels of then are gone";
	}
}

static void report_left(struct agent *agent, const struct sensor_start *start)
{
	if (start->flows_left > 0)
		agent_emit_note(agent, EVENT_LOSS, clock_realtime_ns(), 0, start->flows_left,
				"flows of a sensor that could not be read are gone: what moved "
				"since its agent last looked is not told");
	if (start->entries_left > 0)
		agent_emit_note(agent, EVENT_LOSS, clock_realtime_ns(), 0, start->entries_left,
				"entries of tables of another version could not be taken over: "
				"labels and flows in them are gone");
}

/* What happened while no agent was there to see it is marked before it is reported. */
static void report_start(struct agent *agent)
{
	uint64_t now_ns = clock_realtime_ns();
	struct sensor_start start;

	sensor_describe_start(agent->sensor, &start);
	/* Of a sensor that cannot be read it is not known when it was last looked after. */
	if (start.takeover != SENSOR_FRESH)
		agent_emit_note(agent, EVENT_AGENT_GAP,
				start.agent_seen_ns + agent->report.boot_offset_ns, now_ns, 0,
				describe_gap(&start));
	report_left(agent, &start);
	agent_emit_note(agent, EVENT_AGENT_START, now_ns, 0, 0, start.attach_mode);
	agent_emit_note(agent, EVENT_POLICY, now_ns, 0, 0, policy_fingerprint(agent->policy));
	if (start.is_folder_cut)
		agent_emit_note(agent, EVENT_COVERAGE_GAP, now_ns, 0, 0,
				"export folders hold more files than are labelled at the start: "
				"one that leaves its folder before it is opened there is missed");
	agent_report_unread_records(agent);
}

int agent_new(sd_event *event, const struct agent_config *config, struct agent **ret_agent)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	_cleanup_free_ char *reason = NULL;
	int r = agent ? 0 : -ENOMEM;

	if (r == 0) {
		agent->loop = sd_event_ref(event);
		r = prepare(agent, config);
	}
	if (r == 0)
		r = start_sensor(agent);
	if (r == 0)
		r = agent_start_scan(agent);
	if (r == 0) {
		report_start(agent);
		r = agent_start_keeper(agent);
	}
	if (r == 0) {
		r = agent_start_uplink(agent, agent->loop, &reason);
		if (r < 0)
			log_error("cannot speak to a collector: %s",
				  reason ? reason : strerror(-r));
	}
	if (r == 0)
		r = agent_start_timers(agent);
	if (r < 0) {
		agent_free(agent);
		return r;
	}
	agent_sweep(agent);
	agent_write_status(agent);
	*ret_agent = agent;
	return 0;
}

/* The hooks go first, so that the last sweep finds all that they ever counted. */
static void stop_sensor(struct agent *agent)
{
	agent->is_stopping = true;
	if (agent->config.unpin_at_exit)
		sensor_unpin(agent->config.pin_dir);
	agent_sweep(agent);
	agent_scan_finish(agent);
	agent_stop_keeper(agent);
	agent_emit_note(agent, EVENT_AGENT_STOP, clock_realtime_ns(), 0, 0, NULL);
	agent_commit(agent);
	agent_drain(agent);
	agent_write_status(agent);
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	if (agent->sensor && agent->uplink)
		stop_sensor(agent);
	else if (agent->sensor)
		sensor_abandon(agent->sensor);
	sd_event_source_disable_unref(agent->sweep_timer);
	sd_event_source_disable_unref(agent->walk_timer);
	sd_event_source_disable_unref(agent->forget_timer);
	sd_event_source_disable_unref(agent->resolve_timer);
	sd_event_source_disable_unref(agent->status_timer);
	sd_event_source_disable_unref(agent->labels_timer);
	sd_event_source_disable_unref(agent->mounts_source);
	uplink_free(agent->uplink);
	agent_free_scan(agent);
	keeper_free(agent->keeper);
	sensor_free(agent->sensor);
	agent_free_names(agent);
	agent_free_hosts(agent);
	agent_free_greetings(agent);
	spool_close(agent->spool);
	labelled_files_free(agent->files);
	held_free(agent->held);
	quic_names_free(agent->quic);
	volumes_free(agent->volumes);
	cgroup_names_free(agent->cgroups);
	exe_hash_free(agent->hashes);
	policy_free(agent->policy);
	for (size_t i = 0; i < sizeof(agent->strings) / sizeof(agent->strings[0]); i++)
		free(agent->strings[i]);
	sd_event_unref(agent->loop);
	free(agent);
}
