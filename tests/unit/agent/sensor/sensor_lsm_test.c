/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"

static const char *describe(const char *list)
{
	char path[] = "/tmp/weir-lsm-XXXXXX";
	int fd = mkstemp(path);
	const char *answer;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, list, strlen(list)), strlen(list));
	close(fd);
	answer = sensor_lsm_describe(path);
	unlink(path);
	return answer;
}

static void bpf_is_listed_by_its_whole_name_only(void **state)
{
	(void)state;
	assert_string_equal(describe("lockdown,capability,bpf"), "listed");
	assert_string_equal(describe("bpf,capability\n"), "listed");
	assert_string_equal(describe("lockdown,capability,bpfx\n"), "not listed");
	assert_string_equal(describe(""), "not listed");
}

static void without_the_list_the_kernel_is_asked(void **state)
{
	const char *answer = sensor_lsm_describe("/nowhere/lsm");

	(void)state;
	print_message("# this kernel: bpf %s\n", answer);
	assert_true(strcmp(answer, "listed") == 0 || strcmp(answer, "not listed") == 0 ||
		    strcmp(answer, "unknown") == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bpf_is_listed_by_its_whole_name_only),
		cmocka_unit_test(without_the_list_the_kernel_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
