/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/desk.h"
#include "kernel/selection.h"

#define COMPAT_WRITEV 146 /* arch/x86/entry/syscalls/syscall_32.tbl */

static void what_is_pasted_carries_the_label(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	desk_copy(desk, SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "before"), 0);
	assert_int_equal(desk_paste(&desk->thief, true, SCENE_BYTES), SCENE_BYTES);
	desk_check_passed(desk, SCENE_BYTES);
	assert_int_equal(desk_count(desk, true).calls, 1);
	assert_int_equal(desk_count(desk, false).calls, 1);
	assert_int_equal(desk_count_gaps(desk), 0);
	coverage_note("X11 selection", COVERAGE_EXACT);
}

/* Later than the walk that opened the gate of all clients; and who comes after it. */
static void clients_are_watched_after_the_walk(void **state)
{
	struct desk *desk = *state;
	struct display_client second;

	desk_given_rows(desk);
	desk_copy(desk, 100);
	desk_walk(desk);
	scene_start(desk->scene, SECOND, "second");
	display_connect(desk->display, desk->scene, SECOND, false, &second);
	desk_make_window(&second);
	display_add_put(&desk->clerk, second.window, DISPLAY_REPLACE, 50);
	display_wait(&desk->clerk);
	assert_int_equal(kernel_fixture_counts(desk->scene->fixture).unsettled_objects, 0);
	assert_int_equal(desk_paste(&second, true, 100), 50);
	assert_int_equal(scene_labelled_bytes(desk->scene, SECOND, "trace"), SCENE_TRACE_BYTES);
	assert_int_equal(desk_paste(&desk->thief, true, 100), 100);
	desk_check_passed(desk, 150);
	puppet_end(desk->scene->stage, SECOND);
}

/* It is there before anything is labelled, and takes whatever is copied as soon as it is told. */
static void a_clipboard_manager_keeps_the_label(void **state)
{
	struct desk *desk = *state;
	struct display_client keeper;

	scene_start(desk->scene, SECOND, "keeper");
	display_connect(desk->display, desk->scene, SECOND, false, &keeper);
	desk_make_window(&keeper);
	selection_watch(&keeper);
	assert_int_equal(scene_labelled_bytes(desk->scene, SECOND, "before"), 0);
	desk_given_rows(desk);
	assert_int_equal(selection_wait_for_owner(&keeper), desk->clerk.window);
	selection_pass(&desk->clerk, &keeper, 700);
	display_add_selection_owner(&keeper);
	display_send(&keeper);
	assert_int_equal(selection_wait_for_owner(&keeper), keeper.window);
	selection_pass(&keeper, &desk->thief, 600);
	desk_check_passed(desk, 1300);
	assert_int_equal(desk_count_gaps(desk), 0);
	coverage_note("X11 selection kept by a clipboard manager (XFixes)", COVERAGE_EXACT);
	puppet_end(desk->scene->stage, SECOND);
}

static void only_what_was_asked_for_counts(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	desk_copy(desk, 1001);
	assert_int_equal(desk_paste(&desk->thief, false, 0), 0);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "asked"), 0);
	assert_int_equal(desk_paste(&desk->thief, true, 400), 400); /* not all: it stays */
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 1001);
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 0);
	assert_int_equal(desk_count(desk, true).bytes, 1001);
	assert_int_equal(desk_count(desk, false).bytes, 1401);
}

static void what_is_put_in_front_and_behind_counts(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 101);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_APPEND, 202);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_PREPEND, 303);
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 606);
	desk_check_passed(desk, 606);
	coverage_note("X11 property in several requests of a write", COVERAGE_EXACT);
}

