/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/store_fixture.h"
#include "base/cleanup.h"

static char *dir;

static int given_an_empty_folder(void **state)
{
	(void)state;
	dir = store_fixture_make_dir();
	return 0;
}

static int remove_the_folder(void **state)
{
	(void)state;
	store_fixture_remove_dir(dir);
	return 0;
}

static uint64_t put(struct store *store, const char *key, const char *document,
		    uint64_t first_event, size_t n_events)
{
	_cleanup_free_ char *own_key = strdup(key), *own_document = strdup(document);
	uint64_t ids[200];
	struct store_incident incident = {
		.key = own_key,
		.document = own_document,
		.first_ns = 10,
		.last_ns = 20,
		.event_ids = ids,
		.n_event_ids = n_events,
	};

	for (size_t i = 0; i < n_events; i++)
		ids[i] = first_event + i;
	assert_int_equal(store_put_incident(store, &incident), 0);
	assert_true(incident.id > 0);
	return incident.id;
}

static void an_incident_keeps_its_id_when_it_grows(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	_cleanup_(store_incident_freep) struct store_incident *incident = NULL;
	uint64_t first = put(store, "P-1|im.test", "{\"score\":40}", 1, 150);
	uint64_t second = put(store, "P-2|im.test", "{}", 5, 1);

	(void)state;
	assert_true(second > first);
	assert_int_equal(put(store, "P-1|im.test", "{\"score\":90}", 100, 70), first);
	assert_int_equal(store_get_incident(store, first, &incident), 1);
	assert_string_equal(incident->key, "P-1|im.test");
	assert_string_equal(incident->document, "{\"score\":90}");
	assert_int_equal(incident->first_ns, 10);
	assert_int_equal(incident->last_ns, 20);
	assert_int_equal(incident->n_event_ids, 70);
	assert_int_equal(incident->event_ids[0], 100);
	assert_int_equal(incident->event_ids[69], 169);
}

static void an_incident_is_found_by_its_key_and_by_nothing_else(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	_cleanup_(store_incident_freep) struct store_incident *incident = NULL;
	uint64_t id = put(store, "P-1|im.test", "{}", 1, 0);

	(void)state;
	assert_int_equal(store_get_incident_by_key(store, "P-1", &incident), 0);
	assert_int_equal(store_get_incident(store, id + 1, &incident), 0);
	assert_null(incident);
	assert_int_equal(store_get_incident_by_key(store, "P-1|im.test", &incident), 1);
	assert_int_equal(incident->id, id);
	assert_int_equal(incident->n_event_ids, 0);
}

static void incidents_are_listed_newest_first_also_for_a_reader(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0), *reader = NULL;
	struct store_incident **incidents = NULL;
	struct store_counts counts;
	size_t n = 9;

	(void)state;
	reader = store_fixture_open_for_reading(dir);
	assert_int_equal(store_list_incidents(reader, &incidents, &n), 0);
	assert_int_equal(n, 0);
	free(incidents);
	put(store, "a", "{}", 1, 2);
	put(store, "b", "{}", 1, 3);
	assert_int_equal(store_list_incidents(reader, &incidents, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(incidents[0]->key, "b");
	assert_int_equal(incidents[0]->n_event_ids, 3);
	assert_string_equal(incidents[1]->key, "a");
	for (size_t i = 0; i < n; i++)
		store_incident_free(incidents[i]);
	free(incidents);
	assert_int_equal(store_count(reader, &counts), 0);
	assert_int_equal(counts.incidents, 2);
}

static void numbers_survive_a_restart(void **state)
{
	struct store *store = store_fixture_open(dir, 0);
	uint64_t value = 5;

	(void)state;
	assert_int_equal(store_get_number(store, "correlated_upto", &value), 0);
	assert_int_equal(value, 5);
	assert_int_equal(store_put_number(store, "correlated_upto", 1), 0);
	assert_int_equal(store_put_number(store, "correlated_upto", UINT64_MAX), 0);
	store_close(store);
	store = store_fixture_open(dir, 0);
	assert_int_equal(store_get_number(store, "correlated_upto", &value), 1);
	assert_true(value == UINT64_MAX);
	store_close(store);
}

static void an_incident_without_key_or_document_is_refused(void **state)
{
	_cleanup_(store_freep) struct store *store = store_fixture_open(dir, 0);
	char text[] = "x";

	(void)state;
	assert_int_equal(store_put_incident(store, &(struct store_incident){.key = text}), -EINVAL);
	assert_int_equal(store_put_incident(store, &(struct store_incident){.document = text}),
			 -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, given_an_empty_folder, remove_the_folder)
	const struct CMUnitTest tests[] = {
		TEST(an_incident_keeps_its_id_when_it_grows),
		TEST(an_incident_is_found_by_its_key_and_by_nothing_else),
		TEST(incidents_are_listed_newest_first_also_for_a_reader),
		TEST(numbers_survive_a_restart),
		TEST(an_incident_without_key_or_document_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
