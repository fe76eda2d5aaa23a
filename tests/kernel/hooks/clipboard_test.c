/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/display.h"

#define COMPAT_WRITEV 146 /* arch/x86/entry/syscalls/syscall_32.tbl */

/* Who copies, and who pastes, each with a window; the display is one for all stories. */
struct desk {
	struct scene *scene;
	struct display_client clerk, thief;
};

static struct display display;

static struct kernel_totals count_clipboard(const struct desk *desk, bool is_out)
{
	struct kernel_totals totals = {};
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(desk->scene->fixture, &n);

	for (size_t i = 0; i < n; i++) {
		if (flows[i].object.kind != SENSOR_OBJECT_CLIPBOARD || flows[i].is_out != is_out)
			continue;
		assert_false(flows[i].is_estimated);
		totals.bytes += flows[i].bytes;
		totals.calls += flows[i].calls;
		totals.flows++;
	}
	return totals;
}

static void check_passed(const struct desk *desk, uint64_t bytes)
{
	assert_int_equal(count_clipboard(desk, true).bytes, bytes);
	assert_int_equal(count_clipboard(desk, false).bytes, bytes);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"),
			 bytes ? SCENE_TRACE_BYTES : 0);
}

/* But for the memory in which the puppets get their orders. */
static uint64_t count_gaps(const struct desk *desk)
{
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(desk->scene->fixture, &n);
	uint64_t gaps = 0;

	for (size_t i = 0; i < n; i++)
		gaps += flows[i].object.kind == SENSOR_OBJECT_GAP &&
			flows[i].object.ino != SYS_shmat;
	return gaps;
}

static void walk(const struct desk *desk)
{
	assert_int_equal(sensor_walk(kernel_fixture_sensor(desk->scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(desk->scene->fixture).unsettled_objects, 0);
}

static void make_window(struct display_client *client)
{
	display_add_window(client);
	display_wait(client);
}

/* The two reach the server by different names. */
static int sit_down(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	void *scene;

	assert_non_null(desk);
	assert_int_equal(scene_set(&scene), 0);
	desk->scene = scene;
	display_connect(&display, desk->scene, CLERK, false, &desk->clerk);
	display_connect(&display, desk->scene, THIEF, true, &desk->thief);
	make_window(&desk->clerk);
	make_window(&desk->thief);
	*state = desk;
	return 0;
}

static int stand_up(void **state)
{
	struct desk *desk = *state;
	void *scene = desk->scene;

	free(desk);
	return scene_strike(&scene);
}

/* The clerk has the customers, and something to be pasted. */
static void given_rows(struct desk *desk)
{
	scene_read_source(desk->scene, CLERK);
	display_add_selection_owner(&desk->clerk);
	display_send(&desk->clerk);
}

static size_t when_pasted(struct display_client *client, bool is_taken, uint32_t bytes)
{
	display_add_get(client, client->window, is_taken, bytes);
	display_send(client);
	return display_read_answer(client);
}

static void when_copied(struct desk *desk, size_t bytes)
{
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, bytes);
	display_wait(&desk->clerk);
}

static void what_is_pasted_carries_the_label(void **state)
{
	struct desk *desk = *state;

	given_rows(desk);
	when_copied(desk, SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "before"), 0);
	assert_int_equal(when_pasted(&desk->thief, true, SCENE_BYTES), SCENE_BYTES);
	check_passed(desk, SCENE_BYTES);
	assert_int_equal(count_clipboard(desk, true).calls, 1);
	assert_int_equal(count_clipboard(desk, false).calls, 1);
	assert_int_equal(count_gaps(desk), 0);
	coverage_note("X11 selection", COVERAGE_EXACT);
}

/* Later than the walk that opened the gate of all clients; and who comes after it. */
static void clients_are_watched_after_the_walk(void **state)
{
	struct desk *desk = *state;
	struct display_client second;

	given_rows(desk);
	when_copied(desk, 100);
	walk(desk);
	scene_start(desk->scene, SECOND, "second");
	display_connect(&display, desk->scene, SECOND, false, &second);
	make_window(&second);
	display_add_put(&desk->clerk, second.window, DISPLAY_REPLACE, 50);
	display_wait(&desk->clerk);
	assert_int_equal(kernel_fixture_counts(desk->scene->fixture).unsettled_objects, 0);
	assert_int_equal(when_pasted(&second, true, 100), 50);
	assert_int_equal(scene_labelled_bytes(desk->scene, SECOND, "trace"), SCENE_TRACE_BYTES);
	assert_int_equal(when_pasted(&desk->thief, true, 100), 100);
	check_passed(desk, 150);
	puppet_end(desk->scene->stage, SECOND);
}

