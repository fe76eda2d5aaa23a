/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "agent/enrich/volumes.h"
#include "base/file.h"
#include "support/machine_fixture.h"

#define DEV(major, minor) ((uint32_t)(major) << 20 | (minor))
#define ROOT "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
#define STICK "30 1 8:17 / /media/li/DISK rw - vfat /dev/sdb1 rw\n"
#define SHARE "40 1 0:50 / /home/li/share rw - fuse.sshfs files.test:/ rw,user_id=1000\n"
#define MEMORY "41 1 0:50 / /tmp rw - tmpfs tmpfs rw\n"
#define NOBODY 4000000

struct scene {
	struct machine_fixture *machine;
	struct volumes_config config;
	struct volumes *volumes;
};

static int setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	void *machine = NULL;

	if (!scene || machine_fixture_setup(&machine) < 0)
		return -1;
	scene->machine = machine;
	scene->config = (struct volumes_config){scene->machine->proc,
						{scene->machine->sys, scene->machine->dev}};
	machine_fixture_has_disk(scene->machine);
	machine_fixture_plug_stick(scene->machine, "4C53\n");
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;
	void *machine = scene->machine;

	volumes_free(scene->volumes);
	free(scene);
	return machine_fixture_teardown(&machine);
}

static void given_mounts(struct scene *scene, const char *text)
{
	machine_fixture_mounts(scene->machine, 0, text);
	assert_int_equal(volumes_new(&scene->config, &scene->volumes), 0);
}

static void when_mounts_are(struct scene *scene, const char *text)
{
	machine_fixture_mounts(scene->machine, 0, text);
	assert_int_equal(volumes_refresh(scene->volumes), 0);
}

static const char *title_of(struct scene *scene, uint32_t dev, uint32_t pid)
{
	const struct volume *volume = volumes_find(scene->volumes, dev, pid);

	return volume ? volume->title : "";
}

static void a_mounted_stick_is_known(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT STICK);
	assert_string_equal(title_of(scene, DEV(8, 17), NOBODY), "USB disk SanDisk Ultra 4C53");
	assert_string_equal(volumes_find(scene->volumes, DEV(8, 1), NOBODY)->disk.kind, "");
}

static void one_that_was_pulled_out_is_still_known(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT STICK);
	when_mounts_are(scene, ROOT);
	machine_fixture_pull_stick(scene->machine);
	assert_string_equal(title_of(scene, DEV(8, 17), NOBODY), "USB disk SanDisk Ultra 4C53");
}

/* It is mounted, but whatever it hung on is not there any more. */
static void one_that_was_torn_out_is_still_known(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT STICK);
	machine_fixture_pull_stick(scene->machine);
	when_mounts_are(scene, ROOT STICK SHARE);
	assert_string_equal(title_of(scene, DEV(8, 17), NOBODY), "USB disk SanDisk Ultra 4C53");
}

static void the_next_stick_with_its_number_is_another_one(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT STICK);
	when_mounts_are(scene, ROOT);
	machine_fixture_plug_stick(scene->machine, "AA04\n");
	when_mounts_are(scene, ROOT "31 1 8:17 / /media/li/OTHER rw - vfat /dev/sdb1 rw\n");
	assert_string_equal(title_of(scene, DEV(8, 17), NOBODY), "USB disk SanDisk Ultra AA04");
}

static void a_stick_that_nobody_mounted_is_known_while_it_is_there(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT);
	assert_string_equal(title_of(scene, DEV(8, 17), NOBODY), "USB disk SanDisk Ultra 4C53");
}

static void a_number_that_went_on_to_memory_is_no_share(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT SHARE);
	assert_string_equal(title_of(scene, DEV(0, 50), NOBODY), "sshfs server files.test");
	when_mounts_are(scene, ROOT);
	assert_string_equal(title_of(scene, DEV(0, 50), NOBODY), "sshfs server files.test");
	volumes_forget_others(scene->volumes);
	when_mounts_are(scene, ROOT MEMORY);
	assert_null(volumes_find(scene->volumes, DEV(0, 50), NOBODY));
	when_mounts_are(scene, ROOT);
	assert_null(volumes_find(scene->volumes, DEV(0, 50), NOBODY));
}

