/* SPDX-License-Identifier: GPL-2.0-only */

/* A label is the file's, whatever name it has. */

#include <fcntl.h>
#include <linux/fs.h>
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
#include "kernel/layers.h"

#define NEW_FILE (O_CREAT | O_WRONLY)

/* DIR/from and DIR/to are the first two paths of the call. */
static void when_renamed_by(const struct scene *scene, uint32_t who, long number, const char *from,
			    const char *to, long flags)
{
	struct puppet *puppet = &scene->stage->puppets[who];

	snprintf(puppet->paths[0], sizeof(puppet->paths[0]), "%s", scene_path(scene, from));
	snprintf(puppet->paths[1], sizeof(puppet->paths[1]), "%s", scene_path(scene, to));
	assert_int_equal(SCENE_CALL(scene, who, number, AT_FDCWD, (long)puppet->paths[0], AT_FDCWD,
				    (long)puppet->paths[1], flags),
			 0);
}

static void given_rows(const struct scene *scene, const char *name)
{
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, name, NEW_FILE);
}

static void a_second_name_is_the_same_file(void **state)
{
	const struct scene *scene = *state;

	given_rows(scene, "rows");
	when_renamed_by(scene, THIEF, SYS_linkat, "rows", "photo", 0);
	assert_true(scene_is_labelled(scene, "photo", "linked"));
	assert_int_equal(unlink(scene_path(scene, "rows")), 0);
	assert_true(scene_is_labelled(scene, "photo", "last"));
	coverage_note("link", COVERAGE_EXACT);
}

static void a_symbolic_link_leads_to_the_label(void **state)
{
	const struct scene *scene = *state;
	struct puppet *thief = &scene->stage->puppets[THIEF];

	snprintf(thief->paths[0], sizeof(thief->paths[0]), "%s",
		 kernel_fixture_source(scene->fixture));
	snprintf(thief->paths[1], sizeof(thief->paths[1]), "%s", scene_path(scene, "photo"));
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_symlinkat, (long)thief->paths[0], AT_FDCWD,
				    (long)thief->paths[1]),
			 0);
	assert_true(scene_is_labelled(scene, "photo", "followed"));
	coverage_note("symlink", COVERAGE_EXACT);
}

static void an_exchange_swaps_the_names_and_not_the_labels(void **state)
{
	const struct scene *scene = *state;

	layers_add_stack(scene);
	given_rows(scene, "stack/rows");
	scene_write(scene, THIEF, "stack/plain", NEW_FILE);
	when_renamed_by(scene, THIEF, SYS_renameat2, "stack/rows", "stack/plain", RENAME_EXCHANGE);
	assert_int_equal(kernel_fixture_count_paths(scene->fixture, SENSOR_PATH_RENAME), 1);
	assert_true(scene_is_labelled(scene, "stack/plain", "rows"));
	assert_false(scene_is_labelled(scene, "stack/rows", "plain"));
	coverage_note("renameat2 with RENAME_EXCHANGE", COVERAGE_EXACT);
}

static void a_file_that_had_no_name_keeps_its_label_with_one(void **state)
{
	const struct scene *scene = *state;
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	int fd;

	layers_add_stack(scene);
	scene_read_source(scene, CLERK);
	fd = scene_open(scene, CLERK, scene_path(scene, "stack"), O_TMPFILE | O_WRONLY);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, fd, (long)clerk->data, SCENE_BYTES),
			 SCENE_BYTES);
	snprintf(clerk->paths[0], sizeof(clerk->paths[0]), "/proc/self/fd/%d", fd);
	snprintf(clerk->paths[1], sizeof(clerk->paths[1]), "%s", scene_path(scene, "stack/photo"));
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_linkat, AT_FDCWD, (long)clerk->paths[0],
				    AT_FDCWD, (long)clerk->paths[1], AT_SYMLINK_FOLLOW),
			 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_close, fd), 0);
	assert_true(scene_is_labelled(scene, "stack/photo", "named"));
	assert_int_equal(layers_count_bytes(scene, true, "stack/photo"), SCENE_BYTES);
	coverage_note("O_TMPFILE and linkat", COVERAGE_EXACT);
}

/* Nobody has opened it since the sensor is there. */
static void a_file_that_is_moved_out_of_an_export_folder_is_a_source(void **state)
{
	const struct scene *scene = *state;

	when_renamed_by(scene, THIEF, SYS_renameat2, "export/source.csv", "photo", 0);
	assert_true(scene_is_labelled(scene, "photo", "moved"));
	assert_int_equal(layers_count_bytes(scene, false, "photo"), 100);
	coverage_note("rename out of an export folder, of a file never opened", COVERAGE_EXACT);
}

static void a_file_that_is_linked_out_of_an_export_folder_is_a_source(void **state)
{
	const struct scene *scene = *state;

	when_renamed_by(scene, THIEF, SYS_linkat, "export/source.csv", "photo", 0);
	assert_true(scene_is_labelled(scene, "photo", "linked"));
	coverage_note("link out of an export folder, of a file never opened", COVERAGE_EXACT);
}

static void a_file_made_in_an_export_folder_is_a_source_before_it_is_read(void **state)
{
	const struct scene *scene = *state;

	scene_write(scene, CLERK, "export/new.csv", NEW_FILE);
	when_renamed_by(scene, THIEF, SYS_renameat2, "export/new.csv", "photo", 0);
	assert_true(scene_is_labelled(scene, "photo", "moved"));
}

/* It was in the folder, but nobody opened it there. */
static void a_file_that_only_passed_an_export_folder_is_a_gap(void **state)
{
	const struct scene *scene = *state;

	scene_write(scene, CLERK, "new.csv", NEW_FILE);
	when_renamed_by(scene, CLERK, SYS_renameat2, "new.csv", "export/new.csv", 0);
	when_renamed_by(scene, THIEF, SYS_renameat2, "export/new.csv", "photo", 0);
	assert_false(scene_is_labelled(scene, "photo", "moved"));
	coverage_note("rename into an export folder and out again, unopened", COVERAGE_GAP);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, layers_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_second_name_is_the_same_file),
		STORY(a_symbolic_link_leads_to_the_label),
		STORY(an_exchange_swaps_the_names_and_not_the_labels),
		STORY(a_file_that_had_no_name_keeps_its_label_with_one),
		STORY(a_file_that_is_moved_out_of_an_export_folder_is_a_source),
		STORY(a_file_that_is_linked_out_of_an_export_folder_is_a_source),
		STORY(a_file_made_in_an_export_folder_is_a_source_before_it_is_read),
		STORY(a_file_that_only_passed_an_export_folder_is_a_gap),
	};
	int status = puppet_main(argc, argv);

	return status >= 0 ? status : cmocka_run_group_tests(tests, layers_leave_namespace, NULL);
}
