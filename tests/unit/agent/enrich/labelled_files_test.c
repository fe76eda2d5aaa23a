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
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/enrich/labelled_files.h"
#include "base/cleanup.h"

#define NOBODY 4194305u /* no process: above the highest pid */

struct fixture {
	char dir[48];
	struct labelled_files *files;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture || labelled_files_new(3, &fixture->files) < 0)
		return -1;
	strcpy(fixture->dir, "/tmp/weir-files-XXXXXX");
	*state = fixture;
	return mkdtemp(fixture->dir) ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "link"};
	struct fixture *fixture = *state;
	char path[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", fixture->dir, names[i]);
		unlink(path);
	}
	rmdir(fixture->dir);
	labelled_files_free(fixture->files);
	free(fixture);
	return 0;
}

/* Of the latest call only. */
static const char *at(struct fixture *fixture, const char *name, char path[static 64])
{
	snprintf(path, 64, "%s/%s", fixture->dir, name);
	return path;
}

/* Makes a file and lets a flow show it under that name. */
static uint64_t given_a_labelled_file(struct fixture *fixture, const char *name)
{
	struct labelled_file file = {.labels = 1, .generation = 7};
	struct stat info;
	char path[64];
	int fd = open(at(fixture, name, path), O_CREAT | O_RDWR, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &info), 0);
	close(fd);
	file.ino = info.st_ino;
	file.dev = (uint32_t)major(info.st_dev) << 20 | minor(info.st_dev);
	file.path = path;
	assert_int_equal(labelled_files_put(fixture->files, &file), 0);
	return info.st_ino;
}

static void when_moved(struct fixture *fixture, const char *from, const char *to)
{
	char old_path[64], new_path[64];

	assert_int_equal(rename(at(fixture, from, old_path), at(fixture, to, new_path)), 0);
}

static void when_removed(struct fixture *fixture, const char *name)
{
	char path[64];

	assert_int_equal(unlink(at(fixture, name, path)), 0);
}

static uint64_t told_rename(struct fixture *fixture, const char *from, const char *to)
{
	char old_path[64], new_path[64];
	const struct labelled_file *file = labelled_files_take_renamed(
		fixture->files, at(fixture, from, old_path), at(fixture, to, new_path), NOBODY);

	return file ? file->ino : 0;
}

static uint64_t told_unlink(struct fixture *fixture, const char *name)
{
	char path[64];
	const struct labelled_file *file =
		labelled_files_take_unlinked(fixture->files, at(fixture, name, path));

	return file ? file->ino : 0;
}

static void a_chain_of_names_is_followed_after_all_of_them_are_gone(void **state)
{
	struct fixture *fixture = *state;
	uint64_t ino = given_a_labelled_file(fixture, "a");

	when_moved(fixture, "a", "b");
	when_moved(fixture, "b", "c");
	when_removed(fixture, "c");
	assert_int_equal(told_rename(fixture, "a", "b"), ino);
	assert_int_equal(told_rename(fixture, "b", "c"), ino);
	assert_int_equal(told_unlink(fixture, "c"), ino);
}

static void a_flow_may_show_the_last_name_before_the_renames_are_told(void **state)
{
	struct fixture *fixture = *state;
	uint64_t ino = given_a_labelled_file(fixture, "a");

	when_moved(fixture, "a", "b");
	when_moved(fixture, "b", "c");
	assert_int_equal(given_a_labelled_file(fixture, "c"), ino);
	when_removed(fixture, "c");
	assert_int_equal(told_rename(fixture, "a", "b"), ino);
	assert_int_equal(told_rename(fixture, "b", "c"), ino);
	assert_int_equal(told_unlink(fixture, "c"), ino);
}

static void a_file_is_removed_once(void **state)
{
	struct fixture *fixture = *state;
	uint64_t ino = given_a_labelled_file(fixture, "a");

	when_removed(fixture, "a");
	assert_int_equal(told_unlink(fixture, "a"), ino);
	assert_int_equal(told_unlink(fixture, "a"), 0);
}

static void the_old_name_of_a_moved_file_is_free_for_others(void **state)
{
	struct fixture *fixture = *state;
	uint64_t ino = given_a_labelled_file(fixture, "a");

	when_moved(fixture, "a", "b");
	assert_int_equal(told_rename(fixture, "a", "b"), ino);
	assert_int_equal(told_unlink(fixture, "a"), 0);
}

static void a_file_that_is_still_there_was_not_removed(void **state)
{
	struct fixture *fixture = *state;

	given_a_labelled_file(fixture, "a");
	assert_int_equal(told_unlink(fixture, "a"), 0);
}

