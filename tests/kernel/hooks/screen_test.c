/* SPDX-License-Identifier: GPL-2.0-only */
/* Who takes pictures of what another client of an X server has drawn while it held labels. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/desk.h"
#include "kernel/pictures.h"

#define SCREEN_SIDE 64 /* of the display, in pixels of four bytes as they are counted */
#define SCREEN_BYTES (SCREEN_SIDE * SCREEN_SIDE * 4)

static void add_request(struct display_client *client, uint8_t opcode, uint8_t minor,
			size_t n_words, const uint32_t *words)
{
	const uint8_t head[4] = {opcode, minor, (uint8_t)(n_words + 1)};

	display_add_bytes(client, head, sizeof(head));
	display_add_bytes(client, words, n_words * sizeof(*words));
}

#define ADD_REQUEST(client, opcode, minor, ...)                                 \
	add_request(client, opcode, minor,                                      \
		    sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), \
		    (const uint32_t[]){__VA_ARGS__})

static uint32_t pair(uint32_t low, uint32_t high)
{
	return low | high << 16;
}

/* What each client makes for itself. */
static uint32_t context(const struct display_client *client)
{
	return client->base + 2;
}

static uint32_t pixmap(const struct display_client *client)
{
	return client->base + 3;
}

static uint32_t panel(const struct display_client *client)
{
	return client->base + 4;
}

static void make_tools(struct display_client *client)
{
	ADD_REQUEST(client, 55, 0, context(client), client->root, 0);
	ADD_REQUEST(client, 53, 24, pixmap(client), client->root, pair(SCREEN_SIDE, SCREEN_SIDE));
	display_wait(client);
}

static int desk_with_tools(void **state)
{
	struct desk *desk;

	assert_int_equal(desk_sit_down(state), 0);
	desk = *state;
	make_tools(&desk->clerk);
	make_tools(&desk->thief);
	return 0;
}

/* Onto the screen itself, which needs no window. */
static void draw(struct display_client *client)
{
	ADD_REQUEST(client, 70, 0, client->root, context(client), 0, pair(40, 40));
	display_wait(client);
}

static void given_rows_on_the_screen(struct desk *desk)
{
	scene_read_source(desk->scene, CLERK);
	draw(&desk->clerk);
}

static void grab(struct display_client *client, uint32_t drawable, uint32_t width, uint32_t height)
{
	ADD_REQUEST(client, 73, 2, drawable, 0, pair(width, height), UINT32_MAX);
	display_send(client);
	(void)display_read_answer(client);
}

static void grab_screen(struct display_client *client)
{
	grab(client, client->root, SCREEN_SIDE, SCREEN_SIDE);
}

static void a_picture_of_the_screen_carries_the_label(void **state)
{
	struct desk *desk = *state;

	given_rows_on_the_screen(desk);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "before"), 0);
	grab_screen(&desk->thief);
	pictures_check_taken(desk->scene, 1, SCREEN_BYTES);
	coverage_note("X11 GetImage of the screen", COVERAGE_LABEL);
}

/* Both in the order in which it was, and with when it was drawn. */
static void what_was_drawn_has_its_time(void **state)
{
	struct desk *desk = *state;
	uint64_t drawn_ns = 0, taken_ns = 0;
	const struct sensor_flow *flows;
	size_t n;

	given_rows_on_the_screen(desk);
	sleep(2);
	grab_screen(&desk->thief);
	flows = kernel_fixture_flows(desk->scene->fixture, &n);
	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == SENSOR_OBJECT_SCREEN)
			*(flows[i].is_out ? &drawn_ns : &taken_ns) = flows[i].last_ns;
	assert_in_range(taken_ns - drawn_ns, 2000000000, 20000000000);
}

static void a_screen_without_customers_is_anybodys(void **state)
{
	struct desk *desk = *state;

	draw(&desk->clerk);
	grab_screen(&desk->thief);
	assert_int_equal(kernel_fixture_count_flows(desk->scene->fixture), 0);
	/* What is held and not shown is not in the picture. */
	scene_read_source(desk->scene, CLERK);
	display_wait(&desk->clerk);
	grab_screen(&desk->thief);
	pictures_check_taken(desk->scene, 0, 0);
}

static void ones_own_picture_is_no_grab(void **state)
{
	struct desk *desk = *state;

	given_rows_on_the_screen(desk);
	draw(&desk->thief); /* whose its things are is known by that */
	grab(&desk->thief, pixmap(&desk->thief), SCREEN_SIDE, SCREEN_SIDE);
	ADD_REQUEST(&desk->thief, 62, 0, pixmap(&desk->thief), desk->thief.root,
		    context(&desk->thief), 0, 0, pair(SCREEN_SIDE, SCREEN_SIDE));
	display_wait(&desk->thief);
	pictures_check_taken(desk->scene, 0, 0);
}

