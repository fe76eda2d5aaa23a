/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_MACHINE_FIXTURE_H
#define WEIR_TESTS_SUPPORT_MACHINE_FIXTURE_H

/*
 * What a kernel would show of a machine that this one is not: /sys, /dev and /proc below a folder
 * of its own. The disks are laid out as Linux 6.1 lays them out. Everything is removed at the end.
 */

struct machine_fixture {
	char root[64];
	char sys[80], dev[80], proc[80];
};

/* For cmocka's setup and teardown. */
int machine_fixture_setup(void **state);
int machine_fixture_teardown(void **state);

/* A file with a text, and a link, at a path below the root; folders above them are made. */
void machine_fixture_put(struct machine_fixture *machine, const char *path, const char *text);
void machine_fixture_link(struct machine_fixture *machine, const char *path, const char *target);

/* A SanDisk Ultra of this serial ("" for none) in a USB port: sdb is 8:16, its partition 8:17. */
void machine_fixture_plug_stick(struct machine_fixture *machine, const char *serial);
/* The disk that the machine starts from: sda is 8:0, on SATA, not removable; sda1 is 8:1. */
void machine_fixture_has_disk(struct machine_fixture *machine);
void machine_fixture_pull_stick(struct machine_fixture *machine);
/* /proc/PID/mountinfo, pid 0 for "self". */
void machine_fixture_mounts(struct machine_fixture *machine, unsigned int pid, const char *text);

#endif
