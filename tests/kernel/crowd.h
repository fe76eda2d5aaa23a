/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_CROWD_H
#define WEIR_TESTS_KERNEL_CROWD_H

/*
 * What a large machine is full of: processes that sleep with files open, and files by the
 * hundred thousand. Runs in copies of the test's executable, see crowd_main().
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct kernel_fixture;

#define CROWD_FILES_EACH 10 /* open in every process; one of them is its own, in FOLDER/held */
#define CROWD_EXEC_EVERY 10 /* processes, one runs another program: an app of its own */

struct crowd {
	pid_t pid;
	int control, output;
};

/* Returns when all of them sleep. FOLDER/held exists. */
void crowd_gather(struct kernel_fixture *fixture, const char *folder, uint32_t processes,
		  struct crowd *ret_crowd);
void crowd_disperse(struct crowd *crowd);

/* Makes FILES files of one byte below FOLDER, on all processors. */
void crowd_make_files(struct kernel_fixture *fixture, const char *folder, uint32_t files);
/* One app reads the byte of each of the first FILES of them. */
void crowd_read_files(struct kernel_fixture *fixture, const char *folder, uint32_t files);

/* The roles: called by main() when there are arguments. */
int crowd_main(int argc, char **argv);

#endif
