/* SPDX-License-Identifier: GPL-2.0-only */
/* What of labels and files is the same after a reboot, and what is said when something is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/clock.h"
#include "kernel/reboot.h"

#define SOURCE_BYTES 1048576
#define OTHER_CLASS "[class \"other\"]\ngrade = C1\ncategory = other\n"

static bool run(const char *command)
{
	int status = system(command);

	return status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void a_label_keeps_its_age_and_its_hops(void **state)
{
	struct reboot *reboot = *state;
	struct sensor_file before, after;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/near; cat $DISK/near > $DISK/far");
	before = reboot_look_up(reboot, "far");
	assert_int_equal(before.hops, reboot_look_up(reboot, "near").hops + 2);
	reboot_go_down(reboot);
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	after = reboot_look_up(reboot, "far");
	assert_int_equal(after.hops, before.hops);
	assert_int_equal(after.labels, before.labels);
	assert_int_equal(after.is_source, before.is_source);
	assert_in_range(after.since_ns + CLOCK_NS_PER_SECOND, before.since_ns,
			before.since_ns + 2 * CLOCK_NS_PER_SECOND);
}

static void a_class_is_known_by_its_name(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/copy");
	reboot_go_down(reboot);
	kernel_fixture_change_policy(reboot->fixture, OTHER_CLASS, "customer");
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	assert_int_equal(reboot_leak(reboot, "copy"), SOURCE_BYTES);
	assert_true(reboot_leaked_class(reboot, "customer"));
	assert_false(reboot_leaked_class(reboot, "other"));
}

static void a_class_that_left_the_policy_is_dropped_and_told(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/copy");
	reboot_go_down(reboot);
	kernel_fixture_change_policy(reboot->fixture, "", "renewed");
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	assert_int_equal(reboot_leak(reboot, "copy"), 0);
	assert_true(reboot->lost >= 1); /* the source is one, too, if it is on a disk */
	assert_non_null(strstr(reboot->detail, "policy does not name them"));
	reboot_go_down(reboot);
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	assert_int_equal(reboot->losses, 1);
}

/* The byte is in the last file's frame. */
static void of_a_damaged_record_the_rest_is_set_and_the_loss_is_told(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "for i in 1 2 3; do cat $SRC > $DISK/$i; done");
	reboot_go_down(reboot);
	assert_true(run("size=$(stat -c %s $DISK/labels); printf '\\377\\001' |"
			"dd of=$DISK/labels bs=1 seek=$((size - 10)) conv=notrunc status=none"));
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	assert_true(reboot_counts(reboot).restored >= 2);
	assert_int_equal(reboot->losses, 1);
	assert_int_equal(reboot->lost, 1);
	assert_non_null(strstr(reboot->detail, "was damaged"));
	/* Without that part it is written anew, so that it is told once. */
	reboot_go_down(reboot);
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	assert_int_equal(reboot->losses, 1);
}

/* Agents come and go without a boot in between: the kernel's table knows more than the record. */
static void a_restart_without_a_boot_sets_nothing_and_loses_nothing(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/early");
	assert_int_equal(keeper_write(reboot->keeper), 0);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/late");
	keeper_free(reboot->keeper);
	reboot->keeper = NULL;
	kernel_fixture_kill_sensor(reboot->fixture);
	kernel_fixture_restart_sensor(reboot->fixture);
	reboot_start_keeper(reboot);
	assert_int_equal(reboot_counts(reboot).restored, 0);
	reboot_go_down(reboot);
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	assert_int_equal(reboot_leak(reboot, "early"), SOURCE_BYTES);
	assert_int_equal(reboot_leak(reboot, "late"), SOURCE_BYTES);
	assert_int_equal(reboot->losses, 0);
}

/* It does not open the file again, so the label must find it. */
static void who_has_the_file_open_already_is_labelled_when_he_reads(void **state)
{
	struct reboot *reboot = *state;
	char text[64];
	int output;
	pid_t reader;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/copy; mkfifo $DIR/go");
	reboot_go_down(reboot);
	reader = kernel_fixture_spawn_shell(reboot->fixture,
					    "exec cat $DIR/go - < $DISK/copy > $DIR/leak", &output);
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, ": > $DIR/go");
	kernel_fixture_wait(reader, output, text, sizeof(text));
	assert_int_equal(kernel_fixture_written(reboot->fixture, "leak"), SOURCE_BYTES);
}

/* An agent that looks whether a file is still there holds nothing of it. */
static void looking_for_files_opens_no_gate(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/copy");
	assert_int_equal(keeper_write(reboot->keeper), 0);
	assert_int_equal(kernel_fixture_counts(reboot->fixture).hot_apps, 0);
	reboot_go_down(reboot);
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	assert_true(reboot_counts(reboot).restored > 0);
	assert_int_equal(kernel_fixture_counts(reboot->fixture).hot_apps, 0);
}

static void what_lies_in_memory_is_neither_kept_nor_missed(void **state)
{
	struct reboot *reboot = *state;
	uint64_t kept;

	reboot_need_disk();
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > /dev/null");
	assert_int_equal(keeper_write(reboot->keeper), 0);
	kept = reboot_counts(reboot).kept;
	kernel_fixture_shell(reboot->fixture, "cat $SRC > /dev/shm/weir-reboot-test");
	assert_int_equal(keeper_write(reboot->keeper), 0);
	kernel_fixture_shell(reboot->fixture, "rm /dev/shm/weir-reboot-test");
	assert_int_equal(reboot_counts(reboot).kept, kept);
	assert_int_equal(reboot->gaps + reboot->losses, 0);
}