static void a_colour_is_no_picture(void **state)
{
	struct desk *desk = *state;

	given_rows_on_the_screen(desk);
	grab(&desk->thief, desk->thief.root, 7, 9);
	pictures_check_taken(desk->scene, 0, 0);
	grab(&desk->thief, desk->thief.root, 8, 8);
	pictures_check_taken(desk->scene, 1, 256);
}

static void a_copy_within_the_server_is_one(void **state)
{
	struct desk *desk = *state;

	given_rows_on_the_screen(desk);
	ADD_REQUEST(&desk->thief, 62, 0, desk->thief.root, pixmap(&desk->thief),
		    context(&desk->thief), 0, 0, pair(SCREEN_SIDE, SCREEN_SIDE));
	display_wait(&desk->thief);
	pictures_check_taken(desk->scene, 1, SCREEN_BYTES);
	coverage_note("X11 CopyArea of the screen", COVERAGE_LABEL);
}

static void a_picture_by_shared_memory_is_one(void **state)
{
	struct desk *desk = *state;
	uint8_t shm = display_find_extension(&desk->thief, "MIT-SHM");
	uint32_t segment = desk->thief.base + 9;
	long id = SCENE_CALL(desk->scene, THIEF, SYS_shmget, IPC_PRIVATE, SCREEN_BYTES,
			     IPC_CREAT | 0666);

	assert_int_not_equal(shm, 0);
	assert_true(id >= 0);
	given_rows_on_the_screen(desk);
	ADD_REQUEST(&desk->thief, shm, 1, segment, (uint32_t)id, 0);
	ADD_REQUEST(&desk->thief, shm, 4, desk->thief.root, 0, pair(SCREEN_SIDE, SCREEN_SIDE),
		    UINT32_MAX, 2, segment, 0);
	display_send(&desk->thief);
	(void)display_read_answer(&desk->thief);
	shmctl((int)id, IPC_RMID, NULL);
	pictures_check_taken(desk->scene, 1, SCREEN_BYTES);
	coverage_note("X11 ShmGetImage of the screen", COVERAGE_LABEL);
}

static void the_pixmap_of_a_window_is_one(void **state)
{
	struct desk *desk = *state;
	uint8_t composite = display_find_extension(&desk->thief, "Composite");
	uint32_t window = panel(&desk->clerk);

	assert_int_not_equal(composite, 0);
	ADD_REQUEST(&desk->clerk, 1, 0, window, desk->clerk.root, 0, pair(32, 32), pair(0, 1), 0,
		    0);
	ADD_REQUEST(&desk->clerk, 8, 0, window);
	display_wait(&desk->clerk);
	given_rows_on_the_screen(desk);
	draw(&desk->thief);
	ADD_REQUEST(&desk->thief, composite, 1, window, 0);
	ADD_REQUEST(&desk->thief, composite, 6, window, desk->thief.base + 10);
	display_wait(&desk->thief);
	pictures_check_taken(desk->scene, 1, 256);
	coverage_note("X11 CompositeNameWindowPixmap", COVERAGE_LABEL);
}

static void who_comes_later_is_watched(void **state)
{
	struct desk *desk = *state;
	struct display_client second;

	given_rows_on_the_screen(desk);
	desk_walk(desk);
	/* Nothing but that the clerk is there keeps the server's clients watched now. */
	for (int i = 0; i < 20; i++)
		desk_walk(desk);
	scene_start(desk->scene, SECOND, "second");
	display_connect(desk->display, desk->scene, SECOND, false, &second);
	grab_screen(&second);
	assert_int_equal(scene_labelled_bytes(desk->scene, SECOND, "trace"), SCENE_TRACE_BYTES);
	grab_screen(&desk->thief);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"), SCENE_TRACE_BYTES);
	assert_int_equal(pictures_count(desk->scene, false).flows, 2);
	puppet_end(desk->scene->stage, SECOND);
}

static void who_has_left_is_not_on_the_screen(void **state)
{
	struct desk *desk = *state;

	struct display_client second;

	scene_start(desk->scene, SECOND, "second");
	display_connect(desk->display, desk->scene, SECOND, false, &second);
	make_tools(&second);
	scene_read_source(desk->scene, SECOND);
	draw(&second);
	puppet_end(desk->scene->stage, SECOND);
	grab_screen(&desk->thief);
	pictures_check_taken(desk->scene, 0, 0);
}

/* A compositor that hands selections on holds labels for that; its own panels show nothing of it.
 */
