/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mountinfo.h"

static void a_line_is_taken_apart(void **state)
{
	char line[] = "36 35 98:1 /root /mnt rw,noatime master:1 shared:2 - ext3 /dev/root rw,x=1";
	struct mountinfo mount;

	(void)state;
	assert_true(mountinfo_parse(line, &mount));
	assert_int_equal(mount.id, 36);
	assert_int_equal(mount.dev, 98 << 20 | 1);
	assert_string_equal(mount.path, "/mnt");
	assert_string_equal(mount.type, "ext3");
	assert_string_equal(mount.source, "/dev/root");
	assert_string_equal(mount.options, "rw,x=1");
}

static void blanks_in_names_come_back(void **state)
{
	char line[] = "36 35 0:50 / /my\\040disk\\134 rw - fuse.x a\\040-\\040b\\012 rw";
	struct mountinfo mount;

	(void)state;
	assert_true(mountinfo_parse(line, &mount));
	assert_string_equal(mount.path, "/my disk\\");
	assert_string_equal(mount.source, "a - b\n");
}

static void what_only_looks_like_an_escape_stays(void **state)
{
	char line[] = "36 35 0:50 / /a\\04 rw - t \\400\\ rw";
	struct mountinfo mount;

	(void)state;
	assert_true(mountinfo_parse(line, &mount));
	assert_string_equal(mount.path, "/a\\04");
	assert_string_equal(mount.source, "\\400\\");
}

static void a_mount_may_have_no_source(void **state)
{
	char line[] = "36 35 0:50 / /a rw - tmpfs  rw,size=1",
	     bare[] = "36 35 0:50 / /a rw - tmpfs";
	struct mountinfo mount;

	(void)state;
	assert_true(mountinfo_parse(line, &mount));
	assert_string_equal(mount.source, "");
	assert_string_equal(mount.options, "rw,size=1");
	assert_true(mountinfo_parse(bare, &mount));
	assert_string_equal(mount.source, "");
	assert_string_equal(mount.options, "");
}

static void other_lines_are_none(void **state)
{
	static const char *const lines[] = {
		"",
		"36",
		"36 35 0:50",
		"36 35 0:50 / /a",
		"36 35 0:50 / /a rw",
		"36 35 0:50 / /a rw -",
		"x 35 0:50 / /a rw - t s rw",
		"36 35 050 / /a rw - t s rw",
		"36 35 0:50 / /a rw -  s",
	};
	struct mountinfo mount = {.id = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[64];

		strcpy(line, lines[i]);
		assert_false(mountinfo_parse(line, &mount));
		assert_int_equal(mount.id, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_taken_apart),
		cmocka_unit_test(blanks_in_names_come_back),
		cmocka_unit_test(what_only_looks_like_an_escape_stays),
		cmocka_unit_test(a_mount_may_have_no_source),
		cmocka_unit_test(other_lines_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