/* Large enough for xfs, and empty. */
static void need_a_stick(const char *type)
{
	setenv("TYPE", type, 1);
	if (run("PATH=$PATH:/usr/sbin:/sbin; command -v mkfs.$TYPE losetup >/dev/null &&"
		"truncate -s 320M $DISK/stick.img && mkfs.$TYPE -q $DISK/stick.img >/dev/null &&"
		"mkdir $DISK/stick $DISK/other && mount -o loop $DISK/stick.img $DISK/stick "
		"2>/dev/null"))
		return;
	print_message("# skip: no mkfs.%s, no loop device or no module\n", type);
	skip();
}

/* Unmounted before anybody wrote down what was labelled, and mounted elsewhere after the boot. */
static void take_a_stick_through_a_boot(struct reboot *reboot, const char *type)
{
	uint64_t restored;

	reboot_need_disk();
	need_a_stick(type);
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture,
			     "cat $SRC > $DISK/stick/copy; cat $SRC > $DISK/stick/removed; sync");
	keeper_mounts_changed(reboot->keeper);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/stick/late; umount $DISK/stick");
	keeper_mounts_changed(reboot->keeper);
	reboot_go_down(reboot);
	assert_true(run("mount -o loop $DISK/stick.img $DISK/other && rm $DISK/other/removed &&"
			"echo nothing > $DISK/other/innocent && umount $DISK/other"));
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	restored = reboot_counts(reboot).restored;
	assert_true(run("mount -o loop $DISK/stick.img $DISK/other"));
	assert_int_equal(reboot_leak(reboot, "other/copy"), 0);
	keeper_mounts_changed(reboot->keeper);
	assert_int_equal(reboot_counts(reboot).restored, restored + 2);
	assert_int_equal(reboot_counts(reboot).gone, 1);
	assert_int_equal(reboot_leak(reboot, "other/copy"), SOURCE_BYTES);
	assert_int_equal(reboot_leak(reboot, "other/late"), SOURCE_BYTES);
	assert_int_equal(reboot_leak(reboot, "other/innocent"), 0);
	assert_true(run("umount $DISK/other"));
	assert_int_equal(reboot->losses, 0);
}

static void a_stick_that_comes_later_has_its_labels(void **state)
{
	take_a_stick_through_a_boot(*state, "ext4");
}

static void a_stick_of_xfs_has_its_labels(void **state)
{
	take_a_stick_through_a_boot(*state, "xfs");
}

static void a_stick_of_btrfs_has_its_labels(void **state)
{
	take_a_stick_through_a_boot(*state, "btrfs");
}

/* The disk is that of the upper folder. */
static void what_is_written_in_a_container_is_kept(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	if (!run("cd $DISK && mkdir lower upper work stick && mount -t overlay overlay "
		 "-o lowerdir=lower,upperdir=upper,workdir=work stick")) {
		print_message("# skip: no overlay\n");
		skip();
	}
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/stick/copy");
	reboot_go_down(reboot);
	assert_true(run("umount $DISK/stick"));
	reboot_come_up(reboot);
	reboot_start_keeper(reboot);
	assert_int_equal(reboot_leak(reboot, "upper/copy"), SOURCE_BYTES);
	assert_int_equal(reboot->gaps, 0);
	assert_int_equal(reboot->losses, 0);
}

/* A file system that every kernel has, and whose files nobody can write to: the attempt counts. */
static void what_cannot_be_kept_is_told_once(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	assert_true(run("cd $DISK && mkdir stick && mount -t mqueue stick stick"));
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/stick/copy || :");
	assert_int_equal(keeper_write(reboot->keeper), 0);
	kernel_fixture_shell(reboot->fixture, "cat $SRC > $DISK/stick/again || :");
	assert_int_equal(keeper_write(reboot->keeper), 0);
	assert_true(run("rm $DISK/stick/copy $DISK/stick/again && umount $DISK/stick"));
	assert_int_equal(reboot->gaps, 1);
	assert_non_null(strstr(reboot->detail, "on mqueue"));
	assert_int_equal(reboot->losses, 0);
}

static void files_beyond_the_limit_are_told_once(void **state)
{
	struct reboot *reboot = *state;

	reboot_need_disk();
	reboot->max_files = 3;
	reboot_start_keeper(reboot);
	kernel_fixture_shell(reboot->fixture, "for i in 1 2 3 4 5 6; do cat $SRC > $DISK/$i; done");
	assert_int_equal(keeper_write(reboot->keeper), 0);
	assert_int_equal(reboot_counts(reboot).kept, 3);
	assert_true(reboot->lost >= 3);
	reboot->lost = 0;
	kernel_fixture_shell(reboot->fixture, "rm $DISK/1 $DISK/2; cat $SRC > $DISK/7");
	assert_int_equal(keeper_write(reboot->keeper), 0);
	assert_int_equal(keeper_write(reboot->keeper), 0);
	assert_true(reboot->lost <= 1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, reboot_set, reboot_clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_label_keeps_its_age_and_its_hops),
		STORY(a_class_is_known_by_its_name),
		STORY(a_class_that_left_the_policy_is_dropped_and_told),
		STORY(of_a_damaged_record_the_rest_is_set_and_the_loss_is_told),
		STORY(a_restart_without_a_boot_sets_nothing_and_loses_nothing),
		STORY(who_has_the_file_open_already_is_labelled_when_he_reads),
		STORY(looking_for_files_opens_no_gate),
		STORY(what_lies_in_memory_is_neither_kept_nor_missed),
		STORY(a_stick_that_comes_later_has_its_labels),
		STORY(a_stick_of_xfs_has_its_labels),
		STORY(a_stick_of_btrfs_has_its_labels),
		STORY(what_is_written_in_a_container_is_kept),
		STORY(what_cannot_be_kept_is_told_once),
		STORY(files_beyond_the_limit_are_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
