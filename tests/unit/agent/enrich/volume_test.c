/* SPDX-License-Identifier: GPL-2.0-only */
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

#include "agent/enrich/volume.h"
#include "base/file.h"
#include "base/mountinfo.h"
#include "support/machine_fixture.h"

#define DEV(major, minor) ((uint32_t)(major) << 20 | (minor))

static struct volume_roots roots_of(const struct machine_fixture *machine)
{
	return (struct volume_roots){machine->sys, machine->dev};
}

/* type, source and options as mountinfo has them. */
static int look_at(const struct machine_fixture *machine, uint32_t dev, const char *type,
		   const char *source, const char *options, struct volume *ret_volume)
{
	const struct volume_roots roots = roots_of(machine);
	const struct mountinfo mount = {.id = 1,
					.dev = dev,
					.path = "/mnt",
					.type = type,
					.source = source,
					.options = options};

	return volume_of_mount(&roots, &mount, ret_volume);
}

static struct volume share(const struct machine_fixture *machine, const char *type,
			   const char *source)
{
	struct volume volume;

	assert_int_equal(look_at(machine, DEV(0, 50), type, source, "rw,user_id=1001", &volume), 1);
	return volume;
}

static void assert_share(const struct machine_fixture *machine, const char *type,
			 const char *source, const char *kind, const char *title)
{
	struct volume volume = share(machine, type, source);

	assert_string_equal(volume.disk.kind, kind);
	assert_string_equal(volume.title, title);
}

static void a_stick_is_called_by_maker_model_and_serial(void **state)
{
	struct machine_fixture *machine = *state;
	struct volume volume;

	machine_fixture_plug_stick(machine, "4C53\n");
	assert_int_equal(look_at(machine, DEV(8, 17), "vfat", "/dev/sdb1", "rw", &volume), 1);
	assert_string_equal(volume.title, "USB disk SanDisk Ultra 4C53");
	assert_int_equal(volume.dev, DEV(8, 17));
	assert_false(volume.is_claimed);
}

static void a_maker_who_says_his_name_twice_is_called_once(void **state)
{
	const struct volume_roots roots = roots_of(*state);
	struct volume volume;

	machine_fixture_plug_stick(*state, "4C53\n");
	machine_fixture_put(*state, "sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/product",
			    "SanDisk Ultra USB 3.0\n");
	assert_int_equal(volume_of_disk(&roots, DEV(8, 16), &volume), 1);
	assert_string_equal(volume.title, "USB disk SanDisk Ultra USB 3.0 4C53");
}

/* udev's link leads to a real node, and making one is for root. */
static void without_a_serial_the_file_system_tells_it(void **state)
{
	struct machine_fixture *machine = *state;
	const struct volume_roots roots = roots_of(machine);
	struct volume volume;
	struct stat info;
	char number[32], path[64];

	if (stat("/dev/loop0", &info) < 0) {
		print_message("# skip: there is no block device /dev/loop0\n");
		skip();
	}
	machine_fixture_plug_stick(machine, "");
	snprintf(number, sizeof(number), "%u:%u", file_kernel_dev(info.st_rdev) >> 20,
		 file_kernel_dev(info.st_rdev) & 0xfffff);
	snprintf(path, sizeof(path), "sys/dev/block/%s", number);
	machine_fixture_link(machine, path,
			     "../../devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host2/"
			     "target2:0:0/2:0:0:0/block/sdb/part");
	machine_fixture_link(machine, "dev/disk/by-uuid/gone", "/no/such/device");
	machine_fixture_link(machine, "dev/disk/by-uuid/0BAD-F00D", "/dev/null");
	machine_fixture_link(machine, "dev/disk/by-uuid/1A2B-3C4D", "/dev/loop0");
	assert_int_equal(volume_of_disk(&roots, file_kernel_dev(info.st_rdev), &volume), 1);
	assert_string_equal(volume.uuid, "1A2B-3C4D");
	assert_string_equal(volume.title, "USB disk SanDisk Ultra 1A2B-3C4D");
}

