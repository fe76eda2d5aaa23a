/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_SUCCESSOR_H
#define WEIR_TESTS_KERNEL_SUCCESSOR_H

/*
 * An agent of another build that takes over what a kernel fixture's sensor left pinned. It is
 * this test's executable, linked with the sensor of a changed bpf/ (tests/kernel/successors).
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "agent/sensor/sensor.h"

struct successor {
	pid_t pid;
	FILE *orders, *output;
};

/* BUILD is the name of a file in tests/kernel/successors, without its ending; FOLDER the
 * fixture's. Stops the test on failure, as all of these do. */
void successor_start(struct successor *successor, const char *build, const char *folder,
		     bool use_perf);
/* Waits until it has taken over; how. */
struct sensor_start successor_wait(struct successor *successor);
/* As the flows of the kernel's tables have it: bytes that apps moved to (or from) an inode. */
uint64_t successor_bytes(struct successor *successor, bool is_out, uint64_t ino);
#define SUCCESSOR_WRITES "written-by-the-successor"
/* It reads labelled data and writes it to this file in FOLDER. */
void successor_read_and_write(struct successor *successor);
void successor_kill(struct successor *successor);

/* "successor FOLDER perf|any": takes over and sweeps until it is killed. */
int successor_main(char **argv);

#endif
