/* SPDX-License-Identifier: GPL-2.0-only */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "replay/replay_text.h"

#define AT 1594534991482000000ull /* 2020-07-12 06:23:11.482 UTC */

static char *render(const struct replay_item *item, bool colour)
{
	struct replay_text_options options = {.colour = colour};
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(replay_text_print(item, &options, stream), 0);
	fclose(stream);
	return text;
}

static void assert_line(const struct replay_item *item, const char *expected)
{
	_cleanup_free_ char *line = render(item, false);

	assert_string_equal(line, expected);
}

static char *labels[] = {"customer.contact"};

static struct event given_egress(void)
{
	return (struct event){
		.kind = EVENT_EGRESS,
		.time_ns = AT,
		.direction = EVENT_DIRECTION_OUT,
		.certainty = EVENT_CERTAINTY_EXACT,
		.app = {.exe = "/usr/bin/curl", .pid = 4711},
		.object = {.kind = EVENT_OBJECT_SOCKET,
			   .role = EVENT_ROLE_SINK,
			   .name = "10.9.0.3:443/tcp",
			   .zone_name = "shop",
			   .zone_kind = "im"},
		.labels = labels,
		.n_labels = 1,
		.bytes_total = 4096,
	};
}

static void an_egress_says_who_what_how_much_and_where_to(void **state)
{
	struct event event = given_egress();
	struct replay_item item = {
		.event = &event, .person = "P-0123456789", .bytes = 1536, .calls = 3};

	(void)state;
	assert_line(&item, "2020-07-12 06:23:11.482  P-0123456789  egress            1.5 KiB"
			   "      3 calls  exact      curl[4711]               -> "
			   "shop (10.9.0.3:443/tcp)  4.0 KiB in all  of customer.contact\n");
}

static void what_comes_in_stands_left_of_the_arrow(void **state)
{
	struct event event = given_egress();
	struct replay_item item = {
		.event = &event, .person = "P-0123456789", .bytes = 4096, .calls = 1, .turns = 2};

	(void)state;
	event.kind = EVENT_CRM_ACCESS;
	event.direction = EVENT_DIRECTION_IN;
	event.object.role = EVENT_ROLE_CRM;
	event.object.zone_name = "crm";
	assert_line(&item, "2020-07-12 06:23:11.482  P-0123456789  crm access        4.0 KiB"
			   "       1 call  exact      crm (10.9.0.3:443/tcp)   -> curl[4711]"
			   "  2 turns  of customer.contact\n");
}

static void an_edge_without_counters_claims_none(void **state)
{
	struct event event = given_egress();
	struct replay_item item = {.event = &event, .person = "P-0123456789"};

	(void)state;
	event.kind = EVENT_EDGE;
	event.bytes_total = 0;
	assert_line(&item, "2020-07-12 06:23:11.482  P-0123456789  edge                     "
			   "                          curl[4711]               -> "
			   "shop (10.9.0.3:443/tcp)  of customer.contact\n");
}

static void a_rename_shows_both_names(void **state)
{
	struct event event = {.kind = EVENT_FILE_RENAME,
			      .time_ns = AT,
			      .app = {.comm = "mv", .pid = 5},
			      .object = {.kind = EVENT_OBJECT_FILE,
					 .previous_name = "/home/~/out.zip",
					 .name = "/home/~/photo.png"}};
	struct replay_item item = {.event = &event, .person = "P-0123456789"};
	_cleanup_free_ char *line = NULL;

	(void)state;
	line = render(&item, false);
	assert_non_null(strstr(line, "file rename"));
	assert_non_null(strstr(line, "mv[5]: /home/~/out.zip -> /home/~/photo.png\n"));
}

static void a_gap_says_how_long_nobody_watched(void **state)
{
	struct event event = {.kind = EVENT_AGENT_GAP,
			      .time_ns = AT,
			      .gap_end_ns = AT + 2500000000ull,
			      .agent = "desk-7",
			      .detail = "the agent was gone; the kernel kept counting"};
	struct replay_item item = {.event = &event};

	(void)state;
	assert_line(&item, "2020-07-12 06:23:11.482  -             agent gap                "
			   "                          desk-7: no agent for 2.5 s  "
			   "the agent was gone; the kernel kept counting\n");
}

