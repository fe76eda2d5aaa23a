/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A machine with 10,000 processes, 100,000 open files and 1,000,000 labelled files: the sensor
 * sees every call within two seconds of its start, meets what was there before, loses nothing,
 * and says what all of it takes. WEIR_SCALE_PROCESSES and WEIR_SCALE_FILES make it smaller, and
 * so does a lack of memory. WEIR_ATTACH_MAX_MS is another limit than two seconds, for kernels that
 * are emulated.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/crowd.h"
#include "kernel/kernel_fixture.h"
#include "kernel/tables.h"

#define PROCESSES 10000
#define FILES 1000000
#define ATTACH_MAX_MS 2000
/* An inode and a dentry of tmpfs, an object and a name; a sleeper's page tables and stacks. */
#define BYTES_OF_FILE 2048
#define BYTES_OF_PROCESS (192 * 1024)
#define TABLES_BYTES_MAX (384ull << 20)
#define FLOWS_MAX 4096
#define SOURCES 1 /* the fixture's own, labelled at the start */
#define OBJECTS_FEW 1000
#define OBJECTS_MORE 1500
#define INODES_FEW (OBJECTS_FEW / 16)
#define INODES_MORE 38
#define SHM_FOLDER "/dev/shm/weir-scale-test"

struct scale {
	struct kernel_fixture *fixture;
	struct crowd crowd;
	char folder[128];
	uint32_t processes, files;
};

static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint64_t read_kib(const char *file, const char *field)
{
	FILE *stream = fopen(file, "re");
	unsigned long long kib = 0;
	char line[256];

	while (stream && fgets(line, sizeof(line), stream))
		if (strncmp(line, field, strlen(field)) == 0)
			(void)sscanf(line + strlen(field), "%llu", &kib);
	if (stream)
		fclose(stream);
	return kib;
}

static uint32_t setting(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text ? (uint32_t)atoi(text) : otherwise;
}

/* Every open file is one that is labelled, too. */
static void fit_into_table(struct scale *scale, size_t objects_max)
{
	size_t room = objects_max - SOURCES;

	if (scale->processes > room / 2)
		scale->processes = (uint32_t)(room / 2);
	if (scale->files > room - scale->processes) {
		scale->files = (uint32_t)(room - scale->processes);
		print_message("# smaller, for this kernel's table of %zu objects\n", objects_max);
	}
}

/* What they leave is for the sensors of the stories that come after. */
static void choose_scale(struct scale *scale, size_t objects_max)
{
	uint64_t bytes, room = read_kib("/proc/meminfo", "MemAvailable:") * 1024 / 3;

	scale->processes = setting("WEIR_SCALE_PROCESSES", PROCESSES);
	scale->files = setting("WEIR_SCALE_FILES", FILES);
	bytes = (uint64_t)scale->processes * BYTES_OF_PROCESS +
		(uint64_t)scale->files * BYTES_OF_FILE;
	if (bytes > room) {
		scale->processes = (uint32_t)((double)scale->processes * (double)room / bytes);
		scale->files = (uint32_t)((double)scale->files * (double)room / bytes);
		print_message("# smaller, for lack of memory\n");
	}
	fit_into_table(scale, objects_max);
	print_message("# %u processes, %u open files, %u labelled files\n", scale->processes,
		      scale->processes * CROWD_FILES_EACH, scale->files + scale->processes);
}

/* The tmpfs goes with the namespace, whatever becomes of the test. */
static void make_export_folder(struct scale *scale)
{
	char path[160];

	snprintf(scale->folder, sizeof(scale->folder), "%s/many",
		 kernel_fixture_folder(scale->fixture));
	snprintf(path, sizeof(path), "%s/held", scale->folder);
	if (mkdir(scale->folder, 0700) < 0 ||
	    mount("weir-scale", scale->folder, "tmpfs", 0, "size=90%,nr_inodes=0") < 0 ||
	    mkdir(path, 0700) < 0)
		fail_msg("%s: %s", scale->folder, strerror(errno));
}

static struct tables *open_tables(struct kernel_fixture *fixture)
{
	char pin_dir[96];

	snprintf(pin_dir, sizeof(pin_dir), "/sys/fs/bpf/%s", kernel_fixture_folder(fixture) + 5);
	return tables_open(pin_dir);
}

