/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/enrich/disk.h"
#include "support/machine_fixture.h"

#define DEV(major, minor) ((uint32_t)(major) << 20 | (minor))

static struct disk read_disk(const struct machine_fixture *machine, uint32_t dev)
{
	struct disk disk;

	assert_int_equal(disk_read(machine->sys, dev, &disk), 0);
	return disk;
}

static void assert_disk(const struct disk *disk, const char *kind, const char *vendor,
			const char *model, const char *serial)
{
	assert_string_equal(disk->kind, kind);
	assert_string_equal(disk->vendor, vendor);
	assert_string_equal(disk->model, model);
	assert_string_equal(disk->serial, serial);
}

static void a_partition_of_a_stick_is_the_stick(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	machine_fixture_plug_stick(machine, "4C530001230101114273\n");
	disk = read_disk(machine, DEV(8, 17));
	assert_disk(&disk, "usb", "SanDisk", "Ultra", "4C530001230101114273");
	disk = read_disk(machine, DEV(8, 16));
	assert_disk(&disk, "usb", "SanDisk", "Ultra", "4C530001230101114273");
}

static void a_disk_in_a_usb_case_is_carried_away_too(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	machine_fixture_plug_stick(machine, "57584B31\n");
	machine_fixture_put(machine,
			    "sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host2/"
			    "target2:0:0/2:0:0:0/block/sdb/removable",
			    "0\n");
	disk = read_disk(machine, DEV(8, 17));
	assert_string_equal(disk.kind, "usb");
}

static void a_maker_who_left_his_name_out_is_known_by_number(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	machine_fixture_put(machine, "sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/idVendor",
			    "1234\n");
	machine_fixture_put(machine, "sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/idProduct",
			    "5678\n");
	machine_fixture_link(machine, "sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/subsystem",
			     "../../../../../bus/usb");
	machine_fixture_put(machine,
			    "sys/devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4:1.0/block/sdc/dev",
			    "8:32\n");
	machine_fixture_link(machine, "sys/dev/block/8:32",
			     "../../devices/pci0000:00/0000:00:14.0/usb1/1-4/1-4:1.0/block/sdc");
	disk = read_disk(machine, DEV(8, 32));
	assert_disk(&disk, "usb", "1234", "5678", "");
}

static void the_disk_of_the_machine_stays_where_it_is(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	machine_fixture_has_disk(machine);
	disk = read_disk(machine, DEV(8, 1));
	assert_disk(&disk, "", "ATA", "Samsung SSD 870", "");
}

