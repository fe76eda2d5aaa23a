/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "collector/people/people.h"

static void assert_masked(const char *path, const char *expected)
{
	_cleanup_free_ char *masked = NULL;

	assert_int_equal(people_mask_path(path, &masked), 0);
	assert_string_equal(masked, expected);
}

static void the_name_after_a_personal_folder_is_masked(void **state)
{
	(void)state;
	assert_masked("/home/zhangsan", "/home/~");
	assert_masked("/home/zhangsan/a/b.csv", "/home/~/a/b.csv");
	assert_masked("/Users/zhang.san/a", "/Users/~/a");
	assert_masked("/run/user/1017/bus", "/run/user/~/bus");
	assert_masked("/run/media/zhangsan/USB/a.zip", "/run/media/~/USB/a.zip");
	assert_masked("/media/zhangsan/USB/a.zip", "/media/~/USB/a.zip");
	assert_masked("/var/mail/zhangsan", "/var/mail/~");
	assert_masked("/home/zhang san/a", "/home/~/a");
}

static void the_uid_in_the_name_of_a_unit_is_masked(void **state)
{
	(void)state;
	assert_masked("/user.slice/user-1017.slice/session-3.scope",
		      "/user.slice/user-~.slice/session-3.scope");
	assert_masked("/user.slice/user-1017.slice/user@1017.service/app.slice/a.scope",
		      "/user.slice/user-~.slice/user@~.service/app.slice/a.scope");
	assert_masked("/user.slice/user-1017.slice/user-runtime-dir@1017.service",
		      "/user.slice/user-~.slice/user-runtime-dir@~.service");
	assert_masked("/srv/user-1017.csv", "/srv/user-1017.csv");
	assert_masked("/user.slice/user-.slice", "/user.slice/user-.slice");
	assert_masked("/user-service@1017.service", "/user-service@1017.service");
}

static void what_names_nobody_stays(void **state)
{
	(void)state;
	assert_masked("", "");
	assert_masked("/", "/");
	assert_masked("/home", "/home");
	assert_masked("/home/", "/home/");
	assert_masked("/homes/zhangsan", "/homes/zhangsan");
	assert_masked("/srv/export/list.csv", "/srv/export/list.csv");
	assert_masked("/media/usb/list.csv", "/media/usb/list.csv");
	assert_masked("10.0.0.2:443/tcp", "10.0.0.2:443/tcp");
}

static void a_masked_path_is_masked_to_itself(void **state)
{
	(void)state;
	assert_masked("/home/~/a", "/home/~/a");
	assert_masked("/media/~/USB/a", "/media/~/USB/a");
	assert_masked("/user-~.slice/user@~.service", "/user-~.slice/user@~.service");
}

static void names_are_found_within_text_and_more_than_once(void **state)
{
	(void)state;
	assert_masked("/mnt/backup/home/zhangsan/a", "/mnt/backup/home/~/a");
	assert_masked("from /home/li to \"/home/wang/x\"", "from /home/~ to \"/home/~/x\"");
	assert_masked("/home//a", "/home//a");
	assert_masked("/home/home/home/li", "/home/~/home/~");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_after_a_personal_folder_is_masked),
		cmocka_unit_test(the_uid_in_the_name_of_a_unit_is_masked),
		cmocka_unit_test(what_names_nobody_stays),
		cmocka_unit_test(a_masked_path_is_masked_to_itself),
		cmocka_unit_test(names_are_found_within_text_and_more_than_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
