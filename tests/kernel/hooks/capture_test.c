/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has a Wayland compositor copy what another client has shown while it held labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/pictures.h"
#include "kernel/wayland.h"

#define COMPAT_WRITE 4 /* arch/x86/entry/syscalls/syscall_32.tbl */
#define SIDE 64        /* of a picture, in pixels of four bytes as they are counted */
#define PICTURE_BYTES (SIDE * SIDE * 4)
#define UNKNOWN_BYTES (64 * 4) /* that are told of one whose size is not known */

#define FORM(opcode, bytes) ((bytes) << 16 | (opcode))

/* Ids as clients give them. */
enum {
	SHM = 4,
	MANAGER = 6,
	OUTPUT = 7,
	FRAME = 8,
	POOL = 9,
	BUFFER = 10,
	SURFACE = 11,
	SECOND_FRAME = 12
};

/* What clients of libwayland write, in one call each. */
static void show(const struct wayland *wayland, uint32_t who)
{
	WAYLAND_SAY(wayland, who, SURFACE, FORM(1, 20), BUFFER, 0, 0, SURFACE, FORM(2, 24), 0, 0,
		    SIDE, SIDE, SURFACE, FORM(6, 8));
}

static void ask_for_frame(const struct wayland *wayland, uint32_t who)
{
	WAYLAND_SAY(wayland, who, MANAGER, FORM(0, 20), FRAME, 0, OUTPUT);
}

static void have_it_copied(const struct wayland *wayland, uint32_t who, uint32_t width,
			   uint32_t height)
{
	WAYLAND_SAY(wayland, who, SHM, FORM(0, 16), POOL, width * height * 4, POOL, FORM(0, 32),
		    BUFFER, 0, width, height, width * 4, 1, POOL, FORM(1, 8), FRAME, FORM(0, 12),
		    BUFFER);
}

static void capture(const struct wayland *wayland, uint32_t who)
{
	ask_for_frame(wayland, who);
	have_it_copied(wayland, who, SIDE, SIDE);
	WAYLAND_SAY(wayland, who, FRAME, FORM(1, 8), BUFFER, FORM(0, 8));
}

static void given_rows_on_the_screen(const struct wayland *wayland)
{
	scene_read_source(wayland->scene, CLERK);
	show(wayland, CLERK);
}

static void a_picture_of_what_is_shown_carries_the_label(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	assert_int_equal(scene_labelled_bytes(wayland->scene, THIEF, "before"), 0);
	capture(wayland, THIEF);
	pictures_check_taken(wayland->scene, 1, PICTURE_BYTES);
	coverage_note("Wayland wlr-screencopy", COVERAGE_LABEL);
}

static void a_screen_without_customers_is_anybodys(void **state)
{
	const struct wayland *wayland = *state;

	show(wayland, CLERK);
	capture(wayland, THIEF);
	assert_int_equal(kernel_fixture_count_flows(wayland->scene->fixture), 0);
	/* What is held and not shown is not in the picture: answers to the compositor, a surface
	 * that is told of and not changed, one that is to show nothing. */
	scene_read_source(wayland->scene, CLERK);
	WAYLAND_SAY(wayland, CLERK, 1, FORM(0, 12), 20, SURFACE, FORM(6, 8), SURFACE, FORM(1, 20),
		    0, 0, 0, SURFACE, FORM(6, 8));
	capture(wayland, THIEF);
	pictures_check_taken(wayland->scene, 0, 0);
}

static void ones_own_picture_is_no_grab(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	capture(wayland, CLERK);
	pictures_check_taken(wayland->scene, 0, 0);
}

static void a_colour_is_no_picture(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	ask_for_frame(wayland, THIEF);
	have_it_copied(wayland, THIEF, 7, 9);
	pictures_check_taken(wayland->scene, 0, 0);
	have_it_copied(wayland, THIEF, 8, 8);
	pictures_check_taken(wayland->scene, 1, 256);
}

/* The same forms of requests, to objects that are no frames, or are not frames any more. */
static void what_is_asked_of_other_objects_is_no_picture(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	WAYLAND_SAY(wayland, THIEF, FRAME, FORM(0, 12), BUFFER, FRAME, FORM(2, 12), BUFFER, FRAME,
		    FORM(0, 16), BUFFER, 0, FRAME, FORM(0, 8));
	/* Neither has it the form of an id or of a wish for the cursor. */
	WAYLAND_SAY(wayland, THIEF, MANAGER, FORM(0, 20), 0xff000001, 0, OUTPUT, 0xff000001,
		    FORM(0, 12), BUFFER);
	WAYLAND_SAY(wayland, THIEF, MANAGER, FORM(0, 20), FRAME, 100, 100, FRAME, FORM(0, 12),
		    BUFFER);
	ask_for_frame(wayland, THIEF);
	WAYLAND_SAY(wayland, THIEF, FRAME, FORM(1, 8), FRAME, FORM(0, 12), BUFFER);
	pictures_check_taken(wayland->scene, 0, 0);
}

