/* SPDX-License-Identifier: GPL-2.0-only */
/* What is not followed, because it is none of the clipboard, or because it cannot be. */
#include <endian.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/desk.h"

static void an_innocent_copy_leaves_nothing(void **state)
{
	struct desk *desk = *state;

	display_add_selection_owner(&desk->clerk);
	desk_copy(desk, SCENE_BYTES);
	assert_int_equal(desk_paste(&desk->thief, true, SCENE_BYTES), SCENE_BYTES);
	desk_check_passed(desk, 0);
	assert_int_equal(kernel_fixture_count_flows(desk->scene->fixture), 0);
}

/* What was labelled in the same property before is gone. */
static void an_innocent_copy_over_a_labelled_one_is_innocent(void **state)
{
	struct desk *desk = *state;
	struct display_client second;

	scene_start(desk->scene, SECOND, "second");
	display_connect(desk->display, desk->scene, SECOND, false, &second);
	desk_given_rows(desk);
	desk_copy(desk, SCENE_BYTES);
	display_add_put(&second, desk->thief.window, DISPLAY_REPLACE, 80);
	display_wait(&second);
	assert_int_equal(desk_paste(&desk->thief, true, SCENE_BYTES), 80);
	assert_int_equal(desk_count(desk, false).bytes, 0);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), 0);
	puppet_end(desk->scene->stage, SECOND);
}

static void titles_are_not_followed(void **state)
{
	struct desk *desk = *state;

	scene_read_source(desk->scene, CLERK);
	/* Whose window it is is not known yet; then it is. */
	display_add_put(&desk->clerk, desk->clerk.window, DISPLAY_REPLACE, 60);
	display_add_selection_owner(&desk->clerk);
	display_add_put(&desk->clerk, desk->clerk.window, DISPLAY_REPLACE, 70);
	display_wait(&desk->clerk);
	display_add_get(&desk->thief, desk->clerk.window, false, 100);
	display_send(&desk->thief);
	assert_int_equal(display_read_answer(&desk->thief), 70);
	desk_check_passed(desk, 0);
	assert_int_equal(desk_count_gaps(desk), 0);
}

/* Menus ask all the time what could be pasted. */
static void lists_of_forms_are_not_followed(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	display_add_put_of_type(&desk->clerk, desk->thief.window, DISPLAY_ATOM, 32, 40);
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&desk->thief, true, 100), 40);
	desk_check_passed(desk, 0);
}

static void a_client_of_the_other_byte_order_is_a_gap(void **state)
{
	static const uint8_t hello[12] = {'B', 0, 0, 11};
	struct desk *desk = *state;

	scene_read_source(desk->scene, CLERK);
	display_add_bytes(&desk->clerk, hello, sizeof(hello));
	display_send(&desk->clerk);
	assert_int_equal(desk_count_gaps(desk), 1);
	coverage_note("X11 client of the other byte order (said)", COVERAGE_GAP);
}

/* It tells another client that there is something in a window, of which nobody knows whose it is:
 * it made its own before it was labelled. */
static void data_to_a_window_of_unknown_owner_is_a_gap(void **state)
{
	uint8_t event[44] = {25, 0, 11};
	struct desk *desk = *state;

	scene_read_source(desk->scene, CLERK);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 100);
	memcpy(event + 4, &desk->thief.window, sizeof(desk->thief.window));
	event[12] = 31;
	display_add_bytes(&desk->clerk, event, sizeof(event));
	display_wait(&desk->clerk);
	assert_int_equal(desk_count_gaps(desk), 1);
	coverage_note("X11 selection owned before the label (said)", COVERAGE_GAP);
}

static void sendmmsg_to_a_server_is_a_gap(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 100);
	display_send_messages(&desk->clerk);
	assert_int_equal(desk_count_gaps(desk), 1);
	coverage_note("X11 selection by sendmmsg (said)", COVERAGE_GAP);
}

/* Who pastes holds no label yet, and does not get one: the gap has that of what it may have taken.
 */
static void check_taken_unseen(const struct desk *desk)
{
	const struct sensor_flow *flows;
	uint64_t gaps = 0;
	size_t n;

	flows = kernel_fixture_flows(desk->scene->fixture, &n);
	for (size_t i = 0; i < n; i++) {
		if (flows[i].object.kind != SENSOR_OBJECT_GAP || flows[i].is_out)
			continue;
		assert_int_equal(flows[i].labels,
				 kernel_fixture_label(desk->scene->fixture, "customer"));
		gaps++;
	}
	assert_int_equal(gaps, 1);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), 0);
}

