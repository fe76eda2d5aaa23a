/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What it costs to work incidents out while a browser runs that holds customer data: processor time
 * of the correlation for the same events, batch by batch as an agent sends them.
 *
 *   correlation           the events of a minute made up here: a browser with a thousand objects of
 *                         its own, which asks five places for pages
 *   correlation STORE     the events in a collector's store (DATA/collector), which is only read
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "collector/correlate/correlate.h"
#include "collector/store/store.h"
#include "policy/policy.h"
#include "support/store_fixture.h"

#define SECONDS 60
#define OBJECTS_A_SECOND 20
#define N_PLACES 5
#define BATCH_EVENTS 100
#define POLICY "userspace/policy/example.conf"

struct events {
	struct store_record *items;
	size_t n_items;
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void add(struct events *events, struct event *event, const char *person)
{
	struct store_record *grown =
		reallocarray(events->items, events->n_items + 1, sizeof(*grown));

	assert_non_null(grown);
	events->items = grown;
	grown[events->n_items] = (struct store_record){
		.event = event, .person = person ? strdup(person) : NULL, .is_staff = true};
	event->seq = ++events->n_items;
	free(event->agent);
	event->agent = strdup(STORE_FIXTURE_AGENT);
}

static void read_store(const char *dir, struct events *ret_events)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open_for_reading(dir);
	_cleanup_(store_cursor_freep) struct store_cursor *cursor = NULL;
	struct store_record *record = NULL;

	assert_int_equal(store_query(store, &(struct store_query){0}, &cursor), 0);
	while (store_cursor_next(cursor, &record) == 1) {
		add(ret_events, record->event, record->person);
		record->event = NULL;
		store_record_free(record);
	}
}

static struct event *make_event(uint64_t time_ns, enum event_kind kind,
				enum event_object_kind object, uint64_t ino)
{
	struct event *event = event_new();

	assert_non_null(event);
	event->boot_id = strdup(STORE_FIXTURE_BOOT);
	event->time_ns = event->flow_first_ns = time_ns;
	event->kind = kind;
	event->certainty = EVENT_CERTAINTY_EXACT;
	event->app.id = 7;
	event->app.pid = 7;
	event->app.exe = strdup("/usr/lib/chromium/chromium");
	event->object.kind = object;
	event->object.dev = 8;
	event->object.ino = ino;
	event->direction = EVENT_DIRECTION_OUT;
	event->bytes_total = 1000;
	event->calls_total = 1;
	assert_int_equal(event_add_label(event, "policy.property"), 0);
	return event;
}

static void add_inner(struct events *events, uint64_t time_ns, uint64_t ino)
{
	for (int i = 0; i < 2; i++) {
		struct event *event = make_event(time_ns + (uint64_t)i * 1000000, EVENT_FLOW,
						 EVENT_OBJECT_UNIX, ino);

		event->direction = i ? EVENT_DIRECTION_IN : EVENT_DIRECTION_OUT;
		add(events, event, "P-00000000aa");
	}
}

static void add_peer(struct events *events, uint64_t time_ns, uint64_t second, int place)
{
	bool is_crm = place == 0;
	struct event *event = make_event(time_ns, is_crm ? EVENT_CRM_ACCESS : EVENT_EGRESS,
					 EVENT_OBJECT_SOCKET, 1 + (uint64_t)place);

	event->flow_first_ns = STORE_FIXTURE_START_NS;
	event->object.role = is_crm ? EVENT_ROLE_CRM : EVENT_ROLE_SINK;
	event->object.port = 443;
	assert_true(asprintf(&event->object.address, "10.77.0.%d", 10 + 10 * place) > 0);
	event->bytes_total = 1000 * (second + 1);
	if (is_crm) {
		event->direction = EVENT_DIRECTION_IN;
		event->turns_total = second + 1;
		event->object.zone_name = strdup("crm.test");
	}
	add(events, event, "P-00000000aa");
}

static void make_up(struct events *ret_events)
{
	for (uint64_t second = 0; second < SECONDS; second++) {
		uint64_t time_ns = STORE_FIXTURE_START_NS + second * 1000000000;

		for (int place = 0; place <= N_PLACES; place++)
			add_peer(ret_events, time_ns + (uint64_t)place, second, place);
		/* Each is told of when it is new, and once more later. */
		for (uint64_t i = 0; i < OBJECTS_A_SECOND; i++) {
			add_inner(ret_events, time_ns + i, 1000 + second * OBJECTS_A_SECOND + i);
			if (second > 0)
				add_inner(ret_events, time_ns + i,
					  1000 + (second - 1) * OBJECTS_A_SECOND + i);
		}
	}
}

static void correlate_all(struct correlate *correlate, struct store *store,
			  const struct events *events)
{
	double most_ms = 0, sum_ms = 0;
	size_t n_batches = 0;

	for (size_t at = 0; at < events->n_items; at += BATCH_EVENTS, n_batches++) {
		struct store_record *batch = events->items + at;
		size_t n = events->n_items - at;
		double before_ms, took_ms;

		n = n < BATCH_EVENTS ? n : BATCH_EVENTS;
		assert_int_equal(store_append(store, batch, n), 0);
		before_ms = now_ms();
		assert_int_equal(correlate_process(correlate, batch, n, NULL, NULL), 0);
		took_ms = now_ms() - before_ms;
		sum_ms += took_ms;
		most_ms = took_ms > most_ms ? took_ms : most_ms;
	}
	printf("correlation: %zu events in %zu batches, incidents computed %lu times: %.0f ms of "
	       "processor time, %.1f ms a batch, %.1f ms the longest\n",
	       events->n_items, n_batches, (unsigned long)correlate_count(correlate).recomputed,
	       sum_ms, sum_ms / (double)n_batches, most_ms);
}

int main(int argc, char **argv)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct policy_problems problems = {};
	struct correlate *correlate = NULL;
	char *dir = store_fixture_make_dir();
	struct store *store = store_fixture_open(dir, 0);
	struct events events = {};

	if (policy_load(POLICY, &policy, &problems) < 0) {
		policy_problems_print(&problems, stderr);
		return 1;
	}
	if (argc > 1)
		read_store(argv[1], &events);
	else
		make_up(&events);
	assert_int_equal(correlate_new(store, policy, &correlate), 0);
	assert_int_equal(correlate_catch_up(correlate, NULL, NULL), 0);
	correlate_all(correlate, store, &events);
	correlate_free(correlate);
	store_close(store);
	store_fixture_remove_dir(dir);
	store_fixture_free_batch(events.items, events.n_items);
	return 0;
}
