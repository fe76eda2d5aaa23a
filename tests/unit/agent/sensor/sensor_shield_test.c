/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"

static void need_real_time(void)
{
	const struct sched_param high = {.sched_priority = 1}, own = {};

	if (sched_setscheduler(0, SCHED_FIFO, &high) < 0) {
		print_message("# SKIP real-time scheduling is not allowed here: errno %d\n", errno);
		skip();
	}
	assert_int_equal(sched_setscheduler(0, SCHED_OTHER, &own), 0);
}

static void a_shielded_agent_is_real_time_only_while_it_is_in_the_tables(void **state)
{
	struct sensor sensor = {.is_shielded = true};
	struct sensor_shield shield, inner;

	(void)state;
	need_real_time();
	shield = sensor_shield_raise(&sensor);
	assert_int_equal(sched_getscheduler(0), SCHED_FIFO | SCHED_RESET_ON_FORK);
	inner = sensor_shield_raise(&sensor);
	sensor_shield_lower(&inner);
	assert_int_equal(sched_getscheduler(0), SCHED_FIFO | SCHED_RESET_ON_FORK);
	sensor_shield_lower(&shield);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void who_needs_no_shield_stays_as_he_is(void **state)
{
	struct sensor sensor = {.is_shielded = false};
	struct sensor_shield shield = sensor_shield_raise(&sensor);

	(void)state;
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
	sensor_shield_lower(&shield);
	assert_int_equal(sched_getscheduler(0), SCHED_OTHER);
}

static void another_real_time_class_is_left_alone(void **state)
{
	const struct sched_param high = {.sched_priority = 3};
	struct sensor sensor = {.is_shielded = true};
	struct sched_param now;
	struct sensor_shield shield;

	(void)state;
	need_real_time();
	assert_int_equal(sched_setscheduler(0, SCHED_RR, &high), 0);
	shield = sensor_shield_raise(&sensor);
	assert_int_equal(sched_getscheduler(0), SCHED_RR);
	sensor_shield_lower(&shield);
	assert_int_equal(sched_getscheduler(0), SCHED_RR);
	assert_int_equal(sched_getparam(0, &now), 0);
	assert_int_equal(now.sched_priority, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shielded_agent_is_real_time_only_while_it_is_in_the_tables),
		cmocka_unit_test(who_needs_no_shield_stays_as_he_is),
		cmocka_unit_test(another_real_time_class_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
