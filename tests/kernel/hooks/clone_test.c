/* SPDX-License-Identifier: GPL-2.0-only */

/* Files that are copied by sharing their blocks, as cp does where the file system can: no byte goes
 * through the program. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/scene.h"

#define BLOCK 4096
#define ROWS 3 /* writes of SCENE_BYTES, which end in the third block */
#define COMPAT_IOCTL 54

static int strike_with_stick(void **state)
{
	const struct scene *scene = *state;

	umount2(scene_path(scene, "stick"), MNT_DETACH);
	return scene_strike(state);
}

/* Large enough for xfs. */
static void need_a_stick(const struct scene *scene, const char *type)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "PATH=$PATH:/usr/sbin:/sbin; cd %s && truncate -s 320M stick.img && "
		 "mkfs.%s -q stick.img >/dev/null && mkdir stick && "
		 "mount -o loop stick.img stick 2>/dev/null",
		 kernel_fixture_folder(scene->fixture), type);
	if (system(command) == 0)
		return;
	print_message("# skip: no mkfs.%s, no loop device or no module\n", type);
	skip();
}

static void given_labelled_rows(const struct scene *scene)
{
	scene_read_source(scene, CLERK);
	for (int i = 0; i < ROWS; i++)
		scene_write(scene, CLERK, "stick/rows", O_CREAT | O_WRONLY | O_APPEND);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_sync), 0);
}

static int open_copy(const struct scene *scene)
{
	return scene_open(scene, THIEF, scene_path(scene, "stick/copy"), O_CREAT | O_WRONLY);
}

static int open_rows(const struct scene *scene)
{
	return scene_open(scene, THIEF, scene_path(scene, "stick/rows"), O_RDONLY);
}

/* What was read from the rows since the thief has them, and written to the copy. */
static void check_copied(const struct scene *scene, uint64_t bytes)
{
	uint64_t rows = kernel_fixture_ino(scene->fixture, "stick/rows");

	assert_int_equal(kernel_fixture_sum(scene->fixture, false, rows, 0).bytes, bytes);
	assert_int_equal(kernel_fixture_written(scene->fixture, "stick/copy"), bytes);
	assert_true(scene_is_labelled(scene, "stick/copy", "trace"));
}

static struct file_clone_range *fill_range(const struct scene *scene, int fd, uint64_t from,
					   uint64_t bytes, uint64_t to)
{
	struct file_clone_range *range = (void *)scene_data(scene, THIEF);

	*range = (struct file_clone_range){
		.src_fd = fd, .src_offset = from, .src_length = bytes, .dest_offset = to};
	return range;
}

static void check_a_clone_of_a_file(const struct scene *scene, const char *type)
{
	int rows, copy;

	need_a_stick(scene, type);
	given_labelled_rows(scene);
	rows = open_rows(scene);
	copy = open_copy(scene);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_ioctl, copy, FICLONE, rows), 0);
	check_copied(scene, ROWS * SCENE_BYTES);
}

static void a_copy_that_shares_blocks_of_xfs_is_labelled(void **state)
{
	check_a_clone_of_a_file(*state, "xfs");
	coverage_note("FICLONE (xfs)", COVERAGE_EXACT);
}

static void a_copy_that_shares_blocks_of_btrfs_is_labelled(void **state)
{
	check_a_clone_of_a_file(*state, "btrfs");
	coverage_note("FICLONE (btrfs)", COVERAGE_EXACT);
}

/* Of several threads, what the call was about is kept from its entry. */
static void parts_that_share_blocks_are_counted(void **state)
{
	const struct scene *scene = *state;
	int rows, copy;

	need_a_stick(scene, "xfs");
	given_labelled_rows(scene);
	rows = open_rows(scene);
	copy = open_copy(scene);
	puppet_thread(scene->stage, THIEF, SECOND);
	assert_int_equal(SCENE_CALL(scene, SECOND, SYS_ioctl, copy, FICLONERANGE,
				    (long)fill_range(scene, rows, BLOCK, BLOCK, 0)),
			 0);
	assert_int_equal(SCENE_CALL(scene, SECOND, SYS_ioctl, copy, FICLONERANGE,
				    (long)fill_range(scene, rows, BLOCK, 0, BLOCK)),
			 0);
	puppet_end_thread(scene->stage, SECOND);
	check_copied(scene, BLOCK + ROWS * SCENE_BYTES - BLOCK);
	coverage_note("FICLONERANGE", COVERAGE_EXACT);
}

static void they_are_by_32_bit_calls(void **state)
{
	const struct scene *scene = *state;
	int rows, copy;

	if (!actor_compat_is_there()) {
		print_message("# skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	need_a_stick(scene, "xfs");
	given_labelled_rows(scene);
	rows = open_rows(scene);
	copy = open_copy(scene);
	assert_int_equal(puppet_compat_call(scene->stage, THIEF, COMPAT_IOCTL,
					    (const long[6]){copy, FICLONE, rows}),
			 0);
	assert_int_equal(
		puppet_compat_call(scene->stage, THIEF, COMPAT_IOCTL,
				   (const long[6]){copy, FICLONERANGE,
						   (long)fill_range(scene, rows, BLOCK, BLOCK, 0)}),
		0);
	check_copied(scene, ROWS * SCENE_BYTES + BLOCK);
	coverage_note("32-bit FICLONE, FICLONERANGE", COVERAGE_EXACT);
}

/* The file system refuses it: blocks of another one cannot be shared. */
static void a_refused_copy_moves_nothing(void **state)
{
	const struct scene *scene = *state;
	int source, copy;

	need_a_stick(scene, "xfs");
	source = scene_open(scene, THIEF, kernel_fixture_source(scene->fixture), O_RDONLY);
	copy = open_copy(scene);
	assert_true(SCENE_CALL(scene, THIEF, SYS_ioctl, copy, FICLONE, source) < 0);
	assert_int_equal(kernel_fixture_written(scene->fixture, "stick/copy"), 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, strike_with_stick)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_copy_that_shares_blocks_of_xfs_is_labelled),
		STORY(a_copy_that_shares_blocks_of_btrfs_is_labelled),
		STORY(parts_that_share_blocks_are_counted),
		STORY(they_are_by_32_bit_calls),
		STORY(a_refused_copy_moves_nothing),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
