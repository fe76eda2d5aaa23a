/* SPDX-License-Identifier: GPL-2.0-only */
#include "replay/replay_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "replay/figures.h"

#define RED "\033[1;31m"
#define YELLOW "\033[33m"
#define MAGENTA "\033[1;35m"
#define CYAN "\033[36m"
#define PLAIN "\033[0m"

/* Column widths: a pseudonym has 12 columns, the longest kind 13. */
enum {
	PERSON_COLUMNS = 12,
	KIND_COLUMNS = 13,
	BYTES_COLUMNS = 10,
	CALLS_COLUMNS = 11,
	CERTAINTY_COLUMNS = 9,
	FROM_COLUMNS = 24,
};

static void put_spaces(FILE *line, size_t used, size_t columns)
{
	for (; used < columns; used++)
		fputc(' ', line);
}

/* Out of memory leaves the text out; the caller notices by ferror() of the memory stream. */
static size_t put_text(FILE *line, const char *text)
{
	_cleanup_free_ char *escaped = figures_escape(text);

	if (!escaped)
		return 0;
	fputs(escaped, line);
	return figures_width(escaped);
}

static void put_left(FILE *line, const char *text, size_t columns)
{
	put_spaces(line, put_text(line, text), columns);
	fputs("  ", line);
}

static void put_right(FILE *line, const char *text, size_t columns)
{
	put_spaces(line, figures_width(text), columns);
	put_text(line, text);
	fputs("  ", line);
}

static const char *colour_of(enum event_kind kind)
{
	switch (kind) {
	case EVENT_EGRESS:
		return RED;
	case EVENT_CRM_ACCESS:
		return YELLOW;
	case EVENT_EDGE:
		return CYAN;
	case EVENT_AGENT_GAP:
	case EVENT_LOSS:
	case EVENT_COVERAGE_GAP:
	case EVENT_CLOCK_SKEW:
		return MAGENTA;
	default:
		return NULL;
	}
}

static void put_kind(FILE *line, enum event_kind kind, bool colour)
{
	const char *escape = colour ? colour_of(kind) : NULL;
	char name[32];

	snprintf(name, sizeof(name), "%s", event_kind_to_string(kind));
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = ' ';
	if (escape)
		fputs(escape, line);
	put_left(line, name, KIND_COLUMNS);
	if (escape)
		fputs(PLAIN, line);
}

static bool has_counters(const struct event *event)
{
	return event->kind == EVENT_EDGE || event->kind == EVENT_FLOW ||
	       event->kind == EVENT_EGRESS || event->kind == EVENT_CRM_ACCESS;
}

static void put_counters(FILE *line, const struct replay_item *item)
{
	const struct event *event = item->event;
	char bytes[FIGURES_SIZE] = "", calls[FIGURES_SIZE] = "";
	const char *certainty = "";

	/* The edge itself is no transfer: what moved stands in the reports after it. */
	if (has_counters(event) && (item->bytes > 0 || item->calls > 0)) {
		figures_format_bytes(item->bytes, bytes);
		snprintf(calls, sizeof(calls), "%" PRIu64 " call%s", item->calls,
			 item->calls == 1 ? "" : "s");
		certainty = event_certainty_to_string(event->certainty);
	}
	put_right(line, bytes, BYTES_COLUMNS);
	put_right(line, calls, CALLS_COLUMNS);
	put_left(line, certainty, CERTAINTY_COLUMNS);
}

static size_t put_app(FILE *line, const struct event_app *app)
{
	const char *name = app->exe ? app->exe : app->comm;
	const char *slash = name ? strrchr(name, '/') : NULL;
	char pid[16];

	snprintf(pid, sizeof(pid), "[%" PRIu32 "]", app->pid);
	return put_text(line, slash && slash[1] ? slash + 1
			      : name            ? name
						: "?") +
	       put_text(line, pid);
}

static size_t put_object(FILE *line, const struct event_object *object)
{
	const char *name = object->name ? object->name : event_object_kind_to_string(object->kind);
	size_t columns = 0;

	if (object->zone_name)
		columns += put_text(line, object->zone_name) + put_text(line, " ");
	else if (object->role == EVENT_ROLE_SINK)
		columns += put_text(line, object->host ? object->host : "outside") +
			   put_text(line, " ");
	if (!object->zone_name && object->role != EVENT_ROLE_SINK)
		return columns + put_text(line, name);
	return columns + put_text(line, "(") + put_text(line, name) + put_text(line, ")");
}

static void put_crossing(FILE *line, const struct event *event)
{
	bool is_inbound = event->direction == EVENT_DIRECTION_IN;
	size_t columns;

	if (is_inbound)
		columns = put_object(line, &event->object);
	else
		columns = put_app(line, &event->app);
	put_spaces(line, columns, FROM_COLUMNS);
	fputs(" -> ", line);
	if (is_inbound)
		put_app(line, &event->app);
	else
		put_object(line, &event->object);
}

