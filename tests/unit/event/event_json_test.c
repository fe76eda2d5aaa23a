/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "event/event_json.h"

static struct event *given_egress(void)
{
	struct event *event = event_new();

	assert_non_null(event);
	event->seq = 42;
	event->agent = strdup("desk-7");
	event->time_ns = 1700000000000000001;
	event->kind = EVENT_EGRESS;
	event->direction = EVENT_DIRECTION_OUT;
	event->app.id = 77;
	event->app.pid = 4711;
	event->app.login_uid = 1007;
	event->app.exe = strdup("/usr/bin/curl");
	event->object.kind = EVENT_OBJECT_SOCKET;
	event->object.role = EVENT_ROLE_SINK;
	event->object.name = strdup("10.0.0.2:443/tcp");
	event->bytes_total = 5000;
	event->calls_total = 9;
	assert_int_equal(event_add_label(event, "policy.property"), 0);
	return event;
}

static const char *text_at(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static json_int_t number_at(const json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static void counts_are_told_without_fingerprints(void **state)
{
	_cleanup_(event_freep) struct event *event = given_egress();
	static const uint64_t fingerprint = 1311768467463790320;
	_cleanup_free_ char *text = NULL;
	json_t *json, *records;

	(void)state;
	event->kind = EVENT_RECORDS;
	event->rows = 3;
	event->size_bytes = 120;
	assert_int_equal(event_add_count(event, "mobile", 1, &fingerprint, 1), 0);
	json = event_to_json(event, NULL, 0, 0);
	records = json_object_get(json, "records");
	assert_int_equal(number_at(records, "rows"), 3);
	assert_int_equal(number_at(records, "size_bytes"), 120);
	assert_int_equal(
		number_at(json_array_get(json_object_get(records, "counts"), 0), "different"), 1);
	assert_string_equal(
		text_at(json_array_get(json_object_get(records, "counts"), 0), "record"), "mobile");
	text = json_dumps(json, 0);
	assert_null(strstr(text, "1311768467463790320"));
	json_decref(json);
}

static void questions_are_told_where_there_are_some(void **state)
{
	_cleanup_(event_freep) struct event *event = given_egress();
	json_t *json = event_to_json(event, NULL, 0, 0), *questions;

	(void)state;
	assert_null(json_object_get(json, "questions"));
	json_decref(json);
	event->questions = (struct event_questions){
		.names = 200, .name_bytes = 12000, .text = 199, .longest_bytes = 60};
	json = event_to_json(event, NULL, 0, 0);
	questions = json_object_get(json, "questions");
	assert_int_equal(number_at(questions, "names"), 200);
	assert_int_equal(number_at(questions, "name_bytes"), 12000);
	assert_int_equal(number_at(questions, "text"), 199);
	assert_int_equal(number_at(questions, "longest_bytes"), 60);
	json_decref(json);
}

static void the_documented_keys_are_there(void **state)
{
	_cleanup_(event_freep) struct event *event = given_egress();
	json_t *json = event_to_json(event, "P-0123456789", 1000, 2);
	json_t *app = json_object_get(json, "app");
	json_t *object = json_object_get(json, "object");

	(void)state;
	assert_non_null(json);
	assert_int_equal(number_at(json, "seq"), 42);
	assert_string_equal(text_at(json, "agent"), "desk-7");
	assert_int_equal(number_at(json, "time_ns"), 1700000000000000001);
	assert_string_equal(text_at(json, "kind"), "egress");
	assert_string_equal(text_at(json, "person"), "P-0123456789");
	assert_int_equal(number_at(app, "id"), 77);
	assert_int_equal(number_at(app, "pid"), 4711);
	assert_string_equal(text_at(app, "exe"), "/usr/bin/curl");
	assert_int_equal(number_at(app, "start_ns"), 0);
	assert_string_equal(text_at(object, "kind"), "socket");
	assert_string_equal(text_at(object, "name"), "10.0.0.2:443/tcp");
	assert_string_equal(json_string_value(json_array_get(json_object_get(json, "labels"), 0)),
			    "policy.property");
	json_decref(json);
}

static void a_cgroup_is_shown_where_it_is_not_the_root(void **state)
{
	_cleanup_(event_freep) struct event *event = given_egress();
	json_t *json = event_to_json(event, NULL, 0, 0);

	(void)state;
	assert_null(json_object_get(json_object_get(json, "app"), "cgroup"));
	json_decref(json);
	event->app.cgroup = strdup("/system.slice/docker-1a2b.scope");
	json = event_to_json(event, NULL, 0, 0);
	assert_string_equal(text_at(json_object_get(json, "app"), "cgroup"),
			    "/system.slice/docker-1a2b.scope");
	json_decref(json);
}

static void bytes_are_the_step_and_totals_stand_beside(void **state)
{
	_cleanup_(event_freep) struct event *event = given_egress();
	json_t *json = event_to_json(event, NULL, 1000, 2);

	(void)state;
	assert_int_equal(number_at(json, "bytes"), 1000);
	assert_int_equal(number_at(json, "calls"), 2);
	assert_int_equal(number_at(json, "bytes_total"), 5000);
	assert_int_equal(number_at(json, "calls_total"), 9);
	json_decref(json);
}

static void the_login_is_not_shown(void **state)
{
	_cleanup_(event_freep) struct event *event = given_egress();
	json_t *json = event_to_json(event, NULL, 0, 0);
	_cleanup_free_ char *text = json_dumps(json, 0);

	(void)state;
	assert_true(json_is_null(json_object_get(json, "person")));
	assert_null(strstr(text, "1007"));
	assert_null(strstr(text, "login"));
	json_decref(json);
}

static void a_path_that_is_no_utf8_still_makes_an_event(void **state)
{
	_cleanup_(event_freep) struct event *event = given_egress();
	json_t *json;

	(void)state;
	free(event->object.name);
	event->object.name = strdup("/tmp/caf\xe9");
	json = event_to_json(event, NULL, 0, 0);
	assert_non_null(json);
	assert_string_equal(text_at(json_object_get(json, "object"), "name"), "/tmp/caf?");
	json_decref(json);
}

static void chinese_names_stay_as_they_are(void **state)
{
	_cleanup_(event_freep) struct event *event = given_egress();
	json_t *json;

	(void)state;
	free(event->object.name);
	event->object.name = strdup("/tmp/保单.csv");
	json = event_to_json(event, NULL, 0, 0);
	assert_string_equal(text_at(json_object_get(json, "object"), "name"), "/tmp/保单.csv");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_documented_keys_are_there),
		cmocka_unit_test(counts_are_told_without_fingerprints),
		cmocka_unit_test(questions_are_told_where_there_are_some),
		cmocka_unit_test(a_cgroup_is_shown_where_it_is_not_the_root),
		cmocka_unit_test(bytes_are_the_step_and_totals_stand_beside),
		cmocka_unit_test(the_login_is_not_shown),
		cmocka_unit_test(a_path_that_is_no_utf8_still_makes_an_event),
		cmocka_unit_test(chinese_names_stay_as_they_are),
	};

	return cmocka_run_group_tests_name("event/event_json", tests, NULL, NULL);
}
