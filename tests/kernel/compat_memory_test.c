/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * What 32-bit calls do to the memory of other processes, and to memory that several share. They
 * are made by int 0x80 in 64-bit programs, whose data is below 4 GiB for that.
 */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "kernel/actor_compat.h"
#include "kernel/coverage.h"
#include "kernel/scene.h"

#define CHUNK 3000
#define WORD_BYTES 4
#define NT_PRSTATUS 1 /* elf.h */
#define SHMAT 21      /* uapi/linux/ipc.h */
#define RW (PROT_READ | PROT_WRITE)

enum compat_number { /* arch/x86/entry/syscalls/syscall_32.tbl */
	COMPAT_PTRACE = 26,
	COMPAT_OLD_MMAP = 90,
	COMPAT_IPC = 117,
	COMPAT_MPROTECT = 125,
	COMPAT_PREAD64 = 180,
	COMPAT_PWRITE64 = 181,
	COMPAT_MMAP2 = 192,
	COMPAT_PROCESS_VM_READV = 347,
	COMPAT_PROCESS_VM_WRITEV = 348,
	COMPAT_SHMAT = 397, /* 5.1 */
};

struct vector { /* struct compat_iovec */
	uint32_t base, bytes;
};

static const struct scene *given_scene(void **state)
{
	if (actor_compat_is_there())
		return *state;
	print_message("# skip: this kernel takes no 32-bit calls (CONFIG_IA32_EMULATION)\n");
	skip();
	return NULL;
}

/* Makes the 32-bit call; the test ends where the kernel is built without it. */
static long when_calling(const struct scene *scene, uint32_t who, enum compat_number number,
			 const long arguments[6])
{
	long result = puppet_compat_call(scene->stage, who, number, arguments);

	if (result == -ENOSYS) {
		print_message("# skip: this kernel has no 32-bit call %u\n", number);
		skip();
	}
	return result;
}

#define CALL(who, number, ...) when_calling(scene, who, number, (const long[6]){__VA_ARGS__})

/* What it returned is an address: from 2 GiB on, it looks like a negative number. */
static bool is_address(long result)
{
	return result > 0 || result < -4095;
}

static void check_passed(const struct scene *scene, uint64_t bytes)
{
	assert_int_equal(scene_passed_bytes(scene, true, false), bytes);
	assert_int_equal(scene_passed_bytes(scene, false, false), bytes);
}

/* ---- the memory of another process ----------------------------------------- */

/* Own and the other's memory, in one piece there and in two here. */
static long reach(const struct scene *scene, uint32_t who, enum compat_number number, uint32_t whom,
		  uint32_t bytes)
{
	struct puppet *puppet = &scene->stage->puppets[who];
	uint32_t own = (uint32_t)(uintptr_t)puppet->data;
	const struct vector vectors[3] = {
		{own, bytes / 2},
		{own + bytes / 2, bytes - bytes / 2},
		{(uint32_t)(uintptr_t)scene->stage->puppets[whom].data, bytes},
	};

	memcpy(puppet->vectors, vectors, sizeof(vectors));
	return CALL(who, number, scene_pid(scene, whom), (long)puppet->vectors, 2,
		    (long)puppet->vectors + 2 * (long)sizeof(vectors[0]), 1);
}

static void reading_another_process_takes_its_label(void **state)
{
	const struct scene *scene = given_scene(state);

	scene_read_source(scene, CLERK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(reach(scene, THIEF, COMPAT_PROCESS_VM_READV, CLERK, CHUNK), CHUNK);
	assert_int_equal(reach(scene, THIEF, COMPAT_PROCESS_VM_READV, CLERK, 7), 7);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	check_passed(scene, CHUNK + 7);
	coverage_note("32-bit process_vm_readv", COVERAGE_EXACT);
}

static void writing_to_another_process_gives_it_the_label(void **state)
{
	const struct scene *scene = given_scene(state);

	scene_read_source(scene, CLERK);
	assert_int_equal(reach(scene, CLERK, COMPAT_PROCESS_VM_WRITEV, THIEF, CHUNK), CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	check_passed(scene, CHUNK);
	coverage_note("32-bit process_vm_writev", COVERAGE_EXACT);
}

static void the_innocent_pass_nothing(void **state)
{
	const struct scene *scene = given_scene(state);

	scene_read_source(scene, CLERK);
	/* Into the labelled one. */
	assert_int_equal(reach(scene, THIEF, COMPAT_PROCESS_VM_WRITEV, CLERK, CHUNK), CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), 0);
	check_passed(scene, 0);
}

static long trace(const struct scene *scene, int request, long address, long data)
{
	return CALL(THIEF, COMPAT_PTRACE, request, scene_pid(scene, CLERK), address, data);
}

static void when_attaching(const struct scene *scene)
{
	pid_t pid = scene_pid(scene, CLERK);

	assert_int_equal(trace(scene, PTRACE_ATTACH, 0, 0), 0);
	assert_int_equal(SCENE_CALL(scene, THIEF, SYS_wait4, pid, 0, __WALL), pid);
}

static void a_debugger_that_peeks_takes_the_label_and_four_bytes_a_word(void **state)
{
	const struct scene *scene = given_scene(state);
	long theirs = (long)scene_data(scene, CLERK), own = (long)scene_data(scene, THIEF);

	scene_read_source(scene, CLERK);
	when_attaching(scene);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "before"), 0);
	assert_int_equal(trace(scene, PTRACE_PEEKDATA, theirs, own), 0);
	assert_int_equal(trace(scene, PTRACE_PEEKTEXT, theirs, own), 0);
	assert_int_equal(trace(scene, PTRACE_PEEKDATA, 8, own), -EIO);
	trace(scene, PTRACE_DETACH, 0, 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	check_passed(scene, 2 * WORD_BYTES);
	coverage_note("32-bit ptrace PEEKTEXT, PEEKDATA", COVERAGE_EXACT);
}