static void what_a_process_mounted_for_itself_is_asked_of_it(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT);
	machine_fixture_mounts(scene->machine, 77, ROOT SHARE);
	assert_string_equal(title_of(scene, DEV(0, 50), 77), "sshfs server files.test");
	assert_true(volumes_find(scene->volumes, DEV(0, 50), 77)->is_claimed);
	/* Until the next sweep nobody is asked twice; then the number may be another's. */
	machine_fixture_mounts(scene->machine, 77, ROOT MEMORY);
	assert_string_equal(title_of(scene, DEV(0, 50), 77), "sshfs server files.test");
	volumes_forget_others(scene->volumes);
	assert_null(volumes_find(scene->volumes, DEV(0, 50), 77));
}

static void or_of_another_one_in_its_namespace_when_it_is_gone(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT);
	machine_fixture_put(scene->machine, "proc/self/ns/mnt", "");
	machine_fixture_mounts(scene->machine, 78, ROOT SHARE);
	machine_fixture_put(scene->machine, "proc/78/ns/mnt", "");
	assert_string_equal(title_of(scene, DEV(0, 50), NOBODY), "sshfs server files.test");
}

/* Root in a namespace of his own, he is what his options say he is. */
static void nobody_is_believed_in_a_namespace_of_his_own(void **state)
{
	struct scene *scene = *state;

	given_mounts(scene, ROOT);
	machine_fixture_mounts(scene->machine, 77,
			       "40 1 0:50 / /x rw - fuse.sshfs nas:/ rw,user_id=0,group_id=0\n");
	assert_true(volumes_find(scene->volumes, DEV(0, 50), 77)->is_claimed);
}

static void those_that_went_are_forgotten_at_the_limit(void **state)
{
	struct scene *scene = *state;
	char line[128];

	given_mounts(scene, ROOT SHARE);
	for (unsigned int i = 0; i < VOLUMES_GONE_MAX + 2; i++) {
		snprintf(line, sizeof(line), "%u 1 0:%u / /x rw - fuse.sshfs h%u:/ rw\n", 100 + i,
			 100 + i, i);
		when_mounts_are(scene, line);
	}
	when_mounts_are(scene, ROOT);
	assert_null(volumes_find(scene->volumes, DEV(0, 50), NOBODY));
	assert_null(volumes_find(scene->volumes, DEV(0, 101), NOBODY));
	assert_string_equal(title_of(scene, DEV(0, 102), NOBODY), "sshfs server h2");
}

static void a_node_is_the_disk_behind_it_while_it_is_that_node(void **state)
{
	struct scene *scene = *state;
	struct stat info;
	char path[64];

	given_mounts(scene, ROOT);
	if (stat("/dev/loop0", &info) < 0) {
		print_message("# skip: there is no block device /dev/loop0\n");
		skip();
	}
	snprintf(path, sizeof(path), "sys/dev/block/%u:%u", file_kernel_dev(info.st_rdev) >> 20,
		 file_kernel_dev(info.st_rdev) & 0xfffff);
	machine_fixture_link(scene->machine, path,
			     "../../devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/host2/"
			     "target2:0:0/2:0:0:0/block/sdb");
	assert_string_equal(volumes_find_node(scene->volumes, "/dev/loop0", info.st_ino)->title,
			    "USB disk SanDisk Ultra 4C53");
	assert_null(volumes_find_node(scene->volumes, "/dev/loop0", info.st_ino + 1));
	assert_null(volumes_find_node(scene->volumes, "/no/such/node", info.st_ino));
	assert_null(volumes_find_node(scene->volumes, "", info.st_ino));
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_mounted_stick_is_known),
		STORY(one_that_was_pulled_out_is_still_known),
		STORY(one_that_was_torn_out_is_still_known),
		STORY(the_next_stick_with_its_number_is_another_one),
		STORY(a_stick_that_nobody_mounted_is_known_while_it_is_there),
		STORY(a_number_that_went_on_to_memory_is_no_share),
		STORY(what_a_process_mounted_for_itself_is_asked_of_it),
		STORY(or_of_another_one_in_its_namespace_when_it_is_gone),
		STORY(nobody_is_believed_in_a_namespace_of_his_own),
		STORY(those_that_went_are_forgotten_at_the_limit),
		STORY(a_node_is_the_disk_behind_it_while_it_is_that_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
