/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_DESK_H
#define WEIR_TESTS_KERNEL_DESK_H

/* A scene with a display: who copies and who pastes. All of it stops the test on failure. */

#include "kernel/display.h"

/* Each with a window; the display is one for all stories. */
struct desk {
	struct display *display;
	struct scene *scene;
	struct display_client clerk, thief;
};

/* For cmocka: before and after all tests, and each. */
int desk_open_display(void **state);
int desk_close_display(void **state);
int desk_sit_down(void **state);
int desk_stand_up(void **state);

void desk_make_window(struct display_client *client);
/* SECOND, with a window, as what the policy calls a hub, and says these lines of. The sensor is
 * another one then. */
void desk_seat_hub(const struct desk *desk, const char *keys, struct display_client *ret_hub);
/* The clerk has the customers, and something to be pasted. */
void desk_given_rows(struct desk *desk);
/* The clerk writes so many bytes into the thief's window; whoever it is reads its own. */
void desk_copy(struct desk *desk, size_t bytes);
size_t desk_paste(struct display_client *client, bool is_taken, uint32_t bytes);
void desk_walk(const struct desk *desk);

/* Of all clipboards, in one direction. */
struct kernel_totals desk_count(const struct desk *desk, bool is_out);
/* Both directions have had so much, and the thief is labelled, unless it is 0. */
void desk_check_passed(const struct desk *desk, uint64_t bytes);
/* But for the memory in which the puppets get their orders. */
uint64_t desk_count_gaps(const struct desk *desk);

#endif