static void a_debugger_that_pokes_gives_its_label_and_four_bytes_a_word(void **state)
{
	const struct scene *scene = given_scene(state);

	scene_read_source(scene, THIEF);
	when_attaching(scene);
	assert_int_equal(trace(scene, PTRACE_POKEDATA, (long)scene_data(scene, CLERK), 1), 0);
	trace(scene, PTRACE_DETACH, 0, 0);
	assert_int_equal(scene_labelled_bytes(scene, CLERK, "after"), SCENE_TRACE_BYTES);
	check_passed(scene, WORD_BYTES);
	coverage_note("32-bit ptrace POKETEXT, POKEDATA", COVERAGE_EXACT);
}

static void registers_pass_the_label_and_an_estimate(void **state)
{
	const struct scene *scene = given_scene(state);
	struct puppet *thief = &scene->stage->puppets[THIEF];
	const struct vector vector = {(uint32_t)(uintptr_t)thief->data, sizeof(thief->data)};

	scene_read_source(scene, CLERK);
	when_attaching(scene);
	memcpy(thief->vectors, &vector, sizeof(vector));
	assert_int_equal(trace(scene, PTRACE_GETREGSET, NT_PRSTATUS, (long)thief->vectors), 0);
	trace(scene, PTRACE_DETACH, 0, 0);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	assert_true(scene_passed_bytes(scene, false, true) > 0);
	coverage_note("32-bit ptrace GETREGSET and other registers", COVERAGE_LABEL);
}

static int open_memory(const struct scene *scene, uint32_t who, uint32_t whom)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", scene_pid(scene, whom));
	return scene_open(scene, who, path, O_RDWR);
}