static void what_a_hub_has_relayed_is_not_what_it_draws(void **state)
{
	struct desk *desk = *state;
	struct display_client hub;

	desk_seat_hub(desk, "", &hub);
	make_tools(&hub);
	desk_given_rows(desk);
	display_add_put(&desk->clerk, hub.window, DISPLAY_REPLACE, 100);
	display_wait(&desk->clerk);
	assert_int_equal(desk_paste(&hub, true, 100), 100);
	draw(&hub);
	grab_screen(&desk->thief);
	pictures_check_taken(desk->scene, 0, 0);
	draw(&desk->clerk);
	grab_screen(&desk->thief);
	pictures_check_taken(desk->scene, 1, SCREEN_BYTES);
	puppet_end(desk->scene->stage, SECOND);
}

static void what_several_show_is_in_one_picture(void **state)
{
	struct desk *desk = *state;
	struct display_client second;

	scene_start(desk->scene, SECOND, "second");
	display_connect(desk->display, desk->scene, SECOND, false, &second);
	make_tools(&second);
	given_rows_on_the_screen(desk);
	scene_read_source(desk->scene, SECOND);
	draw(&second);
	grab_screen(&desk->thief);
	grab_screen(&desk->thief);
	assert_int_equal(pictures_count(desk->scene, true).flows, 2);
	assert_int_equal(pictures_count(desk->scene, true).calls, 4);
	assert_int_equal(pictures_count(desk->scene, false).flows, 1);
	assert_int_equal(pictures_count(desk->scene, false).calls, 2);
	puppet_end(desk->scene->stage, SECOND);
}

static void given_policy(struct desk *desk, const char *lines)
{
	kernel_fixture_kill_sensor(desk->scene->fixture);
	kernel_fixture_change_policy(desk->scene->fixture, lines, "customer");
	kernel_fixture_restart_sensor(desk->scene->fixture);
}

static void what_was_drawn_long_ago_is_not_in_it(void **state)
{
	struct desk *desk = *state;

	given_policy(desk, "[detect \"screen_capture\"]\nrecent_seconds = 1\n");
	given_rows_on_the_screen(desk);
	usleep(2100000);
	grab_screen(&desk->thief);
	pictures_check_taken(desk->scene, 0, 0);
	draw(&desk->clerk);
	grab_screen(&desk->thief);
	pictures_check_taken(desk->scene, 1, SCREEN_BYTES);
}

static void who_does_not_want_it_has_none_of_it(void **state)
{
	struct desk *desk = *state;

	given_policy(desk, "[detect \"screen_capture\"]\nenabled = no\n");
	given_rows_on_the_screen(desk);
	grab_screen(&desk->thief);
	pictures_check_taken(desk->scene, 0, 0);
}

/* By GetImage, by shared memory where it has it, and by what its library does. */
static void real_tools_are_seen(void **state)
{
	static const struct {
		const char *program, *command;
	} tools[] = {
		{"/usr/bin/xwd", "xwd -silent -root -out $DIR/picture"},
		{"/usr/bin/import", "import -window root png:$DIR/picture"},
		{"/usr/bin/scrot",
		 "scrot -o -F $DIR/picture.png && mv $DIR/picture.png $DIR/picture"},
	};
	struct desk *desk = *state;
	char number[16];

	given_rows_on_the_screen(desk);
	snprintf(number, sizeof(number), ":%d", desk->display->number);
	setenv("DISPLAY", number, 1);
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		if (access(tools[i].program, X_OK) != 0) {
			print_message("# skip: needs %s\n", tools[i].program);
			continue;
		}
		draw(&desk->clerk);
		kernel_fixture_shell(desk->scene->fixture, tools[i].command);
		print_message("# %s\n", tools[i].program);
		assert_int_equal(pictures_count(desk->scene, false).flows, i + 1);
		assert_true(kernel_fixture_written(desk->scene->fixture, "picture") > 100);
		kernel_fixture_shell(desk->scene->fixture, "rm $DIR/picture");
	}
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, desk_with_tools, desk_stand_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_picture_of_the_screen_carries_the_label),
		STORY(what_was_drawn_has_its_time),
		STORY(a_screen_without_customers_is_anybodys),
		STORY(ones_own_picture_is_no_grab),
		STORY(a_colour_is_no_picture),
		STORY(a_copy_within_the_server_is_one),
		STORY(a_picture_by_shared_memory_is_one),
		STORY(the_pixmap_of_a_window_is_one),
		STORY(who_comes_later_is_watched),
		STORY(who_has_left_is_not_on_the_screen),
		STORY(what_a_hub_has_relayed_is_not_what_it_draws),
		STORY(what_several_show_is_in_one_picture),
		STORY(what_was_drawn_long_ago_is_not_in_it),
		STORY(who_does_not_want_it_has_none_of_it),
		STORY(real_tools_are_seen),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	if (!display_is_there())
		return 0;
	return cmocka_run_group_tests(tests, desk_open_display, desk_close_display);
}
