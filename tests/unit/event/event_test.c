/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "event/event.h"

static struct event *given_labelled_file_event(void)
{
	struct event *event = event_new();

	assert_non_null(event);
	event->kind = EVENT_EDGE;
	event->agent = strdup("desk-7");
	event->app.exe = strdup("/usr/bin/zip");
	event->app.cgroup = strdup("/machine.slice/till.scope");
	event->object.name = strdup("/home/~/export.csv");
	event->bytes_total = 4096;
	assert_int_equal(event_add_label(event, "policy.property"), 0);
	assert_int_equal(event_add_origin(event, "wechat"), 0);
	return event;
}

static void labels_are_sorted_and_stand_once(void **state)
{
	_cleanup_(event_freep) struct event *event = event_new();

	(void)state;
	assert_int_equal(event_add_label(event, "policy.property"), 0);
	assert_int_equal(event_add_label(event, "customer.contact"), 0);
	assert_int_equal(event_add_label(event, "policy.property"), 0);
	assert_int_equal(event_add_label(event, "payment"), 0);
	assert_int_equal(event->n_labels, 3);
	assert_string_equal(event->labels[0], "customer.contact");
	assert_string_equal(event->labels[1], "payment");
	assert_string_equal(event->labels[2], "policy.property");
	assert_int_equal(event->n_origins, 0);
}

static void a_copy_outlives_the_original(void **state)
{
	struct event *event = given_labelled_file_event();
	_cleanup_(event_freep) struct event *copy = NULL;

	(void)state;
	assert_int_equal(event_copy(event, &copy), 0);
	event_free(event);
	assert_int_equal(copy->kind, EVENT_EDGE);
	assert_int_equal(copy->bytes_total, 4096);
	assert_string_equal(copy->agent, "desk-7");
	assert_string_equal(copy->app.exe, "/usr/bin/zip");
	assert_string_equal(copy->app.cgroup, "/machine.slice/till.scope");
	assert_string_equal(copy->object.name, "/home/~/export.csv");
	assert_string_equal(copy->labels[0], "policy.property");
	assert_string_equal(copy->origins[0], "wechat");
	assert_null(copy->object.zone_name);
}

static void every_kind_has_a_name_that_leads_back(void **state)
{
	(void)state;
	for (enum event_kind kind = EVENT_EDGE; kind <= EVENT_KIND_LAST; kind++)
		assert_int_equal(event_kind_from_string(event_kind_to_string(kind)), kind);
	assert_string_equal(event_kind_to_string(EVENT_CRM_ACCESS), "crm_access");
	assert_string_equal(event_role_to_string(EVENT_ROLE_SINK), "sink");
	assert_string_equal(event_object_kind_to_string(EVENT_OBJECT_MEMFD), "memfd");
	assert_string_equal(event_object_kind_to_string(EVENT_OBJECT_CLIPBOARD), "clipboard");
	assert_string_equal(event_object_kind_to_string(EVENT_OBJECT_TERMINAL), "terminal");
	assert_string_equal(event_object_kind_to_string(EVENT_OBJECT_SCREEN), "screen");
	assert_string_equal(event_object_kind_to_string(EVENT_OBJECT_CONSOLE), "console");
	assert_string_equal(event_direction_to_string(EVENT_DIRECTION_OUT), "out");
}

static void what_has_no_name_is_unknown(void **state)
{
	(void)state;
	assert_string_equal(event_kind_to_string((enum event_kind)9999), "unknown");
	assert_int_equal(event_kind_from_string("no such kind"), EVENT_UNKNOWN);
	assert_int_equal(event_kind_from_string(NULL), EVENT_UNKNOWN);
	assert_int_equal(event_certainty_from_string("exact"), EVENT_CERTAINTY_EXACT);
	assert_int_equal(event_certainty_from_string("certain"), EVENT_CERTAINTY_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_sorted_and_stand_once),
		cmocka_unit_test(a_copy_outlives_the_original),
		cmocka_unit_test(every_kind_has_a_name_that_leads_back),
		cmocka_unit_test(what_has_no_name_is_unknown),
	};

	return cmocka_run_group_tests_name("event/event", tests, NULL, NULL);
}
