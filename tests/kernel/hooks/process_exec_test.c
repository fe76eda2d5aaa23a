/* SPDX-License-Identifier: GPL-2.0-only */

/* Programs that never opened what they read: they were born with it. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/scene.h"

#define AGREED_FD 40

/* The clerk's child, which runs another program. */
static void when_child_executes(const struct scene *scene, uint32_t parent, uint32_t child,
				const char *name)
{
	kernel_fixture_add_actor(scene->fixture, name);
	puppet_fork(scene->stage, parent, child);
	puppet_exec(scene->stage, child, scene_path(scene, name));
}

/* It is labelled by this and was not before. */
static void check_read(const struct scene *scene, uint32_t who, long fd, long bytes)
{
	assert_int_equal(scene_labelled_bytes(scene, who, "before"), 0);
	assert_int_equal(SCENE_CALL(scene, who, SYS_read, fd, (long)scene_data(scene, who), bytes),
			 bytes);
	assert_int_equal(scene_labelled_bytes(scene, who, "after"), SCENE_TRACE_BYTES);
}

/* The clerk opens the source and does not read it. */
static int given_an_open_source(const struct scene *scene)
{
	return scene_open(scene, CLERK, kernel_fixture_source(scene->fixture), O_RDONLY);
}

static void check_inherited(const struct scene *scene, long fd)
{
	assert_true(fd >= 0);
	when_child_executes(scene, CLERK, SECOND, "second");
	check_read(scene, SECOND, fd, 100);
	puppet_end(scene->stage, SECOND);
	assert_int_equal(scene_labelled_bytes(scene, CLERK, "clean"), 0);
}

static void a_program_inherits_a_descriptor(void **state)
{
	check_inherited(*state, given_an_open_source(*state));
	coverage_note("descriptor inherited across fork and exec", COVERAGE_EXACT);
}

static void a_program_inherits_what_dup_made(void **state)
{
	const struct scene *scene = *state;
	int fd = given_an_open_source(scene);

	check_inherited(scene, SCENE_CALL(scene, CLERK, SYS_dup, fd));
	coverage_note("dup, across exec", COVERAGE_EXACT);
}

static void a_program_inherits_what_dup3_made(void **state)
{
	const struct scene *scene = *state;
	int fd = given_an_open_source(scene);

	check_inherited(scene, SCENE_CALL(scene, CLERK, SYS_dup3, fd, AGREED_FD, 0));
	coverage_note("dup2 and dup3, across exec", COVERAGE_EXACT);
}

static void a_program_inherits_what_fcntl_made(void **state)
{
	const struct scene *scene = *state;
	int fd = given_an_open_source(scene);

	check_inherited(scene, SCENE_CALL(scene, CLERK, SYS_fcntl, fd, F_DUPFD, AGREED_FD));
	coverage_note("fcntl F_DUPFD, across exec", COVERAGE_EXACT);
}

/* Each of them only starts the next one. */
static void a_descriptor_goes_through_programs_that_do_not_use_it(void **state)
{
	const struct scene *scene = *state;
	int fd = given_an_open_source(scene);

	when_child_executes(scene, CLERK, SECOND, "second");
	when_child_executes(scene, SECOND, SECOND + 1, "third");
	check_read(scene, SECOND + 1, fd, 100);
	assert_int_equal(scene_labelled_bytes(scene, SECOND, "clean"), 0);
	puppet_end(scene->stage, SECOND + 1);
	puppet_end(scene->stage, SECOND);
}

static void a_program_inherits_a_pipe_with_rows_in_it(void **state)
{
	const struct scene *scene = *state;
	struct puppet *clerk = &scene->stage->puppets[CLERK];

	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_pipe2, (long)clerk->fds, 0), 0);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_write, clerk->fds[1], (long)clerk->data, SCENE_BYTES),
		SCENE_BYTES);
	when_child_executes(scene, CLERK, SECOND, "second");
	check_read(scene, SECOND, clerk->fds[0], SCENE_BYTES);
	puppet_end(scene->stage, SECOND);
	coverage_note("pipe inherited across exec", COVERAGE_EXACT);
}

/* The same process goes on as another program, with a file that has no name. */
static void a_program_is_executed_with_a_memfd(void **state)
{
	const struct scene *scene = *state;
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	long fd;

	snprintf(clerk->paths[0], sizeof(clerk->paths[0]), "rows");
	fd = SCENE_CALL(scene, CLERK, SYS_memfd_create, (long)clerk->paths[0], 0);
	assert_true(fd >= 0);
	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, fd, (long)clerk->data, SCENE_BYTES),
			 SCENE_BYTES);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_lseek, fd, 0, SEEK_SET), 0);
	kernel_fixture_add_actor(scene->fixture, "second");
	puppet_exec(scene->stage, CLERK, scene_path(scene, "second"));
	check_read(scene, CLERK, fd, SCENE_BYTES);
	coverage_note("memfd handed on by exec", COVERAGE_EXACT);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_program_inherits_a_descriptor),
		STORY(a_program_inherits_what_dup_made),
		STORY(a_program_inherits_what_dup3_made),
		STORY(a_program_inherits_what_fcntl_made),
		STORY(a_descriptor_goes_through_programs_that_do_not_use_it),
		STORY(a_program_inherits_a_pipe_with_rows_in_it),
		STORY(a_program_is_executed_with_a_memfd),
	};
	int status = puppet_main(argc, argv);

	return status >= 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
