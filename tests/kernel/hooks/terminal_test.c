/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/letter.h"
#include "kernel/tty.h"

#define OSC52_BYTES 300
#define COMPAT_WRITE 4 /* arch/x86/entry/syscalls/syscall_32.tbl */

/* One puppet is the terminal, the other one a program in it. */
struct terminal {
	struct scene *scene;
	int master, slave;
	char path[PUPPET_PATH_BYTES];
};

static void make_terminal(struct terminal *terminal, uint32_t master, uint32_t slave)
{
	const struct scene *scene = terminal->scene;
	int *number = &letter_of(scene, master)->one;

	terminal->master = scene_open(scene, master, "/dev/ptmx", O_RDWR | O_NOCTTY);
	*number = 0;
	assert_int_equal(
		SCENE_CALL(scene, master, SYS_ioctl, terminal->master, TIOCSPTLCK, (long)number),
		0);
	assert_int_equal(
		SCENE_CALL(scene, master, SYS_ioctl, terminal->master, TIOCGPTN, (long)number), 0);
	snprintf(terminal->path, sizeof(terminal->path), "/dev/pts/%d", *number);
	terminal->slave = scene_open(scene, slave, terminal->path, O_RDWR | O_NOCTTY);
	tty_set_raw(scene, slave, terminal->slave);
}

static int set_terminal(void **state)
{
	struct terminal *terminal = calloc(1, sizeof(*terminal));
	void *scene;

	assert_non_null(terminal);
	assert_int_equal(scene_set(&scene), 0);
	terminal->scene = scene;
	*state = terminal;
	return 0;
}

static int take_terminal_away(void **state)
{
	struct terminal *terminal = *state;
	void *scene = terminal->scene;

	free(terminal);
	return scene_strike(&scene);
}

static void when_written(const struct scene *scene, uint32_t who, int fd, long bytes)
{
	assert_int_equal(SCENE_CALL(scene, who, SYS_write, fd, (long)scene_data(scene, who), bytes),
			 bytes);
}

static void check_passed(const struct scene *scene, enum sensor_object_kind kind, uint64_t bytes)
{
	assert_int_equal(tty_bytes(scene, kind, true), bytes);
	assert_int_equal(tty_bytes(scene, kind, false), bytes);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"),
			 bytes ? SCENE_TRACE_BYTES : 0);
}

static void what_is_pasted_into_a_terminal_carries_the_label(void **state)
{
	struct terminal *terminal = *state;

	make_terminal(terminal, CLERK, THIEF);
	scene_read_source(terminal->scene, CLERK);
	when_written(terminal->scene, CLERK, terminal->master, SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(terminal->scene, THIEF, "before"), 0);
	tty_read(terminal->scene, THIEF, terminal->slave, SCENE_BYTES);
	check_passed(terminal->scene, SENSOR_OBJECT_TERMINAL, SCENE_BYTES);
	coverage_note("paste into a pseudo-terminal", COVERAGE_EXACT);
}

/* Later than the walk that opened the gate of those who have the terminal. */
static void programs_are_watched_after_the_walk(void **state)
{
	struct terminal *terminal = *state;
	const struct scene *scene = terminal->scene;

	make_terminal(terminal, CLERK, THIEF);
	scene_read_source(scene, CLERK);
	when_written(scene, CLERK, terminal->master, SCENE_BYTES);
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(scene->fixture).unsettled_objects, 0);
	tty_read(scene, THIEF, terminal->slave, SCENE_BYTES);
	check_passed(scene, SENSOR_OBJECT_TERMINAL, SCENE_BYTES);
}

static void several_buffers_are_one_paste(void **state)
{
	struct terminal *terminal = *state;
	struct puppet *clerk = &terminal->scene->stage->puppets[CLERK];

	make_terminal(terminal, CLERK, THIEF);
	scene_read_source(terminal->scene, CLERK);
	clerk->vectors[0] = (struct iovec){clerk->data, 40};
	clerk->vectors[1] = (struct iovec){clerk->data + 40, 50};
	assert_int_equal(SCENE_CALL(terminal->scene, CLERK, SYS_writev, terminal->master,
				    (long)clerk->vectors, 2),
			 90);
	tty_read(terminal->scene, THIEF, terminal->slave, 90);
	check_passed(terminal->scene, SENSOR_OBJECT_TERMINAL, 90);
}

