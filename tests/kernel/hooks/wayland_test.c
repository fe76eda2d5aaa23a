/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/wayland.h"

static void check_told_as(const struct wayland *wayland, enum sensor_object_kind kind)
{
	enum sensor_object_kind other =
		kind == SENSOR_OBJECT_PIPE ? SENSOR_OBJECT_CLIPBOARD : SENSOR_OBJECT_PIPE;

	assert_int_equal(wayland_count(wayland, kind, true), SCENE_BYTES);
	assert_int_equal(wayland_count(wayland, kind, false), SCENE_BYTES);
	assert_int_equal(wayland_count(wayland, other, true), 0);
	assert_int_equal(wayland_count(wayland, other, false), 0);
}

/* The thief is labelled by what it reads, and was not before. */
static void check_pasted(const struct wayland *wayland, int fd)
{
	assert_int_equal(scene_labelled_bytes(wayland->scene, THIEF, "before"), 0);
	wayland_read(wayland, THIEF, fd);
	assert_int_equal(scene_labelled_bytes(wayland->scene, THIEF, "after"), SCENE_TRACE_BYTES);
}

static void what_is_pasted_is_told_as_a_clipboard(void **state)
{
	const struct wayland *wayland = *state;
	int from, to;

	scene_read_source(wayland->scene, CLERK);
	wayland_ask(wayland, CLERK, &from, &to);
	wayland_write(wayland, CLERK, to);
	check_pasted(wayland, from);
	check_told_as(wayland, SENSOR_OBJECT_CLIPBOARD);
	coverage_note("Wayland selection", COVERAGE_EXACT);
}

static void what_is_dropped_is_told_as_a_clipboard(void **state)
{
	const struct wayland *wayland = *state;
	int from, to;

	scene_read_source(wayland->scene, CLERK);
	wayland_drag(wayland, CLERK, &from, &to);
	wayland_write(wayland, CLERK, to);
	check_pasted(wayland, from);
	check_told_as(wayland, SENSOR_OBJECT_CLIPBOARD);
	/* Nothing of what was said on the way is taken for a picture. */
	assert_int_equal(wayland_count(wayland, SENSOR_OBJECT_SCREEN, false), 0);
	coverage_note("Wayland drag and drop", COVERAGE_EXACT);
}

/* All that is passed by a message is looked at, and not only the first. */
static void many_pipes_may_come_at_once(void **state)
{
	const struct wayland *wayland = *state;
	int reads[WAYLAND_PIPES_MAX], writes[WAYLAND_PIPES_MAX], ends[2];

	scene_read_source(wayland->scene, CLERK);
	for (int i = 0; i < WAYLAND_PIPES_MAX; i++) {
		wayland_make_pipe(wayland, THIEF, ends);
		reads[i] = ends[0];
		writes[i] = ends[1];
	}
	wayland_pass(wayland, THIEF, writes, WAYLAND_PIPES_MAX);
	assert_int_equal(wayland_take_from(wayland, THIEF, writes), WAYLAND_PIPES_MAX);
	wayland_pass_to(wayland, CLERK, writes, WAYLAND_PIPES_MAX);
	for (int i = 0; i < WAYLAND_PIPES_MAX; i++)
		close(writes[i]);
	assert_int_equal(wayland_take(wayland, CLERK, writes), WAYLAND_PIPES_MAX);
	wayland_write(wayland, CLERK, writes[WAYLAND_PIPES_MAX - 1]);
	check_pasted(wayland, reads[WAYLAND_PIPES_MAX - 1]);
	check_told_as(wayland, SENSOR_OBJECT_CLIPBOARD);
}

static void a_pipe_that_comes_another_way_stays_a_pipe(void **state)
{
	struct wayland *wayland = *state;
	int from, to;

	close(wayland->ends[CLERK]);
	close(wayland->ends[THIEF]);
	wayland_listen(wayland, "portal");
	wayland_connect(wayland, CLERK);
	wayland_connect(wayland, THIEF);
	scene_read_source(wayland->scene, CLERK);
	wayland_ask(wayland, CLERK, &from, &to);
	wayland_write(wayland, CLERK, to);
	check_pasted(wayland, from);
	check_told_as(wayland, SENSOR_OBJECT_PIPE);
}

/* Nothing was labelled yet when the pipe came, and so nobody looked. */
static void a_pipe_that_came_before_the_label_carries_it(void **state)
{
	const struct wayland *wayland = *state;
	int from, to;

	wayland_ask(wayland, CLERK, &from, &to);
	scene_read_source(wayland->scene, CLERK);
	wayland_write(wayland, CLERK, to);
	check_pasted(wayland, from);
}