/* What one write asks for is told property by property. */
static void what_is_asked_for_at_once_is_told_apart(void **state)
{
	static const size_t sizes[] = {100, 250, 430};
	struct desk *desk = *state;
	const struct sensor_flow *flows;
	size_t n, pairs = 0;

	desk_given_rows(desk);
	for (size_t i = 0; i < 3; i++) {
		desk->thief.window++; /* one property each */
		desk_make_window(&desk->thief);
		desk_copy(desk, sizes[i]);
	}
	desk->thief.window -= 3;
	for (size_t i = 0; i < 3; i++) {
		desk->thief.window++;
		display_add_get(&desk->thief, desk->thief.window, true, 1000);
	}
	display_send(&desk->thief);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(display_read_answer(&desk->thief), sizes[i]);
	desk_check_passed(desk, 780);
	flows = kernel_fixture_flows(desk->scene->fixture, &n);
	for (size_t i = 0; i < n * n; i++) {
		const struct sensor_flow *put = &flows[i / n], *got = &flows[i % n];

		pairs += put->object.kind == SENSOR_OBJECT_CLIPBOARD && put->is_out &&
			 !got->is_out && got->object.kind == put->object.kind &&
			 got->object.ino == put->object.ino && got->bytes == put->bytes;
	}
	assert_int_equal(pairs, 3);
	coverage_note("X11 properties asked for in one write", COVERAGE_EXACT);
}

static void requests_are_found_wherever_they_lie(void **state)
{
	static const size_t part_bytes[] = {5, 7, 24, 25, 100};
	static const long numbers[] = {SYS_writev, SYS_sendmsg};
	struct desk *desk = *state;
	uint64_t sent = 0;

	desk_given_rows(desk);
	for (size_t i = 0; i < 10; i++) {
		display_add_nothing(&desk->clerk);
		display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 201 + i);
		display_add_nothing(&desk->clerk);
		display_add_put(&desk->clerk, desk->thief.window, DISPLAY_APPEND, 50);
		display_send_parts(&desk->clerk, numbers[i % 2], part_bytes[i / 2]);
		display_wait(&desk->clerk);
		sent += 251 + i;
		assert_int_equal(desk_paste(&desk->thief, true, 4000), 251 + i);
	}
	desk_check_passed(desk, sent);
	assert_int_equal(desk_count_gaps(desk), 0);
	coverage_note("X11 selection by writev, sendmsg", COVERAGE_EXACT);
}

static void a_request_may_span_calls(void **state)
{
	struct desk *desk = *state;
	uint8_t *batch = display_batch(&desk->clerk);

	desk_given_rows(desk);
	for (size_t at = 1; at < 60; at += 3) {
		size_t size;

		display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 500);
		size = desk->clerk.batch_bytes;
		desk->clerk.batch_bytes = at;
		display_send(&desk->clerk);
		memmove(batch, batch + at, size - at);
		desk->clerk.batch_bytes = size - at;
		display_wait(&desk->clerk);
		assert_int_equal(desk_paste(&desk->thief, true, 4000), 500);
	}
	desk_check_passed(desk, 20 * 500);
	assert_int_equal(desk_count_gaps(desk), 0);
	coverage_note("X11 request across writes", COVERAGE_EXACT);
}

static void big_requests_are_read(void **state)
{
	struct desk *desk = *state;
	size_t at;

	display_turn_big_on(&desk->clerk);
	desk_given_rows(desk);
	display_add_nothing(&desk->clerk);
	at = desk->clerk.batch_bytes;
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 1500);
	display_make_big(&desk->clerk, at);
	display_send_parts(&desk->clerk, SYS_writev, 10 * 4 + 1);
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 1500);
	desk_check_passed(desk, 1500);
	coverage_note("X11 BIG-REQUESTS", COVERAGE_EXACT);
}

struct compat_vector { /* struct compat_iovec */
	uint32_t base, bytes;
};

