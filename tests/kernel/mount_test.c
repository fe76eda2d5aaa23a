/* SPDX-License-Identifier: GPL-2.0-only */

/* Files that are reached through other mounts than the one they lie on: the folders of a container,
 * which are layers of an overlay, and folders or files that are bound to another place. */

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/layers.h"

#define NEW_FILE (O_CREAT | O_WRONLY)

static void given_an_overlay(const struct scene *scene)
{
	layers_add_stack(scene);
	if (!layers_add_overlay(scene, "stack/lower"))
		skip();
}

/* Rows in a layer of the image, where the container can only change them after a copy. */
static void given_rows_in_the_lower_folder(const struct scene *scene)
{
	layers_add_stack(scene);
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "stack/lower/rows", NEW_FILE);
	if (!layers_add_overlay(scene, "stack/lower"))
		skip();
}

static void when_called_with_path(const struct scene *scene, uint32_t who, long number,
				  const char *name, long second, long third)
{
	struct puppet *puppet = &scene->stage->puppets[who];

	snprintf(puppet->paths[0], sizeof(puppet->paths[0]), "%s", scene_path(scene, name));
	assert_true(SCENE_CALL(scene, who, number, AT_FDCWD, (long)puppet->paths[0], second,
			       third) >= 0);
}

static void rows_written_in_a_container_label_who_reads_the_upper_folder(void **state)
{
	const struct scene *scene = *state;

	given_an_overlay(scene);
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "stack/merged/rows", NEW_FILE);
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "inside"));
	assert_true(scene_is_labelled(scene, "stack/upper/rows", "outside"));
	assert_int_equal(layers_count_bytes(scene, true, "stack/upper/rows"), SCENE_BYTES);
	coverage_note("overlayfs: file written in it, read in its upper folder", COVERAGE_EXACT);
}

static void rows_written_to_the_upper_folder_label_who_reads_in_the_container(void **state)
{
	const struct scene *scene = *state;

	given_an_overlay(scene);
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "stack/upper/rows", NEW_FILE);
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "inside"));
	assert_int_equal(layers_count_bytes(scene, false, "stack/upper/rows"), 100);
	coverage_note("overlayfs: file written in its upper folder, read in it", COVERAGE_EXACT);
}

static void a_label_survives_the_inode_of_the_overlay(void **state)
{
	const struct scene *scene = *state;

	given_an_overlay(scene);
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "stack/merged/rows", NEW_FILE);
	layers_drop_caches();
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "uncached"));
	layers_remove_overlay(scene);
	assert_true(layers_add_overlay(scene, "stack/lower"));
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "mounted_again"));
	coverage_note("overlayfs: mounted again", COVERAGE_EXACT);
}

/* The layers of an image on another file system than the container's own: numbers of inodes in the
 * overlay are made up as they are met. */
static void a_label_survives_where_layers_are_on_several_file_systems(void **state)
{
	const struct scene *scene = *state;

	layers_add_stack(scene);
	assert_int_equal(mkdir(scene_path(scene, "other"), 0755), 0);
	if (!layers_add_overlay(scene, "other"))
		skip();
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "stack/merged/rows", NEW_FILE);
	layers_remove_overlay(scene);
	assert_true(layers_add_overlay(scene, "other"));
	scene_write(scene, THIEF, "stack/merged/before", NEW_FILE); /* takes a number */
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "mounted_again"));
	assert_true(scene_is_labelled(scene, "stack/upper/rows", "outside"));
	assert_false(scene_is_labelled(scene, "stack/merged/before", "innocent"));
}

