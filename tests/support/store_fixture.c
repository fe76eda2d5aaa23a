/* SPDX-License-Identifier: GPL-2.0-only */
#include "store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

char *store_fixture_make_dir(void)
{
	char *dir = strdup("/tmp/weir-store-XXXXXX");

	assert_non_null(dir);
	assert_non_null(mkdtemp(dir));
	return dir;
}

void store_fixture_remove_dir(char *dir)
{
	_cleanup_free_ char *command = NULL;

	assert_true(asprintf(&command, "rm -rf '%s'", dir) > 0);
	assert_int_equal(system(command), 0);
	free(dir);
}

struct store *store_fixture_open(const char *dir, uint64_t segment_rows)
{
	struct store_options options = {.segment_rows = segment_rows};
	struct store *store = NULL;

	assert_int_equal(store_open_with(dir, false, &options, &store), 0);
	return store;
}

struct store *store_fixture_open_for_reading(const char *dir)
{
	struct store *store = NULL;

	assert_int_equal(store_open(dir, true, &store), 0);
	return store;
}

static void fill(struct event *event, const char *agent, uint64_t seq)
{
	event->agent = strdup(agent);
	event->boot_id = strdup(STORE_FIXTURE_BOOT);
	event->seq = seq;
	event->time_ns = STORE_FIXTURE_START_NS + seq * 1000000000;
	event->kind = EVENT_FLOW;
	event->direction = EVENT_DIRECTION_OUT;
	event->certainty = EVENT_CERTAINTY_EXACT;
	event->app.id = 7;
	event->app.pid = 4321;
	event->app.exe = strdup("/usr/bin/zip");
	event->object.kind = EVENT_OBJECT_FILE;
	event->object.dev = 8 << 20 | 1;
	event->object.ino = 1234;
	event->object.generation = 5;
	event->object.name = strdup("/srv/out.zip");
	event->flow_first_ns = STORE_FIXTURE_START_NS;
	event->bytes_total = 100 * seq;
	event->calls_total = seq;
	assert_int_equal(event_add_label(event, "customer.contact"), 0);
}

struct store_record *store_fixture_batch(const char *agent, uint64_t first_seq, size_t n)
{
	struct store_record *records = calloc(n, sizeof(*records));

	assert_non_null(records);
	for (size_t i = 0; i < n; i++) {
		records[i].event = event_new();
		assert_non_null(records[i].event);
		fill(records[i].event, agent, first_seq + i);
		records[i].person = strdup("P-0123456789");
		records[i].is_staff = true;
	}
	return records;
}

void store_fixture_free_batch(struct store_record *records, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		event_free(records[i].event);
		free(records[i].person);
	}
	free(records);
}

int store_fixture_append(struct store *store, const char *agent, uint64_t first_seq, size_t n)
{
	struct store_record *records = store_fixture_batch(agent, first_seq, n);
	int r = store_append(store, records, n);

	store_fixture_free_batch(records, n);
	return r;
}

static void look_at(const struct store_record *record, struct store_fixture_found *found,
		    uint64_t *last_time_ns)
{
	found->n++;
	if (found->n == 1)
		found->first_id = record->id;
	else if (record->id <= found->last_id)
		found->in_order_of_id = false;
	if (record->event->time_ns < *last_time_ns)
		found->in_order_of_time = false;
	found->last_id = record->id;
	*last_time_ns = record->event->time_ns;
	found->sum_bytes += record->bytes;
	found->sum_calls += record->calls;
	found->sum_turns += record->turns;
}

struct store_fixture_found store_fixture_find(struct store *store, const struct store_query *query)
{
	struct store_fixture_found found = {.in_order_of_id = true, .in_order_of_time = true};
	_cleanup_(store_cursor_freep) struct store_cursor *cursor = NULL;
	uint64_t last_time_ns = 0;
	int r;

	assert_int_equal(store_query(store, query, &cursor), 0);
	for (;;) {
		_cleanup_(store_record_freep) struct store_record *record = NULL;

		r = store_cursor_next(cursor, &record);
		assert_true(r >= 0);
		if (r == 0)
			return found;
		if (record->event->kind != EVENT_LOSS) {
			look_at(record, &found, &last_time_ns);
			continue;
		}
		found.n_losses++;
		snprintf(found.last_detail, sizeof(found.last_detail), "%s", record->event->detail);
	}
}

static char *path_of(const char *dir, const char *file)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", dir, file) > 0);
	return path;
}

void store_fixture_damage(const char *dir, const char *file, long offset, size_t size)
{
	_cleanup_free_ char *path = path_of(dir, file);
	FILE *stream = fopen(path, "r+");

	assert_non_null(stream);
	assert_int_equal(fseek(stream, offset, SEEK_SET), 0);
	for (size_t i = 0; i < size; i++)
		assert_true(fputc((int)((i * 37 + 11) & 0xff), stream) != EOF);
	assert_int_equal(fclose(stream), 0);
}

bool store_fixture_has_file(const char *dir, const char *file)
{
	_cleanup_free_ char *path = path_of(dir, file);

	return access(path, F_OK) == 0;
}
