/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/replay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/store_source.h"
#include "replay/replay_text.h"

#define NS_PER_S 1000000000ull
/* As a shell says of a program that SIGINT ended. */
#define EXIT_INTERRUPTED (128 + SIGINT)

enum {
	KEY_INCIDENT = OPTIONS_KEY_FIRST_FREE,
	KEY_FORMAT,
	KEY_SPEED,
	KEY_FROM,
	KEY_TO,
	KEY_PERSON,
	KEY_AGENT,
};

struct replay_arguments {
	struct options common;
	struct store_query query;
	const struct replay_renderer *renderer;
	double speed;
};

static void parse_time(struct argp_state *state, const char *option, const char *argument,
		       uint64_t *ret_time_ns)
{
	if (options_parse_time(argument, ret_time_ns) < 0)
		argp_error(
			state,
			"--%s \"%s\" is no time: YYYY-MM-DD, \"YYYY-MM-DD HH:MM:SS\" or @SECONDS",
			option, argument);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct replay_arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->common;
		return 0;
	case KEY_INCIDENT:
		if (options_parse_number(argument, &arguments->query.incident) < 0)
			argp_error(state, "\"%s\" is no incident number", argument);
		return 0;
	case KEY_FORMAT:
		arguments->renderer = replay_renderer_by_name(argument);
		if (!arguments->renderer)
			argp_error(state, "unknown format \"%s\": text or jsonl", argument);
		return 0;
	case KEY_SPEED:
		if (options_parse_speed(argument, &arguments->speed) < 0)
			argp_error(state,
				   "\"%s\" is no speed: 1 is real time, 60 a minute a second",
				   argument);
		return 0;
	case KEY_FROM:
		parse_time(state, "from", argument, &arguments->query.from_ns);
		return 0;
	case KEY_TO:
		parse_time(state, "to", argument, &arguments->query.to_ns);
		return 0;
	case KEY_PERSON:
		arguments->query.person = argument;
		return 0;
	case KEY_AGENT:
		arguments->query.agent = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is too much: say --incident %s", argument, argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"incident", KEY_INCIDENT, "N", 0, "Only the events of incident N", 0},
	{"format", KEY_FORMAT, "FORMAT", 0, "text (default) or jsonl", 0},
	{"speed", KEY_SPEED, "X", 0,
	 "X times as fast as it happened (default 0: as fast as possible)", 0},
	{"from", KEY_FROM, "TIME", 0, "Only events at TIME or later", 0},
	{"to", KEY_TO, "TIME", 0, "Only events at TIME or earlier", 0},
	{"person", KEY_PERSON, "PSEUDONYM", 0, "Only events of one person", 0},
	{"agent", KEY_AGENT, "NAME", 0, "Only events that one agent saw", 0},
	{0},
};

static const struct argp_child children[] = {
	{&options_data_argp, 0, NULL, 0},
	{0},
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Replays what was recorded, in the order of time.",
	.children = children,
};

static uint64_t now_ns(void *userdata)
{
	struct timespec now;

	(void)userdata;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* userdata is the signalfd: a signal before, during or after the wait ends the replay. */
static int sleep_until(void *userdata, uint64_t deadline_ns)
{
	struct pollfd signals = {.fd = *(int *)userdata, .events = POLLIN};
	uint64_t now;

	while ((now = now_ns(NULL)) < deadline_ns) {
		uint64_t left_ns = deadline_ns - now;
		struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S),
					.tv_nsec = (long)(left_ns % NS_PER_S)};
		int n = ppoll(&signals, 1, &left, NULL);

		if (n > 0)
			return -EINTR;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Signals end a wait, not the middle of a line. */
static int catch_signals(void)
{
	sigset_t signals;
	int fd;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int replay(const struct replay_arguments *arguments, struct store_source *source)
{
	_cleanup_close_ int signals = -1;
	struct replay_source timeline = {.next = store_source_next, .userdata = source};
	struct replay_clock clock = {
		.now_ns = now_ns, .sleep_until = sleep_until, .userdata = &signals};
	struct replay_text_options text = {.colour = replay_text_wants_colour(stdout)};
	struct replay_options replay_options = {.speed = arguments->speed,
						.clock = &clock,
						.renderer = arguments->renderer,
						.renderer_options = &text,
						.stream = stdout};

	/* A replay at full speed never waits: there the signals' own way is right. */
	if (arguments->speed > 0) {
		signals = catch_signals();
		if (signals < 0)
			return signals;
	}
	return replay_run(&timeline, &replay_options, NULL);
}

int cli_replay(int argc, char **argv)
{
	_cleanup_(store_freep) struct store *store = NULL;
	_cleanup_(store_incident_freep) struct store_incident *incident = NULL;
	_cleanup_(store_source_done) struct store_source source = {0};
	struct replay_arguments arguments = {.query.by_time = true, .renderer = &replay_text};
	int r;

	options_init(&arguments.common);
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (store_source_open_store(arguments.common.data_dir, &store) < 0)
		return 1;
	if (arguments.query.incident != 0 &&
	    store_source_get_incident(store, arguments.common.data_dir, arguments.query.incident,
				      &incident) <= 0)
		return 1;
	r = store_source_init(&source, store, &arguments.query);
	if (r == 0)
		r = replay(&arguments, &source);
	if (r == -EINTR)
		return EXIT_INTERRUPTED;
	if (r < 0)
		log_error("the replay stopped: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}