static void terminals_of_32_bits_paste(void **state)
{
	struct terminal *terminal = *state;

	if (!actor_compat_is_there()) {
		print_message("# skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	make_terminal(terminal, CLERK, THIEF);
	scene_read_source(terminal->scene, CLERK);
	assert_int_equal(
		puppet_compat_call(terminal->scene->stage, CLERK, COMPAT_WRITE,
				   (const long[6]){terminal->master,
						   (long)scene_data(terminal->scene, CLERK), 500}),
		500);
	tty_read(terminal->scene, THIEF, terminal->slave, 500);
	check_passed(terminal->scene, SENSOR_OBJECT_TERMINAL, 500);
}

static void what_is_typed_carries_nothing(void **state)
{
	struct terminal *terminal = *state;

	make_terminal(terminal, CLERK, THIEF);
	scene_read_source(terminal->scene, CLERK);
	for (int i = 0; i < 100; i++)
		when_written(terminal->scene, CLERK, terminal->master, 3);
	tty_read(terminal->scene, THIEF, terminal->slave, 300);
	check_passed(terminal->scene, SENSOR_OBJECT_TERMINAL, 0);
}

static void what_is_typed_after_a_paste_is_no_part_of_it(void **state)
{
	struct terminal *terminal = *state;
	const struct scene *scene = terminal->scene;
	int fd;

	make_terminal(terminal, CLERK, THIEF);
	scene_read_source(scene, CLERK);
	when_written(scene, CLERK, terminal->master, SCENE_BYTES);
	tty_read(scene, THIEF, terminal->slave, SCENE_BYTES);
	scene_start(scene, SECOND, "second");
	fd = scene_open(scene, SECOND, terminal->path, O_RDWR | O_NOCTTY);
	when_written(scene, CLERK, terminal->master, 5);
	tty_read(scene, SECOND, fd, 5);
	assert_int_equal(scene_labelled_bytes(scene, SECOND, "trace"), 0);
	check_passed(scene, SENSOR_OBJECT_TERMINAL, SCENE_BYTES);
	puppet_end(scene->stage, SECOND);
}

/* Nobody reads, so that not all of it finds room. */
static void a_paste_that_was_cut_short_counts_what_went_in(void **state)
{
	struct terminal *terminal = *state;
	const struct scene *scene = terminal->scene;
	long written = 0, n;

	make_terminal(terminal, CLERK, THIEF);
	scene_read_source(scene, CLERK);
	SCENE_CALL(scene, CLERK, SYS_fcntl, terminal->master, F_SETFL, O_NONBLOCK);
	while ((n = SCENE_CALL(scene, CLERK, SYS_write, terminal->master,
			       (long)scene_data(scene, CLERK), SCENE_BYTES)) > 0)
		written += n;
	assert_int_equal(n, -EAGAIN);
	tty_read(scene, THIEF, terminal->slave, written);
	check_passed(scene, SENSOR_OBJECT_TERMINAL, (uint64_t)written);
}

static void when_osc52_is_written(const struct terminal *terminal)
{
	char *text = scene_data(terminal->scene, CLERK);

	memset(text, 'A', OSC52_BYTES);
	memcpy(text, "\033]52;c;", 7);
	text[OSC52_BYTES - 1] = '\a';
	when_written(terminal->scene, CLERK, terminal->slave, OSC52_BYTES);
}

static void osc_52_hands_the_label_to_the_terminal(void **state)
{
	struct terminal *terminal = *state;

	make_terminal(terminal, THIEF, CLERK);
	scene_read_source(terminal->scene, CLERK);
	when_osc52_is_written(terminal);
	assert_int_equal(scene_labelled_bytes(terminal->scene, THIEF, "before"), 0);
	tty_read(terminal->scene, THIEF, terminal->master, OSC52_BYTES);
	check_passed(terminal->scene, SENSOR_OBJECT_CLIPBOARD, OSC52_BYTES);
	coverage_note("OSC 52 of a terminal", COVERAGE_EXACT);
}

/* It is on the screen, and that is not followed. */
static void what_a_program_prints_stays_on_the_screen(void **state)
{
	struct terminal *terminal = *state;

	make_terminal(terminal, THIEF, CLERK);
	scene_read_source(terminal->scene, CLERK);
	when_written(terminal->scene, CLERK, terminal->slave, SCENE_BYTES);
	tty_read(terminal->scene, THIEF, terminal->master, SCENE_BYTES);
	check_passed(terminal->scene, SENSOR_OBJECT_TERMINAL, 0);
	check_passed(terminal->scene, SENSOR_OBJECT_CLIPBOARD, 0);
	coverage_note("output on a pseudo-terminal", COVERAGE_GAP);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_terminal, take_terminal_away)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_pasted_into_a_terminal_carries_the_label),
		STORY(programs_are_watched_after_the_walk),
		STORY(several_buffers_are_one_paste),
		STORY(terminals_of_32_bits_paste),
		STORY(what_is_typed_carries_nothing),
		STORY(what_is_typed_after_a_paste_is_no_part_of_it),
		STORY(a_paste_that_was_cut_short_counts_what_went_in),
		STORY(osc_52_hands_the_label_to_the_terminal),
		STORY(what_a_program_prints_stays_on_the_screen),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	if (access("/dev/pts/ptmx", F_OK) < 0) {
		printf("1..0 # SKIP needs /dev/pts\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