/* As on a machine that runs from an overlay and has containers. */
static void rows_below_two_overlays_keep_their_label(void **state)
{
	const struct scene *scene = *state;
	const char *folder = kernel_fixture_folder(scene->fixture);
	char options[256];

	given_rows_in_the_lower_folder(scene);
	scene_write(scene, CLERK, "stack/merged/added", NEW_FILE);
	assert_int_equal(mkdir(scene_path(scene, "stack/upper2"), 0755), 0);
	assert_int_equal(mkdir(scene_path(scene, "stack/work2"), 0755), 0);
	assert_int_equal(mkdir(scene_path(scene, "stack/outer"), 0755), 0);
	snprintf(options, sizeof(options),
		 "lowerdir=%s/stack/merged,upperdir=%s/stack/upper2,workdir=%s/stack/work2", folder,
		 folder, folder);
	assert_int_equal(mount("overlay", scene_path(scene, "stack/outer"), "overlay", 0, options),
			 0);
	assert_true(scene_is_labelled(scene, "stack/outer/rows", "lower"));
	assert_true(scene_is_labelled(scene, "stack/outer/added", "upper"));
	scene_write(scene, THIEF, "stack/outer/rows", O_WRONLY | O_APPEND);
	assert_true(scene_is_labelled(scene, "stack/upper2/rows", "copy"));
	coverage_note("overlayfs: on an overlay", COVERAGE_EXACT);
}

static void a_file_removed_while_it_is_open_keeps_its_label(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_an_overlay(scene);
	scene_write(scene, THIEF, "stack/merged/rows", NEW_FILE);
	fd = scene_open(scene, THIEF, scene_path(scene, "stack/merged/rows"), O_RDONLY);
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "stack/merged/rows", O_WRONLY);
	assert_int_equal(unlink(scene_path(scene, "stack/merged/rows")), 0);
	assert_int_equal(
		SCENE_CALL(scene, THIEF, SYS_read, fd, (long)scene_data(scene, THIEF), SCENE_BYTES),
		SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
}

static void rows_in_an_image_label_who_reads_them_in_the_container(void **state)
{
	const struct scene *scene = *state;

	given_rows_in_the_lower_folder(scene);
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "inside"));
	assert_int_equal(layers_count_bytes(scene, false, "stack/lower/rows"), 100);
	coverage_note("overlayfs: labelled file of a lower folder", COVERAGE_EXACT);
}

static void a_copy_for_an_append_keeps_the_label(void **state)
{
	const struct scene *scene = *state;

	given_rows_in_the_lower_folder(scene);
	scene_write(scene, THIEF, "stack/merged/rows", O_WRONLY | O_APPEND);
	assert_true(scene_is_labelled(scene, "stack/upper/rows", "outside"));
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "inside"));
	layers_remove_overlay(scene);
	assert_true(scene_is_labelled(scene, "stack/upper/rows", "alone"));
	coverage_note("overlayfs: copy-up by open", COVERAGE_EXACT);
}

static void a_copy_for_new_attributes_keeps_the_label(void **state)
{
	const struct scene *scene = *state;
	struct stat info;

	given_rows_in_the_lower_folder(scene);
	when_called_with_path(scene, THIEF, SYS_fchmodat, "stack/merged/rows", 0600, 0);
	assert_int_equal(stat(scene_path(scene, "stack/upper/rows"), &info), 0);
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "inside"));
	assert_true(scene_is_labelled(scene, "stack/upper/rows", "outside"));
	coverage_note("overlayfs: copy-up by chmod, then opened in it", COVERAGE_EXACT);
}

/* The overlay forgets where the copy came from, and finds it again (trusted.overlay.origin). */
static void a_copy_that_is_met_again_keeps_the_label(void **state)
{
	const struct scene *scene = *state;

	given_rows_in_the_lower_folder(scene);
	when_called_with_path(scene, THIEF, SYS_fchmodat, "stack/merged/rows", 0600, 0);
	layers_remove_overlay(scene);
	assert_true(layers_add_overlay(scene, "stack/lower"));
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "inside"));
	assert_true(scene_is_labelled(scene, "stack/upper/rows", "outside"));
}

/* It is met in the upper folder before the container opens it again. */
static void a_copy_that_is_not_opened_in_the_container_is_a_gap(void **state)
{
	const struct scene *scene = *state;

	given_rows_in_the_lower_folder(scene);
	when_called_with_path(scene, THIEF, SYS_fchmodat, "stack/merged/rows", 0600, 0);
	assert_false(scene_is_labelled(scene, "stack/upper/rows", "outside"));
	coverage_note("overlayfs: copy-up by chmod, then opened in its upper folder", COVERAGE_GAP);
}