static void an_innocent_copy_leaves_nothing(void **state)
{
	struct desk *desk = *state;

	display_add_selection_owner(&desk->clerk);
	when_copied(desk, SCENE_BYTES);
	assert_int_equal(when_pasted(&desk->thief, true, SCENE_BYTES), SCENE_BYTES);
	check_passed(desk, 0);
	assert_int_equal(kernel_fixture_count_flows(desk->scene->fixture), 0);
}

/* What was labelled in the same property before is gone. */
static void an_innocent_copy_over_a_labelled_one_is_innocent(void **state)
{
	struct desk *desk = *state;
	struct display_client second;

	scene_start(desk->scene, SECOND, "second");
	display_connect(&display, desk->scene, SECOND, false, &second);
	given_rows(desk);
	when_copied(desk, SCENE_BYTES);
	display_add_put(&second, desk->thief.window, DISPLAY_REPLACE, 80);
	display_wait(&second);
	assert_int_equal(when_pasted(&desk->thief, true, SCENE_BYTES), 80);
	assert_int_equal(count_clipboard(desk, false).bytes, 0);
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
	check_passed(desk, 0);
	assert_int_equal(count_gaps(desk), 0);
}

/* Menus ask all the time what could be pasted. */
static void lists_of_forms_are_not_followed(void **state)
{
	struct desk *desk = *state;

	given_rows(desk);
	display_add_put_of_type(&desk->clerk, desk->thief.window, DISPLAY_ATOM, 32, 40);
	display_wait(&desk->clerk);
	assert_int_equal(when_pasted(&desk->thief, true, 100), 40);
	check_passed(desk, 0);
}

static void only_what_was_asked_for_counts(void **state)
{
	struct desk *desk = *state;

	given_rows(desk);
	when_copied(desk, 1001);
	assert_int_equal(when_pasted(&desk->thief, false, 0), 0);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "asked"), 0);
	assert_int_equal(when_pasted(&desk->thief, true, 400), 400); /* not all: it stays */
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 1001);
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 0);
	assert_int_equal(count_clipboard(desk, true).bytes, 1001);
	assert_int_equal(count_clipboard(desk, false).bytes, 1401);
}

static void what_is_put_in_front_and_behind_counts(void **state)
{
	struct desk *desk = *state;

	given_rows(desk);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 101);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_APPEND, 202);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_PREPEND, 303);
	display_wait(&desk->clerk);
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 606);
	check_passed(desk, 606);
	coverage_note("X11 property in several requests of a write", COVERAGE_EXACT);
}

static void requests_are_found_wherever_they_lie(void **state)
{
	static const size_t part_bytes[] = {5, 7, 24, 25, 100};
	static const long numbers[] = {SYS_writev, SYS_sendmsg};
	struct desk *desk = *state;
	uint64_t sent = 0;

	given_rows(desk);
	for (size_t i = 0; i < 10; i++) {
		display_add_nothing(&desk->clerk);
		display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 201 + i);
		display_add_nothing(&desk->clerk);
		display_add_put(&desk->clerk, desk->thief.window, DISPLAY_APPEND, 50);
		display_send_parts(&desk->clerk, numbers[i % 2], part_bytes[i / 2]);
		display_wait(&desk->clerk);
		sent += 251 + i;
		assert_int_equal(when_pasted(&desk->thief, true, 4000), 251 + i);
	}
	check_passed(desk, sent);
	assert_int_equal(count_gaps(desk), 0);
	coverage_note("X11 selection by writev, sendmsg", COVERAGE_EXACT);
}

