/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "abi.h"
#include "kernel/coverage.h"
#include "kernel/scene.h"
#include "kernel/tables.h"

#define PAGE SCENE_FILE_BYTES
#define RW (PROT_READ | PROT_WRITE)

static long map(const struct scene *scene, uint32_t who, int fd, int protection, int flags)
{
	long address = SCENE_CALL(scene, who, SYS_mmap, 0, PAGE, protection, flags, fd, 0);

	assert_true(address > 0);
	return address;
}

/* Maps the file, and keeps no descriptor of it. */
static long map_alone(const struct scene *scene, uint32_t who, const char *name, int protection,
		      int flags)
{
	int fd = scene_open(scene, who, scene_path(scene, name),
			    protection & PROT_WRITE ? O_RDWR : O_RDONLY);
	long address = map(scene, who, fd, protection, flags);

	assert_int_equal(SCENE_CALL(scene, who, SYS_close, fd), 0);
	return address;
}

static void mapping_a_labelled_file_labels_the_app(void **state)
{
	const struct scene *scene = *state;
	const struct sensor_flow *flows;
	uint64_t bytes = 0;
	int fd = scene_open(scene, THIEF, kernel_fixture_source(scene->fixture), O_RDONLY);
	size_t n;

	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	map(scene, THIEF, fd, PROT_READ, MAP_PRIVATE);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	flows = kernel_fixture_flows(scene->fixture, &n);
	for (size_t i = 0; i < n; i++)
		if (!flows[i].is_out && flows[i].is_estimated)
			bytes += flows[i].bytes;
	assert_int_equal(bytes, PAGE);
	coverage_note("mmap of a labelled file", COVERAGE_LABEL);
}

static void a_shared_mapping_takes_the_label_of_who_writes_it(void **state)
{
	const struct scene *scene = *state;
	int fd = scene_make_file(scene, CLERK, "shared");

	scene_read_source(scene, CLERK);
	map(scene, CLERK, fd, RW, MAP_SHARED);
	assert_true(scene_is_labelled(scene, "shared", "readers"));
	coverage_note("shared writable mmap", COVERAGE_LABEL);
}

static void a_mapping_made_before_its_app_was_labelled_takes_the_label(void **state)
{
	const struct scene *scene = *state;

	scene_make_file(scene, CLERK, "shared");
	map_alone(scene, CLERK, "shared", RW, MAP_SHARED);
	assert_false(scene_is_labelled(scene, "shared", "readers"));
	scene_read_source(scene, CLERK);
	assert_true(scene_is_labelled(scene, "shared", "readers after"));
	coverage_note("shared writable mmap before the app was labelled", COVERAGE_LABEL);
}

static void who_mapped_a_file_before_it_was_labelled_takes_the_label(void **state)
{
	const struct scene *scene = *state;
	int fd = scene_make_file(scene, CLERK, "shared");

	map_alone(scene, THIEF, "shared", PROT_READ, MAP_SHARED);
	scene_read_source(scene, CLERK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_pwrite64, fd, (long)scene_data(scene, CLERK), 100, 0),
		100);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	coverage_note("shared mmap before the file was labelled", COVERAGE_LABEL);
}

/* The gate stands open for everybody only until then. */
static void the_walk_finds_who_mapped_a_file_before_it_was_labelled(void **state)
{
	const struct scene *scene = *state;
	int fd = scene_make_file(scene, CLERK, "shared");

	map_alone(scene, THIEF, "shared", PROT_READ, MAP_SHARED);
	scene_read_source(scene, CLERK);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_pwrite64, fd, (long)scene_data(scene, CLERK), 100, 0),
		100);
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	assert_int_equal(kernel_fixture_counts(scene->fixture).unsettled_objects, 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
}