static void an_encrypted_volume_is_the_disk_below(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	machine_fixture_has_disk(machine);
	machine_fixture_plug_stick(machine, "4C53\n");
	/* dm-1 on dm-0 on the stick's partition. */
	machine_fixture_put(machine, "sys/devices/virtual/block/dm-1/dm/name", "vg-lv\n");
	machine_fixture_link(machine, "sys/devices/virtual/block/dm-1/slaves/dm-0", "../../dm-0");
	machine_fixture_put(machine, "sys/devices/virtual/block/dm-0/dev", "253:0\n");
	machine_fixture_link(machine, "sys/devices/virtual/block/dm-0/slaves/sdb1",
			     "../../../../../dev/block/8:17");
	machine_fixture_link(machine, "sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
	machine_fixture_link(machine, "sys/dev/block/253:1", "../../devices/virtual/block/dm-1");
	disk = read_disk(machine, DEV(253, 1));
	assert_disk(&disk, "usb", "SanDisk", "Ultra", "4C53");
}

static void volumes_that_lie_on_each_other_come_to_an_end(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	machine_fixture_put(machine, "sys/devices/virtual/block/dm-0/dev", "253:0\n");
	machine_fixture_link(machine, "sys/devices/virtual/block/dm-0/slaves/dm-0", "../../dm-0");
	machine_fixture_link(machine, "sys/dev/block/253:0", "../../devices/virtual/block/dm-0");
	disk = read_disk(machine, DEV(253, 0));
	assert_string_equal(disk.kind, "");
}

static void a_file_behind_a_loop_lies_on_its_own_disk(void **state)
{
	struct machine_fixture *machine = *state;
	char link[64], file[128];
	struct stat info;
	struct disk disk;

	machine_fixture_plug_stick(machine, "4C53\n");
	snprintf(file, sizeof(file), "%s/image\n", machine->root);
	machine_fixture_put(machine, "image", "");
	machine_fixture_put(machine, "sys/devices/virtual/block/loop0/loop/backing_file", file);
	machine_fixture_link(machine, "sys/dev/block/7:0", "../../devices/virtual/block/loop0");
	/* Where this test's own files lie is played by the stick. */
	assert_int_equal(stat(machine->root, &info), 0);
	snprintf(link, sizeof(link), "sys/dev/block/%u:%u", major(info.st_dev), minor(info.st_dev));
	machine_fixture_link(machine, link,
			     "../../devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host2/"
			     "target2:0:0/2:0:0:0/block/sdb/part");
	disk = read_disk(machine, DEV(7, 0));
	assert_string_equal(disk.serial, "4C53");
}

static void a_card_is_removable_and_soldered_memory_is_not(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	machine_fixture_put(machine, "sys/devices/mmc0/mmc0:aaaa/cid", "035344\n");
	machine_fixture_put(machine, "sys/devices/mmc0/mmc0:aaaa/type", "SD\n");
	machine_fixture_put(machine, "sys/devices/mmc0/mmc0:aaaa/name", "SC64G\n");
	machine_fixture_put(machine, "sys/devices/mmc0/mmc0:aaaa/manfid", "0x000003\n");
	machine_fixture_put(machine, "sys/devices/mmc0/mmc0:aaaa/serial", "0x1f2e3d4c\n");
	machine_fixture_link(machine, "sys/devices/mmc0/mmc0:aaaa/subsystem", "../../../bus/mmc");
	machine_fixture_put(machine, "sys/devices/mmc0/mmc0:aaaa/block/mmcblk0/dev", "179:0\n");
	machine_fixture_link(machine, "sys/dev/block/179:0",
			     "../../devices/mmc0/mmc0:aaaa/block/mmcblk0");
	disk = read_disk(machine, DEV(179, 0));
	assert_disk(&disk, "mmc", "0x000003", "SC64G", "0x1f2e3d4c");
	machine_fixture_put(machine, "sys/devices/mmc0/mmc0:aaaa/type", "MMC\n");
	disk = read_disk(machine, DEV(179, 0));
	assert_string_equal(disk.kind, "");
}

static void what_hangs_on_a_port_that_faces_outwards_is_removable(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	machine_fixture_put(machine, "sys/devices/pci0000:00/0000:3b:00.0/removable",
			    "removable\n");
	machine_fixture_link(machine, "sys/devices/pci0000:00/0000:3b:00.0/subsystem",
			     "../../../bus/pci");
	machine_fixture_put(machine, "sys/devices/pci0000:00/0000:3b:00.0/nvme/nvme1/nvme1n1/dev",
			    "259:5\n");
	machine_fixture_put(machine, "sys/devices/pci0000:00/0000:3b:00.0/nvme/nvme1/serial",
			    "S4EV\n");
	machine_fixture_link(machine,
			     "sys/devices/pci0000:00/0000:3b:00.0/nvme/nvme1/nvme1n1/device",
			     "../../nvme1");
	machine_fixture_link(machine, "sys/dev/block/259:5",
			     "../../devices/pci0000:00/0000:3b:00.0/nvme/nvme1/nvme1n1");
	disk = read_disk(machine, DEV(259, 5));
	assert_disk(&disk, "thunderbolt", "", "", "S4EV");
}

static void a_name_cannot_steer_a_terminal_or_grow_without_end(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;
	char text[256];

	machine_fixture_plug_stick(machine, "\x1b[2J\x9b"
					    "4C  53\t\x7f\n");
	disk = read_disk(machine, DEV(8, 17));
	assert_string_equal(disk.serial, "[2J?4C 53");
	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	machine_fixture_plug_stick(machine, text);
	disk = read_disk(machine, DEV(8, 17));
	assert_int_equal(strlen(disk.serial), DISK_TEXT_BYTES - 1);
}

static void a_device_without_a_disk_is_none(void **state)
{
	struct machine_fixture *machine = *state;
	struct disk disk;

	assert_int_equal(disk_read(machine->sys, DEV(0, 50), &disk), -ENOENT);
	assert_int_equal(disk_read("/no/such/folder", DEV(8, 1), &disk), -ENOENT);
}

#define STORY(name) \
	cmocka_unit_test_setup_teardown(name, machine_fixture_setup, machine_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_partition_of_a_stick_is_the_stick),
		STORY(a_disk_in_a_usb_case_is_carried_away_too),
		STORY(a_maker_who_left_his_name_out_is_known_by_number),
		STORY(the_disk_of_the_machine_stays_where_it_is),
		STORY(an_encrypted_volume_is_the_disk_below),
		STORY(volumes_that_lie_on_each_other_come_to_an_end),
		STORY(a_file_behind_a_loop_lies_on_its_own_disk),
		STORY(a_card_is_removable_and_soldered_memory_is_not),
		STORY(what_hangs_on_a_port_that_faces_outwards_is_removable),
		STORY(a_name_cannot_steer_a_terminal_or_grow_without_end),
		STORY(a_device_without_a_disk_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
