/* SPDX-License-Identifier: GPL-2.0-only */
/* Files on a disk that are gone leave the kernel's table before it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kernel/reboot.h"

#define SOURCE_BYTES 1048576

static int count_file(void *userdata, const struct sensor_file *file)
{
	struct sensor_file *wanted = userdata;

	wanted->hops += file->object.ino == wanted->object.ino &&
			file->object.generation == wanted->object.generation;
	return 0;
}

static uint32_t find_again(const struct reboot *reboot, const struct sensor_file *file)
{
	struct sensor_file found = {.object = file->object};

	assert_int_equal(
		sensor_visit_files(kernel_fixture_sensor(reboot->fixture), count_file, &found), 0);
	return found.hops;
}

/* What somebody holds is there, also without a name. */
static void files_that_are_gone_leave_a_crowded_table(void **state)
{
	struct reboot *reboot = *state;
	struct sensor_file held = {}, stays = {};
	uint64_t labelled, left;
	uint32_t n_found;
	char text[64];
	int output;
	pid_t holder;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture,
			     "mkfifo $DIR/go; for i in $(seq 40); do cat $SRC > $DISK/$i; done");
	held = reboot_look_up(reboot, "1");
	stays = reboot_look_up(reboot, "2");
	holder = kernel_fixture_spawn_shell(reboot->fixture,
					    "exec cat $DIR/go - < $DISK/1 > $DIR/leak", &output);
	kernel_fixture_shell(reboot->fixture,
			     "while ! ls -l /proc/[0-9]*/fd/0 2>/dev/null | grep -q $DISK/1; do "
			     "sleep 0.05; done; rm $DISK/1; for i in $(seq 3 40); do rm $DISK/$i; "
			     "done; sync");
	labelled = kernel_fixture_counts(reboot->fixture).objects;
	keeper_look(reboot->keeper, clock_boottime_ns());
	left = kernel_fixture_counts(reboot->fixture).objects;
	n_found = find_again(reboot, &held) + find_again(reboot, &stays);
	/* Before anything stops the test: nobody else would let the holder go. */
	kernel_fixture_shell(reboot->fixture, ": > $DIR/go");
	kernel_fixture_wait(holder, output, text, sizeof(text));
	assert_int_equal(left, labelled - 38);
	assert_int_equal(n_found, 2);
	assert_int_equal(kernel_fixture_written(reboot->fixture, "leak"), SOURCE_BYTES);
}

/* Asking costs a look at the disk. */
static void a_table_with_room_is_not_asked_for_its_files(void **state)
{
	struct reboot *reboot = *state;
	uint64_t labelled;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/1");
	labelled = kernel_fixture_counts(reboot->fixture).objects;
	kernel_fixture_shell(reboot->fixture, "rm $DISK/1");
	keeper_look(reboot->keeper, clock_boottime_ns());
	assert_int_equal(kernel_fixture_counts(reboot->fixture).objects, labelled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_that_are_gone_leave_a_crowded_table,
						reboot_set_small, reboot_clean_up),
		cmocka_unit_test_setup_teardown(a_table_with_room_is_not_asked_for_its_files,
						reboot_set, reboot_clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
