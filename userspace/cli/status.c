/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/run_dir.h"
#include "cli/status_text.h"

#define STATUS_MAX_BYTES (1u << 20)

enum {
	KEY_COVERAGE = OPTIONS_KEY_FIRST_FREE
};

struct status_options {
	struct options common;
	bool only_coverage;
};

DEFINE_CLEANUP(json_cleanup, json_t, json_decref)

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct status_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->common;
		state->child_inputs[1] = &options->common;
		return 0;
	case KEY_COVERAGE:
		options->only_coverage = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is too much: no argument is taken", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{"coverage", KEY_COVERAGE, NULL, 0, "Only which channels the sensor sees, and why not all",
	 0},
	{0},
};

static const struct argp_child children[] = {
	{&options_data_argp, 0, NULL, 0},
	{&options_json_argp, 0, NULL, 0},
	{0},
};

static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.doc = "Tells what the agent and the collector last wrote about themselves.",
	.children = children,
};

/* Returns 0, -ENOENT silently, or -errno having logged why. */
static int load(const char *data_dir, const char *name, json_t **ret_status)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	json_error_t error;
	json_t *status;
	size_t size;
	int r;

	if (asprintf(&path, "%s/%s", data_dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = file_read_all(path, STATUS_MAX_BYTES, &text, &size);
	if (r < 0 && r != -ENOENT)
		log_error("cannot read %s: %s", path, strerror(-r));
	if (r < 0)
		return r;
	status = json_loadb(text, size, 0, &error);
	if (!json_is_object(status)) {
		log_error("%s:%d: no status: %s", path, status ? 1 : error.line,
			  status ? "not a JSON object" : error.text);
		json_decref(status);
		return -EBADMSG;
	}
	*ret_status = status;
	return 0;
}

static json_t *or_null(json_t *status)
{
	return status ? json_incref(status) : json_null();
}

static int print_json(const char *data_dir, bool is_running, json_t *agent, json_t *collector)
{
	json_t *object =
		json_pack("{s:s, s:b, s:o, s:o}", "data", data_dir, "running", (int)is_running,
			  "agent", or_null(agent), "collector", or_null(collector));

	if (!object) {
		log_error("the status cannot be written as JSON");
		return 1;
	}
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
	return 0;
}

static int print_coverage(const char *data_dir, const json_t *agent)
{
	if (agent && status_text_print_coverage(agent, stdout) > 0)
		return 0;
	log_error("no coverage in %s/agent/state.json: the sensor has not been attached there",
		  data_dir);
	return 1;
}

static void print_text(const char *data_dir, bool is_running, json_t *agent, json_t *collector)
{
	uint64_t now_ns = clock_realtime_ns();

	printf("%s: weir run %s\n", data_dir, is_running ? "is running" : "is not running");
	if (agent)
		status_text_print("agent", agent, now_ns, stdout);
	else
		puts("agent: no status yet");
	if (collector)
		status_text_print("collector", collector, now_ns, stdout);
	else
		puts("collector: no status yet");
}

int cli_status(int argc, char **argv)
{
	_cleanup_(json_cleanup) json_t *agent = NULL;
	_cleanup_(json_cleanup) json_t *collector = NULL;
	struct status_options options = {0};
	const char *data_dir;
	int agent_error, collector_error;
	bool is_running;

	options_init(&options.common);
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	data_dir = options.common.data_dir;
	agent_error = load(data_dir, "agent/state.json", &agent);
	collector_error = load(data_dir, "collector/status.json", &collector);
	is_running = run_dir_is_locked(data_dir);
	if (agent_error == -ENOENT && collector_error == -ENOENT && !is_running) {
		log_error("no status in %s: neither an agent nor a collector has run there; --data "
			  "names another folder",
			  data_dir);
		return 1;
	}
	if (options.only_coverage && !options.common.json)
		return print_coverage(data_dir, agent);
	if (options.common.json && print_json(data_dir, is_running, agent, collector) != 0)
		return 1;
	if (!options.common.json)
		print_text(data_dir, is_running, agent, collector);
	return (agent_error < 0 && agent_error != -ENOENT) ||
			       (collector_error < 0 && collector_error != -ENOENT)
		       ? 1
		       : 0;
}
