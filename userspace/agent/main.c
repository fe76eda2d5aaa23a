/* SPDX-License-Identifier: GPL-2.0-only */
#include <argp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "agent/pipeline.h"
#include "agent/scan/scan_worker.h"
#include "agent/sensor/sensor.h"
#include "base/cleanup.h"
#include "base/core.h"
#include "base/log.h"

const char *argp_program_version = "weir-agent 0.1.0";

#define DEFAULT_PORT 7443

struct arguments {
	struct agent_config config;
	char host[256];
	char agent_id[65];
	char *data_dir, *identity_dir;
	const char *data;
	bool is_detach;
};

enum key {
	KEY_POLICY = 0x100,
	KEY_DATA,
	KEY_COLLECTOR,
	KEY_IDENTITY,
	KEY_AGENT_ID,
	KEY_PIN_DIR,
	KEY_BTF,
	KEY_RING_BYTES,
	KEY_RECORD_KEY,
	KEY_DETACH,
	KEY_UNPIN,
};

static const struct argp_option options[] = {
	{"policy", KEY_POLICY, "FILE", 0, "the policy (/etc/weir/policy.conf)", 0},
	{"data", KEY_DATA, "DIR", 0, "the spool goes to DIR/agent (/var/lib/weir)", 0},
	{"collector", KEY_COLLECTOR, "HOST:PORT", 0, "where events go (127.0.0.1:7443)", 0},
	{"identity", KEY_IDENTITY, "DIR", 0,
	 "where ca.crt, agent.crt and agent.key are (DATA/identity)", 0},
	{"agent-id", KEY_AGENT_ID, "NAME", 0, "the name in agent.crt (the host's name)", 0},
	{"pin-dir", KEY_PIN_DIR, "DIR", 0,
	 "in a bpffs: where programs and tables outlive the agent (/sys/fs/bpf/weir)", 0},
	{"btf", KEY_BTF, "FILE", 0, "the kernel's type information (/sys/kernel/btf/vmlinux)", 0},
	{"record-key", KEY_RECORD_KEY, "FILE", 0,
	 "the fleet's key of record fingerprints, made when missing (DIR/agent/record.key)", 0},
	{"ring-bytes", KEY_RING_BYTES, "N", 0, "size of the doorbell, a power of two (262144)", 0},
	{"unpin-at-exit", KEY_UNPIN, NULL, 0, "detach the sensor when stopped", 0},
	{"detach", KEY_DETACH, NULL, 0,
	 "detach a sensor that was left attached, forget labels, exit", 0},
	{},
};

/* "collector.example:7443" or "[::1]:7443" */
static int parse_collector(const char *text, struct arguments *arguments)
{
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;
	unsigned long port;
	char *end;

	if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
		text++;
		size -= 2;
	}
	if (size == 0 || size >= sizeof(arguments->host) || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port == 0 || port > UINT16_MAX)
		return -EINVAL;
	memcpy(arguments->host, text, size);
	arguments->host[size] = '\0';
	arguments->config.collector_port = (uint16_t)port;
	return 0;
}

static int parse_ring_bytes(const char *text, uint32_t *ret_bytes)
{
	char *end;
	unsigned long bytes = strtoul(text, &end, 10);

	if (*end || bytes < 4096 || bytes > (1ul << 30) || (bytes & (bytes - 1)))
		return -EINVAL;
	*ret_bytes = (uint32_t)bytes;
	return 0;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct agent_config *config = &arguments->config;

	switch (key) {
	case KEY_POLICY:
		config->policy_path = value;
		return 0;
	case KEY_DATA:
		arguments->data = value;
		return 0;
	case KEY_COLLECTOR:
		if (parse_collector(value, arguments) < 0)
			argp_error(state, "\"%s\" is no collector: collector.example:7443 is one",
				   value);
		return 0;
	case KEY_IDENTITY:
		config->identity_dir = value;
		return 0;
	case KEY_AGENT_ID:
		config->agent_id = value;
		return 0;
	case KEY_PIN_DIR:
		config->pin_dir = value;
		return 0;
	case KEY_BTF:
		config->btf_path = value;
		return 0;
	case KEY_RECORD_KEY:
		config->record_key = value;
		return 0;
	case KEY_RING_BYTES:
		if (parse_ring_bytes(value, &config->ring_bytes) < 0)
			argp_error(state, "\"%s\" is no ring size: a power of two from 4096 on is",
				   value);
		return 0;
	case KEY_UNPIN:
		config->unpin_at_exit = true;
		return 0;
	case KEY_DETACH:
		arguments->is_detach = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is too much: there are only options", value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int complete(struct arguments *arguments)
{
	struct agent_config *config = &arguments->config;

	config->collector_host = arguments->host;
	if (!config->agent_id) {
		if (gethostname(arguments->agent_id, sizeof(arguments->agent_id) - 1) < 0)
			return -errno;
		config->agent_id = arguments->agent_id;
	}
	if (asprintf(&arguments->data_dir, "%s/agent", arguments->data) < 0 ||
	    asprintf(&arguments->identity_dir, "%s/identity", arguments->data) < 0)
		return -ENOMEM;
	config->data_dir = arguments->data_dir;
	if (!config->identity_dir)
		config->identity_dir = arguments->identity_dir;
	return 0;
}

static int detach(const struct arguments *arguments)
{
	const char *pin_dir = arguments->config.pin_dir ?: "/sys/fs/bpf/weir";
	int r = sensor_unpin(pin_dir);

	if (r < 0)
		log_error("cannot detach the sensor in %s: %s", pin_dir, strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int take_signals(sd_event *loop)
{
	static const int stop_signals[] = {SIGINT, SIGTERM};
	sigset_t signals;
	int r = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return -errno;
	for (size_t i = 0; r >= 0 && i < 2; i++)
		r = sd_event_add_signal(loop, NULL, stop_signals[i], NULL, NULL);
	return r;
}

static int watch(const struct arguments *arguments)
{
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_(agent_freep) struct agent *agent = NULL;
	int r = sd_event_new(&loop);

	if (r >= 0)
		r = take_signals(loop);
	if (r < 0) {
		log_error("cannot make an event loop: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	if (agent_new(loop, &arguments->config, &agent) < 0)
		return EXIT_FAILURE;
	(void)sd_event_set_watchdog(loop, true);
	(void)sd_notify(0, "READY=1");
	log_info("watching");
	r = sd_event_loop(loop);
	(void)sd_notify(0, "STOPPING=1");
	if (r < 0)
		log_error("the event loop failed: %s", strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Follows labelled data on this machine and sends what it sees to a "
		       "collector. "
		       "When stopped it leaves the sensor attached: a new agent takes over.",
	};
	struct arguments arguments = {
		.config = {.policy_path = "/etc/weir/policy.conf", .collector_port = DEFAULT_PORT},
		.host = "127.0.0.1",
		.data = "/var/lib/weir"};
	int status = EXIT_FAILURE, r;

	if (argc == 2 && strcmp(argv[1], SCAN_WORKER_ARGUMENT) == 0)
		return scan_worker_run(SCAN_WORKER_FD);
	log_set_program("weir-agent");
	r = core_forbid();
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (geteuid() != 0)
		log_error("weir-agent needs root: the kernel sensor is loaded with CAP_BPF and "
			  "CAP_PERFMON");
	else if (r < 0)
		log_error("cannot forbid core dumps: %s", strerror(-r));
	else if (arguments.is_detach)
		status = detach(&arguments);
	else if (complete(&arguments) == 0)
		status = watch(&arguments);
	free(arguments.data_dir);
	free(arguments.identity_dir);
	return status;
}