static void of_two_files_that_took_one_name_each_is_told_for_itself(void **state)
{
	struct fixture *fixture = *state;
	uint64_t first = given_a_labelled_file(fixture, "a");
	uint64_t second = given_a_labelled_file(fixture, "c");

	when_moved(fixture, "a", "b");
	when_moved(fixture, "c", "b");
	assert_int_equal(told_rename(fixture, "a", "b"), first);
	assert_int_equal(told_rename(fixture, "c", "b"), second);
}

static void a_file_renamed_by_a_name_nobody_saw_is_known_by_its_inode(void **state)
{
	struct fixture *fixture = *state;
	uint64_t ino = given_a_labelled_file(fixture, "a");

	when_moved(fixture, "a", "b");
	assert_int_equal(told_rename(fixture, "link", "b"), ino);
}

static uint64_t found_by(struct fixture *fixture, const char *name, uint32_t pid)
{
	char path[64];
	const struct labelled_file *file =
		labelled_files_find_path(fixture->files, at(fixture, name, path), pid);

	return file ? file->ino : 0;
}

static void a_file_is_found_by_any_path_that_leads_to_it(void **state)
{
	struct fixture *fixture = *state;
	uint64_t ino = given_a_labelled_file(fixture, "a");
	char to[64], path[64];

	assert_int_equal(found_by(fixture, "a", NOBODY), ino);
	when_moved(fixture, "a", "b");
	assert_int_equal(found_by(fixture, "a", NOBODY), 0);
	assert_int_equal(found_by(fixture, "b", NOBODY), ino);
	assert_int_equal(symlink(at(fixture, "b", to), at(fixture, "link", path)), 0);
	assert_int_equal(found_by(fixture, "link", NOBODY), ino);
	when_removed(fixture, "b");
	assert_int_equal(found_by(fixture, "link", NOBODY), 0);
}

static void a_new_life_of_an_inode_number_has_no_old_names(void **state)
{
	struct fixture *fixture = *state;
	const struct labelled_file *known;
	struct labelled_file reborn;
	char path[64];
	uint64_t ino = given_a_labelled_file(fixture, "a");
	struct stat info;

	assert_int_equal(stat(at(fixture, "a", path), &info), 0);
	known = labelled_files_find(fixture->files,
				    (uint32_t)major(info.st_dev) << 20 | minor(info.st_dev), ino);
	assert_non_null(known);
	reborn = *known;
	reborn.generation = 8;
	reborn.path = path;
	at(fixture, "d", path);
	assert_int_equal(labelled_files_put(fixture->files, &reborn), 0);
	when_removed(fixture, "a");
	assert_int_equal(told_unlink(fixture, "a"), 0);
	assert_int_equal(told_unlink(fixture, "d"), ino);
}

static void the_table_is_bounded_and_counts_what_it_leaves_out(void **state)
{
	struct fixture *fixture = *state;
	struct labelled_file file = {.ino = 1u << 31, .path = (char *)"/x"};

	given_a_labelled_file(fixture, "a");
	given_a_labelled_file(fixture, "b");
	given_a_labelled_file(fixture, "c");
	assert_int_equal(labelled_files_put(fixture->files, &file), -ENOSPC);
	assert_int_equal(labelled_files_dropped(fixture->files), 1);
}

static void files_without_a_name_make_room_for_others(void **state)
{
	struct fixture *fixture = *state;
	uint64_t last;

	given_a_labelled_file(fixture, "a");
	given_a_labelled_file(fixture, "b");
	given_a_labelled_file(fixture, "c");
	when_moved(fixture, "a", "link");
	assert_true(told_unlink(fixture, "a") != 0);
	last = given_a_labelled_file(fixture, "d");
	assert_int_equal(labelled_files_dropped(fixture->files), 0);
	when_removed(fixture, "d");
	assert_int_equal(told_unlink(fixture, "d"), last);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_chain_of_names_is_followed_after_all_of_them_are_gone),
		TEST(a_flow_may_show_the_last_name_before_the_renames_are_told),
		TEST(a_file_is_removed_once),
		TEST(the_old_name_of_a_moved_file_is_free_for_others),
		TEST(a_file_that_is_still_there_was_not_removed),
		TEST(of_two_files_that_took_one_name_each_is_told_for_itself),
		TEST(a_file_renamed_by_a_name_nobody_saw_is_known_by_its_inode),
		TEST(a_file_is_found_by_any_path_that_leads_to_it),
		TEST(a_new_life_of_an_inode_number_has_no_old_names),
		TEST(the_table_is_bounded_and_counts_what_it_leaves_out),
		TEST(files_without_a_name_make_room_for_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
