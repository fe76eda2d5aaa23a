/* SPDX-License-Identifier: GPL-2.0-only */
#include "cli_story.h"

#include <argp.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "collector/incidents/incident.h"
#include "collector/store/store.h"
#include "event/event.h"

#define S 1000000000ull
#define NOON (1594526400 * S) /* 2020-07-12 12:00 in Shanghai */
#define OUTPUT_MAX_BYTES (1 << 20)
#define N_EVENTS 4

char *cli_story_path(const struct cli_story *story, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", story->dir, name) > 0);
	return path;
}

void cli_story_write(const struct cli_story *story, const char *name, const char *text)
{
	_cleanup_free_ char *path = cli_story_path(story, name);

	assert_int_equal(file_write_durably(path, text, strlen(text), 0600), 0);
}

static struct event *given_event(uint64_t seq, enum event_kind kind, uint64_t time_ns,
				 uint64_t bytes_total)
{
	struct event *event = event_new();

	assert_non_null(event);
	event->seq = seq;
	event->agent = strdup("desk-7");
	event->boot_id = strdup("b");
	event->time_ns = time_ns;
	event->kind = kind;
	event->direction = EVENT_DIRECTION_OUT;
	event->certainty = EVENT_CERTAINTY_EXACT;
	event->app.id = 5;
	event->app.pid = 4711;
	event->app.exe = strdup("/usr/bin/curl");
	event->object.kind = EVENT_OBJECT_SOCKET;
	event->object.role = EVENT_ROLE_SINK;
	event->object.ino = 9;
	event->object.name = strdup("10.9.0.3:443/tcp");
	event->flow_first_ns = NOON;
	event->bytes_total = bytes_total;
	event->calls_total = bytes_total / 100;
	return event;
}

/* The events come in an order that is not that of their times. */
static void fill_events(struct store *store, uint64_t ret_ids[N_EVENTS])
{
	struct store_record records[N_EVENTS] = {
		{.event = given_event(1, EVENT_EDGE, NOON, 0)},
		{.event = given_event(2, EVENT_EGRESS, NOON + 2 * S, 300)},
		{.event = given_event(3, EVENT_EGRESS, NOON + 3 * S, 1000)},
		{.event = given_event(4, EVENT_FILE_UNLINK, NOON + S, 0)},
	};

	for (size_t i = 0; i < N_EVENTS; i++) {
		records[i].person = strdup(i < 3 ? "P-0123456789" : "P-9876543210");
		records[i].is_staff = true;
	}
	assert_int_equal(store_append(store, records, N_EVENTS), 0);
	for (size_t i = 0; i < N_EVENTS; i++) {
		ret_ids[i] = records[i].id;
		event_free(records[i].event);
		free(records[i].person);
	}
}

static void fill_incident(struct store *store, const uint64_t ids[N_EVENTS], uint64_t *ret_incident)
{
	_cleanup_(incident_freep) struct incident *incident = incident_new();
	_cleanup_free_ char *document = NULL;
	struct incident_addend addend = {.detector = (char *)"direct_egress",
					 .attack = (char *)"T1048",
					 .points = 90,
					 .reason = (char *)"labelled data went out",
					 .reason_zh = (char *)"敏感数据流出"};
	struct incident_sink sink = {.name = (char *)"shop",
				     .kind = (char *)"im",
				     .address = (char *)"10.9.0.3",
				     .bytes = 1000};
	struct incident_thresholds thresholds = INCIDENT_DEFAULT_THRESHOLDS;
	struct store_incident stored = {.key = (char *)"key",
					.first_ns = NOON,
					.last_ns = NOON + 3 * S,
					.event_ids = (uint64_t *)ids,
					.n_event_ids = 2};

	assert_non_null(incident);
	assert_int_equal(incident_add_person(incident, "P-0123456789"), 0);
	assert_int_equal(incident_add_addend(incident, &addend), 0);
	assert_int_equal(incident_add_sink(incident, &sink), 0);
	incident->bytes_out = 1000;
	incident->bytes_certainty = EVENT_CERTAINTY_EXACT;
	incident->records = 60;
	incident->records_certainty = EVENT_CERTAINTY_ESTIMATED;
	incident->first_ns = NOON;
	incident->last_ns = NOON + 3 * S;
	incident_rate(incident, &thresholds);
	assert_int_equal(incident_to_document(incident, &document), 0);
	stored.document = document;
	assert_int_equal(store_put_incident(store, &stored), 0);
	*ret_incident = stored.id;
}

int cli_story_set_up(void **state)
{
	struct cli_story *story = calloc(1, sizeof(*story));
	_cleanup_(store_freep) struct store *store = NULL;
	_cleanup_free_ char *dir = NULL;
	uint64_t ids[N_EVENTS];

	assert_non_null(story);
	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "Asia/Shanghai", 1);
	tzset();
	strcpy(story->dir, "/tmp/weir-cli-test-XXXXXX");
	assert_non_null(mkdtemp(story->dir));
	dir = cli_story_path(story, "collector");
	assert_int_equal(store_open(dir, false, &store), 0);
	fill_events(store, ids);
	fill_incident(store, ids, &story->incident);
	*state = story;
	return 0;
}

int cli_story_tear_down(void **state)
{
	struct cli_story *story = *state;
	char *arguments[] = {(char *)"rm", (char *)"-rf", story->dir, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execv("/bin/rm", arguments);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	free(story->out);
	free(story->err);
	free(story);
	return 0;
}

static void redirect(int fd, const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(99);
	close(file);
}

void cli_story_when_called(struct cli_story *story, int (*command)(int, char **),
			   const char *argument, ...)
{
	_cleanup_free_ char *out = cli_story_path(story, "out"),
			    *err = cli_story_path(story, "err");
	char *arguments[16] = {(char *)"weir command"};
	int n = 1, status;
	va_list list;
	pid_t pid;

	va_start(list, argument);
	for (; argument && n < 15; argument = va_arg(list, const char *))
		arguments[n++] = (char *)argument;
	va_end(list);
	/* What cmocka has not written yet must not be written by the child. */
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		redirect(STDOUT_FILENO, out);
		redirect(STDERR_FILENO, err);
		argp_err_exit_status = 2;
		exit(command(n, arguments));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	story->status = WEXITSTATUS(status);
	free(TAKE(story->out));
	free(TAKE(story->err));
	assert_int_equal(file_read_all(out, OUTPUT_MAX_BYTES, &story->out, NULL), 0);
	assert_int_equal(file_read_all(err, OUTPUT_MAX_BYTES, &story->err, NULL), 0);
}

size_t cli_story_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

void cli_story_then_one_line_says(const struct cli_story *story, const char *saying)
{
	assert_int_equal(story->status, 1);
	assert_int_equal(cli_story_lines(story->err), 1);
	assert_non_null(strstr(story->err, saying));
	assert_string_equal(story->out, "");
}
