/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_RACER_H
#define WEIR_TESTS_KERNEL_RACER_H

/* Employees whose threads and processes run against each other, and who know the truth afterwards.
 */

#include <stdint.h>

#include "kernel/kernel_fixture.h"

#define RACER_ROUND_BYTES 8  /* to each reader of a hammering, each by a pipe of its own */
#define RACER_WAIT_A_BYTES 1 /* that a call of "wait" finds in the first pipe */
#define RACER_WAIT_B_BYTES 3 /* and in the second */

enum racer_file {
	RACER_OUT_A,
	RACER_OUT_B,
	RACER_IN_A,
	RACER_IN_B,
	RACER_FILES
};

struct racer_result {
	uint64_t rounds;             /* of "hammer": readers that lived */
	uint64_t bytes[RACER_FILES]; /* of "swap": by the files' sizes and positions */
	struct kernel_inode inode[RACER_FILES];
	uint64_t swaps;
};

/*
 * "hammer SECONDS SOURCE OUT READER": reads a byte of SOURCE, then hands bytes to one fresh READER
 * after the other, each an app that has read nothing yet and copies them to OUT.N.
 * "copy-bytes OUT": is such a reader.
 * "swap SECONDS SOURCE FOLDER": a thread reads and writes while another swaps its descriptors
 * between SOURCE-a and SOURCE-b, FOLDER/a and FOLDER/b.
 * "wait SECONDS SOURCE pipe|event": a thread waits in read() on a pipe or, in turn, another pipe or
 * an eventfd; its descriptor is swapped to the other one, and then the first has something for it.
 * "block SOURCE": threads wait in read(), and then the process kills itself.
 * All but the reader and the last write a struct racer_result to stdout.
 */
int racer_main(int argc, char **argv);

#endif
