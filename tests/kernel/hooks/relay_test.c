/* SPDX-License-Identifier: GPL-2.0-only */

/* What hubs take out of properties of others, and put into some again. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/desk.h"

#define TOLD_BYTES 44 /* a key, as XIM_FORWARD_EVENT: more than fit into an event */
#define TYPED_BYTES 60

/* The clerk writes to the hub, and the hub, without a word in between, to the thief. */
static void when_both_are_served(struct desk *desk, struct display_client *hub)
{
	display_add_put(&desk->clerk, hub->window, DISPLAY_APPEND, TOLD_BYTES);
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(hub, true, TOLD_BYTES), TOLD_BYTES);
	display_add_put(hub, desk->thief.window, DISPLAY_APPEND, TYPED_BYTES);
	display_wait(hub);
	assert_int_equal(desk_paste(&desk->thief, true, TYPED_BYTES), TYPED_BYTES);
}

static void what_a_compositor_takes_is_handed_on(void **state)
{
	struct desk *desk = *state;
	struct display_client hub;

	desk_seat_hub(desk, "", &hub);
	desk_given_rows(desk);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "before"), 0);
	when_both_are_served(desk, &hub);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), SCENE_TRACE_BYTES);
	assert_int_equal(desk_count(desk, true).bytes, TOLD_BYTES + TYPED_BYTES);
	coverage_note("X11 selection kept by a compositor", COVERAGE_EXACT);
}

/* All type by it. Keys and texts that do not fit into an event go by properties (XIM). */
static void what_an_input_method_is_told_labels_nobody(void **state)
{
	struct desk *desk = *state;
	struct display_client hub;

	desk_seat_hub(desk, "input_method = yes\n", &hub);
	desk_given_rows(desk);
	when_both_are_served(desk, &hub);
	when_both_are_served(desk, &hub);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), 0);
	/* The clerk still holds what it held, and who pastes it gets it. */
	assert_int_equal(scene_labelled_bytes(desk->scene, CLERK, "kept"), SCENE_TRACE_BYTES);
	desk_copy(desk, SCENE_BYTES);
	assert_int_equal(desk_paste(&desk->thief, true, SCENE_BYTES), SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "pasted"), SCENE_TRACE_BYTES);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, desk_sit_down, desk_stand_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_a_compositor_takes_is_handed_on),
		STORY(what_an_input_method_is_told_labels_nobody),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	if (!display_is_there())
		return 0;
	return cmocka_run_group_tests(tests, desk_open_display, desk_close_display);
}
