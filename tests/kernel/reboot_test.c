/* SPDX-License-Identifier: GPL-2.0-only */
/* Labels of files outlive the machine, and what took a file's place gets none. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/reboot.h"

#define SOURCE_BYTES 1048576
#define TRIES 2000 /* to get an inode number again */

/* While nobody watches: another file gets the victim's inode number. */
static void take_over_inode(const struct reboot *reboot, uint64_t ino)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/victim", reboot->disk);
	assert_int_equal(unlink(path), 0);
	for (int i = 0; i < TRIES; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/innocent-%d", reboot->disk, i);
		fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, "nothing secret", 14), 14);
		close(fd);
		if (reboot_ino(reboot, path + strlen(reboot->disk) + 1) != ino)
			continue;
		snprintf(path + strlen(path) + 1, 100, "%s/innocent", reboot->disk);
		assert_int_equal(rename(path, path + strlen(path) + 1), 0);
		return;
	}
	fail_msg("the inode number does not come again in %d files", TRIES);
}

static void the_first_boot(struct reboot *reboot)
{
	uint64_t ino;

	reboot_start_keeper(reboot);
	kernel_fixture_shell(
		reboot->fixture,
		"cat $SRC > $DISK/copy; cat $SRC > $DISK/victim; cat $SRC > $DISK/moved;"
		"echo nothing > $DISK/plain");
	ino = reboot_ino(reboot, "victim");
	reboot_stop_keeper(reboot);
	kernel_fixture_remove_sensor(reboot->fixture);
	take_over_inode(reboot, ino);
	kernel_fixture_shell(reboot->fixture, "mv $DISK/moved $DISK/elsewhere; sync");
}

static void the_second_boot(struct reboot *reboot)
{
	assert_int_equal(reboot_leak(reboot, "copy"), 0); /* so the label comes from the record */
	reboot_start_keeper(reboot);
	/* The source is one, too, where /tmp is on a disk. */
	assert_in_range(reboot_counts(reboot).restored, 2, 3);
	assert_int_equal(reboot_counts(reboot).gone, 1);
	assert_int_equal(reboot_leak(reboot, "copy"), SOURCE_BYTES);
	assert_true(reboot_leaked_class(reboot, "customer"));
	assert_int_equal(reboot_leak(reboot, "elsewhere"), SOURCE_BYTES);
	assert_int_equal(reboot_leak(reboot, "innocent"), 0);
	assert_int_equal(reboot_leak(reboot, "plain"), 0);
	assert_int_equal(reboot->losses, 0);
}

static void labels_of_files_outlive_a_reboot_and_innocents_get_none(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	if (strcmp(reboot_stage(), "second") != 0)
		the_first_boot(reboot);
	if (strcmp(reboot_stage(), "first") == 0)
		return;
	if (strcmp(reboot_stage(), "second") != 0)
		reboot_come_up(reboot);
	the_second_boot(reboot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			labels_of_files_outlive_a_reboot_and_innocents_get_none, reboot_set,
			reboot_clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
