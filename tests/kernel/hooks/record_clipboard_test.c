/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/desk.h"
#include "kernel/kernel_records.h"

#define HEAD_BYTES 24      /* of ChangeProperty */
#define QUIET_NS 800000000 /* more than what the sensor waits for what may still follow */

static const char row[] = "P2020000001,13900001234,li.wei@corp.cn";

static int given_a_desk_and_a_reader(void **state)
{
	int r = desk_sit_down(state);
	const struct desk *desk = *state;

	if (r == 0)
		kernel_records_look(kernel_fixture_sensor(desk->scene->fixture));
	return r;
}

static void add_put(struct desk *desk, const char *text)
{
	size_t at = desk->clerk.batch_bytes;

	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, strlen(text));
	memcpy(display_batch(&desk->clerk) + at + HEAD_BYTES, text, strlen(text));
}

static const struct kernel_records *when_it_is_quiet(const struct desk *desk)
{
	nanosleep(&(struct timespec){.tv_nsec = QUIET_NS}, NULL);
	return kernel_fixture_records(desk->scene->fixture);
}

static void what_is_pasted_counts_as_in_a_file(void **state)
{
	struct desk *desk = *state;
	const struct kernel_records *records;

	desk_given_rows(desk);
	add_put(desk, row);
	display_wait(&desk->clerk);
	records = when_it_is_quiet(desk);
	kernel_records_check(records, row, strlen(row), 3);
	assert_true(records->is_whole);
	assert_int_equal(records->kind, SENSOR_OBJECT_CLIPBOARD);
	coverage_note("records in X11 selections", COVERAGE_EXACT);
}

/* Two numbers that are pasted one after the other are not one long one. */
static void each_paste_is_a_text_of_its_own(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	add_put(desk, "13900001234");
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&desk->thief, true, 100), 11);
	add_put(desk, "13900001235");
	display_wait(&desk->clerk);
	kernel_records_check(when_it_is_quiet(desk), "13900001234 13900001235", 23, 2);
}

static void between_other_requests_and_in_several_buffers_it_counts(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	display_add_nothing(&desk->clerk);
	add_put(desk, row);
	display_add_nothing(&desk->clerk);
	display_send_parts(&desk->clerk, SYS_writev, 1000);
	display_wait(&desk->clerk);
	kernel_records_check(when_it_is_quiet(desk), row, strlen(row), 3);
}

static void written(struct desk *desk, size_t at, size_t bytes)
{
	assert_int_equal(SCENE_CALL(desk->scene, CLERK, SYS_write, desk->clerk.fd,
				    (long)display_batch(&desk->clerk) + (long)at, (long)bytes),
			 (long)bytes);
}

/* By a socket that is full, for one: here between two figures of the number. */
static void a_row_that_two_calls_share_is_no_exact_count(void **state)
{
	struct desk *desk = *state;
	size_t bytes;

	desk_given_rows(desk);
	add_put(desk, row);
	bytes = desk->clerk.batch_bytes;
	written(desk, 0, HEAD_BYTES + 16);
	written(desk, HEAD_BYTES + 16, bytes - HEAD_BYTES - 16);
	desk->clerk.batch_bytes = 0;
	display_wait(&desk->clerk);
	assert_false(when_it_is_quiet(desk)->is_whole);
}

static void put_piece(struct desk *desk, const char *text)
{
	add_put(desk, text);
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&desk->thief, true, 1000), strlen(text));
}

/* ICCCM 2.0, 2.7.2: the size, the pieces, and an empty one. */
static void a_row_that_two_pieces_share_is_no_exact_count(void **state)
{
	struct desk *desk = *state;
	uint32_t incr = display_find_atom(&desk->clerk, "INCR");

	desk_given_rows(desk);
	display_add_put_of_type(&desk->clerk, desk->thief.window, incr, 32, 4);
	display_wait(&desk->clerk);
	desk_paste(&desk->thief, true, 4);
	put_piece(desk, "P2020000001,1390000");
	put_piece(desk, "1234,li.wei@corp.cn");
	put_piece(desk, "");
	assert_false(when_it_is_quiet(desk)->is_whole);
}

static void what_is_whole_behind_the_pieces_is_an_exact_count(void **state)
{
	struct desk *desk = *state;
	uint32_t incr = display_find_atom(&desk->clerk, "INCR");

	desk_given_rows(desk);
	display_add_put_of_type(&desk->clerk, desk->thief.window, incr, 32, 4);
	put_piece(desk, "");
	put_piece(desk, row);
	kernel_records_check(when_it_is_quiet(desk), row, strlen(row), 3);
	assert_true(kernel_fixture_records(desk->scene->fixture)->is_whole);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, given_a_desk_and_a_reader, desk_stand_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_pasted_counts_as_in_a_file),
		STORY(each_paste_is_a_text_of_its_own),
		STORY(between_other_requests_and_in_several_buffers_it_counts),
		STORY(a_row_that_two_calls_share_is_no_exact_count),
		STORY(a_row_that_two_pieces_share_is_no_exact_count),
		STORY(what_is_whole_behind_the_pieces_is_an_exact_count),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0 || !display_is_there())
		return r >= 0 ? r : 0;
	return cmocka_run_group_tests_name("record clipboard", tests, desk_open_display,
					   desk_close_display);
}