static void a_file_that_is_copied_up_while_it_is_open_keeps_the_label(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_rows_in_the_lower_folder(scene);
	fd = scene_open(scene, THIEF, scene_path(scene, "stack/merged/rows"), O_RDONLY);
	when_called_with_path(scene, CLERK, SYS_fchmodat, "stack/merged/rows", 0600, 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(
		SCENE_CALL(scene, THIEF, SYS_read, fd, (long)scene_data(scene, THIEF), SCENE_BYTES),
		SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
}

static void a_copy_for_a_new_name_keeps_the_label(void **state)
{
	const struct scene *scene = *state;
	struct puppet *thief = &scene->stage->puppets[THIEF];

	given_rows_in_the_lower_folder(scene);
	snprintf(thief->paths[1], sizeof(thief->paths[1]), "%s",
		 scene_path(scene, "stack/merged/second"));
	when_called_with_path(scene, THIEF, SYS_linkat, "stack/merged/rows", AT_FDCWD,
			      (long)thief->paths[1]);
	assert_true(scene_is_labelled(scene, "stack/merged/second", "linked"));
	snprintf(thief->paths[1], sizeof(thief->paths[1]), "%s",
		 scene_path(scene, "stack/merged/photo"));
	when_called_with_path(scene, THIEF, SYS_renameat2, "stack/merged/rows", AT_FDCWD,
			      (long)thief->paths[1]);
	assert_true(scene_is_labelled(scene, "stack/merged/photo", "renamed"));
	assert_true(scene_is_labelled(scene, "stack/upper/photo", "outside"));
	coverage_note("overlayfs: copy-up by rename or link, then opened in it", COVERAGE_EXACT);
}

static void the_innocent_in_a_container_stay_unlabelled(void **state)
{
	const struct scene *scene = *state;

	given_rows_in_the_lower_folder(scene);
	scene_write(scene, THIEF, "stack/merged/plain", NEW_FILE);
	assert_false(scene_is_labelled(scene, "stack/merged/plain", "plain"));
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "stack/merged/own"), 0);
}

static void a_mapping_in_a_container_labels_the_file_in_the_upper_folder(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_an_overlay(scene);
	fd = scene_open(scene, CLERK, scene_path(scene, "stack/merged/rows"), O_CREAT | O_RDWR);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_ftruncate, fd, 4096), 0);
	assert_true(SCENE_CALL(scene, CLERK, SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			       fd, 0) > 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_close, fd), 0);
	scene_read_source(scene, CLERK);
	assert_true(scene_is_labelled(scene, "stack/upper/rows", "outside"));
	assert_true(scene_is_labelled(scene, "stack/merged/rows", "inside"));
	coverage_note("overlayfs: shared writable mmap", COVERAGE_LABEL);
}

/* Opened where the host sees it, before anything was labelled there. */
static void who_holds_the_file_of_the_upper_folder_open_is_labelled(void **state)
{
	const struct scene *scene = *state;
	int fd;

	given_an_overlay(scene);
	scene_write(scene, CLERK, "stack/merged/rows", NEW_FILE);
	fd = scene_open(scene, THIEF, scene_path(scene, "stack/upper/rows"), O_RDONLY);
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "stack/merged/rows", O_WRONLY);
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	assert_int_equal(
		SCENE_CALL(scene, THIEF, SYS_read, fd, (long)scene_data(scene, THIEF), SCENE_BYTES),
		SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
}

/* The name that people see is the one in the container. */
static void an_export_folder_below_a_container_labels_what_is_opened_there(void **state)
{
	const struct scene *scene = *state;

	layers_add_stack(scene);
	if (!layers_add_overlay(scene, "export"))
		skip();
	assert_true(scene_is_labelled(scene, "stack/merged/source.csv", "inside"));
	assert_int_equal(layers_count_bytes(scene, false, "export/source.csv"), 100);
	coverage_note("overlayfs: export folder below it", COVERAGE_EXACT);
}

