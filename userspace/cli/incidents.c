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
#include "collector/incidents/incident_format.h"
#include "collector/store/store.h"
#include "replay/figures.h"

struct stored_incidents {
	struct store_incident **items;
	size_t n_items;
};

static void stored_incidents_done(struct stored_incidents *stored)
{
	for (size_t i = 0; i < stored->n_items; i++)
		store_incident_free(stored->items[i]);
	free(stored->items);
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	(void)argument;
	switch (key) {
	case ARGP_KEY_INIT:
		for (int i = 0; i < 3; i++)
			state->child_inputs[i] = state->input;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is too much: no argument is taken", argument);
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
	.doc = "Lists the incidents, the newest first.",
	.children = children,
};

static void print_cell(const char *text, size_t columns)
{
	_cleanup_free_ char *escaped = figures_escape(text);

	if (!escaped)
		return;
	fputs(escaped, stdout);
	for (size_t used = figures_width(escaped); used < columns; used++)
		putchar(' ');
	fputs("  ", stdout);
}

/* The first of several names and how many more there are. */
static void print_first(const char *first, size_t n, size_t columns)
{
	char cell[128];

	if (n > 1)
		snprintf(cell, sizeof(cell), "%.100s +%zu", first, n - 1);
	else
		snprintf(cell, sizeof(cell), "%.100s", n == 1 ? first : "-");
	print_cell(cell, columns);
}

static void print_row(const struct incident *incident, const char *lang)
{
	const struct incident_sink *sink = incident->n_sinks > 0 ? incident->sinks : NULL;
	char last[FIGURES_SIZE], bytes[FIGURES_SIZE];

	figures_format_time(incident->last_ns, last);
	figures_format_bytes(incident->bytes_out, bytes);
	printf("%4" PRIu64 "  ", incident->id);
	print_cell(incident_severity_to_text(incident->severity, lang), 8);
	printf("%5" PRId64 "  %s  ", incident->score, last);
	print_first(incident->n_persons > 0 ? incident->persons[0] : "-", incident->n_persons, 15);
	print_first(!sink ? "-" : *sink->name ? sink->name : sink->address, incident->n_sinks, 20);
	printf("%10s  ", bytes);
	if (incident->records_certainty != EVENT_CERTAINTY_UNKNOWN)
		printf("%" PRIu64 " ", incident->records);
	puts(incident_format_certainty(incident->records_certainty, lang));
}

static void print_head(const char *lang)
{
	static const struct {
		const char *en, *zh;
		size_t columns;
		bool is_number;
	} heads[] = {
		{"N", "编号", 4, true},        {"severity", "严重度", 8, false},
		{"score", "分数", 5, true},    {"last", "最近时间", 23, false},
		{"person", "人员", 15, false}, {"to", "去向", 20, false},
		{"out", "流出", 10, true},     {"records", "记录", 0, false},
	};
	bool is_chinese = incident_lang_is_chinese(lang);

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		const char *head = is_chinese ? heads[i].zh : heads[i].en;
		size_t used = figures_width(head);

		for (size_t n = used; heads[i].is_number && n < heads[i].columns; n++)
			putchar(' ');
		if (heads[i].columns > 0)
			print_cell(head, heads[i].is_number ? 0 : heads[i].columns);
		else
			puts(head);
	}
}

static int print_json(const struct stored_incidents *stored, const char *lang, int *ret_status)
{
	json_t *list = json_array();

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < stored->n_items; i++) {
		_cleanup_(incident_freep) struct incident *incident = NULL;
		int r = incident_from_stored(stored->items[i], &incident);

		if (r < 0) {
			log_error("incident %" PRIu64 " cannot be read: %s", stored->items[i]->id,
				  strerror(-r));
			*ret_status = 1;
			continue;
		}
		if (json_array_append_new(list, incident_to_json(incident, lang)) < 0) {
			json_decref(list);
			return -ENOMEM;
		}
	}
	json_dumpf(list, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(list);
	return 0;
}

static void print_table(const struct stored_incidents *stored, const char *lang, int *ret_status)
{
	if (stored->n_items == 0) {
		puts(incident_lang_is_chinese(lang) ? "没有事件" : "no incidents");
		return;
	}
	print_head(lang);
	for (size_t i = 0; i < stored->n_items; i++) {
		_cleanup_(incident_freep) struct incident *incident = NULL;
		int r = incident_from_stored(stored->items[i], &incident);

		if (r < 0) {
			log_error("incident %" PRIu64 " cannot be read: %s", stored->items[i]->id,
				  strerror(-r));
			*ret_status = 1;
			continue;
		}
		print_row(incident, lang);
	}
}

int cli_incidents(int argc, char **argv)
{
	_cleanup_(store_freep) struct store *store = NULL;
	_cleanup_(stored_incidents_done) struct stored_incidents stored = {0};
	struct options options;
	int r, status = 0;

	options_init(&options);
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (store_source_open_store(options.data_dir, &store) < 0)
		return 1;
	r = store_list_incidents(store, &stored.items, &stored.n_items);
	if (r == 0 && options.json)
		r = print_json(&stored, options.lang, &status);
	else if (r == 0)
		print_table(&stored, options.lang, &status);
	if (r < 0) {
		log_error("cannot list the incidents in %s: %s", options.data_dir, strerror(-r));
		return 1;
	}
	return status;
}