/* The offset, an address below 4 GiB, is the lower one of two halves. */
static void the_memory_file_of_a_process_has_its_label(void **state)
{
	const struct scene *scene = given_scene(state);
	long clerks = (long)scene_data(scene, CLERK), thiefs = (long)scene_data(scene, THIEF);
	int fd = open_memory(scene, THIEF, CLERK);

	scene_read_source(scene, CLERK);
	assert_int_equal(CALL(THIEF, COMPAT_PREAD64, fd, thiefs, CHUNK, clerks, 0), CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	check_passed(scene, CHUNK);
	coverage_note("32-bit read of /proc/PID/mem", COVERAGE_EXACT);
}

static void writing_the_memory_file_gives_the_label(void **state)
{
	const struct scene *scene = given_scene(state);
	long clerks = (long)scene_data(scene, CLERK), thiefs = (long)scene_data(scene, THIEF);
	int fd;

	scene_read_source(scene, CLERK);
	fd = open_memory(scene, CLERK, THIEF);
	assert_int_equal(CALL(CLERK, COMPAT_PWRITE64, fd, clerks, CHUNK, thiefs, 0), CHUNK);
	assert_int_equal(scene_labelled_bytes(scene, THIEF, "after"), SCENE_TRACE_BYTES);
	check_passed(scene, CHUNK);
	coverage_note("32-bit write of /proc/PID/mem", COVERAGE_EXACT);
}

/* ---- memory that several share --------------------------------------------- */

/* In the two ways of i386. */
static long map(const struct scene *scene, enum compat_number number, int fd, int protection)
{
	const uint32_t list[6] = {0,          SCENE_FILE_BYTES, (uint32_t)protection,
				  MAP_SHARED, (uint32_t)fd,     0};
	struct puppet *clerk = &scene->stage->puppets[CLERK];
	long address;

	memcpy(clerk->control, list, sizeof(list));
	if (number == COMPAT_OLD_MMAP)
		address = CALL(CLERK, number, (long)clerk->control);
	else
		address = CALL(CLERK, number, 0, SCENE_FILE_BYTES, protection, MAP_SHARED, fd);
	assert_true(is_address(address));
	return address;
}

static void check_mapping(const struct scene *scene, enum compat_number number)
{
	int fd = scene_make_file(scene, CLERK, "before");

	/* One from before the app is labelled, and one from after. */
	map(scene, number, fd, RW);
	assert_false(scene_is_labelled(scene, "before", "readers1"));
	scene_read_source(scene, CLERK);
	assert_true(scene_is_labelled(scene, "before", "readers2"));
	fd = scene_make_file(scene, CLERK, "after");
	assert_false(scene_is_labelled(scene, "after", "readers3"));
	map(scene, number, fd, RW);
	assert_true(scene_is_labelled(scene, "after", "readers4"));
}

static void a_shared_mmap2_takes_the_label_of_who_writes_it(void **state)
{
	const struct scene *scene = given_scene(state);

	check_mapping(scene, COMPAT_MMAP2);
	coverage_note("32-bit shared writable mmap2", COVERAGE_LABEL);
}

static void a_shared_old_mmap_takes_the_label_of_who_writes_it(void **state)
{
	const struct scene *scene = given_scene(state);

	check_mapping(scene, COMPAT_OLD_MMAP);
	coverage_note("32-bit shared writable old mmap", COVERAGE_LABEL);
}

static void a_mapping_that_becomes_writable_takes_the_label(void **state)
{
	const struct scene *scene = given_scene(state);
	int fd = scene_make_file(scene, CLERK, "shared");
	long address = map(scene, COMPAT_MMAP2, fd, PROT_READ);

	scene_read_source(scene, CLERK);
	assert_false(scene_is_labelled(scene, "shared", "readers1"));
	assert_int_equal(CALL(CLERK, COMPAT_MPROTECT, address, SCENE_FILE_BYTES, RW), 0);
	assert_true(scene_is_labelled(scene, "shared", "readers2"));
	coverage_note("32-bit mprotect of a shared mapping", COVERAGE_LABEL);
}

/* Goes with the last process that is attached. */
static void when_attaching_memory(const struct scene *scene, enum compat_number number)
{
	int id = shmget(IPC_PRIVATE, SCENE_FILE_BYTES, 0600 | IPC_CREAT);
	long address;

	assert_true(id >= 0);
	if (number == COMPAT_IPC)
		address = CALL(CLERK, number, SHMAT, id, 0,
			       (long)scene->stage->puppets[CLERK].offsets, 0);
	else
		address = CALL(CLERK, number, id, 0, 0);
	shmctl(id, IPC_RMID, NULL);
	assert_true(number == COMPAT_IPC ? address == 0 : is_address(address));
}

static void check_attaching(const struct scene *scene, enum compat_number number)
{
	when_attaching_memory(scene, number);
	assert_int_equal(scene_gaps(scene, "32-bit shmat"), 0);
	scene_read_source(scene, CLERK);
	assert_int_equal(scene_gaps(scene, "32-bit shmat"), 1);
	/* Said once per app. */
	when_attaching_memory(scene, number);
	assert_int_equal(scene_gaps(scene, "32-bit shmat"), 1);
}

static void system_v_memory_attached_by_ipc_is_said_to_be_a_gap(void **state)
{
	const struct scene *scene = given_scene(state);

	check_attaching(scene, COMPAT_IPC);
	coverage_note("32-bit ipc SHMAT", COVERAGE_GAP);
}

static void system_v_memory_attached_by_shmat_is_said_to_be_a_gap(void **state)
{
	const struct scene *scene = given_scene(state);

	check_attaching(scene, COMPAT_SHMAT);
	coverage_note("32-bit shmat", COVERAGE_GAP);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(reading_another_process_takes_its_label),
		STORY(writing_to_another_process_gives_it_the_label),
		STORY(the_innocent_pass_nothing),
		STORY(a_debugger_that_peeks_takes_the_label_and_four_bytes_a_word),
		STORY(a_debugger_that_pokes_gives_its_label_and_four_bytes_a_word),
		STORY(registers_pass_the_label_and_an_estimate),
		STORY(the_memory_file_of_a_process_has_its_label),
		STORY(writing_the_memory_file_gives_the_label),
		STORY(a_shared_mmap2_takes_the_label_of_who_writes_it),
		STORY(a_shared_old_mmap_takes_the_label_of_who_writes_it),
		STORY(a_mapping_that_becomes_writable_takes_the_label),
		STORY(system_v_memory_attached_by_ipc_is_said_to_be_a_gap),
		STORY(system_v_memory_attached_by_shmat_is_said_to_be_a_gap),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