static void shares_are_called_by_their_server(void **state)
{
	assert_share(*state, "nfs4", "nas.corp:/export/home/li", "nfs", "NFS server nas.corp");
	assert_share(*state, "nfs", "[fd00::1]:/x", "nfs", "NFS server fd00::1");
	assert_share(*state, "cifs", "//nas/li$", "smb", "SMB server nas");
	assert_share(*state, "smb3", "//10.1.2.3/a b", "smb", "SMB server 10.1.2.3");
	assert_share(*state, "fuse.sshfs", "li@files.test:/home/li", "sshfs",
		     "sshfs server files.test");
	assert_share(*state, "fuse", "https://li@dav.test/x", "fuse", "FUSE file system dav.test");
	assert_share(*state, "fuse.rclone", "drive:", "cloud", "cloud storage drive");
	assert_share(*state, "9p", "host share", "9p", "9p share host share");
	assert_share(*state, "virtiofs", "work", "virtiofs", "virtiofs share work");
	assert_share(*state, "fuse.jmtpfs", "jmtpfs", "phone", "phone");
}

/* A folder's name may be a person's, and so may a user's. */
static void nothing_but_the_server_is_told_of_a_source(void **state)
{
	static const char *const sources[] = {"/home/li/private", "li", "", "li/x:y", "//", ":",
					      "//li zhang/x",     "@:/"};

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		assert_share(*state, "fuse.bindfs", sources[i], "fuse", "FUSE bindfs");
}

static void who_mounted_it_decides_whether_it_is_believed(void **state)
{
	struct volume volume;

	assert_true(share(*state, "fuse.sshfs", "a:/").is_claimed);
	look_at(*state, DEV(0, 50), "fuse.sshfs", "a:/", "rw,user_id=0,group_id=0", &volume);
	assert_false(volume.is_claimed);
	look_at(*state, DEV(0, 50), "nfs4", "a:/", "rw,vers=4.2", &volume);
	assert_false(volume.is_claimed);
}

/* Whoever mounts says where from and of which type it is. */
static void a_user_cannot_pass_a_share_off_as_this_machines_disk(void **state)
{
	struct volume volume = share(*state, "fuse.sshfs", "/dev/loop0");

	assert_string_equal(volume.disk.kind, "sshfs");
	assert_int_equal(
		look_at(*state, DEV(0, 50), "fuse.lxcfs", "lxcfs", "rw,user_id=1001", &volume), 1);
	assert_int_equal(
		look_at(*state, DEV(0, 50), "fuse.portal", "portal", "rw,user_id=1001", &volume),
		1);
}

static void what_is_of_this_machine_is_of_no_interest(void **state)
{
	const struct volume_roots roots = roots_of(*state);
	const struct mountinfo portal = {.dev = DEV(0, 51),
					 .path = "/run/user/1000/doc",
					 .type = "fuse.portal",
					 .source = "portal",
					 .options = "rw,user_id=1000"};
	struct volume volume;

	assert_int_equal(look_at(*state, DEV(0, 25), "tmpfs", "tmpfs", "rw", &volume), 0);
	assert_int_equal(look_at(*state, DEV(0, 25), "overlay", "overlay", "rw", &volume), 0);
	assert_int_equal(
		look_at(*state, DEV(0, 25), "fuse.lxcfs", "lxcfs", "rw,user_id=0,x", &volume), 0);
	assert_int_equal(volume_of_mount(&roots, &portal, &volume), 0);
}

