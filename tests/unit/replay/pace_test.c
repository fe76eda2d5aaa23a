/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "replay/pace.h"

#define S 1000000000ull
#define NOW (500 * S)
#define FIRST_EVENT (1600000000 * S)

static void the_first_event_is_shown_at_once(void **state)
{
	struct pace pace = {.speed = 1};

	(void)state;
	assert_int_equal(pace_deadline_ns(&pace, FIRST_EVENT, NOW), NOW);
}

static void speed_divides_the_time_between_events(void **state)
{
	struct pace real = {.speed = 1}, fast = {.speed = 60}, slow = {.speed = 0.5};

	(void)state;
	pace_deadline_ns(&real, FIRST_EVENT, NOW);
	pace_deadline_ns(&fast, FIRST_EVENT, NOW);
	pace_deadline_ns(&slow, FIRST_EVENT, NOW);

	assert_int_equal(pace_deadline_ns(&real, FIRST_EVENT + 120 * S, NOW), NOW + 120 * S);
	assert_int_equal(pace_deadline_ns(&fast, FIRST_EVENT + 120 * S, NOW), NOW + 2 * S);
	assert_int_equal(pace_deadline_ns(&slow, FIRST_EVENT + 120 * S, NOW), NOW + 240 * S);
}

static void slow_showing_does_not_add_up(void **state)
{
	struct pace pace = {.speed = 1};

	(void)state;
	pace_deadline_ns(&pace, FIRST_EVENT, NOW);
	pace_deadline_ns(&pace, FIRST_EVENT + S, NOW);

	/* when showing took until 700 ms after the second event */
	uint64_t deadline = pace_deadline_ns(&pace, FIRST_EVENT + 2 * S, NOW + S + 700000000);

	assert_int_equal(deadline, NOW + 2 * S);
}

static void an_older_event_waits_for_nothing_and_moves_nothing(void **state)
{
	struct pace pace = {.speed = 1};

	(void)state;
	pace_deadline_ns(&pace, FIRST_EVENT, NOW);
	pace_deadline_ns(&pace, FIRST_EVENT + 5 * S, NOW);

	assert_int_equal(pace_deadline_ns(&pace, FIRST_EVENT - 7200 * S, NOW + 5 * S), NOW + 5 * S);
	assert_int_equal(pace_deadline_ns(&pace, FIRST_EVENT + 6 * S, NOW + 5 * S), NOW + 6 * S);
}

static void a_tiny_speed_does_not_overflow(void **state)
{
	struct pace pace = {.speed = 1e-300};

	(void)state;
	pace_deadline_ns(&pace, 1, NOW);
	assert_true(pace_deadline_ns(&pace, UINT64_MAX, NOW) > NOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_event_is_shown_at_once),
		cmocka_unit_test(speed_divides_the_time_between_events),
		cmocka_unit_test(slow_showing_does_not_add_up),
		cmocka_unit_test(an_older_event_waits_for_nothing_and_moves_nothing),
		cmocka_unit_test(a_tiny_speed_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