/* A clipboard's offer of the form "TEXT", and then a surface, by an object of that number. */
static void an_offer_of_text_is_no_question_for_a_picture(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	WAYLAND_SAY(wayland, THIEF, 30, FORM(0, 20), 5, 0x54584554, 0, 5, FORM(0, 12), 31, 5,
		    FORM(0, 8));
	pictures_check_taken(wayland->scene, 0, 0);
}

static void a_recording_is_one_picture_after_the_other(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	for (int i = 0; i < 3; i++) {
		WAYLAND_SAY(wayland, THIEF, MANAGER, FORM(0, 20), FRAME + i, 1, OUTPUT);
		WAYLAND_SAY(wayland, THIEF, POOL, FORM(0, 32), BUFFER, 0, SIDE, SIDE, SIDE * 4, 1,
			    FRAME + i, FORM(2, 12), BUFFER);
		WAYLAND_SAY(wayland, THIEF, FRAME + i, FORM(1, 8));
	}
	pictures_check_taken(wayland->scene, 3, 3 * PICTURE_BYTES);
}

static void all_screens_may_be_asked_for_at_once(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	WAYLAND_SAY(wayland, THIEF, MANAGER, FORM(0, 20), FRAME, 0, OUTPUT, MANAGER, FORM(0, 20),
		    SECOND_FRAME, 0, OUTPUT + 20);
	WAYLAND_SAY(wayland, THIEF, FRAME, FORM(0, 12), BUFFER, SECOND_FRAME, FORM(0, 12), BUFFER);
	pictures_check_taken(wayland->scene, 1, 2 * UNKNOWN_BYTES);
}

static void a_part_of_the_screen_is_a_picture(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	WAYLAND_SAY(wayland, THIEF, MANAGER, FORM(1, 36), FRAME, 0, OUTPUT, 10, 10, SIDE, SIDE);
	have_it_copied(wayland, THIEF, SIDE, SIDE);
	pictures_check_taken(wayland->scene, 1, PICTURE_BYTES);
}

/* The compositor makes the buffer, and tells of it as soon as it is asked for. */
static void a_picture_in_the_compositors_buffer_is_one(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	ask_for_frame(wayland, THIEF);
	WAYLAND_SAY(wayland, THIEF, FRAME, FORM(0, 8));
	pictures_check_taken(wayland->scene, 1, UNKNOWN_BYTES);
	coverage_note("Wayland wlr-export-dmabuf", COVERAGE_LABEL);
}

static void a_session_gives_many_pictures(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	WAYLAND_SAY(wayland, THIEF, MANAGER, FORM(0, 20), FRAME, 40, 0);
	for (int i = 0; i < 2; i++)
		WAYLAND_SAY(wayland, THIEF, FRAME, FORM(0, 12), SECOND_FRAME, SECOND_FRAME,
			    FORM(1, 12), BUFFER, SECOND_FRAME, FORM(2, 24), 0, 0, SIDE, SIDE,
			    SECOND_FRAME, FORM(3, 8), SECOND_FRAME, FORM(0, 8));
	pictures_check_taken(wayland->scene, 2, 2 * UNKNOWN_BYTES);
	coverage_note("Wayland ext-image-copy-capture", COVERAGE_LABEL);
}

static void a_window_is_a_picture(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	WAYLAND_SAY(wayland, THIEF, MANAGER, FORM(0, 20), FRAME, 0, 77777);
	WAYLAND_SAY(wayland, THIEF, FRAME, FORM(0, 16), BUFFER, 1);
	pictures_check_taken(wayland->scene, 1, UNKNOWN_BYTES);
	coverage_note("Wayland hyprland-toplevel-export", COVERAGE_LABEL);
}

static const uint32_t whole_capture[] = {
	SHM,  FORM(0, 16), POOL, PICTURE_BYTES, MANAGER,     FORM(0, 20), FRAME,
	0,    OUTPUT,      POOL, FORM(0, 32),   BUFFER,      0,           SIDE,
	SIDE, SIDE * 4,    1,    FRAME,         FORM(0, 12), BUFFER,
};

static void a_request_may_come_in_pieces(void **state)
{
	const struct wayland *wayland = *state;
	char *data = scene_data(wayland->scene, THIEF);

	given_rows_on_the_screen(wayland);
	memcpy(data, whole_capture, sizeof(whole_capture));
	for (size_t at = 0; at < sizeof(whole_capture); at++)
		assert_int_equal(SCENE_CALL(wayland->scene, THIEF, SYS_write, wayland->fds[THIEF],
					    (long)(data + at), 1),
				 1);
	pictures_check_taken(wayland->scene, 1, PICTURE_BYTES);
}

