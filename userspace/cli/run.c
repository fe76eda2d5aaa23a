/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <systemd/sd-event.h>

#include "agent/pipeline.h"
#include "base/cleanup.h"
#include "base/core.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/live.h"
#include "cli/options.h"
#include "cli/run_dir.h"
#include "cli/supervise.h"
#include "collector/pipeline.h"
#include "policy/policy.h"
#include "replay/replay_text.h"
#include "wire/identity.h"

#define LISTEN_ADDRESS "127.0.0.1"
/* The agent's last sweep and the draining of its spool. */
#define AGENT_STOP_TIMEOUT_MS 15000
#define COLLECTOR_STOP_TIMEOUT_MS 10000

enum {
	KEY_POLICY = OPTIONS_KEY_FIRST_FREE,
	KEY_QUIET,
	KEY_AGENT_ID,
};

struct run {
	struct options common;
	const char *policy_path;
	const char *agent_id;
	bool is_quiet;
	struct run_dir dir;
	struct policy *policy;
	uint16_t collector_port; /* 0 before the collector told it */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct run *run = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &run->common;
		return 0;
	case KEY_POLICY:
		run->policy_path = argument;
		return 0;
	case KEY_QUIET:
		run->is_quiet = true;
		return 0;
	case KEY_AGENT_ID:
		run->agent_id = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is too much: no argument is taken", argument);
		return 0;
	case ARGP_KEY_END:
		if (!run->policy_path)
			argp_error(state, "--policy FILE is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"policy", KEY_POLICY, "FILE", 0, "What is customer data, what is outside, who is staff",
	 0},
	{"quiet", KEY_QUIET, NULL, 0, "No live lines", 0},
	{"agent-id", KEY_AGENT_ID, "NAME", 0,
	 "Name of this machine in the data (default: as before, at first the host's name)", 0},
	{0},
};

