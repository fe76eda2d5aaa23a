/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <linux/tiocl.h>
#include <linux/vt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/tty.h"

/* What is shown, and where it is selected: from the first column of the first row on. */
#define SHOWN "\033[2J\033[HWei-Li,13900001234,P2020000001"
#define SELECTED_BYTES 18 /* Wei-Li,13900001234 */
#define FOREGROUND "/dev/tty0"
#define ANOTHER "/dev/tty61"

static void ask(const struct scene *scene, uint32_t who, int fd, const void *question, size_t size)
{
	memcpy(scene_data(scene, who), question, size);
	assert_int_equal(
		SCENE_CALL(scene, who, SYS_ioctl, fd, TIOCLINUX, (long)scene_data(scene, who)), 0);
}

/* As gpm does, whoever shows and reads there. */
static void select_text(const struct scene *scene, int fd)
{
	struct __attribute__((packed)) {
		char what;
		struct tiocl_selection range;
	} question = {TIOCL_SETSEL,
		      {.xs = 1, .ys = 1, .xe = SELECTED_BYTES, .ye = 1, .sel_mode = TIOCL_SELCHAR}};

	ask(scene, SECOND, fd, &question, sizeof(question));
}

static void paste(const struct scene *scene, int fd)
{
	ask(scene, SECOND, fd, &(char){TIOCL_PASTESEL}, 1);
}

static void show(const struct scene *scene, uint32_t who)
{
	int fd = scene_open(scene, who, FOREGROUND, O_RDWR | O_NOCTTY);

	memcpy(scene_data(scene, who), SHOWN, strlen(SHOWN));
	assert_int_equal(
		SCENE_CALL(scene, who, SYS_write, fd, (long)scene_data(scene, who), strlen(SHOWN)),
		strlen(SHOWN));
}

/* The thief waits at the one console; what is on the screen is selected and pasted there. */
static void select_and_paste(const struct scene *scene, const char *path)
{
	int thief = scene_open(scene, THIEF, path, O_RDWR | O_NOCTTY), gpm, other;

	tty_set_raw(scene, THIEF, thief);
	scene_start(scene, SECOND, "gpm");
	gpm = scene_open(scene, SECOND, FOREGROUND, O_RDWR | O_NOCTTY);
	other = scene_open(scene, SECOND, path, O_RDWR | O_NOCTTY);
	select_text(scene, gpm);
	paste(scene, other);
	tty_read(scene, THIEF, thief, SELECTED_BYTES);
	puppet_end(scene->stage, SECOND);
}

/* How many bytes of the screen that is, nobody can say. */
static void check_estimated(const struct scene *scene)
{
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);

	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == SENSOR_OBJECT_CONSOLE)
			assert_int_equal(flows[i].is_estimated, !flows[i].is_out);
}

static void check_taken(const struct scene *scene)
{
	assert_int_equal(tty_bytes(scene, SENSOR_OBJECT_CONSOLE, true), strlen(SHOWN));
	assert_int_equal(tty_bytes(scene, SENSOR_OBJECT_CONSOLE, false), SELECTED_BYTES);
	check_estimated(scene);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
}

static void what_is_taken_off_a_console_carries_the_label(void **state)
{
	const struct scene *scene = *state;

	scene_read_source(scene, CLERK);
	show(scene, CLERK);
	select_and_paste(scene, FOREGROUND);
	check_taken(scene);
	coverage_note("selection of the consoles (GPM)", COVERAGE_LABEL);
}

static void it_does_on_another_console(void **state)
{
	const struct scene *scene = *state;

	scene_read_source(scene, CLERK);
	show(scene, CLERK);
	select_and_paste(scene, ANOTHER);
	check_taken(scene);
}

static void who_had_it_open_before_is_found_by_a_walk(void **state)
{
	const struct scene *scene = *state;

	scene_open(scene, THIEF, FOREGROUND, O_RDWR | O_NOCTTY);
	scene_read_source(scene, CLERK);
	show(scene, CLERK);
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(scene->fixture).unsettled_objects, 0);
	select_and_paste(scene, FOREGROUND);
	check_taken(scene);
}

static void what_others_show_carries_nothing(void **state)
{
	const struct scene *scene = *state;

	scene_read_source(scene, CLERK);
	show(scene, THIEF);
	select_and_paste(scene, FOREGROUND);
	assert_int_equal(tty_bytes(scene, SENSOR_OBJECT_CONSOLE, false), 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 0);
}

/* One that nobody sits at, whose tests then change nothing for anybody. */
static bool is_a_console_there(void)
{
	int fd = open(FOREGROUND, O_RDWR | O_NOCTTY | O_CLOEXEC);
	pid_t session;
	bool is_used;

	if (fd < 0)
		return false;
	is_used = ioctl(fd, TIOCGSID, &session) == 0 && session > 0;
	close(fd);
	return !is_used;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_taken_off_a_console_carries_the_label),
		STORY(it_does_on_another_console),
		STORY(who_had_it_open_before_is_found_by_a_walk),
		STORY(what_others_show_carries_nothing),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	if (!is_a_console_there()) {
		printf("1..0 # SKIP no virtual console, or somebody sits at it\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
