/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

/* Far more than one reading takes, far less than any mistake of units or clocks. */
#define SLACK_NS (CLOCK_NS_PER_SECOND / 2)

static void assert_close(uint64_t a_ns, uint64_t b_ns)
{
	assert_true((a_ns > b_ns ? a_ns - b_ns : b_ns - a_ns) < SLACK_NS);
}

static void real_time_is_in_nanoseconds_since_1970(void **state)
{
	(void)state;
	assert_in_range(clock_realtime_ns() / CLOCK_NS_PER_SECOND, (uint64_t)time(NULL) - 2,
			(uint64_t)time(NULL) + 2);
}

static void boot_time_never_goes_back(void **state)
{
	uint64_t before_ns = clock_boottime_ns();

	(void)state;
	assert_true(clock_boottime_ns() >= before_ns);
}

static void a_kernel_stamp_plus_the_offset_is_real_time(void **state)
{
	(void)state;
	assert_close(clock_boottime_ns() + clock_boot_offset_ns(), clock_realtime_ns());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_time_is_in_nanoseconds_since_1970),
		cmocka_unit_test(boot_time_never_goes_back),
		cmocka_unit_test(a_kernel_stamp_plus_the_offset_is_real_time),
	};

	return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