static void gvfs_is_as_many_places_as_it_has_shares(void **state)
{
	static const struct {
		const char *path, *kind, *title;
	} shares[] = {
		{"/run/user/1000/gvfs/mtp:host=SAMSUNG_Android_R58/Card/a.csv", "phone",
		 "phone SAMSUNG_Android_R58"},
		{"/run/user/1000/gvfs/smb-share:server=nas,share=li/a", "smb", "SMB server nas"},
		{"/run/user/1000/gvfs/sftp:host=h.test,user=li/a", "sshfs", "sshfs server h.test"},
		{"/run/user/1000/gvfs/google-drive:host=gmail.com,user=li/a", "cloud",
		 "cloud storage gmail.com"},
		{"/run/user/1000/gvfs/dav:host=li@x,ssl=true/a", "cloud", "cloud storage"},
		{"/run/user/1000/gvfs/trash:/a", "fuse", "FUSE gvfs"},
		/* What files are called there says nothing of where they are, nor do other keys. */
		{"/run/user/1000/gvfs/sftp:host=pan.test,user=li/server=backup.corp/a", "sshfs",
		 "sshfs server pan.test"},
		{"/run/user/1000/gvfs/google-drive:user=li/host=backup.corp", "cloud",
		 "cloud storage"},
		{"/run/user/1000/gvfs/smb-share:share=server=li,server=nas/a", "smb",
		 "SMB server nas"},
		{"/run/user/1000/gvfs/ftp:ghost=li,host=pan.test/a", "ftp", "FTP server pan.test"},
	};
	struct volume volume = share(*state, "fuse.gvfsd-fuse", "gvfsd-fuse");

	assert_true(volume.has_shares);
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		assert_int_equal(volume_of_share(shares[i].path, &volume), 1);
		assert_string_equal(volume.disk.kind, shares[i].kind);
		assert_string_equal(volume.title, shares[i].title);
	}
	assert_int_equal(volume_of_share("/elsewhere/a", &volume), 0);
}

static void device_nodes_are_known_by_number(void **state)
{
	const struct volume_roots roots = roots_of(*state);
	struct volume volume;

	machine_fixture_link(*state, "sys/dev/char/4:64", "../../devices/platform/tty/ttyS0");
	machine_fixture_link(*state, "sys/dev/char/4:65", "../../devices/platform/tty/ttyS1");
	machine_fixture_put(*state, "sys/devices/platform/tty/ttyS0/dev", "4:64\n");
	machine_fixture_put(*state, "sys/devices/platform/tty/ttyS1/dev", "4:65\n");
	machine_fixture_put(*state, "sys/class/tty/console/active", "tty0 ttyS0\n");
	assert_int_equal(volume_of_character(&roots, DEV(4, 1), &volume), 0);
	assert_int_equal(volume_of_character(&roots, DEV(4, 64), &volume), 0);
	assert_int_equal(volume_of_character(&roots, DEV(4, 65), &volume), 1);
	assert_string_equal(volume.title, "serial line ttyS1");
	assert_int_equal(volume_of_character(&roots, DEV(188, 0), &volume), 1);
	assert_string_equal(volume.disk.kind, "serial");
	assert_int_equal(volume_of_character(&roots, DEV(180, 0), &volume), 1);
	assert_string_equal(volume.disk.kind, "printer");
	assert_int_equal(volume_of_character(&roots, DEV(216, 0), &volume), 1);
	assert_string_equal(volume.disk.kind, "bluetooth");
	assert_int_equal(volume_of_character(&roots, DEV(10, 229), &volume), 0);
}

#define STORY(name) \
	cmocka_unit_test_setup_teardown(name, machine_fixture_setup, machine_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_stick_is_called_by_maker_model_and_serial),
		STORY(a_maker_who_says_his_name_twice_is_called_once),
		STORY(without_a_serial_the_file_system_tells_it),
		STORY(shares_are_called_by_their_server),
		STORY(nothing_but_the_server_is_told_of_a_source),
		STORY(who_mounted_it_decides_whether_it_is_believed),
		STORY(a_user_cannot_pass_a_share_off_as_this_machines_disk),
		STORY(what_is_of_this_machine_is_of_no_interest),
		STORY(gvfs_is_as_many_places_as_it_has_shares),
		STORY(device_nodes_are_known_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