static void put_list(FILE *line, const char *title, char *const *names, size_t n_names)
{
	if (n_names == 0)
		return;
	fprintf(line, "  %s ", title);
	for (size_t i = 0; i < n_names; i++) {
		if (i > 0)
			fputs(", ", line);
		put_text(line, names[i]);
	}
}

static void put_file_change(FILE *line, const struct event *event)
{
	put_app(line, &event->app);
	fputs(": ", line);
	if (event->kind == EVENT_FILE_RENAME) {
		put_text(line, event->object.previous_name ? event->object.previous_name : "?");
		fputs(" -> ", line);
	}
	put_text(line, event->object.name ? event->object.name : "?");
}

/* "12 mobile, 60 policy-number in 60 rows", and what is not in it. */
static void put_records(FILE *line, const struct event *event)
{
	put_text(line, event->object.name ? event->object.name : "?");
	fputs(": ", line);
	for (size_t i = 0; i < event->n_counts; i++) {
		fprintf(line, "%s%" PRIu64 " ", i ? ", " : "", event->counts[i].n_records);
		put_text(line, event->counts[i].record);
	}
	if (event->rows > 0)
		fprintf(line, " in %" PRIu64 " row%s", event->rows, event->rows == 1 ? "" : "s");
	fprintf(line, "%s(%s)", event->n_counts > 0 ? " " : "",
		event_certainty_to_string(event->certainty));
}

static void put_agent_report(FILE *line, const struct event *event)
{
	char duration[FIGURES_SIZE];

	put_text(line, event->agent ? event->agent : "?");
	if (event->kind == EVENT_AGENT_GAP && event->gap_end_ns > event->time_ns) {
		figures_format_duration(event->gap_end_ns - event->time_ns, duration);
		fprintf(line, ": no agent for %s", duration);
	}
	if (event->app.exe || event->app.comm) {
		fputs(": ", line);
		put_app(line, &event->app);
	}
	if (event->dropped > 0)
		fprintf(line, ": %" PRIu64 " lost", event->dropped);
}

static void put_happening(FILE *line, const struct replay_item *item)
{
	const struct event *event = item->event;
	char total[FIGURES_SIZE];

	switch (event->kind) {
	case EVENT_EDGE:
	case EVENT_FLOW:
	case EVENT_EGRESS:
	case EVENT_CRM_ACCESS:
		put_crossing(line, event);
		break;
	case EVENT_FILE_RENAME:
	case EVENT_FILE_UNLINK:
	case EVENT_FILE_TRUNCATE:
		put_file_change(line, event);
		break;
	case EVENT_RECORDS:
		put_records(line, event);
		break;
	case EVENT_PROCESS_EXIT:
		put_app(line, &event->app);
		break;
	default:
		put_agent_report(line, event);
		break;
	}
	if (item->turns > 0)
		fprintf(line, "  %" PRIu64 " turn%s", item->turns, item->turns == 1 ? "" : "s");
	if (has_counters(event) && event->bytes_total > item->bytes && item->bytes > 0) {
		figures_format_bytes(event->bytes_total, total);
		fprintf(line, "  %s in all", total);
	}
	put_list(line, "of", event->labels, event->n_labels);
	put_list(line, "from", event->origins, event->n_origins);
	if (event->detail) {
		fputs("  ", line);
		put_text(line, event->detail);
	}
}

static void put_line(FILE *line, const struct replay_item *item, bool colour)
{
	char time[FIGURES_SIZE];

	figures_format_time(item->event->time_ns, time);
	fprintf(line, "%s  ", time);
	put_left(line, item->person ? item->person : "-", PERSON_COLUMNS);
	put_kind(line, item->event->kind, colour);
	put_counters(line, item);
	put_happening(line, item);
	fputc('\n', line);
}

int replay_text_print(const struct replay_item *item, const struct replay_text_options *options,
		      FILE *stream)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *line = open_memstream(&text, &size);
	bool failed;

	if (!line)
		return -ENOMEM;
	put_line(line, item, options && options->colour);
	failed = ferror(line);
	if (fclose(line) != 0 || failed)
		return -ENOMEM;
	errno = 0;
	if (fwrite(text, 1, size, stream) != size || fflush(stream) != 0)
		return errno ? -errno : -EIO;
	return 0;
}

bool replay_text_wants_colour(FILE *stream)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(stream)) && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static int render(const struct replay_item *item, FILE *stream, const void *options)
{
	return replay_text_print(item, options, stream);
}

const struct replay_renderer replay_text = {.name = "text", .render = render};
