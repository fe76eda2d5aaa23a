/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "kernel/kernel_fixture.h"
#include "abi.h"

#define SOURCE_BYTES 1048576
#define OTHER_CLASS "[class \"other\"]\ngrade = C1\ncategory = other\n"

static int given_a_sensor(void **state)
{
	*state = kernel_fixture_start(NULL);
	return 0;
}

static int stop_sensor(void **state)
{
	kernel_fixture_stop(*state);
	return 0;
}

static void take_over_with(struct kernel_fixture *fixture, const char *before, const char *class)
{
	kernel_fixture_kill_sensor(fixture);
	kernel_fixture_change_policy(fixture, before, class);
	kernel_fixture_restart_sensor(fixture);
	assert_true(kernel_fixture_start_info(fixture).is_resumed);
}

static void labels_keep_their_names_when_classes_are_put_in_front(void **state)
{
	kernel_fixture_shell(*state, "cat $SRC > $DIR/before");
	assert_true(kernel_fixture_is_of_class(*state, "before", "customer"));
	take_over_with(*state, OTHER_CLASS, "customer");
	kernel_fixture_shell(*state, "cat $DIR/before > $DIR/after; cat $SRC > $DIR/fresh");
	assert_true(kernel_fixture_is_of_class(*state, "before", "customer"));
	assert_true(kernel_fixture_is_of_class(*state, "after", "customer"));
	assert_true(kernel_fixture_is_of_class(*state, "fresh", "customer"));
	assert_false(kernel_fixture_is_of_class(*state, "before", "other"));
	assert_false(kernel_fixture_is_of_class(*state, "after", "other"));
	assert_false(kernel_fixture_is_of_class(*state, "fresh", "other"));
}

static void a_label_that_left_the_policy_is_no_other_one_and_comes_back(void **state)
{
	kernel_fixture_shell(*state, "cat $SRC > $DIR/old");
	take_over_with(*state, "", "renewed");
	kernel_fixture_shell(*state, "cat $DIR/old > $DIR/carried; cat $SRC > $DIR/new");
	assert_false(kernel_fixture_is_of_class(*state, "carried", "renewed"));
	assert_int_equal(kernel_fixture_written(*state, "carried"), SOURCE_BYTES);
	assert_true(kernel_fixture_is_of_class(*state, "new", "renewed"));
	take_over_with(*state, OTHER_CLASS, "customer");
	assert_true(kernel_fixture_is_of_class(*state, "carried", "customer"));
	assert_false(kernel_fixture_is_of_class(*state, "carried", "other"));
}

/* Also of programs that another agent loaded it is known whether they missed calls. */
static void the_programs_of_an_earlier_agent_are_looked_after(void **state)
{
	uint64_t programs = kernel_fixture_counts(*state).programs;

	assert_true(programs >= 5); /* enter and exit, fork, exec and exit of a process */
	take_over_with(*state, "", "customer");
	assert_int_equal(kernel_fixture_counts(*state).programs, programs);
}

static void pin_path(struct kernel_fixture *fixture, const char *name, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "/sys/fs/bpf/%s/%s",
		 strrchr(kernel_fixture_folder(fixture), '/') + 1, name);
}

/* The sensor of then is gone, with what it knew: this one starts with tables of its own. */
static void assert_replaced(struct kernel_fixture *fixture)
{
	kernel_fixture_restart_sensor(fixture);
	assert_int_equal(kernel_fixture_start_info(fixture).takeover, SENSOR_REPLACED);
	kernel_fixture_shell(fixture, "cat $SRC > $DIR/later");
	assert_int_equal(kernel_fixture_written(fixture, "later"), SOURCE_BYTES);
}

static void set_version(struct kernel_fixture *fixture, uint32_t version)
{
	struct weir_state old;
	uint32_t zero = 0;
	char path[160];
	int fd;

	pin_path(fixture, "state", path, sizeof(path));
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &old), 0);
	old.abi_version = version;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &old, BPF_ANY), 0);
	close(fd);
}

/* What nobody has swept is not told any more, so how much of it there was is. */
static void tables_of_a_version_that_cannot_be_read_are_replaced(void **state)
{
	struct kernel_fixture *fixture = *state;

	kernel_fixture_shell(fixture, "head -c 1000 $SRC > $DIR/before");
	kernel_fixture_kill_sensor(fixture);
	set_version(fixture, WEIR_ABI_GROWS_SINCE - 1);
	assert_replaced(fixture);
	assert_int_equal(kernel_fixture_start_info(fixture).flows_left, 2); /* in and out */
}

/* As those of an agent that knew no cgroups. */
static void a_table_of_another_layout_is_replaced(void **state)
{
	struct kernel_fixture *fixture = *state;
	const uint32_t old_bytes = 120;
	char path[160];
	int fd;

	assert_int_not_equal(old_bytes, sizeof(struct weir_app));
	kernel_fixture_kill_sensor(fixture);
	set_version(fixture, WEIR_ABI_GROWS_SINCE - 1);
	pin_path(fixture, "apps", path, sizeof(path));
	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "apps", sizeof(uint64_t), old_bytes, 16, NULL);
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
	assert_replaced(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			labels_keep_their_names_when_classes_are_put_in_front, given_a_sensor,
			stop_sensor),
		cmocka_unit_test_setup_teardown(
			a_label_that_left_the_policy_is_no_other_one_and_comes_back, given_a_sensor,
			stop_sensor),
		cmocka_unit_test_setup_teardown(the_programs_of_an_earlier_agent_are_looked_after,
						given_a_sensor, stop_sensor),
		cmocka_unit_test_setup_teardown(
			tables_of_a_version_that_cannot_be_read_are_replaced, given_a_sensor,
			stop_sensor),
		cmocka_unit_test_setup_teardown(a_table_of_another_layout_is_replaced,
						given_a_sensor, stop_sensor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
