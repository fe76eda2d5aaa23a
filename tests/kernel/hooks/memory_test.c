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
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "kernel/coverage.h"
#include "kernel/intruder.h"
#include "kernel/scene.h"

#define CHUNK INTRUDER_BYTES
#define NT_PRSTATUS 1 /* elf.h */

static void check_passed(const struct scene *scene, uint64_t bytes)
{
	assert_int_equal(scene_passed_bytes(scene, true, false), bytes);
	assert_int_equal(scene_passed_bytes(scene, false, false), bytes);
}

/* Own and the other's memory, for process_vm_readv and process_vm_writev. */
static long reach(const struct scene *scene, uint32_t who, long number, pid_t pid, uint32_t whom,
		  size_t bytes)
{
	struct puppet *puppet = &scene->stage->puppets[who];

	puppet->vectors[0] = (struct iovec){puppet->data, bytes};
	puppet->vectors[1] = (struct iovec){scene->stage->puppets[whom].data, bytes};
	return SCENE_CALL(scene, who, number, pid, (long)&puppet->vectors[0], 1,
			  (long)&puppet->vectors[1], 1, 0);
}

static void reading_another_process_takes_its_label(void **state)
{
	const struct scene *scene = *state;

	scene_read_source(scene, CLERK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(
		reach(scene, THIEF, SYS_process_vm_readv, scene_pid(scene, CLERK), CLERK, CHUNK),
		CHUNK);
	assert_int_equal(
		reach(scene, THIEF, SYS_process_vm_readv, scene_pid(scene, CLERK), CLERK, 7), 7);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 77);
	check_passed(scene, CHUNK + 7);
	coverage_note("process_vm_readv", COVERAGE_EXACT);
}

static void writing_to_another_process_gives_it_the_label(void **state)
{
	const struct scene *scene = *state;

	scene_read_source(scene, CLERK);
	assert_int_equal(
		reach(scene, CLERK, SYS_process_vm_writev, scene_pid(scene, THIEF), THIEF, CHUNK),
		CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 77);
	check_passed(scene, CHUNK);
	coverage_note("process_vm_writev", COVERAGE_EXACT);
}

static void any_thread_stands_for_its_process(void **state)
{
	const struct scene *scene = *state;

	puppet_thread(scene->stage, CLERK, SECOND);
	scene_read_source(scene, CLERK);
	assert_int_equal(reach(scene, THIEF, SYS_process_vm_readv,
			       scene->stage->puppets[SECOND].tid, CLERK, CHUNK),
			 CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 77);
	check_passed(scene, CHUNK);
}

static void the_innocent_pass_nothing(void **state)
{
	const struct scene *scene = *state;

	scene_read_source(scene, CLERK);
	scene_start(scene, SECOND, "second");
	assert_int_equal(
		reach(scene, SECOND, SYS_process_vm_writev, scene_pid(scene, THIEF), THIEF, CHUNK),
		CHUNK);
	/* Into the labelled one, and from it to itself. */
	assert_int_equal(
		reach(scene, SECOND, SYS_process_vm_writev, scene_pid(scene, CLERK), CLERK, CHUNK),
		CHUNK);
	assert_int_equal(
		reach(scene, CLERK, SYS_process_vm_readv, scene_pid(scene, CLERK), CLERK, CHUNK),
		CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 0);
	assert_int_equal(scene_labelled_bytes(scene, SECOND, "after2"), 0);
	check_passed(scene, 0);
	puppet_end(scene->stage, SECOND);
}

static void when_intruder_acts(const struct scene *scene, char *way, const char *first,
			       const char *second, const char *third)
{
	char *arguments[] = {"actor", way, (char *)first, (char *)second, (char *)third, NULL};
	char text[64];
	int output;
	pid_t pid = kernel_fixture_spawn(scene->fixture, arguments, &output);

	kernel_fixture_wait(pid, output, text, sizeof(text));
}

static void an_attempt_that_fails_labels_nobody(void **state)
{
	const struct scene *scene = *state;
	char pid[16], address[32];

	snprintf(pid, sizeof(pid), "%d", scene_pid(scene, THIEF));
	snprintf(address, sizeof(address), "%p", (void *)scene->stage->puppets[THIEF].data);
	when_intruder_acts(scene, "attempt", pid, kernel_fixture_source(scene->fixture), address);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 0);
	check_passed(scene, 0);
}

static void when_attaching(const struct scene *scene)
{
	pid_t pid = scene_pid(scene, CLERK);

	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_ptrace, PTRACE_ATTACH, pid), 0);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_wait4, pid, 0, __WALL), pid);
}

static long trace(const struct scene *scene, int request, long address, long data)
{
	return SCENE_CALL(scene, THIEF, SYS_ptrace, request, scene_pid(scene, CLERK), address,
			  data);
}

static void a_debugger_that_peeks_takes_the_label(void **state)
{
	const struct scene *scene = *state;
	long theirs = (long)scene->stage->puppets[CLERK].data;
	long own = (long)scene->stage->puppets[THIEF].data;

	scene_read_source(scene, CLERK);
	when_attaching(scene);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(trace(scene, PTRACE_PEEKDATA, theirs, own), 0);
	assert_int_equal(trace(scene, PTRACE_PEEKTEXT, theirs, own), 0);
	assert_int_equal(trace(scene, PTRACE_PEEKDATA, 8, own), -EIO);
	trace(scene, PTRACE_DETACH, 0, 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 77);
	check_passed(scene, 2 * sizeof(long));
	coverage_note("ptrace PEEKTEXT, PEEKDATA", COVERAGE_EXACT);
}