static int begin(void **state)
{
	struct kernel_options options = {.flows_max = FLOWS_MAX};
	struct scale *scale = calloc(1, sizeof(*scale));
	struct tables *tables;
	char before[256];

	scale->fixture = kernel_fixture_start(&options);
	tables = open_tables(scale->fixture);
	choose_scale(scale, tables_max(tables, "objects"));
	tables_close(tables);
	kernel_fixture_remove_sensor(scale->fixture);
	make_export_folder(scale);
	snprintf(before, sizeof(before), "[export \"many\"]\nfolder = %s\nclass = customer\n",
		 scale->folder);
	kernel_fixture_change_policy(scale->fixture, before, "customer");
	crowd_gather(scale->fixture, scale->folder, scale->processes, &scale->crowd);
	*state = scale;
	return 0;
}

static int end(void **state)
{
	struct scale *scale = *state;

	crowd_disperse(&scale->crowd);
	umount2(scale->folder, MNT_DETACH);
	kernel_fixture_stop(scale->fixture);
	free(scale);
	return 0;
}

static void assert_nothing_lost(struct kernel_fixture *fixture)
{
	struct sensor_losses losses = kernel_fixture_counts(fixture).losses;

	assert_int_equal(losses.processes_full, 0);
	assert_int_equal(losses.apps_full, 0);
	assert_int_equal(losses.objects_full, 0);
	assert_int_equal(losses.names_full, 0);
	assert_int_equal(losses.volatiles_full, 0);
	assert_int_equal(losses.programs_missed, 0);
}

static uint64_t processor_ms(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
}

/* Judged is the processor's time, of which a busy machine takes no more than an idle one. */
static void check_restart(struct scale *scale, bool is_resumed)
{
	uint64_t began_ms = processor_ms(), used_ms;
	struct sensor_start start;

	kernel_fixture_restart_sensor(scale->fixture);
	used_ms = processor_ms() - began_ms;
	start = kernel_fixture_start_info(scale->fixture);
	print_message("# attached after %.0f ms (%s), then walked for %.0f ms; %" PRIu64
		      " ms of a processor; RSS %" PRIu64 " KiB\n",
		      (double)start.attach_ns / 1e6, is_resumed ? "taken over" : "fresh",
		      (double)start.walk_ns / 1e6, used_ms,
		      read_kib("/proc/self/status", "VmRSS:"));
	assert_int_equal(start.is_resumed, is_resumed);
	assert_true(used_ms <
		    start.walk_ns / 1000000 + setting("WEIR_ATTACH_MAX_MS", ATTACH_MAX_MS));
}

static void assert_tables_are_bounded(struct scale *scale)
{
	struct tables *tables = open_tables(scale->fixture);
	uint64_t bytes = tables_print_bytes(tables);

	tables_close(tables);
	assert_true(bytes < TABLES_BYTES_MAX);
}

static void a_crowded_machine_is_met_by_one_walk(void **state)
{
	struct scale *scale = *state;
	struct tables *tables;

	check_restart(scale, false);
	tables = open_tables(scale->fixture);
	assert_true(tables_count(tables, "processes") > scale->processes);
	assert_true(tables_count(tables, "apps") > scale->processes / CROWD_EXEC_EVERY);
	tables_close(tables);
	assert_int_equal(kernel_fixture_counts(scale->fixture).objects, SOURCES + scale->processes);
	assert_true(kernel_fixture_counts(scale->fixture).hot_apps >
		    scale->processes / CROWD_EXEC_EVERY);
	assert_nothing_lost(scale->fixture);
}

static void a_million_labelled_files_are_all_known(void **state)
{
	struct scale *scale = *state;
	uint32_t wanted = SOURCES + scale->processes + scale->files;
	double began = now_seconds(), took;
	struct tables *tables;

	crowd_make_files(scale->fixture, scale->folder, scale->files);
	took = now_seconds() - began;

	print_message("# made and labelled in %.1f s, %.1f us each\n", took,
		      took * 1e6 / scale->files);
	assert_int_equal(kernel_fixture_counts(scale->fixture).objects, wanted);
	tables = open_tables(scale->fixture);
	assert_int_equal(tables_count(tables, "objects"), wanted);
	assert_true(tables_count(tables, "basenames") >= scale->files);
	tables_close(tables);
	assert_nothing_lost(scale->fixture);
	assert_tables_are_bounded(scale);
}

