/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include <cmocka.h>

struct kernel_totals desk_count(const struct desk *desk, bool is_out)
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

void desk_check_passed(const struct desk *desk, uint64_t bytes)
{
	assert_int_equal(desk_count(desk, true).bytes, bytes);
	assert_int_equal(desk_count(desk, false).bytes, bytes);
	assert_int_equal(scene_labelled_bytes(desk->scene, THIEF, "after"),
			 bytes ? SCENE_TRACE_BYTES : 0);
}

/* But for the memory in which the puppets get their orders. */
uint64_t desk_count_gaps(const struct desk *desk)
{
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(desk->scene->fixture, &n);
	uint64_t gaps = 0;

	for (size_t i = 0; i < n; i++)
		gaps += flows[i].object.kind == SENSOR_OBJECT_GAP &&
			flows[i].object.ino != SYS_shmat;
	return gaps;
}

void desk_walk(const struct desk *desk)
{
	assert_int_equal(sensor_walk(kernel_fixture_sensor(desk->scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(desk->scene->fixture).unsettled_objects, 0);
}

void desk_make_window(struct display_client *client)
{
	display_add_window(client);
	display_wait(client);
}

void desk_seat_hub(const struct desk *desk, const char *keys, struct display_client *ret_hub)
{
	struct kernel_fixture *fixture = desk->scene->fixture;
	const char *path = scene_path(desk->scene, "hub");
	char lines[PUPPET_PATH_BYTES + 64];

	kernel_fixture_add_actor(fixture, "hub");
	snprintf(lines, sizeof(lines), "[hub \"ours\"]\nexecutable = %s\n%s", path, keys);
	kernel_fixture_kill_sensor(fixture);
	kernel_fixture_change_policy(fixture, lines, "customer");
	kernel_fixture_restart_sensor(fixture);
	puppet_start(desk->scene->stage, SECOND, path);
	display_connect(desk->display, desk->scene, SECOND, false, ret_hub);
	desk_make_window(ret_hub);
}

/* The two reach the server by different names. */
int desk_sit_down(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	void *scene;

	assert_non_null(desk);
	assert_int_equal(scene_set(&scene), 0);
	desk->display = *state; /* the group's */
	desk->scene = scene;
	display_connect(desk->display, desk->scene, CLERK, false, &desk->clerk);
	display_connect(desk->display, desk->scene, THIEF, true, &desk->thief);
	desk_make_window(&desk->clerk);
	desk_make_window(&desk->thief);
	*state = desk;
	return 0;
}

int desk_stand_up(void **state)
{
	struct desk *desk = *state;
	void *scene = desk->scene;

	free(desk);
	return scene_strike(&scene);
}

/* The clerk has the customers, and something to be pasted. */
void desk_given_rows(struct desk *desk)
{
	scene_read_source(desk->scene, CLERK);
	display_add_selection_owner(&desk->clerk);
	display_send(&desk->clerk);
}

size_t desk_paste(struct display_client *client, bool is_taken, uint32_t bytes)
{
	display_add_get(client, client->window, is_taken, bytes);
	display_send(client);
	return display_read_answer(client);
}

void desk_copy(struct desk *desk, size_t bytes)
{
	display_add_put(&desk->clerk, desk->thief.window, DISPLAY_REPLACE, bytes);
	display_wait(&desk->clerk);
}

int desk_open_display(void **state)
{
	struct display *display = calloc(1, sizeof(*display));

	if (!display)
		return -1;
	display_start(display);
	*state = display;
	return 0;
}

int desk_close_display(void **state)
{
	display_stop(*state);
	free(*state);
	return 0;
}
