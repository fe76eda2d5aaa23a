/* SPDX-License-Identifier: GPL-2.0-only */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <limits.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

static char folder[] = "/tmp/weir-file-XXXXXX";
static char path[PATH_MAX];

static const char *in_folder(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[PATH_MAX];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static size_t count_entries(void)
{
	DIR *dir = opendir(folder);
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static void assert_content(const char *name, const char *expected)
{
	_cleanup_free_ char *data = NULL;
	size_t size;

	assert_int_equal(file_read_all(in_folder(name), 1 << 20, &data, &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_string_equal(data, expected);
}

static void what_was_written_is_read_back(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(file_write_durably(in_folder("a"), "secret", 6, 0640), 0);
	assert_content("a", "secret");
	assert_int_equal(stat(in_folder("a"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
}

static void a_new_write_replaces_the_whole_and_leaves_no_litter(void **state)
{
	size_t before;

	(void)state;
	assert_int_equal(file_write_durably(in_folder("b"), "a long first content", 20, 0600), 0);
	before = count_entries();
	assert_int_equal(file_write_durably(in_folder("b"), "", 0, 0600), 0);
	assert_content("b", "");
	assert_int_equal(file_write_atomically(in_folder("b"), "next", 4, 0600), 0);
	assert_content("b", "next");
	assert_int_equal(count_entries(), before);
}

/* The limit of file size stands in for a full disk: the write stops half-way. */
static void a_write_that_fails_leaves_the_old_content(void **state)
{
	struct rlimit saved, tight;
	static char big[8192];
	size_t before;

	(void)state;
	assert_int_equal(file_write_durably(in_folder("c"), "old", 3, 0600), 0);
	before = count_entries();
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &saved);
	tight = saved;
	tight.rlim_cur = 4096;
	setrlimit(RLIMIT_FSIZE, &tight);
	assert_int_equal(file_write_durably(in_folder("c"), big, sizeof(big), 0600), -EFBIG);
	assert_int_equal(file_write_atomically(in_folder("c"), big, sizeof(big), 0600), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &saved);
	assert_content("c", "old");
	assert_int_equal(count_entries(), before);
}

static void a_file_beyond_the_bound_is_refused(void **state)
{
	_cleanup_free_ char *data = NULL;

	(void)state;
	assert_int_equal(file_write_durably(in_folder("d"), "12345", 5, 0600), 0);
	assert_int_equal(file_read_all(path, 4, &data, NULL), -EFBIG);
	assert_null(data);
	assert_int_equal(file_read_all(path, 5, &data, NULL), 0);
	assert_string_equal(data, "12345");
}

static void a_file_that_says_size_zero_is_read_to_its_end(void **state)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;

	(void)state;
	assert_int_equal(file_read_all("/proc/self/status", 1 << 20, &data, &size), 0);
	assert_true(size > 100);
	assert_non_null(strstr(data, "Name:"));
}

static void a_file_of_many_blocks_is_read_whole(void **state)
{
	static char big[100001];
	_cleanup_free_ char *data = NULL;
	size_t size = 0;

	(void)state;
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = 'y';
	assert_int_equal(file_write_durably(in_folder("big"), big, sizeof(big), 0600), 0);
	assert_int_equal(file_read_all(path, sizeof(big), &data, &size), 0);
	assert_int_equal(size, sizeof(big));
	assert_memory_equal(data, big, sizeof(big));
}

static void folders_are_made_on_the_way(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(file_make_dirs(in_folder("x/y//z/"), 0700), 0);
	assert_int_equal(stat(in_folder("x/y/z"), &status), 0);
	assert_true(S_ISDIR(status.st_mode));
	assert_int_equal(file_make_dirs(in_folder("x/y"), 0700), 0);
}

static void a_file_in_the_way_of_a_folder_is_said(void **state)
{
	(void)state;
	assert_int_equal(file_write_durably(in_folder("plain"), "", 0, 0600), 0);
	assert_int_equal(file_make_dirs(in_folder("plain"), 0700), -ENOTDIR);
	assert_int_equal(file_make_dirs(in_folder("plain/below"), 0700), -ENOTDIR);
	assert_int_equal(file_make_dirs("", 0700), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(a_new_write_replaces_the_whole_and_leaves_no_litter),
		cmocka_unit_test(a_write_that_fails_leaves_the_old_content),
		cmocka_unit_test(a_file_beyond_the_bound_is_refused),
		cmocka_unit_test(a_file_that_says_size_zero_is_read_to_its_end),
		cmocka_unit_test(a_file_of_many_blocks_is_read_whole),
		cmocka_unit_test(folders_are_made_on_the_way),
		cmocka_unit_test(a_file_in_the_way_of_a_folder_is_said),
	};

	return cmocka_run_group_tests_name("base/file", tests, make_folder, remove_folder);
}
