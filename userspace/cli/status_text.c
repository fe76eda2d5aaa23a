/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli/status_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "replay/figures.h"

/* A status is written every few seconds; this old, its writer is gone or stuck. */
#define STALE_NS 15000000000ull

enum {
	NAME_COLUMNS = 22,
	NUMBER_COLUMNS = 12,
	CHANNEL_COLUMNS_MAX = 48,
	COVERAGE_COLUMNS = 8
};

static void put_cell(FILE *stream, const char *text, size_t columns)
{
	_cleanup_free_ char *escaped = figures_escape(text ? text : "?");
	size_t used = escaped ? figures_width(escaped) : 0;

	if (escaped)
		fputs(escaped, stream);
	for (; used < columns; used++)
		fputc(' ', stream);
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_size = strlen(text), end_size = strlen(end);

	return text_size >= end_size && strcmp(text + text_size - end_size, end) == 0;
}

static void put_integer(FILE *stream, const char *key, json_int_t value)
{
	char text[FIGURES_SIZE];

	if (ends_with(key, "_bytes") && value >= 0) {
		figures_format_bytes((uint64_t)value, text);
		fputs(text, stream);
	} else if (ends_with(key, "time_ns") && value >= 0) {
		figures_format_time((uint64_t)value, text);
		fputs(text, stream);
	} else {
		fprintf(stream, "%" JSON_INTEGER_FORMAT, value);
	}
}

static void put_value(FILE *stream, const char *key, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		put_cell(stream, json_string_value(value), 0);
		break;
	case JSON_INTEGER:
		put_integer(stream, key, json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(stream, "%g", json_real_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", stream);
		break;
	case JSON_FALSE:
		fputs("no", stream);
		break;
	default:
		fputs("none", stream);
		break;
	}
}

static void put_name(FILE *stream, const char *prefix, const char *key)
{
	char name[128];

	snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? " " : "", key);
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = ' ';
	fputs("  ", stream);
	put_cell(stream, name, NAME_COLUMNS);
	fputc(' ', stream);
}

static bool is_shown_otherwise(const char *key)
{
	return strcmp(key, "stages") == 0 || strcmp(key, "coverage") == 0 ||
	       strcmp(key, "time_ns") == 0;
}

/* One level of objects is opened; what is deeper is for --json. */
static void put_figures(FILE *stream, const char *prefix, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value) {
		const char *text = json_string_value(value);

		if ((!*prefix && is_shown_otherwise(key)) || (text && !*text))
			continue;
		if (json_is_object(value) && !*prefix) {
			put_figures(stream, key, value);
		} else if (!json_is_object(value) && !json_is_array(value)) {
			put_name(stream, prefix, key);
			put_value(stream, key, value);
			fputc('\n', stream);
		}
	}
}

static void put_count(FILE *stream, const json_t *stage, const char *key)
{
	const json_t *value = json_object_get(stage, key);

	if (json_is_integer(value))
		fprintf(stream, "%*" JSON_INTEGER_FORMAT, NUMBER_COLUMNS,
			json_integer_value(value));
	else
		fprintf(stream, "%*s", NUMBER_COLUMNS, "-");
}

/* What went in and is neither out, waiting nor dropped was lost without a word. */
static void put_unaccounted(FILE *stream, const json_t *stage)
{
	static const char *const keys[] = {"out", "waiting", "dropped"};
	json_int_t rest = json_integer_value(json_object_get(stage, "in"));

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		rest -= json_integer_value(json_object_get(stage, keys[i]));
	if (rest != 0)
		fprintf(stream, "  %" JSON_INTEGER_FORMAT " not accounted for", rest);
}

static void put_stages(FILE *stream, const json_t *stages)
{
	size_t i;
	json_t *stage;

	if (json_array_size(stages) == 0)
		return;
	fprintf(stream, "  %-*s %*s%*s%*s%*s\n", NAME_COLUMNS, "stage", NUMBER_COLUMNS, "in",
		NUMBER_COLUMNS, "out", NUMBER_COLUMNS, "waiting", NUMBER_COLUMNS, "dropped");
	json_array_foreach((json_t *)stages, i, stage) {
		fputs("  ", stream);
		put_cell(stream, json_string_value(json_object_get(stage, "name")), NAME_COLUMNS);
		fputc(' ', stream);
		put_count(stream, stage, "in");
		put_count(stream, stage, "out");
		put_count(stream, stage, "waiting");
		put_count(stream, stage, "dropped");
		put_unaccounted(stream, stage);
		fputc('\n', stream);
	}
}

static void put_age(FILE *stream, const json_t *status, uint64_t now_ns)
{
	const json_t *time = json_object_get(status, "time_ns");
	uint64_t time_ns = json_is_integer(time) ? (uint64_t)json_integer_value(time) : 0;
	char text[FIGURES_SIZE];

	if (time_ns == 0) {
		fputs("of an unknown time", stream);
	} else if (time_ns > now_ns) {
		figures_format_time(time_ns, text);
		fprintf(stream, "of %s, ahead of the clock", text);
	} else {
		figures_format_duration(now_ns - time_ns, text);
		fprintf(stream, "of %s ago%s", text,
			now_ns - time_ns > STALE_NS ? ": it is not running" : "");
	}
}

/* Channels have names of very different lengths. */
static size_t widest_channel(const json_t *coverage)
{
	size_t i, widest = NAME_COLUMNS;
	json_t *row;

	json_array_foreach((json_t *)coverage, i, row) {
		const char *channel = json_string_value(json_object_get(row, "channel"));
		size_t width = channel ? figures_width(channel) : 0;

		if (width > widest && width <= CHANNEL_COLUMNS_MAX)
			widest = width;
	}
	return widest;
}

static void put_channel(FILE *stream, const json_t *row, size_t channel_columns)
{
	const char *why = json_string_value(json_object_get(row, "why"));
	bool has_why = why && *why;

	fputs("  ", stream);
	put_cell(stream, json_string_value(json_object_get(row, "channel")), channel_columns);
	fputc(' ', stream);
	put_cell(stream, json_string_value(json_object_get(row, "coverage")),
		 has_why ? COVERAGE_COLUMNS : 0);
	if (has_why) {
		fputc(' ', stream);
		put_cell(stream, why, 0);
	}
	fputc('\n', stream);
}

size_t status_text_print_coverage(const json_t *status, FILE *stream)
{
	const json_t *coverage = json_object_get(status, "coverage");
	size_t i, channel_columns = widest_channel(coverage);
	json_t *row;

	if (json_array_size(coverage) == 0)
		return 0;
	fputs("  ", stream);
	put_cell(stream, "channel", channel_columns);
	fprintf(stream, " %-*s why\n", COVERAGE_COLUMNS, "coverage");
	json_array_foreach((json_t *)coverage, i, row) {
		put_channel(stream, row, channel_columns);
	}
	return json_array_size(coverage);
}

void status_text_print(const char *title, const json_t *status, uint64_t now_ns, FILE *stream)
{
	fprintf(stream, "%s, status ", title);
	put_age(stream, status, now_ns);
	fputc('\n', stream);
	put_stages(stream, json_object_get(status, "stages"));
	put_figures(stream, "", status);
	status_text_print_coverage(status, stream);
}
