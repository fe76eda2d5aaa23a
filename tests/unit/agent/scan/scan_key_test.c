/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
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

#include "agent/scan/scan_key.h"
#include "base/cleanup.h"

struct fixture {
	char dir[32], path[64];
};

static int given_a_folder(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->dir, "/tmp/weir-key-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	snprintf(fixture->path, sizeof(fixture->path), "%s/record.key", fixture->dir);
	*state = fixture;
	return 0;
}

static int clean_up(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	rmdir(fixture->dir);
	free(fixture);
	return 0;
}

static void write_key(const struct fixture *fixture, const char *text, mode_t mode)
{
	FILE *file = fopen(fixture->path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(fixture->path, mode), 0);
}

static void a_key_is_made_once_and_for_root_alone(void **state)
{
	struct fixture *fixture = *state;
	uint8_t first[SIPHASH_KEY_BYTES] = {}, again[SIPHASH_KEY_BYTES] = {};
	_cleanup_free_ char *problem = NULL;
	struct stat info;

	assert_int_equal(scan_key_load(fixture->path, first, &problem), 0);
	assert_int_equal(stat(fixture->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(scan_key_load(fixture->path, again, &problem), 0);
	assert_memory_equal(first, again, sizeof(first));
	unlink(fixture->path);
	assert_int_equal(scan_key_load(fixture->path, again, &problem), 0);
	assert_memory_not_equal(first, again, sizeof(first));
}

static void the_same_file_is_the_same_key_on_every_machine(void **state)
{
	struct fixture *fixture = *state;
	uint8_t first[SIPHASH_KEY_BYTES], again[SIPHASH_KEY_BYTES];
	_cleanup_free_ char *problem = NULL;

	write_key(fixture, "the key of the whole fleet", 0600);
	assert_int_equal(scan_key_load(fixture->path, first, &problem), 0);
	write_key(fixture, "the key of the whole fleet\r\n", 0400);
	assert_int_equal(scan_key_load(fixture->path, again, &problem), 0);
	assert_memory_equal(first, again, sizeof(first));
}

static void a_key_that_is_no_secret_is_refused(void **state)
{
	struct fixture *fixture = *state;
	uint8_t key[SIPHASH_KEY_BYTES] = "untouched";
	_cleanup_free_ char *problem = NULL, *short_problem = NULL;

	write_key(fixture, "the key of the whole fleet", 0640);
	assert_int_equal(scan_key_load(fixture->path, key, &problem), -EPERM);
	assert_non_null(strstr(problem, "chmod it to 0600"));
	write_key(fixture, "short", 0600);
	assert_int_equal(scan_key_load(fixture->path, key, &short_problem), -EINVAL);
	assert_non_null(strstr(short_problem, "at least 16 bytes"));
	assert_string_equal((char *)key, "untouched");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, given_a_folder, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_key_is_made_once_and_for_root_alone),
		STORY(the_same_file_is_the_same_key_on_every_machine),
		STORY(a_key_that_is_no_secret_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