static void what_is_asked_for_by_sendmmsg_is_a_gap(void **state)
{
	struct desk *desk = *state;

	/* Nothing is on its way yet. */
	scene_read_source(desk->scene, CLERK);
	display_add_get(&desk->thief, desk->thief.window, false, 100);
	display_send_messages(&desk->thief);
	assert_int_equal(display_read_answer(&desk->thief), 0);
	assert_int_equal(desk_count_gaps(desk), 0);
	desk_given_rows(desk);
	desk_copy(desk, 100);
	display_add_get(&desk->thief, desk->thief.window, true, 100);
	display_send_messages(&desk->thief);
	assert_int_equal(display_read_answer(&desk->thief), 100);
	check_taken_unseen(desk);
	coverage_note("X11 selection taken by sendmmsg (said)", COVERAGE_GAP);
}

static void what_a_client_of_the_other_byte_order_takes_is_a_gap(void **state)
{
	static const uint8_t hello[12] = {'B', 0, 0, 11};
	uint8_t get[24] = {20, 0, 0, 6, [11] = DISPLAY_PROPERTY, [23] = 100}, answer[32], *rest;
	struct desk *desk = *state;
	struct display_client swapped;
	uint32_t window = htobe32(desk->thief.window);
	size_t size;

	desk_given_rows(desk);
	desk_copy(desk, 100);
	display_reach(desk->display, desk->scene, THIEF, true, &swapped);
	display_add_bytes(&swapped, hello, sizeof(hello));
	display_send(&swapped);
	display_read(&swapped, answer, 8);
	assert_int_equal(answer[0], 1);
	size = (answer[6] << 8 | answer[7]) * 4u;
	rest = malloc(size);
	display_read(&swapped, rest, size);
	free(rest);
	memcpy(get + 4, &window, sizeof(window));
	display_add_bytes(&swapped, get, sizeof(get));
	display_send(&swapped);
	display_read(&swapped, answer, sizeof(answer));
	assert_int_equal(answer[19], 100);
	check_taken_unseen(desk);
	coverage_note("X11 selection taken in the other byte order (said)", COVERAGE_GAP);
}

/* The server answers the first request with an error, and gives what the next one asks for. */
static void paste_behind(struct display_client *client, const uint8_t *request, size_t bytes,
			 uint32_t window)
{
	uint8_t error[32];

	display_add_bytes(client, request, bytes);
	display_add_get(client, window, true, 100);
	display_send(client);
	display_read(client, error, sizeof(error));
	assert_int_equal(error[0], 0);
	assert_int_equal(display_read_answer(client), 100);
}

/* By a client that is followed from its first byte on. */
static void check_taken_behind(struct desk *desk, const uint8_t *request, size_t bytes)
{
	struct display_client second;

	desk_given_rows(desk);
	desk_copy(desk, 100);
	display_connect(desk->display, desk->scene, THIEF, true, &second);
	paste_behind(&second, request, bytes, desk->thief.window);
	desk_check_passed(desk, 100);
	assert_int_equal(desk_count_gaps(desk), 0);
}

/* BadLength of four bytes, and not BIG-REQUESTS, which the client has not turned on: what follows
 * is no length, but the next request. ReadRequestFromClient(), os/io.c of the X server */
static void a_request_of_no_length_hides_nothing(void **state)
{
	static const uint8_t request[4] = {127};
	check_taken_behind(*state, request, sizeof(request));
	coverage_note("X11 selection taken behind a request of no length", COVERAGE_EXACT);
}

/* It may have turned BIG-REQUESTS on before anybody looked. */
static void a_request_of_no_length_of_an_older_client_is_a_gap(void **state)
{
	static const uint8_t request[4] = {127};
	struct desk *desk = *state;

	desk_given_rows(desk);
	desk_copy(desk, 100);
	paste_behind(&desk->thief, request, sizeof(request), desk->thief.window);
	check_taken_unseen(desk);
	coverage_note("X11 selection taken behind one, by an older client (said)", COVERAGE_GAP);
}