static void an_export_folder_is_known_where_it_is_bound(void **state)
{
	const struct scene *scene = *state;
	struct puppet *thief = &scene->stage->puppets[THIEF];
	char from[PUPPET_PATH_BYTES];
	int fd;

	layers_add_stack(scene);
	snprintf(from, sizeof(from), "%s", scene_path(scene, "export"));
	assert_int_equal(mount(from, scene_path(scene, "stack/lower"), NULL, MS_BIND, NULL), 0);
	assert_true(scene_is_labelled(scene, "stack/lower/source.csv", "bound"));
	/* And where only the thief sees it. */
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_unshare, CLONE_NEWNS), 0);
	snprintf(thief->paths[0], sizeof(thief->paths[0]), "%s", from);
	snprintf(thief->paths[1], sizeof(thief->paths[1]), "%s", scene_path(scene, "stack/upper"));
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_mount, (long)thief->paths[0],
				    (long)thief->paths[1], 0, MS_BIND, 0),
			 0);
	assert_int_not_equal(access(scene_path(scene, "stack/upper/source.csv"), F_OK), 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	fd = scene_open(scene, THIEF, scene_path(scene, "stack/upper/source.csv"), O_RDONLY);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_read, fd, (long)thief->data, 100), 100);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	coverage_note("bind mount of an export folder, also in another namespace", COVERAGE_EXACT);
}

static void a_file_bound_over_another_name_is_itself(void **state)
{
	const struct scene *scene = *state;
	char from[PUPPET_PATH_BYTES];

	layers_add_stack(scene);
	scene_write(scene, THIEF, "stack/upper/photo", NEW_FILE);
	scene_read_source(scene, CLERK);
	scene_write(scene, CLERK, "rows", NEW_FILE);
	snprintf(from, sizeof(from), "%s", scene_path(scene, "rows"));
	assert_int_equal(mount(from, scene_path(scene, "stack/upper/photo"), NULL, MS_BIND, NULL),
			 0);
	assert_true(scene_is_labelled(scene, "stack/upper/photo", "bound"));
	assert_true(scene_is_labelled(scene, "rows", "own"));
	/* The other way round: what is written through the second name is in the first one. */
	assert_int_equal(umount(scene_path(scene, "stack/upper/photo")), 0);
	assert_false(scene_is_labelled(scene, "stack/upper/photo", "unbound"));
	coverage_note("bind mount of a file over another", COVERAGE_EXACT);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, layers_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(rows_written_in_a_container_label_who_reads_the_upper_folder),
		STORY(rows_written_to_the_upper_folder_label_who_reads_in_the_container),
		STORY(a_label_survives_the_inode_of_the_overlay),
		STORY(a_label_survives_where_layers_are_on_several_file_systems),
		STORY(rows_below_two_overlays_keep_their_label),
		STORY(a_file_removed_while_it_is_open_keeps_its_label),
		STORY(rows_in_an_image_label_who_reads_them_in_the_container),
		STORY(a_copy_for_an_append_keeps_the_label),
		STORY(a_copy_for_new_attributes_keeps_the_label),
		STORY(a_copy_that_is_met_again_keeps_the_label),
		STORY(a_copy_that_is_not_opened_in_the_container_is_a_gap),
		STORY(a_file_that_is_copied_up_while_it_is_open_keeps_the_label),
		STORY(a_copy_for_a_new_name_keeps_the_label),
		STORY(the_innocent_in_a_container_stay_unlabelled),
		STORY(a_mapping_in_a_container_labels_the_file_in_the_upper_folder),
		STORY(who_holds_the_file_of_the_upper_folder_open_is_labelled),
		STORY(an_export_folder_below_a_container_labels_what_is_opened_there),
		STORY(an_export_folder_is_known_where_it_is_bound),
		STORY(a_file_bound_over_another_name_is_itself),
	};
	int status = puppet_main(argc, argv);

	return status >= 0 ? status : cmocka_run_group_tests(tests, layers_leave_namespace, NULL);
}