static void a_request_may_span_calls(void **state)
{
	struct desk *desk = *state;
	uint8_t *batch = display_batch(&desk->clerk);

	given_rows(desk);
	for (size_t at = 1; at < 60; at += 3) {
		size_t size;

		display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 500);
		size = desk->clerk.batch_bytes;
		desk->clerk.batch_bytes = at;
		display_send(&desk->clerk);
		memmove(batch, batch + at, size - at);
		desk->clerk.batch_bytes = size - at;
		display_wait(&desk->clerk);
		assert_int_equal(when_pasted(&desk->thief, true, 4000), 500);
	}
	check_passed(desk, 20 * 500);
	assert_int_equal(count_gaps(desk), 0);
	coverage_note("X11 request across writes", COVERAGE_EXACT);
}

static void big_requests_are_read(void **state)
{
	struct desk *desk = *state;
	size_t at;

	display_turn_big_on(&desk->clerk);
	given_rows(desk);
	display_add_nothing(&desk->clerk);
	at = desk->clerk.batch_bytes;
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 1500);
	display_make_big(&desk->clerk, at);
	display_send_parts(&desk->clerk, SYS_writev, 10 * 4 + 1);
	display_wait(&desk->clerk);
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 1500);
	check_passed(desk, 1500);
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
	given_rows(desk);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 700);
	memcpy(clerk->vectors, vectors, sizeof(vectors));
	assert_int_equal(
		puppet_compat_call(desk->scene->stage, CLERK, COMPAT_WRITEV,
				   (const long[6]){desk->clerk.fd, (long)clerk->vectors, 2}),
		24 + 700);
	desk->clerk.batch_bytes = 0;
	display_wait(&desk->clerk);
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 700);
	check_passed(desk, 700);
	coverage_note("32-bit X11 selection by writev", COVERAGE_EXACT);
}

/* As ICCCM has it: a number first, then pieces, each after the one before was taken. */
static void pieces_add_up(void **state)
{
	struct desk *desk = *state;

	given_rows(desk);
	display_add_put_of_type(&desk->clerk, desk->thief.window, DISPLAY_INTEGER, 32, 4);
	display_wait(&desk->clerk);
	assert_int_equal(when_pasted(&desk->thief, true, 4), 4);
	for (size_t i = 0; i < 20; i++) {
		when_copied(desk, 1000 + i);
		assert_int_equal(when_pasted(&desk->thief, true, 1 << 20), 1000 + i);
	}
	when_copied(desk, 0);
	assert_int_equal(when_pasted(&desk->thief, true, 1 << 20), 0);
	check_passed(desk, 20190);
	coverage_note("X11 selection in pieces (INCR)", COVERAGE_EXACT);
}

/* The server sleeps until the socket is full: the call returns less than it was asked for. */
static void what_a_short_write_left_out_is_counted_later(void **state)
{
	struct desk *desk = *state;
	const int repeats = 400;
	long sent = 0, asked = 0;

	given_rows(desk);
	SCENE_CALL(desk->scene, CLERK, SYS_fcntl, desk->clerk.fd, F_SETFL, O_NONBLOCK);
	assert_int_equal(kill(display.server, SIGSTOP), 0);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 3001 - 1);
	for (int i = 0; i < repeats; i++) {
		long size = (long)desk->clerk.batch_bytes, at = 0;

		while (at < size) {
			long n = SCENE_CALL(desk->scene, CLERK, SYS_sendto, desk->clerk.fd,
					    (long)display_batch(&desk->clerk) + at, size - at,
					    MSG_NOSIGNAL);

			if (n < 0) {
				assert_int_equal(n, -EAGAIN);
				assert_int_equal(kill(display.server, SIGCONT), 0);
				usleep(1000);
				continue;
			}
			at += n;
			sent += n;
		}
		asked += size;
	}
	kill(display.server, SIGCONT);
	desk->clerk.batch_bytes = 0;
	assert_int_equal(sent, asked);
	SCENE_CALL(desk->scene, CLERK, SYS_fcntl, desk->clerk.fd, F_SETFL, 0);
	display_wait(&desk->clerk);
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 3000);
	assert_int_equal(count_clipboard(desk, true).bytes, repeats * 3000);
	assert_int_equal(count_clipboard(desk, false).bytes, 3000);
	assert_int_equal(count_gaps(desk), 0);
}

