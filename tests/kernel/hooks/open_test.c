/* SPDX-License-Identifier: GPL-2.0-only */

/* What is told of a file that was labelled, and is emptied. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/scene.h"

enum compat_number { /* arch/x86/entry/syscalls/syscall_32.tbl */
	COMPAT_CREAT = 8,
	COMPAT_TRUNCATE = 92,
	COMPAT_FTRUNCATE = 93,
	COMPAT_TRUNCATE64 = 193,
	COMPAT_FTRUNCATE64 = 194,
	COMPAT_OPENAT2 = 437,
};

static const char *given_rows(const struct scene *scene)
{
	struct puppet *thief = &scene->stage->puppets[THIEF];

	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "rows", O_CREAT | O_WRONLY);
	snprintf(thief->paths[0], sizeof(thief->paths[0]), "%s", scene_path(scene, "rows"));
	return thief->paths[0];
}

static int open_rows(const struct scene *scene)
{
	return (int)SCENE_CALL(scene, THIEF, SYS_openat, AT_FDCWD,
			       (long)scene->stage->puppets[THIEF].paths[0], O_WRONLY);
}

static long fill_how(const struct scene *scene)
{
	struct open_how *how = (struct open_how *)scene_data(scene, THIEF);

	*how = (struct open_how){.flags = O_WRONLY | O_TRUNC};
	return (long)how;
}

static uint64_t count_emptied(const struct scene *scene)
{
	return kernel_fixture_count_paths(scene->fixture, SENSOR_PATH_TRUNCATE);
}

static void who_empties_a_file_by_opening_it_is_told(void **state)
{
	const struct scene *scene = *state;
	long path = (long)given_rows(scene);
	uint64_t told = count_emptied(scene);

	assert_true(SCENE_CALL(scene, THIEF, SYS_openat, AT_FDCWD, path, O_WRONLY) >= 0);
	assert_int_equal(count_emptied(scene), told);
	assert_true(SCENE_CALL(scene, THIEF, SYS_openat, AT_FDCWD, path, O_WRONLY | O_TRUNC) >= 0);
	assert_int_equal(count_emptied(scene), told + 1);
	assert_true(SCENE_CALL(scene, THIEF, SYS_openat2, AT_FDCWD, path, fill_how(scene),
			       sizeof(struct open_how)) >= 0);
	assert_int_equal(count_emptied(scene), told + 2);
#ifdef SYS_creat
	assert_true(SCENE_CALL(scene, THIEF, SYS_creat, path, 0600) >= 0);
	assert_int_equal(count_emptied(scene), told + 3);
#endif
}

/* Of what is left of a file nothing is told. */
static void who_cuts_a_file_to_nothing_is_told(void **state)
{
	const struct scene *scene = *state;
	const char *path = given_rows(scene);
	int fd = open_rows(scene);
	uint64_t told = count_emptied(scene);

	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_ftruncate, fd, 10), 0);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_truncate, (long)path, 9), 0);
	assert_int_equal(count_emptied(scene), told);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_ftruncate, fd, 0), 0);
	assert_int_equal(count_emptied(scene), told + 1);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_truncate, (long)path, 0), 0);
	assert_int_equal(count_emptied(scene), told + 2);
}

static long call_compat(const struct scene *scene, long number, long a, long b, long c)
{
	return puppet_compat_call(scene->stage, THIEF, number, (const long[6]){a, b, c});
}

static void they_are_by_32_bit_calls(void **state)
{
	const struct scene *scene = *state;
	uint64_t told;
	long path;
	int fd;

	if (!actor_compat_is_there()) {
		print_message("# skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	path = (long)given_rows(scene);
	fd = open_rows(scene);
	told = count_emptied(scene);
	assert_int_equal(call_compat(scene, COMPAT_FTRUNCATE64, fd, 10, 0), 0);
	assert_int_equal(count_emptied(scene), told);
	assert_true(call_compat(scene, COMPAT_CREAT, path, 0600, 0) >= 0);
	assert_int_equal(call_compat(scene, COMPAT_TRUNCATE, path, 0, 0), 0);
	assert_int_equal(call_compat(scene, COMPAT_FTRUNCATE, fd, 0, 0), 0);
	assert_int_equal(call_compat(scene, COMPAT_TRUNCATE64, path, 0, 0), 0);
	assert_int_equal(call_compat(scene, COMPAT_FTRUNCATE64, fd, 0, 0), 0);
	assert_true(puppet_compat_call(scene->stage, THIEF, COMPAT_OPENAT2,
				       (const long[6]){AT_FDCWD, path, fill_how(scene),
						       sizeof(struct open_how)}) >= 0);
	assert_int_equal(count_emptied(scene), told + 6);
}

static void what_was_never_labelled_is_nobodys_business(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_rows(scene);
	scene_write(scene, THIEF, "plain", O_CREAT | O_WRONLY);
	fd = scene_open(scene, THIEF, scene_path(scene, "plain"), O_WRONLY | O_TRUNC);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_ftruncate, fd, 0), 0);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_truncate,
				    (long)scene->stage->puppets[THIEF].paths[0], 0),
			 0);
	assert_int_equal(count_emptied(scene), 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(who_empties_a_file_by_opening_it_is_told),
		STORY(who_cuts_a_file_to_nothing_is_told),
		STORY(they_are_by_32_bit_calls),
		STORY(what_was_never_labelled_is_nobodys_business),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