static const struct argp_child children[] = {
	{&options_data_argp, 0, NULL, 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Watches this machine until SIGINT or SIGTERM: the agent and a collector in one. "
	       "Needs root.",
	.children = children,
};

static void on_records(void *userdata, const struct store_record *records, size_t n_records)
{
	live_show_records(userdata, records, n_records);
}

static void on_incident(void *userdata, const struct incident *incident)
{
	live_show_incident(userdata, incident);
}

/* A loop that SIGTERM ends. */
static int new_child_loop(sd_event **ret_loop)
{
	sd_event *loop;
	int r = sd_event_new(&loop);

	if (r < 0)
		return r;
	r = sd_event_add_signal(loop, NULL, SIGTERM, NULL, NULL);
	if (r < 0) {
		sd_event_unref(loop);
		return r;
	}
	*ret_loop = loop;
	return 0;
}

static int run_loop(sd_event *loop, int ready_fd, uint32_t value)
{
	int r = supervise_tell_ready(ready_fd, value);

	if (r == 0)
		r = sd_event_loop(loop);
	if (r < 0)
		log_error("the event loop failed: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_collector(int ready_fd, void *userdata)
{
	struct run *run = userdata;
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_(collector_freep) struct collector *collector = NULL;
	struct live live = {.stream = stdout,
			    .lang = run->common.lang,
			    .colour = replay_text_wants_colour(stdout)};
	struct collector_config config = {
		.data_dir = run->dir.path,
		.identity_dir = run->dir.identity_dir,
		.listen_address = LISTEN_ADDRESS,
		.listen_port = run->collector_port,
		.policy = run->policy,
		.is_alone = true,
		.on_records = run->is_quiet ? NULL : on_records,
		.on_incident = run->is_quiet ? NULL : on_incident,
		.userdata = &live,
	};

	if (new_child_loop(&loop) < 0 || collector_new(loop, &config, &collector) < 0)
		return EXIT_FAILURE;
	return run_loop(loop, ready_fd, collector_port(collector));
}

static void collector_ready(uint32_t value, void *userdata)
{
	struct run *run = userdata;

	run->collector_port = (uint16_t)value;
}

static int run_agent(int ready_fd, void *userdata)
{
	struct run *run = userdata;
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_(agent_freep) struct agent *agent = NULL;
	struct agent_config config = {
		.data_dir = run->dir.agent_dir,
		.policy_path = run->policy_path,
		.pin_dir = run->dir.pin_dir,
		.identity_dir = run->dir.identity_dir,
		.agent_id = run->dir.agent_id,
		.collector_host = LISTEN_ADDRESS,
		.collector_port = run->collector_port,
		.unpin_at_exit = true,
	};

	if (new_child_loop(&loop) < 0 || agent_new(loop, &config, &agent) < 0)
		return EXIT_FAILURE;
	return run_loop(loop, ready_fd, 0);
}

static void all_ready(void *userdata)
{
	(void)userdata;
	fputs("weir: watching\n", stderr);
}

static void child_died(const char *name, int wait_status, uint64_t delay_ms, void *userdata)
{
	char how[64];

	(void)userdata;
	if (WIFSIGNALED(wait_status))
		snprintf(how, sizeof(how), "was killed by signal %d%s", WTERMSIG(wait_status),
			 WCOREDUMP(wait_status) ? ", and its memory was dumped" : "");
	else
		snprintf(how, sizeof(how), "ended with status %d", WEXITSTATUS(wait_status));
	if (delay_ms > 0)
		log_warning("%s %s; it is started again in %llu ms", name, how,
			    (unsigned long long)delay_ms);
	else if (WIFSIGNALED(wait_status))
		log_error("%s %s before it was ready", name, how);
	/* Otherwise the child has said itself what was wrong. */
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)source;
	(void)info;
	supervise_stop(userdata);
	return 0;
}

static int block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	/* Whoever read the live lines may go; watching goes on. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	return 0;
}

static int supervise_children(struct run *run, int *ret_status)
{
	const struct supervise_child supervised[] = {
		{.name = "weir-collector",
		 .run = run_collector,
		 .ready = collector_ready,
		 .stop_timeout_ms = COLLECTOR_STOP_TIMEOUT_MS,
		 .userdata = run},
		{.name = "weir-agent",
		 .run = run_agent,
		 .stop_timeout_ms = AGENT_STOP_TIMEOUT_MS,
		 .userdata = run},
	};
	const struct supervise_config config = {.children = supervised,
						.n_children = 2,
						.all_ready = all_ready,
						.died = child_died};
	static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_(supervise_freep) struct supervise *supervise = NULL;
	int r = block_signals();

	if (r == 0)
		r = sd_event_new(&loop);
	if (r >= 0)
		r = supervise_new(loop, &config, &supervise);
	for (size_t i = 0; r >= 0 && i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++)
		r = sd_event_add_signal(loop, NULL, stop_signals[i], on_stop, supervise);
	if (r >= 0)
		r = sd_event_loop(loop);
	if (r < 0)
		return r;
	*ret_status = r;
	return 0;
}

static int load_policy(struct run *run)
{
	struct policy_problems problems = {0};
	int r = policy_load(run->policy_path, &run->policy, &problems);

	if (r < 0 && problems.n_items > 0)
		policy_problems_print(&problems, stderr);
	else if (r < 0)
		log_error("cannot load the policy %s: %s", run->policy_path, strerror(-r));
	policy_problems_done(&problems);
	return r;
}

static int prepare(struct run *run)
{
	_cleanup_free_ char *problem = NULL;
	int r = load_policy(run);

	if (r < 0)
		return r;
	r = run_dir_open(run->common.data_dir, run->agent_id, &run->dir, &problem);
	if (r < 0) {
		log_error("%s", problem ? problem : strerror(-r));
		return r;
	}
	r = identity_ensure(run->dir.identity_dir, run->dir.agent_id);
	if (r < 0)
		log_error("cannot make the certificates in %s: %s", run->dir.identity_dir,
			  strerror(-r));
	return r;
}

static void run_done(struct run *run)
{
	run_dir_done(&run->dir);
	if (run->policy)
		policy_free(run->policy);
}

int cli_run(int argc, char **argv)
{
	_cleanup_(run_done) struct run run = {.dir.lock_fd = -1};
	int r, status = EXIT_FAILURE;

	options_init(&run.common);
	argp_parse(&argp, argc, argv, 0, NULL, &run);
	if (geteuid() != 0) {
		log_error("run needs root: the kernel sensor is loaded with CAP_BPF and "
			  "CAP_PERFMON");
		return EXIT_FAILURE;
	}
	r = core_forbid();
	if (r < 0) {
		log_error("cannot forbid core dumps: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	if (prepare(&run) < 0)
		return EXIT_FAILURE;
	r = supervise_children(&run, &status);
	if (r < 0)
		log_error("cannot start: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : status;
}