static void memory_that_two_apps_share_carries_the_label(void **state)
{
	const struct scene *scene = *state;
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	long memfd, pidfd, fd;

	snprintf(clerk->paths[0], sizeof(clerk->paths[0]), "shared");
	memfd = SCENE_CALL(scene, CLERK, SYS_memfd_create, (long)clerk->paths[0], 0);
	assert_true(memfd >= 0);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_ftruncate, memfd, PAGE), 0);
	pidfd = SCENE_CALL(scene, THIEF, SYS_pidfd_open, scene_pid(scene, CLERK));
	fd = SCENE_CALL(scene, THIEF, SYS_pidfd_getfd, pidfd, memfd);
	assert_true(fd >= 0);
	map(scene, CLERK, (int)memfd, RW, MAP_SHARED);
	map(scene, THIEF, (int)fd, RW, MAP_SHARED);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	scene_read_source(scene, CLERK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	coverage_note("memfd mapped by two apps", COVERAGE_LABEL);
}

static void a_mapping_that_becomes_writable_takes_the_label(void **state)
{
	const struct scene *scene = *state;
	int fd = scene_make_file(scene, CLERK, "shared");
	long address = map(scene, CLERK, fd, PROT_READ, MAP_SHARED);

	scene_read_source(scene, CLERK);
	assert_false(scene_is_labelled(scene, "shared", "readers"));
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_mprotect, address, PAGE, RW), 0);
	assert_true(scene_is_labelled(scene, "shared", "readers after"));
	coverage_note("mprotect of a shared mapping", COVERAGE_LABEL);
}

static void mappings_of_the_innocent_carry_nothing(void **state)
{
	const struct scene *scene = *state;

	scene_make_file(scene, CLERK, "shared");
	map_alone(scene, CLERK, "shared", PROT_READ, MAP_SHARED);
	map_alone(scene, THIEF, "shared", RW, MAP_SHARED);
	scene_read_source(scene, CLERK);
	/* The clerk only reads what the thief writes. */
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 0);
	assert_false(scene_is_labelled(scene, "shared", "readers"));
	assert_int_equal(scene_gaps(scene, "mmap"), 0);
}

/* shared0, shared1, ...: made and mapped, with no descriptor kept. */
static void map_many(const struct scene *scene, int n)
{
	for (int i = 0; i < n; i++) {
		char name[16];
		int fd;

		snprintf(name, sizeof(name), "shared%d", i);
		fd = scene_make_file(scene, CLERK, name);
		map(scene, CLERK, fd, RW, MAP_SHARED);
		assert_int_equal(SCENE_CALL(scene, CLERK, SYS_close, fd), 0);
	}
}

/* Chromium maps 440 files and memfds within its first ten seconds. */
static void as_many_mappings_as_a_browser_makes_are_followed(void **state)
{
	const struct scene *scene = *state;

	map_many(scene, 500);
	scene_read_source(scene, CLERK);
	assert_true(scene_is_labelled(scene, "shared0", "readers of the first"));
	assert_true(scene_is_labelled(scene, "shared250", "readers of another one"));
	assert_true(scene_is_labelled(scene, "shared499", "readers of the last"));
	assert_int_equal(kernel_fixture_counts(scene->fixture).losses.mappings_full, 0);
	assert_int_equal(scene_gaps(scene, "mmap"), 0);
}

static void more_mappings_than_there_is_room_for_are_a_gap(void **state)
{
	const struct scene *scene = *state;

	map_many(scene, WEIR_MAPPING_PAGES * 16 + 1);
	assert_int_equal(kernel_fixture_counts(scene->fixture).losses.mappings_full, 1);
	assert_int_equal(scene_gaps(scene, "mmap"), 0);
	scene_read_source(scene, CLERK);
	assert_int_equal(scene_gaps(scene, "mmap"), 1);
	assert_true(scene_is_labelled(scene, "shared1024", "readers"));
	assert_false(scene_is_labelled(scene, "shared0", "readers of the first"));
}

static size_t count_pages(const struct scene *scene, uint64_t app_id)
{
	struct weir_mapping_page_key key = {.app_id = app_id};
	struct {
		struct weir_object_key key;
		uint64_t rest[3];
	} page[16];
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "/sys/fs/bpf%s/mapping_pages",
		 strrchr(kernel_fixture_folder(scene->fixture), '/'));
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	while (bpf_map_lookup_elem(fd, &key, page) == 0)
		key.page++;
	close(fd);
	return key.page;
}