/* As libwayland has them at the end of its ring: one message, and a request in both. */
static void a_request_may_lie_in_two_buffers(void **state)
{
	const struct wayland *wayland = *state;
	struct puppet *thief = &wayland->scene->stage->puppets[THIEF];

	given_rows_on_the_screen(wayland);
	memcpy(thief->data, whole_capture, sizeof(whole_capture));
	thief->vectors[0] = (struct iovec){thief->data, 30};
	thief->vectors[1] = (struct iovec){thief->data + 30, sizeof(whole_capture) - 30};
	thief->message.msg_hdr = (struct msghdr){.msg_iov = thief->vectors, .msg_iovlen = 2};
	assert_int_equal(SCENE_CALL(wayland->scene, THIEF, SYS_sendmsg, wayland->fds[THIEF],
				    (long)&thief->message.msg_hdr, 0),
			 sizeof(whole_capture));
	pictures_check_taken(wayland->scene, 1, PICTURE_BYTES);
}

static void clients_of_32_bits_are_read(void **state)
{
	const struct wayland *wayland = *state;
	char *data = scene_data(wayland->scene, THIEF);

	if (!actor_compat_is_there()) {
		print_message("# skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	given_rows_on_the_screen(wayland);
	memcpy(data, whole_capture, sizeof(whole_capture));
	assert_int_equal(
		puppet_compat_call(wayland->scene->stage, THIEF, COMPAT_WRITE,
				   (const long[6]){wayland->fds[THIEF], (long)(uintptr_t)data,
						   sizeof(whole_capture)}),
		sizeof(whole_capture));
	pictures_check_taken(wayland->scene, 1, PICTURE_BYTES);
}

static void what_makes_no_sense_hides_nothing_that_follows(void **state)
{
	const struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	WAYLAND_SAY(wayland, THIEF, MANAGER, FORM(0, 4), FRAME, 0, OUTPUT);
	capture(wayland, THIEF);
	pictures_check_taken(wayland->scene, 1, PICTURE_BYTES);
}

static void walk(const struct wayland *wayland)
{
	assert_int_equal(sensor_walk(kernel_fixture_sensor(wayland->scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(wayland->scene->fixture).unsettled_objects, 0);
}

static void who_comes_later_is_watched(void **state)
{
	struct wayland *wayland = *state;

	given_rows_on_the_screen(wayland);
	/* Nothing but that the clerk is there keeps the compositor's clients watched now. */
	for (int i = 0; i < 20; i++)
		walk(wayland);
	scene_start(wayland->scene, SECOND, "second");
	wayland_connect(wayland, SECOND);
	capture(wayland, SECOND);
	assert_int_equal(scene_labelled_bytes(wayland->scene, SECOND, "trace"), SCENE_TRACE_BYTES);
	capture(wayland, THIEF);
	assert_int_equal(scene_labelled_bytes(wayland->scene, THIEF, "after"), SCENE_TRACE_BYTES);
	assert_int_equal(pictures_count(wayland->scene, false).flows, 2);
	puppet_end(wayland->scene->stage, SECOND);
}

static void who_has_left_is_not_on_the_screen(void **state)
{
	struct wayland *wayland = *state;

	scene_start(wayland->scene, SECOND, "second");
	wayland_connect(wayland, SECOND);
	scene_read_source(wayland->scene, SECOND);
	show(wayland, SECOND);
	puppet_end(wayland->scene->stage, SECOND);
	capture(wayland, THIEF);
	pictures_check_taken(wayland->scene, 0, 0);
}

static void who_does_not_want_it_has_none_of_it(void **state)
{
	const struct wayland *wayland = *state;

	kernel_fixture_kill_sensor(wayland->scene->fixture);
	kernel_fixture_change_policy(wayland->scene->fixture,
				     "[detect \"screen_capture\"]\nenabled = no\n", "customer");
	kernel_fixture_restart_sensor(wayland->scene->fixture);
	given_rows_on_the_screen(wayland);
	capture(wayland, THIEF);
	pictures_check_taken(wayland->scene, 0, 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, wayland_open, wayland_close)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_picture_of_what_is_shown_carries_the_label),
		STORY(a_screen_without_customers_is_anybodys),
		STORY(ones_own_picture_is_no_grab),
		STORY(a_colour_is_no_picture),
		STORY(what_is_asked_of_other_objects_is_no_picture),
		STORY(an_offer_of_text_is_no_question_for_a_picture),
		STORY(a_recording_is_one_picture_after_the_other),
		STORY(all_screens_may_be_asked_for_at_once),
		STORY(a_part_of_the_screen_is_a_picture),
		STORY(a_picture_in_the_compositors_buffer_is_one),
		STORY(a_session_gives_many_pictures),
		STORY(a_window_is_a_picture),
		STORY(a_request_may_come_in_pieces),
		STORY(a_request_may_lie_in_two_buffers),
		STORY(clients_of_32_bits_are_read),
		STORY(what_makes_no_sense_hides_nothing_that_follows),
		STORY(who_comes_later_is_watched),
		STORY(who_has_left_is_not_on_the_screen),
		STORY(who_does_not_want_it_has_none_of_it),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
