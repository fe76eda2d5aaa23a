/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "replay/replay_jsonl.h"

static struct event given_event(void)
{
	return (struct event){.seq = 9,
			      .agent = "desk-7",
			      .kind = EVENT_EGRESS,
			      .time_ns = 1594534991482000001ull,
			      .object = {.name = "two\nlines\033"}};
}

static void each_event_is_one_line_that_parses(void **state)
{
	struct event event = given_event();
	struct replay_item item = {
		.event = &event, .person = "P-0123456789", .bytes = 1536, .calls = 3};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	json_t *object;

	(void)state;
	assert_int_equal(replay_jsonl.render(&item, stream, NULL), 0);
	fclose(stream);

	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	assert_int_equal(json_integer_value(json_object_get(object, "seq")), 9);
	assert_int_equal(json_integer_value(json_object_get(object, "time_ns")),
			 1594534991482000001ll);
	assert_int_equal(json_integer_value(json_object_get(object, "bytes")), 1536);
	assert_int_equal(json_integer_value(json_object_get(object, "calls")), 3);
	assert_string_equal(json_string_value(json_object_get(object, "person")), "P-0123456789");
	assert_string_equal(json_string_value(json_object_get(object, "kind")), "egress");
	json_decref(object);
}

static void a_full_disk_is_told(void **state)
{
	struct event event = given_event();
	struct replay_item item = {.event = &event};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_true(replay_jsonl.render(&item, full, NULL) < 0);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_is_one_line_that_parses),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
