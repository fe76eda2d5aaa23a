/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/store_source.h"
#include "collector/incidents/incident.h"

struct show_options {
	struct options common;
	uint64_t incident; /* 0: not given */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct show_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		for (int i = 0; i < 3; i++)
			state->child_inputs[i] = &options->common;
		return 0;
	case ARGP_KEY_ARG:
		if (options->incident != 0)
			argp_error(state, "one incident at a time");
		if (options_parse_number(argument, &options->incident) < 0)
			argp_error(state, "\"%s\" is no incident number", argument);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which incident? weir incidents lists them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&options_data_argp, 0, NULL, 0},
	{&options_json_argp, 0, NULL, 0},
	{&options_lang_argp, 0, NULL, 0},
	{0},
};

static const struct argp argp = {
	.parser = parse,
	.args_doc = "N",
	.doc = "Tells incident N: a paragraph, the score's addends, the figures, the lineage.",
	.children = children,
};

static int print_json(const struct incident *incident, const char *lang)
{
	json_t *object = incident_to_json(incident, lang);

	if (!object)
		return -ENOMEM;
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
	return 0;
}

int cli_show(int argc, char **argv)
{
	_cleanup_(store_freep) struct store *store = NULL;
	_cleanup_(store_incident_freep) struct store_incident *stored = NULL;
	_cleanup_(incident_freep) struct incident *incident = NULL;
	struct show_options options = {0};
	int r;

	options_init(&options.common);
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (store_source_open_store(options.common.data_dir, &store) < 0)
		return 1;
	if (store_source_get_incident(store, options.common.data_dir, options.incident, &stored) <=
	    0)
		return 1;
	r = incident_from_stored(stored, &incident);
	if (r == 0 && options.common.json)
		r = print_json(incident, options.common.lang);
	else if (r == 0)
		r = incident_print_text(incident, options.common.lang, stdout);
	if (r == -EBADMSG)
		log_error("incident %" PRIu64 " in %s is damaged: its document cannot be parsed",
			  options.incident, options.common.data_dir);
	else if (r < 0)
		log_error("cannot show incident %" PRIu64 ": %s", options.incident, strerror(-r));
	return r < 0 ? 1 : 0;
}