static void a_client_of_the_other_byte_order_is_a_gap(void **state)
{
	static const uint8_t hello[12] = {'B', 0, 0, 11};
	struct desk *desk = *state;

	scene_read_source(desk->scene, CLERK);
	display_add_bytes(&desk->clerk, hello, sizeof(hello));
	display_send(&desk->clerk);
	assert_int_equal(count_gaps(desk), 1);
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
	assert_int_equal(count_gaps(desk), 1);
	coverage_note("X11 selection owned before the label (said)", COVERAGE_GAP);
}

static void sendmmsg_to_a_server_is_a_gap(void **state)
{
	struct desk *desk = *state;
	struct puppet *clerk = &desk->scene->stage->puppets[CLERK];

	given_rows(desk);
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, 100);
	clerk->vectors[0] = (struct iovec){display_batch(&desk->clerk), desk->clerk.batch_bytes};
	clerk->message = (struct mmsghdr){.msg_hdr = {.msg_iov = clerk->vectors, .msg_iovlen = 1}};
	assert_int_equal(SCENE_CALL(desk->scene, CLERK, SYS_sendmmsg, desk->clerk.fd,
				    (long)&clerk->message, 1, 0),
			 1);
	assert_int_equal(count_gaps(desk), 1);
	coverage_note("X11 selection by sendmmsg (said)", COVERAGE_GAP);
}

/* Whatever is written there: nobody is labelled by it, and the sensor goes on. */
static void noise_labels_nobody(void **state)
{
	struct desk *desk = *state;
	unsigned int seed = 7;

	given_rows(desk);
	for (int i = 0; i < 300; i++) {
		struct display_client client;
		uint8_t *batch;

		display_connect(&display, desk->scene, CLERK, i & 1, &client);
		batch = display_batch(&client);
		client.batch_bytes =
			1 + (size_t)rand_r(&seed) % (DISPLAY_BATCH_BYTES - 4000 + 1000);
		for (size_t at = 0; at < client.batch_bytes; at++)
			batch[at] = (uint8_t)(rand_r(&seed) % (i % 3 ? 256 : 26));
		SCENE_CALL(desk->scene, CLERK, SYS_sendto, client.fd, (long)batch,
			   (long)client.batch_bytes, MSG_NOSIGNAL);
		SCENE_CALL(desk->scene, CLERK, SYS_close, client.fd);
	}
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 0);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), 0);
	when_copied(desk, 300);
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 300);
	assert_int_equal(count_clipboard(desk, false).bytes, 300);
}

/* Windows go, and others get their ids. */
static void what_nobody_takes_is_forgotten(void **state)
{
	struct desk *desk = *state;

	given_rows(desk);
	when_copied(desk, 100);
	for (int i = 0; i < 9; i++)
		assert_int_equal(sensor_walk(kernel_fixture_sensor(desk->scene->fixture)), 0);
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 100);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), 0);
	when_copied(desk, 200);
	assert_int_equal(when_pasted(&desk->thief, true, 4000), 200);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "again"), SCENE_TRACE_BYTES);
	coverage_note("X11 property left for half a minute", COVERAGE_GAP);
}

static int open_display(void **state)
{
	(void)state;
	return display_start(&display) ? 0 : -1;
}

static int close_display(void **state)
{
	(void)state;
	display_stop(&display);
	return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, sit_down, stand_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_pasted_carries_the_label),
		STORY(clients_are_watched_after_the_walk),
		STORY(an_innocent_copy_leaves_nothing),
		STORY(an_innocent_copy_over_a_labelled_one_is_innocent),
		STORY(titles_are_not_followed),
		STORY(lists_of_forms_are_not_followed),
		STORY(only_what_was_asked_for_counts),
		STORY(what_is_put_in_front_and_behind_counts),
		STORY(requests_are_found_wherever_they_lie),
		STORY(a_request_may_span_calls),
		STORY(big_requests_are_read),
		STORY(what_32_bit_clients_write_is_read),
		STORY(pieces_add_up),
		STORY(what_a_short_write_left_out_is_counted_later),
		STORY(a_client_of_the_other_byte_order_is_a_gap),
		STORY(data_to_a_window_of_unknown_owner_is_a_gap),
		STORY(sendmmsg_to_a_server_is_a_gap),
		STORY(noise_labels_nobody),
		STORY(what_nobody_takes_is_forgotten),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, open_display, close_display);
}