static void what_the_flow_table_cannot_hold_is_in_the_overflow(void **state)
{
	struct scale *scale = *state;
	uint64_t wanted = scale->files / 10, told;
	struct sensor_losses losses;

	crowd_read_files(scale->fixture, scale->folder, (uint32_t)wanted);

	told = kernel_fixture_sum(scale->fixture, false, 0, 0).bytes;
	losses = kernel_fixture_counts(scale->fixture).losses;
	print_message("# read %" PRIu64 " bytes of as many files: %" PRIu64 " in flows, %" PRIu64
		      " in the overflow\n",
		      wanted, told, losses.overflow_in_bytes);
	assert_int_equal(told + losses.overflow_in_bytes, wanted);
	assert_true(wanted <= FLOWS_MAX || losses.flows_full > 0);
}

static void a_returning_agent_finds_them_all(void **state)
{
	struct scale *scale = *state;
	double began;

	kernel_fixture_kill_sensor(scale->fixture);
	check_restart(scale, true);
	assert_int_equal(kernel_fixture_counts(scale->fixture).objects,
			 SOURCES + scale->processes + scale->files);
	began = now_seconds();
	assert_int_equal(sensor_walk(kernel_fixture_sensor(scale->fixture)), 0);
	print_message("# one more walk: %.0f ms\n", (now_seconds() - began) * 1e3);
	began = now_seconds();
	assert_int_equal(sensor_sweep(kernel_fixture_sensor(scale->fixture)), 0);
	print_message("# one sweep: %.0f ms\n", (now_seconds() - began) * 1e3);
	assert_nothing_lost(scale->fixture);
}

static void a_full_table_of_objects_says_how_many_it_lost(void **state)
{
	struct kernel_options options = {.objects_max = OBJECTS_FEW};
	struct kernel_fixture *fixture = kernel_fixture_start(&options);
	char script[128];

	(void)state;
	snprintf(script, sizeof(script), "for i in $(seq %d); do : >${SRC%%/*}/$i; done",
		 OBJECTS_MORE);
	kernel_fixture_shell(fixture, script);

	assert_int_equal(kernel_fixture_counts(fixture).objects, OBJECTS_FEW);
	assert_int_equal(kernel_fixture_counts(fixture).losses.objects_full,
			 SOURCES + OBJECTS_MORE - OBJECTS_FEW);
	assert_int_equal(kernel_fixture_counts(fixture).losses.names_full,
			 SOURCES + OBJECTS_MORE - OBJECTS_FEW);
	kernel_fixture_stop(fixture);
}

/* Of files that are in memory only; the table has room for one of sixteen objects. */
static void a_full_table_of_inodes_says_how_many_it_lost(void **state)
{
	struct kernel_options options = {.objects_max = OBJECTS_FEW};
	struct kernel_fixture *fixture = kernel_fixture_start(&options);
	char script[256];
	uint64_t lost;

	(void)state;
	snprintf(script, sizeof(script),
		 "rm -rf " SHM_FOLDER "; mkdir " SHM_FOLDER "; read row < $SRC || :;"
		 "for i in $(seq %d); do echo $row > " SHM_FOLDER "/$i; done; rm -r " SHM_FOLDER,
		 INODES_FEW + INODES_MORE);
	kernel_fixture_shell(fixture, script);

	lost = kernel_fixture_counts(fixture).losses.inodes_full;
	assert_in_range(lost, INODES_MORE, INODES_MORE + SOURCES); /* may be in memory, too */
	assert_int_equal(kernel_fixture_counts(fixture).objects,
			 SOURCES + INODES_FEW + INODES_MORE);
	assert_int_equal(sensor_walk(kernel_fixture_sensor(fixture)), 0);
	assert_int_equal(kernel_fixture_counts(fixture).objects, SOURCES + lost);
	kernel_fixture_stop(fixture);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crowded_machine_is_met_by_one_walk),
		cmocka_unit_test(a_million_labelled_files_are_all_known),
		cmocka_unit_test(what_the_flow_table_cannot_hold_is_in_the_overflow),
		cmocka_unit_test(a_returning_agent_finds_them_all),
		cmocka_unit_test(a_full_table_of_objects_says_how_many_it_lost),
		cmocka_unit_test(a_full_table_of_inodes_says_how_many_it_lost),
	};

	if (argc > 1)
		return crowd_main(argc, argv);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		perror("scale_test");
	return cmocka_run_group_tests(tests, begin, end);
}
