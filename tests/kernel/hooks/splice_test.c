/* SPDX-License-Identifier: GPL-2.0-only */

/* Pipes that are emptied, or copied, without a read: by vmsplice into the reader's own memory, by
 * tee into another pipe. */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/scene.h"

#define COMPAT_VMSPLICE 316 /* arch/x86/entry/syscalls/syscall_32.tbl */

/* Of pipes, in one direction. */
static uint64_t count_pipes(const struct scene *scene, bool is_out)
{
	uint64_t bytes = 0;
	size_t n;
	const struct sensor_flow *flows = kernel_fixture_flows(scene->fixture, &n);

	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == SENSOR_OBJECT_PIPE && flows[i].is_out == is_out)
			bytes += flows[i].bytes;
	return bytes;
}

/* The clerk has written rows into it; the thief's end, from before that. */
static int given_a_full_pipe(const struct scene *scene)
{
	const char *path = scene_path(scene, "pipe");
	int theirs, own;

	assert_int_equal(mkfifo(path, 0600), 0);
	theirs = scene_open(scene, THIEF, path, O_RDONLY | O_NONBLOCK);
	own = scene_open(scene, CLERK, scene_path(scene, "pipe"), O_WRONLY);
	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, own, (long)scene_data(scene, CLERK),
				    SCENE_BYTES),
			 SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	return theirs;
}

static void when_taken_by_vmsplice(const struct scene *scene, uint32_t who, int fd, size_t bytes)
{
	struct puppet *puppet = &scene->stage->puppets[who];

	puppet->vectors[0] = (struct iovec){puppet->data, bytes};
	assert_int_equal(SCENE_CALL(scene, who, SYS_vmsplice, fd, (long)&puppet->vectors[0], 1, 0),
			 bytes);
}

static void what_vmsplice_takes_out_of_a_pipe_labels_who_has_it(void **state)
{
	const struct scene *scene = *state;
	int fd = given_a_full_pipe(scene);

	when_taken_by_vmsplice(scene, THIEF, fd, SCENE_BYTES - 1);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	when_taken_by_vmsplice(scene, THIEF, fd, 1);
	assert_int_equal(count_pipes(scene, false), SCENE_BYTES);
	assert_int_equal(count_pipes(scene, true), SCENE_BYTES);
	coverage_note("vmsplice out of a pipe", COVERAGE_EXACT);
}

static void it_does_for_a_thread_among_several(void **state)
{
	const struct scene *scene = *state;
	int fd = given_a_full_pipe(scene);

	puppet_thread(scene->stage, THIEF, SECOND);
	when_taken_by_vmsplice(scene, SECOND, fd, SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, SECOND, "after"), SCENE_TRACE_BYTES);
	assert_int_equal(count_pipes(scene, false), SCENE_BYTES);
	assert_int_equal(count_pipes(scene, true), SCENE_BYTES);
}

static void it_does_by_a_32_bit_call(void **state)
{
	const struct scene *scene = *state;
	struct puppet *thief = &scene->stage->puppets[THIEF];
	uint32_t vector[2] = {(uint32_t)(uintptr_t)thief->data, SCENE_BYTES};
	int fd;

	if (!actor_compat_is_there()) {
		print_message("# skip: this kernel takes no 32-bit calls\n");
		skip();
	}
	fd = given_a_full_pipe(scene);
	memcpy(thief->vectors, vector, sizeof(vector));
	assert_int_equal(puppet_compat_call(scene->stage, THIEF, COMPAT_VMSPLICE,
					    (const long[6]){fd, (long)thief->vectors, 1, 0}),
			 SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	assert_int_equal(count_pipes(scene, false), SCENE_BYTES);
	coverage_note("32-bit vmsplice out of a pipe", COVERAGE_EXACT);
}

/* Nothing goes back into the pipe, whatever else who empties it holds. */
static void who_empties_an_innocent_pipe_does_not_label_it(void **state)
{
	const struct scene *scene = *state;
	int own, theirs;

	assert_int_equal(mkfifo(scene_path(scene, "pipe"), 0600), 0);
	own = scene_open(scene, CLERK, scene_path(scene, "pipe"), O_RDONLY | O_NONBLOCK);
	theirs = scene_open(scene, THIEF, scene_path(scene, "pipe"), O_WRONLY);
	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_write, theirs, (long)scene_data(scene, THIEF),
				    SCENE_BYTES),
			 SCENE_BYTES);
	when_taken_by_vmsplice(scene, CLERK, own, SCENE_BYTES);
	assert_int_equal(count_pipes(scene, false) + count_pipes(scene, true), 0);
}

static void what_is_left_in_a_pipe_and_copied_to_another_is_followed(void **state)
{
	const struct scene *scene = *state;
	int from = given_a_full_pipe(scene), to, theirs;

	assert_int_equal(mkfifo(scene_path(scene, "other"), 0600), 0);
	scene_start(scene, SECOND, "second");
	theirs = scene_open(scene, SECOND, scene_path(scene, "other"), O_RDONLY | O_NONBLOCK);
	to = scene_open(scene, THIEF, scene_path(scene, "other"), O_WRONLY);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_tee, from, to, SCENE_BYTES, 0), SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	assert_int_equal(count_pipes(scene, false), SCENE_BYTES);
	assert_int_equal(count_pipes(scene, true), 2 * SCENE_BYTES);
	assert_int_equal(SCENE_CALL(scene, SECOND, SYS_read, theirs,
				    (long)scene_data(scene, SECOND), SCENE_BYTES),
			 SCENE_BYTES);
	assert_int_equal(scene_labelled_bytes(scene, SECOND, "after2"), SCENE_TRACE_BYTES);
	puppet_end(scene->stage, SECOND);
	coverage_note("tee (pipe to pipe)", COVERAGE_EXACT);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(what_vmsplice_takes_out_of_a_pipe_labels_who_has_it),
		STORY(it_does_for_a_thread_among_several),
		STORY(it_does_by_a_32_bit_call),
		STORY(who_empties_an_innocent_pipe_does_not_label_it),
		STORY(what_is_left_in_a_pipe_and_copied_to_another_is_followed),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