static void a_debugger_that_pokes_gives_its_label(void **state)
{
	const struct scene *scene = *state;

	scene_read_source(scene, THIEF);
	when_attaching(scene);
	assert_int_equal(trace(scene, PTRACE_POKEDATA, (long)scene->stage->puppets[CLERK].data, 1),
			 0);
	trace(scene, PTRACE_DETACH, 0, 0);
	assert_int_equal(scene_labelled_bytes(scene, CLERK, "after"), 77);
	check_passed(scene, sizeof(long));
	coverage_note("ptrace POKETEXT, POKEDATA", COVERAGE_EXACT);
}

static void registers_pass_the_label_and_an_estimate(void **state)
{
	const struct scene *scene = *state;
	struct puppet *thief = &scene->stage->puppets[THIEF];

	scene_read_source(scene, CLERK);
	when_attaching(scene);
	thief->vectors[0] = (struct iovec){thief->data, sizeof(thief->data)};
	assert_int_equal(trace(scene, PTRACE_GETREGSET, NT_PRSTATUS, (long)&thief->vectors[0]), 0);
	trace(scene, PTRACE_DETACH, 0, 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 77);
	assert_true(scene_passed_bytes(scene, false, true) > 0);
	coverage_note("ptrace GETREGSET and other registers", COVERAGE_LABEL);
}

static int open_memory(const struct scene *scene, uint32_t who, uint32_t whom, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", scene_pid(scene, whom));
	return scene_open(scene, who, path, flags);
}

static void the_memory_file_of_a_process_has_its_label(void **state)
{
	const struct scene *scene = *state;
	long theirs = (long)scene->stage->puppets[CLERK].data;
	/* Opened while nothing was labelled at all. */
	int fd = open_memory(scene, THIEF, CLERK, O_RDONLY);

	scene_read_source(scene, CLERK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_pread64, fd,
				    (long)scene->stage->puppets[THIEF].data, CHUNK, theirs),
			 CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 77);
	check_passed(scene, CHUNK);
	coverage_note("read of /proc/PID/mem", COVERAGE_EXACT);
}

static void writing_the_memory_file_gives_the_label(void **state)
{
	const struct scene *scene = *state;
	long theirs = (long)scene->stage->puppets[THIEF].data;
	int fd;

	scene_read_source(scene, CLERK);
	fd = open_memory(scene, CLERK, THIEF, O_RDWR);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_pwrite64, fd,
				    (long)scene->stage->puppets[CLERK].data, CHUNK, theirs),
			 CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 77);
	check_passed(scene, CHUNK);
	coverage_note("write of /proc/PID/mem", COVERAGE_EXACT);
}

static void a_descriptor_that_was_taken_is_read_with_its_label(void **state)
{
	const struct scene *scene = *state;
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	long pidfd, fd;

	scene_read_source(scene, CLERK);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_pipe2, (long)clerk->fds, 0), 0);
	assert_int_equal(
		SCENE_CALL(scene, CLERK, SYS_write, clerk->fds[1], (long)clerk->data, CHUNK),
		CHUNK);
	/* The walk has met the pipe's holders: the thief is not among them. */
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scene->fixture)), 0);
	pidfd = SCENE_CALL(scene, THIEF, SYS_pidfd_open, scene_pid(scene, CLERK));
	assert_true(pidfd >= 0);
	fd = SCENE_CALL(scene, THIEF, SYS_pidfd_getfd, pidfd, clerk->fds[0]);
	assert_true(fd >= 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_read, fd,
				    (long)scene->stage->puppets[THIEF].data, CHUNK),
			 CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 77);
	coverage_note("pidfd_getfd", COVERAGE_EXACT);
}

static void numbers_of_a_pid_namespace_are_understood(void **state)
{
	const struct scene *scene = *state;
	char out[PUPPET_PATH_BYTES], holder[PUPPET_PATH_BYTES];

	snprintf(out, sizeof(out), "%s", scene_path(scene, "stolen"));
	snprintf(holder, sizeof(holder), "%s", scene_path(scene, "clerk"));
	when_intruder_acts(scene, "steal", holder, kernel_fixture_source(scene->fixture), out);
	assert_int_equal(kernel_fixture_written(scene->fixture, "stolen"), CHUNK);
	check_passed(scene, CHUNK);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(reading_another_process_takes_its_label),
		STORY(writing_to_another_process_gives_it_the_label),
		STORY(any_thread_stands_for_its_process),
		STORY(the_innocent_pass_nothing),
		STORY(an_attempt_that_fails_labels_nobody),
		STORY(a_debugger_that_peeks_takes_the_label),
		STORY(a_debugger_that_pokes_gives_its_label),
		STORY(registers_pass_the_label_and_an_estimate),
		STORY(the_memory_file_of_a_process_has_its_label),
		STORY(writing_the_memory_file_gives_the_label),
		STORY(a_descriptor_that_was_taken_is_read_with_its_label),
		STORY(numbers_of_a_pid_namespace_are_understood),
	};
	int r = puppet_main(argc, argv);

	if (r >= 0)
		return r;
	if (argc > 1)
		return intruder_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