/* Columns before the arrow, by the bytes before it less what Chinese takes beyond its columns. */
static size_t column_of_arrow(const char *line, size_t extra_bytes)
{
	return (size_t)(strstr(line, " -> ") - line) - extra_bytes;
}

static void arrows_stay_aligned_when_a_name_is_chinese(void **state)
{
	struct event event = given_egress();
	struct replay_item item = {.event = &event, .person = "P-0123456789", .bytes = 1};
	_cleanup_free_ char *latin = NULL, *chinese = NULL;

	(void)state;
	latin = render(&item, false);
	event.app.exe = "/opt/客户端";
	chinese = render(&item, false);
	/* three characters of three bytes and two columns each */
	assert_int_equal(column_of_arrow(latin, 0), column_of_arrow(chinese, 3));
}

static void a_file_name_cannot_paint_the_terminal(void **state)
{
	struct event event = given_egress();
	struct replay_item item = {.event = &event, .person = "P-0123456789"};
	_cleanup_free_ char *line = NULL;

	(void)state;
	event.object.name = "/tmp/\033]0;owned\007\n2020-07-12 fake line";
	line = render(&item, false);
	assert_null(strchr(line, '\033'));
	assert_null(strchr(line, '\007'));
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void colours_come_only_when_asked_for(void **state)
{
	struct event event = given_egress();
	struct replay_item item = {.event = &event};
	_cleanup_free_ char *plain = NULL, *coloured = NULL;

	(void)state;
	plain = render(&item, false);
	coloured = render(&item, true);
	assert_null(strchr(plain, '\033'));
	assert_non_null(strstr(coloured, "\033[1;31megress"));
}

static void counted_records_stand_behind_their_file(void **state)
{
	struct event event = {.kind = EVENT_RECORDS,
			      .certainty = EVENT_CERTAINTY_EXACT,
			      .object = {.name = "/home/~/out.csv"},
			      .rows = 60};
	struct replay_item item = {.event = &event};
	_cleanup_free_ char *line = NULL, *unknown = NULL;

	(void)state;
	assert_int_equal(event_add_count(&event, "mobile", 58, NULL, 0), 0);
	assert_int_equal(event_add_count(&event, "policy-number", 60, NULL, 0), 0);
	line = render(&item, false);
	assert_non_null(
		strstr(line, "/home/~/out.csv: 58 mobile, 60 policy-number in 60 rows (exact)"));
	for (size_t i = 0; i < event.n_counts; i++) {
		free(event.counts[i].record);
		free(event.counts[i].fingerprints);
	}
	free(event.counts);
	event = (struct event){.kind = EVENT_RECORDS, .object = {.name = "/a"}};
	unknown = render(&item, false);
	assert_non_null(strstr(unknown, "/a: (unknown)"));
}

static void every_kind_is_one_line_even_with_nothing_known(void **state)
{
	(void)state;
	for (enum event_kind kind = EVENT_UNKNOWN; kind <= EVENT_KIND_LAST; kind++) {
		struct event event = {.kind = kind};
		struct replay_item item = {.event = &event};
		_cleanup_free_ char *line = render(&item, false);

		assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	}
}

static void a_full_disk_is_told(void **state)
{
	struct event event = given_egress();
	struct replay_item item = {.event = &event};
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(replay_text_print(&item, NULL, full), -ENOSPC);
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_egress_says_who_what_how_much_and_where_to),
		cmocka_unit_test(what_comes_in_stands_left_of_the_arrow),
		cmocka_unit_test(an_edge_without_counters_claims_none),
		cmocka_unit_test(a_rename_shows_both_names),
		cmocka_unit_test(a_gap_says_how_long_nobody_watched),
		cmocka_unit_test(arrows_stay_aligned_when_a_name_is_chinese),
		cmocka_unit_test(a_file_name_cannot_paint_the_terminal),
		cmocka_unit_test(colours_come_only_when_asked_for),
		cmocka_unit_test(counted_records_stand_behind_their_file),
		cmocka_unit_test(every_kind_is_one_line_even_with_nothing_known),
		cmocka_unit_test(a_full_disk_is_told),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
