/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/machine_fixture.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

#define STICK "sys/devices/pci0000:00/0000:00:14.0/usb1/1-2"
#define STICK_SCSI STICK "/1-2:1.0/host2/target2:0:0/2:0:0:0"
#define SATA_SCSI "sys/devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0"

int machine_fixture_setup(void **state)
{
	struct machine_fixture *machine = calloc(1, sizeof(*machine));

	if (!machine)
		return -1;
	strcpy(machine->root, "/tmp/weir-machine-XXXXXX");
	if (!mkdtemp(machine->root)) {
		free(machine);
		return -1;
	}
	snprintf(machine->sys, sizeof(machine->sys), "%s/sys", machine->root);
	snprintf(machine->dev, sizeof(machine->dev), "%s/dev", machine->root);
	snprintf(machine->proc, sizeof(machine->proc), "%s/proc", machine->root);
	mkdir(machine->sys, 0755);
	mkdir(machine->dev, 0755);
	mkdir(machine->proc, 0755);
	*state = machine;
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

int machine_fixture_teardown(void **state)
{
	struct machine_fixture *machine = *state;

	nftw(machine->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(machine);
	return 0;
}

static void make_path(const struct machine_fixture *machine, const char *path, char *whole,
		      size_t size)
{
	char folder[512];

	assert_true(snprintf(whole, size, "%s/%s", machine->root, path) < (int)size);
	assert_true(strlen(whole) < sizeof(folder));
	strcpy(folder, whole);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(file_make_dirs(folder, 0755), 0);
}

void machine_fixture_put(struct machine_fixture *machine, const char *path, const char *text)
{
	char whole[512];
	FILE *file;

	make_path(machine, path, whole, sizeof(whole));
	file = fopen(whole, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void machine_fixture_link(struct machine_fixture *machine, const char *path, const char *target)
{
	char whole[512];

	make_path(machine, path, whole, sizeof(whole));
	(void)unlink(whole);
	assert_int_equal(symlink(target, whole), 0);
}

static void put_disk(struct machine_fixture *machine, const char *scsi, const char *name,
		     const char *number, const char *part_number)
{
	const struct {
		const char *path, *text;
	} files[] = {
		{"dev", number},           {"removable", "0\n"},     {"part/dev", part_number},
		{"part/partition", "1\n"}, {"part/start", "2048\n"},
	};
	char path[256], target[256];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/block/%s/%s", scsi, name, files[i].path);
		machine_fixture_put(machine, path, files[i].text);
	}
	snprintf(path, sizeof(path), "%s/block/%s/device", scsi, name);
	machine_fixture_link(machine, path, "../..");
	snprintf(path, sizeof(path), "sys/dev/block/%.*s", (int)strcspn(number, "\n"), number);
	snprintf(target, sizeof(target), "../../%s/block/%s", scsi + strlen("sys/"), name);
	machine_fixture_link(machine, path, target);
	snprintf(path, sizeof(path), "sys/dev/block/%.*s", (int)strcspn(part_number, "\n"),
		 part_number);
	snprintf(target, sizeof(target), "../../%s/block/%s/part", scsi + strlen("sys/"), name);
	machine_fixture_link(machine, path, target);
}

void machine_fixture_plug_stick(struct machine_fixture *machine, const char *serial)
{
	machine_fixture_put(machine, STICK "/idVendor", "0781\n");
	machine_fixture_put(machine, STICK "/idProduct", "5581\n");
	machine_fixture_put(machine, STICK "/manufacturer", "SanDisk\n");
	machine_fixture_put(machine, STICK "/product", "Ultra\n");
	if (*serial)
		machine_fixture_put(machine, STICK "/serial", serial);
	machine_fixture_link(machine, STICK "/subsystem", "../../../../../bus/usb");
	machine_fixture_link(machine, STICK "/1-2:1.0/subsystem", "../../../../../../bus/usb");
	machine_fixture_put(machine, STICK_SCSI "/vendor", "SanDisk \n");
	machine_fixture_put(machine, STICK_SCSI "/model", "Ultra           \n");
	machine_fixture_put(machine, STICK_SCSI "/type", "0\n");
	put_disk(machine, STICK_SCSI, "sdb", "8:16\n", "8:17\n");
	machine_fixture_put(machine, STICK_SCSI "/block/sdb/removable", "1\n");
}

void machine_fixture_has_disk(struct machine_fixture *machine)
{
	machine_fixture_put(machine, SATA_SCSI "/vendor", "ATA     \n");
	machine_fixture_put(machine, SATA_SCSI "/model", "Samsung SSD 870 \n");
	machine_fixture_put(machine, SATA_SCSI "/type", "0\n");
	put_disk(machine, SATA_SCSI, "sda", "8:0\n", "8:1\n");
}

void machine_fixture_pull_stick(struct machine_fixture *machine)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/" STICK, machine->root);
	assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void machine_fixture_mounts(struct machine_fixture *machine, unsigned int pid, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%u/mountinfo", pid);
	machine_fixture_put(machine, pid ? path : "proc/self/mountinfo", text);
}
