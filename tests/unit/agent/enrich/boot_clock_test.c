/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/enrich/boot_clock.h"
#include "base/clock.h"
#include "base/file.h"

#define BOOT "5f9c7f1e-0000-4000-8000-000000000001"
#define OTHER_BOOT "5f9c7f1e-0000-4000-8000-000000000002"

struct fixture {
	char dir[32], path[48];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->dir, "/tmp/weir-clock-XXXXXX");
	if (!mkdtemp(fixture->dir))
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/boot-clock", fixture->dir);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	rmdir(fixture->dir);
	free(fixture);
	return 0;
}

static void a_restart_in_the_same_boot_finds_the_same_offset(void **state)
{
	struct fixture *fixture = *state;
	uint64_t first_ns = 0, second_ns = 0;

	assert_int_equal(boot_clock_load(fixture->dir, BOOT, &first_ns), 0);
	assert_in_range(first_ns, clock_boot_offset_ns() - CLOCK_NS_PER_SECOND,
			clock_boot_offset_ns() + CLOCK_NS_PER_SECOND);
	assert_int_equal(boot_clock_load(fixture->dir, BOOT, &second_ns), 0);
	assert_true(first_ns == second_ns);
}

static void a_set_clock_changes_nothing_within_a_boot(void **state)
{
	struct fixture *fixture = *state;
	uint64_t offset_ns = 0;

	assert_int_equal(
		file_write_durably(fixture->path, BOOT " 12345\n", strlen(BOOT " 12345\n"), 0600),
		0);
	assert_int_equal(boot_clock_load(fixture->dir, BOOT, &offset_ns), 0);
	assert_true(offset_ns == 12345);
}

static void another_boot_and_a_damaged_file_begin_anew(void **state)
{
	static const char *const texts[] = {OTHER_BOOT " 12345\n", BOOT " 12345", BOOT, "", "x"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		uint64_t offset_ns = 0;

		assert_int_equal(
			file_write_durably(fixture->path, texts[i], strlen(texts[i]), 0600), 0);
		assert_int_equal(boot_clock_load(fixture->dir, BOOT, &offset_ns), 0);
		assert_true(offset_ns > CLOCK_NS_PER_SECOND);
	}
}

static void what_cannot_be_kept_is_an_error(void **state)
{
	uint64_t offset_ns = 7;

	(void)state;
	assert_int_equal(boot_clock_load("/nonexistent", BOOT, &offset_ns), -ENOENT);
	assert_true(offset_ns == 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_restart_in_the_same_boot_finds_the_same_offset),
		TEST(a_set_clock_changes_nothing_within_a_boot),
		TEST(another_boot_and_a_damaged_file_begin_anew),
		TEST(what_cannot_be_kept_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