static void what_32_bit_clients_write_is_read(void **state)
{
	struct desk *desk = *state;
	struct puppet *clerk = &desk->scene->stage->puppets[CLERK];
	uint32_t batch = (uint32_t)(uintptr_t)display_batch(&desk->clerk);
	const struct compat_vector vectors[2] = {{batch, 11}, {batch + 11, 24 + 700 - 11}};

	if (!actor_compat_is_there()) {
		print_message("# skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	desk_given_rows(desk);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 700);
	memcpy(clerk->vectors, vectors, sizeof(vectors));
	assert_int_equal(
		puppet_compat_call(desk->scene->stage, CLERK, COMPAT_WRITEV,
				   (const long[6]){desk->clerk.fd, (long)clerk->vectors, 2}),
		24 + 700);
	desk->clerk.batch_bytes = 0;
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 700);
	desk_check_passed(desk, 700);
	coverage_note("32-bit X11 selection by writev", COVERAGE_EXACT);
}

/* As ICCCM has it: a number first, then pieces, each after the one before was taken. */
static void pieces_add_up(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	display_add_put_of_type(&desk->clerk, desk->thief.window, DISPLAY_INTEGER, 32, 4);
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&desk->thief, true, 4), 4);
	for (size_t i = 0; i < 20; i++) {
		desk_copy(desk, 1000 + i);
		assert_int_equal(desk_paste(&desk->thief, true, 1 << 20), 1000 + i);
	}
	desk_copy(desk, 0);
	assert_int_equal(desk_paste(&desk->thief, true, 1 << 20), 0);
	desk_check_passed(desk, 20190);
	coverage_note("X11 selection in pieces (INCR)", COVERAGE_EXACT);
}

/* The server sleeps until the socket is full: the call returns less than it was asked for. */
static void what_a_short_write_left_out_is_counted_later(void **state)
{
	struct desk *desk = *state;
	const int repeats = 400;
	long sent = 0, asked = 0;

	desk_given_rows(desk);
	SCENE_CALL(desk->scene, CLERK, SYS_fcntl, desk->clerk.fd, F_SETFL, O_NONBLOCK);
	assert_int_equal(kill(desk->display->server, SIGSTOP), 0);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 3001 - 1);
	for (int i = 0; i < repeats; i++) {
		long size = (long)desk->clerk.batch_bytes, at = 0;

		while (at < size) {
			long n = SCENE_CALL(desk->scene, CLERK, SYS_sendto, desk->clerk.fd,
					    (long)display_batch(&desk->clerk) + at, size - at,
					    MSG_NOSIGNAL);

			if (n < 0) {
				assert_int_equal(n, -EAGAIN);
				assert_int_equal(kill(desk->display->server, SIGCONT), 0);
				usleep(1000);
				continue;
			}
			at += n;
			sent += n;
		}
		asked += size;
	}
	kill(desk->display->server, SIGCONT);
	desk->clerk.batch_bytes = 0;
	assert_int_equal(sent, asked);
	SCENE_CALL(desk->scene, CLERK, SYS_fcntl, desk->clerk.fd, F_SETFL, 0);
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 3000);
	assert_int_equal(desk_count(desk, true).bytes, repeats * 3000);
	assert_int_equal(desk_count(desk, false).bytes, 3000);
	assert_int_equal(desk_count_gaps(desk), 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, desk_sit_down, desk_stand_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_pasted_carries_the_label),
		STORY(clients_are_watched_after_the_walk),
		STORY(a_clipboard_manager_keeps_the_label),
		STORY(only_what_was_asked_for_counts),
		STORY(what_is_put_in_front_and_behind_counts),
		STORY(what_is_asked_for_at_once_is_told_apart),
		STORY(requests_are_found_wherever_they_lie),
		STORY(a_request_may_span_calls),
		STORY(big_requests_are_read),
		STORY(what_32_bit_clients_write_is_read),
		STORY(pieces_add_up),
		STORY(what_a_short_write_left_out_is_counted_later),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	if (!display_is_there())
		return 0;
	return cmocka_run_group_tests(tests, desk_open_display, desk_close_display);
}