static void a_length_that_no_server_takes_is_a_gap(void **state)
{
	static const uint8_t request[8] = {127, [4] = 0, 0, 0x40, 0};
	struct desk *desk = *state;

	desk_given_rows(desk);
	desk_copy(desk, 100);
	display_turn_big_on(&desk->thief);
	display_add_bytes(&desk->thief, request, sizeof(request));
	display_send(&desk->thief);
	assert_int_equal(desk_count_gaps(desk), 1);
}

/* As the first message of a connection it would be longer. */
static void a_second_greeting_hides_nothing(void **state)
{
	static const uint8_t request[44] = {'l', 0, 11, [6] = 0xff, 0xff, 0xff, 0xff};
	check_taken_behind(*state, request, sizeof(request));
}

/* It serves what others paste, from before anything was labelled on; nobody takes a label by it. */
static void an_innocent_owner_from_before_is_no_gap(void **state)
{
	uint8_t event[44] = {25, 0, 11};
	struct desk *desk = *state;

	desk_given_rows(desk);
	desk_copy(desk, 100);
	desk_walk(desk);
	display_add_put(&desk->thief, desk->clerk.window, DISPLAY_REPLACE, 100);
	memcpy(event + 4, &desk->clerk.window, sizeof(desk->clerk.window));
	event[12] = 31;
	display_add_bytes(&desk->thief, event, sizeof(event));
	display_wait(&desk->thief);
	assert_int_equal(desk_count_gaps(desk), 0);
}

/* Whatever is written there: nobody is labelled by it, and the sensor goes on. */
static void noise_labels_nobody(void **state)
{
	struct desk *desk = *state;
	unsigned int seed = 7;

	desk_given_rows(desk);
	for (int i = 0; i < 300; i++) {
		struct display_client client;
		uint8_t *batch;

		display_connect(desk->display, desk->scene, CLERK, i & 1, &client);
		batch = display_batch(&client);
		client.batch_bytes =
			1 + (size_t)rand_r(&seed) % (DISPLAY_BATCH_BYTES - 4000 + 1000);
		for (size_t at = 0; at < client.batch_bytes; at++)
			batch[at] = (uint8_t)(rand_r(&seed) % (i % 3 ? 256 : 26));
		SCENE_CALL(desk->scene, CLERK, SYS_sendto, client.fd, (long)batch,
			   (long)client.batch_bytes, MSG_NOSIGNAL);
		SCENE_CALL(desk->scene, CLERK, SYS_close, client.fd);
	}
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 0);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), 0);
	desk_copy(desk, 300);
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 300);
	assert_int_equal(desk_count(desk, false).bytes, 300);
}

/* Windows go, and others get their ids. */
static void what_nobody_takes_is_forgotten(void **state)
{
	struct desk *desk = *state;

	desk_given_rows(desk);
	desk_copy(desk, 100);
	for (int i = 0; i < 9; i++)
		assert_int_equal(sensor_walk(kernel_fixture_sensor(desk->scene->fixture)), 0);
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 100);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), 0);
	desk_copy(desk, 200);
	assert_int_equal(desk_paste(&desk->thief, true, 4000), 200);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "again"), SCENE_TRACE_BYTES);
	coverage_note("X11 property left for half a minute", COVERAGE_GAP);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, desk_sit_down, desk_stand_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(an_innocent_copy_leaves_nothing),
		STORY(an_innocent_copy_over_a_labelled_one_is_innocent),
		STORY(titles_are_not_followed),
		STORY(lists_of_forms_are_not_followed),
		STORY(a_client_of_the_other_byte_order_is_a_gap),
		STORY(data_to_a_window_of_unknown_owner_is_a_gap),
		STORY(sendmmsg_to_a_server_is_a_gap),
		STORY(what_is_asked_for_by_sendmmsg_is_a_gap),
		STORY(what_a_client_of_the_other_byte_order_takes_is_a_gap),
		STORY(a_request_of_no_length_hides_nothing),
		STORY(a_request_of_no_length_of_an_older_client_is_a_gap),
		STORY(a_length_that_no_server_takes_is_a_gap),
		STORY(a_second_greeting_hides_nothing),
		STORY(an_innocent_owner_from_before_is_no_gap),
		STORY(noise_labels_nobody),
		STORY(what_nobody_takes_is_forgotten),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	if (!display_is_there())
		return 0;
	return cmocka_run_group_tests(tests, desk_open_display, desk_close_display);
}
