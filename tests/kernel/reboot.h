/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_REBOOT_H
#define WEIR_TESTS_KERNEL_REBOOT_H

/*
 * A sensor, a keeper and a folder on a disk, DISK in the shells' environment. Here a reboot is that
 * nothing is left of the sensor, pins included. With WEIR_BOOT "first" and then "second", and a
 * disk mounted at WEIR_DISK, it is a real one: then the folder stays.
 */

#include <stdbool.h>
#include <stdint.h>

#include "agent/keeper.h"
#include "kernel/kernel_fixture.h"

#define REBOOT_OBJECTS_MAX 64

struct policy;

struct reboot {
	struct kernel_fixture *fixture;
	struct policy *policy; /* as the fixture wrote it */
	struct keeper *keeper;
	unsigned int n_leaks;
	char disk[96], record[128];
	size_t max_files;
	uint64_t lost, losses, gaps;
	char detail[256]; /* of the last news */
};

/* "first", "second", or "" without a real boot in between. */
const char *reboot_stage(void);
/* For cmocka: before and after a test. */
int reboot_set(void **state);
int reboot_set_small(void **state); /* with room for REBOOT_OBJECTS_MAX labelled objects */
int reboot_clean_up(void **state);
/* Skips the test where files are not kept. */
void reboot_need_disk(void);

void reboot_start_keeper(struct reboot *reboot);
/* Writes the record. */
void reboot_stop_keeper(struct reboot *reboot);
struct keeper_counts reboot_counts(const struct reboot *reboot);
void reboot_go_down(struct reboot *reboot);
/* The sensor alone. */
void reboot_come_up(struct reboot *reboot);

/* Inode of DISK/name. */
uint64_t reboot_ino(const struct reboot *reboot, const char *name);
/* What the kernel's table says of DISK/name; only its inode is set where that says nothing. */
struct sensor_file reboot_look_up(const struct reboot *reboot, const char *name);
/* Somebody copies DISK/name: bytes that were seen as labelled. */
uint64_t reboot_leak(struct reboot *reboot, const char *name);
bool reboot_leaked_class(const struct reboot *reboot, const char *class);

#endif
