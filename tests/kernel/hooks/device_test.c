/* SPDX-License-Identifier: GPL-2.0-only */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "kernel/coverage.h"
#include "kernel/scene.h"

/* Where this is a console, it reads as a remark. */
static const char remark[] = "#\r\n";
#define REMARK_BYTES (sizeof(remark) - 1)

static bool has_device(const char *path, uint32_t dev)
{
	struct stat info;

	if (stat(path, &info) == 0 && S_ISCHR(info.st_mode) && file_kernel_dev(info.st_rdev) == dev)
		return true;
	print_message("# skip: there is no %s\n", path);
	return false;
}

/* Bytes to devices, of the clerk who holds labelled data. */
static uint64_t when_written(const struct scene *scene, const char *path)
{
	int fd = scene_open(scene, CLERK, path, O_WRONLY | O_NOCTTY | O_NONBLOCK);
	const struct sensor_flow *flows;
	uint64_t bytes = 0;
	size_t n;

	scene_read_source(scene, CLERK);
	memcpy(scene_data(scene, CLERK), remark, REMARK_BYTES);
	assert_int_equal(SCENE_CALL(scene, CLERK, SYS_write, fd, (long)scene_data(scene, CLERK),
				    REMARK_BYTES),
			 REMARK_BYTES);
	flows = kernel_fixture_flows(scene->fixture, &n);
	for (size_t i = 0; i < n; i++)
		if (flows[i].object.kind == SENSOR_OBJECT_DEVICE && flows[i].is_out)
			bytes += flows[i].bytes;
	return bytes;
}

static void a_serial_line_is_a_device(void **state)
{
	if (!has_device("/dev/ttyS0", 4 << 20 | 64))
		skip();
	assert_int_equal(when_written(*state, "/dev/ttyS0"), REMARK_BYTES);
	coverage_note("write to a serial line", COVERAGE_EXACT);
}

/* Its number is of the same range. */
static void a_virtual_terminal_is_none(void **state)
{
	if (!has_device("/dev/tty1", 4 << 20 | 1))
		skip();
	assert_int_equal(when_written(*state, "/dev/tty1"), 0);
}

static void memory_is_none(void **state)
{
	if (!has_device("/dev/null", 1 << 20 | 3))
		skip();
	assert_int_equal(when_written(*state, "/dev/null"), 0);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		STORY(a_serial_line_is_a_device),
		STORY(a_virtual_terminal_is_none),
		STORY(memory_is_none),
	};
	int r = puppet_main(argc, argv);

	return r >= 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
