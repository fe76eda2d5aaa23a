/* SPDX-License-Identifier: GPL-2.0-only */
#include <argp.h>
#include <signal.h>
#include <string.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/address.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "collector/pipeline.h"
#include "policy/policy.h"

enum {
	DEFAULT_PORT = 7443
};

const char *argp_program_version = "weir-collector 0.1.0";

struct arguments {
	const char *policy_path;
	const char *data_dir;
	const char *identity_dir;
	char host[INET6_ADDRSTRLEN];
	uint16_t port;
};

enum key {
	KEY_POLICY = 0x100,
	KEY_DATA,
	KEY_LISTEN,
	KEY_IDENTITY
};

static const struct argp_option OPTIONS[] = {
	{"policy", KEY_POLICY, "FILE", 0, "the policy (/etc/weir/policy.conf)", 0},
	{"data", KEY_DATA, "DIR", 0, "events and incidents go to DIR/collector (/var/lib/weir)", 0},
	{"listen", KEY_LISTEN, "HOST:PORT", 0,
	 "the address that agents connect to (127.0.0.1:7443); [::1]:7443 for IPv6", 0},
	{"identity", KEY_IDENTITY, "DIR", 0,
	 "where ca.crt, collector.crt and collector.key are (DATA/identity)", 0},
	{},
};

/* "127.0.0.1:7443" or "[::1]:7443". Returns 0 or -EINVAL. */
static int parse_listen(const char *text, struct arguments *arguments)
{
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;
	char host[INET6_ADDRSTRLEN] = "", *end;
	struct in6_addr address;
	unsigned long port;

	if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
		text++;
		size -= 2;
	}
	if (size == 0 || size >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, size);
	if (address_parse(host, &address) < 0 || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	port = strtoul(colon + 1, &end, 10);
	if (*end != '\0' || port > UINT16_MAX)
		return -EINVAL;
	memcpy(arguments->host, host, sizeof(host));
	arguments->port = (uint16_t)port;
	return 0;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_POLICY:
		arguments->policy_path = value;
		return 0;
	case KEY_DATA:
		arguments->data_dir = value;
		return 0;
	case KEY_IDENTITY:
		arguments->identity_dir = value;
		return 0;
	case KEY_LISTEN:
		if (parse_listen(value, arguments) < 0)
			argp_error(state,
				   "\"%s\" is no address to listen on: 127.0.0.1:7443 is one",
				   value);
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is too much: there are only options", value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int load_policy(const char *path, struct policy **ret_policy)
{
	struct policy_problems problems = {};
	int r = policy_load(path, ret_policy, &problems);

	if (r < 0)
		policy_problems_print(&problems, stderr);
	policy_problems_done(&problems);
	return r;
}

static int take_signals(sd_event *loop)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	/* Without a handler sd-event ends the loop. */
	r = sd_event_add_signal(loop, NULL, SIGINT, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_signal(loop, NULL, SIGTERM, NULL, NULL);
	return r < 0 ? r : 0;
}

static int run(const struct collector_config *config)
{
	_cleanup_(sd_event_unrefp) sd_event *loop = NULL;
	_cleanup_(collector_freep) struct collector *collector = NULL;
	int r = sd_event_default(&loop);

	if (r >= 0)
		r = take_signals(loop);
	if (r < 0) {
		log_error("cannot set up the event loop: %s", strerror(-r));
		return r;
	}
	r = collector_new(loop, config, &collector);
	if (r < 0)
		return r;
	log_info("listening on %s port %u, data in %s/collector", config->listen_address,
		 collector_port(collector), config->data_dir);
	sd_notify(0, "READY=1");
	r = sd_event_loop(loop);
	sd_notify(0, "STOPPING=1");
	if (r < 0)
		log_error("the event loop failed: %s", strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = OPTIONS,
		.parser = parse_option,
		.doc = "Takes the events of Weir's agents, keeps them, and works out incidents.",
	};
	struct arguments arguments = {
		.policy_path = "/etc/weir/policy.conf",
		.data_dir = "/var/lib/weir",
		.host = "127.0.0.1",
		.port = DEFAULT_PORT,
	};
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct collector_config config = {};

	log_set_program("weir-collector");
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (load_policy(arguments.policy_path, &policy) < 0)
		return EXIT_FAILURE;
	config.data_dir = arguments.data_dir;
	config.identity_dir = arguments.identity_dir;
	config.listen_address = arguments.host;
	config.listen_port = arguments.port;
	config.policy = policy;
	return run(&config) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