static void clients_of_32_bits_are_read(void **state)
{
	const struct wayland *wayland = *state;
	int ends[2], fds[WAYLAND_PIPES_MAX];

	if (!actor_compat_is_there()) {
		print_message("# skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	scene_read_source(wayland->scene, CLERK);
	wayland_make_pipe(wayland, THIEF, ends);
	/* Not over the compositor, whose own call would tell. */
	wayland_pass(wayland, THIEF, &ends[1], 1);
	SCENE_CALL(wayland->scene, THIEF, SYS_close, ends[1]);
	assert_int_equal(wayland_take_from(wayland, THIEF, fds), 1);
	wayland_pass_to(wayland, CLERK, fds, 1);
	close(fds[0]);
	wayland_write(wayland, CLERK, wayland_take_compat(wayland, CLERK));
	check_pasted(wayland, ends[0]);
	check_told_as(wayland, SENSOR_OBJECT_CLIPBOARD);
}

/* The compositor reads the selection as soon as there is one. */
static void when_kept(const struct wayland *wayland, uint32_t owner)
{
	char bytes[SCENE_BYTES];
	int ends[2], fds[WAYLAND_PIPES_MAX];

	assert_int_equal(pipe(ends), 0);
	wayland_pass_to(wayland, owner, &ends[1], 1);
	close(ends[1]);
	assert_int_equal(wayland_take(wayland, owner, fds), 1);
	wayland_write(wayland, owner, fds[0]);
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), sizeof(bytes));
	close(ends[0]);
}

/* The end that the thief reads it from. */
static int when_handed_on(const struct wayland *wayland)
{
	static const char bytes[SCENE_BYTES] = {};
	int ends[2], fds[WAYLAND_PIPES_MAX];

	wayland_make_pipe(wayland, THIEF, ends);
	wayland_pass(wayland, THIEF, &ends[1], 1);
	SCENE_CALL(wayland->scene, THIEF, SYS_close, ends[1]);
	assert_int_equal(wayland_take_from(wayland, THIEF, fds), 1);
	assert_int_equal(write(fds[0], bytes, sizeof(bytes)), sizeof(bytes));
	close(fds[0]);
	return ends[0];
}

static void what_the_compositor_keeps_keeps_its_label(void **state)
{
	const struct wayland *wayland = *state;
	int from;

	scene_read_source(wayland->scene, CLERK);
	when_kept(wayland, CLERK);
	from = when_handed_on(wayland);
	check_pasted(wayland, from);
	assert_int_equal(wayland_count(wayland, SENSOR_OBJECT_CLIPBOARD, false), SCENE_BYTES);
	coverage_note("Wayland selection kept by the compositor", COVERAGE_EXACT);
}

static void nothing_else_of_the_compositor_is_labelled(void **state)
{
	const struct wayland *wayland = *state;
	static const char bytes[SCENE_BYTES] = {};
	int ends[2];

	scene_read_source(wayland->scene, CLERK);
	when_kept(wayland, CLERK);
	/* What it makes and sends itself: a pipe of another kind, and events. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	close(ends[1]);
	wayland_pass_to(wayland, THIEF, &ends[0], 1);
	close(ends[0]);
	assert_int_equal(wayland_take(wayland, THIEF, ends), 1);
	wayland_read(wayland, THIEF, ends[0]);
	assert_int_equal(scene_labelled_bytes(wayland->scene, THIEF, "after"), 0);
}

/* Two selections later: of each kind there is one. */
static void what_was_copied_since_is_not_labelled(void **state)
{
	struct wayland *wayland = *state;

	scene_read_source(wayland->scene, CLERK);
	when_kept(wayland, CLERK);
	scene_start(wayland->scene, SECOND, "second");
	wayland_connect(wayland, SECOND);
	when_kept(wayland, SECOND);
	when_kept(wayland, SECOND);
	wayland_read(wayland, THIEF, when_handed_on(wayland));
	assert_int_equal(scene_labelled_bytes(wayland->scene, THIEF, "after"), 0);
	puppet_end(wayland->scene->stage, SECOND);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, wayland_open, wayland_close)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_pasted_is_told_as_a_clipboard),
		STORY(what_is_dropped_is_told_as_a_clipboard),
		STORY(many_pipes_may_come_at_once),
		STORY(a_pipe_that_comes_another_way_stays_a_pipe),
		STORY(a_pipe_that_came_before_the_label_carries_it),
		STORY(clients_of_32_bits_are_read),
		STORY(what_the_compositor_keeps_keeps_its_label),
		STORY(nothing_else_of_the_compositor_is_labelled),
		STORY(what_was_copied_since_is_not_labelled),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
