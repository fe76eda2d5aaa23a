/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/labels/mounts.h"
#include "base/cleanup.h"
#include "base/file.h"

#define DEV(major, minor) ((major) << 20 | (minor))

struct fixture {
	char dir[64], file[96], mountinfo[96];
	uint32_t dev, generation;
	uint64_t ino;
};

static int given_a_file_on_a_disk(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct stat info;
	int fd, generation = 0;

	*state = fixture;
	strcpy(fixture->dir, "/var/tmp/weir-mounts-XXXXXX");
	if (!mkdtemp(fixture->dir))
		return -1;
	snprintf(fixture->file, sizeof(fixture->file), "%s/file", fixture->dir);
	snprintf(fixture->mountinfo, sizeof(fixture->mountinfo), "%s/mountinfo", fixture->dir);
	fd = open(fixture->file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &info) < 0)
		return -1;
	(void)ioctl(fd, FS_IOC_GETVERSION, &generation);
	close(fd);
	fixture->dev = DEV(major(info.st_dev), minor(info.st_dev));
	fixture->ino = info.st_ino;
	fixture->generation = (uint32_t)generation;
	return 0;
}

static int clean_up(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->file);
	unlink(fixture->mountinfo);
	rmdir(fixture->dir);
	free(fixture);
	return 0;
}

static struct mounts *read_text(const struct fixture *fixture, const char *text)
{
	struct mounts *mounts;

	assert_int_equal(file_write_durably(fixture->mountinfo, text, strlen(text), 0600), 0);
	assert_int_equal(mounts_read(fixture->mountinfo, &mounts), 0);
	return mounts;
}

static enum mounts_verdict verdict(const struct mounts *mounts, uint32_t dev)
{
	struct file_system_id id;
	const char *type;

	return mounts_find(mounts, dev, &id, &type);
}

static void need_a_disk(const struct fixture *fixture, const struct mounts *mounts)
{
	if (verdict(mounts, fixture->dev) == MOUNTS_KEPT &&
	    mounts_have_file((struct mounts *)mounts, fixture->dev, 2, 0) != -EPERM)
		return;
	print_message("# skip: /var/tmp is on no ext2, ext3, ext4, xfs or btrfs, or no root\n");
	skip();
}

static void a_file_is_there_until_it_is_removed(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;

	assert_int_equal(mounts_read("/proc/self/mountinfo", &mounts), 0);
	need_a_disk(fixture, mounts);
	assert_int_equal(mounts_have_file(mounts, fixture->dev, fixture->ino, fixture->generation),
			 1);
	assert_int_equal(
		mounts_have_file(mounts, fixture->dev, fixture->ino, fixture->generation + 1), 0);
	assert_int_equal(unlink(fixture->file), 0);
	assert_int_equal(mounts_have_file(mounts, fixture->dev, fixture->ino, fixture->generation),
			 0);
}

static void a_folder_is_no_file(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	_cleanup_close_ int fd = open(fixture->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat info;
	int generation = 0;

	assert_int_equal(mounts_read("/proc/self/mountinfo", &mounts), 0);
	need_a_disk(fixture, mounts);
	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(ioctl(fd, FS_IOC_GETVERSION, &generation), 0);
	assert_int_equal(mounts_have_file(mounts, fixture->dev, info.st_ino, (uint32_t)generation),
			 0);
}

static void what_is_in_memory_or_in_the_network_is_told_apart(void **state)
{
	_cleanup_(mounts_freep) struct mounts *mounts =
		read_text(*state, "30 1 0:25 / /dev/shm rw - tmpfs tmpfs rw\n"
				  "31 1 0:50 / /mnt/share rw shared:9 - nfs4 server:/share rw\n"
				  "32 1 8:17 / /mnt/stick rw - vfat /dev/sdb1 rw\n");

	assert_int_equal(verdict(mounts, DEV(0, 25)), MOUNTS_MEMORY);
	assert_int_equal(verdict(mounts, DEV(0, 50)), MOUNTS_OTHER);
	assert_int_equal(verdict(mounts, DEV(8, 17)), MOUNTS_OTHER);
	assert_int_equal(verdict(mounts, DEV(8, 18)), MOUNTS_UNSEEN);
}

/* The folder is there, but it is not that mount. */
static void a_mount_that_another_one_covers_is_not_asked(void **state)
{
	_cleanup_(mounts_freep) struct mounts *mounts = read_text(
		*state, "4000000000 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
			"4000000001 1 8:1 / /no/such\\040folder rw - ext4 /dev/sda1 rw\n");
	const struct mounts_place *places;

	assert_int_equal(mounts_places(mounts, &places), 0);
	assert_int_equal(mounts_have_file(mounts, DEV(8, 1), 2, 0), -ENODEV);
}

static void lines_that_are_none_are_passed_over(void **state)
{
	_cleanup_(mounts_freep) struct mounts *mounts =
		read_text(*state, "\n30\n30 1\n30 1 0:25\n30 1 0:25 /\n30 1 0:25 / /a\n"
				  "30 1 0:25 / /a rw\n30 1 0:25 / /a rw -\n"
				  "x 1 0:25 / /a rw - tmpfs t rw\n"
				  "31 1 0:26 / /trailing\\ rw - tmpfs t rw\n"
				  "32 1 0:27 / /trailing\\04 rw - tmpfs t rw\n");

	assert_int_equal(verdict(mounts, DEV(0, 25)), MOUNTS_UNSEEN);
	assert_int_equal(verdict(mounts, DEV(0, 26)), MOUNTS_MEMORY);
}

static void no_folder_stays_open(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(mounts_freep) struct mounts *mounts = NULL;
	int before = dup(0), after;

	close(before);
	assert_int_equal(mounts_read("/proc/self/mountinfo", &mounts), 0);
	(void)mounts_have_file(mounts, fixture->dev, fixture->ino, fixture->generation);
	mounts_release(mounts);
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, given_a_file_on_a_disk, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_file_is_there_until_it_is_removed),
		STORY(a_folder_is_no_file),
		STORY(what_is_in_memory_or_in_the_network_is_told_apart),
		STORY(a_mount_that_another_one_covers_is_not_asked),
		STORY(lines_that_are_none_are_passed_over),
		STORY(no_folder_stays_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