static uint64_t app_of_the_clerk(const struct scene *scene)
{
	char path[160];
	struct tables *tables;
	uint64_t id;

	snprintf(path, sizeof(path), "/sys/fs/bpf%s",
		 strrchr(kernel_fixture_folder(scene->fixture), '/'));
	tables = tables_open(path);
	id = tables_app_of(tables, scene_pid(scene, CLERK));
	tables_close(tables);
	assert_true(id != 0);
	return id;
}

static void what_an_app_mapped_is_forgotten_with_it(void **state)
{
	const struct scene *scene = *state;
	uint64_t id;

	map_many(scene, 40);
	id = app_of_the_clerk(scene);
	assert_int_equal(count_pages(scene, id), 3);
	puppet_end(scene->stage, CLERK);
	assert_int_equal(count_pages(scene, id), 0);
}

static void what_a_labelled_app_mapped_is_forgotten_when_its_end_was_reported(void **state)
{
	const struct scene *scene = *state;
	uint64_t id;
	size_t n;

	map_many(scene, 40);
	scene_read_source(scene, CLERK);
	id = app_of_the_clerk(scene);
	puppet_end(scene->stage, CLERK);
	assert_int_equal(count_pages(scene, id), 3);
	kernel_fixture_flows(scene->fixture, &n);
	assert_int_equal(sensor_forget_ended(kernel_fixture_sensor(scene->fixture)), 0);
	assert_int_equal(count_pages(scene, id), 0);
}

static int strike_without_the_clerk(void **state)
{
	struct scene *scene = *state;

	puppet_end(scene->stage, THIEF);
	kernel_fixture_stop(scene->fixture);
	puppet_stage_close(scene->stage);
	free(scene);
	return 0;
}

static void a_private_mapping_made_before_the_label_is_a_gap(void **state)
{
	const struct scene *scene = *state;
	int fd = scene_make_file(scene, CLERK, "shared");

	map_alone(scene, THIEF, "shared", PROT_READ, MAP_PRIVATE);
	scene_read_source(scene, CLERK);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_pwrite64, fd, (long)scene_data(scene, CLERK), 100, 0),
		100);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 0);
	coverage_note("private mmap before the file was labelled", COVERAGE_GAP);
}

/* The stage on which the puppets meet is such memory. */
static void system_v_shared_memory_is_said_to_be_a_gap(void **state)
{
	const struct scene *scene = *state;

	assert_int_equal(scene_gaps(scene, "shmat"), 0);
	scene_read_source(scene, CLERK);
	assert_int_equal(scene_gaps(scene, "shmat"), 1);
	coverage_note("shmat", COVERAGE_GAP);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)
#define ENDING(name) cmocka_unit_test_setup_teardown(name, scene_set, strike_without_the_clerk)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(mapping_a_labelled_file_labels_the_app),
		STORY(a_shared_mapping_takes_the_label_of_who_writes_it),
		STORY(a_mapping_made_before_its_app_was_labelled_takes_the_label),
		STORY(who_mapped_a_file_before_it_was_labelled_takes_the_label),
		STORY(the_walk_finds_who_mapped_a_file_before_it_was_labelled),
		STORY(memory_that_two_apps_share_carries_the_label),
		STORY(a_mapping_that_becomes_writable_takes_the_label),
		STORY(mappings_of_the_innocent_carry_nothing),
		STORY(as_many_mappings_as_a_browser_makes_are_followed),
		STORY(more_mappings_than_there_is_room_for_are_a_gap),
		ENDING(what_an_app_mapped_is_forgotten_with_it),
		ENDING(what_a_labelled_app_mapped_is_forgotten_when_its_end_was_reported),
		STORY(a_private_mapping_made_before_the_label_is_a_gap),
		STORY(system_v_shared_memory_is_said_to_be_a_gap),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
