/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/sensor/sensor_private.h"

/* As the kernel side does, letter by letter. */
static uint64_t hash_on(uint64_t hash, char letter)
{
	return (hash ^ (uint8_t)letter) * 0x100000001b3ull;
}

static void a_name_is_one_in_any_case(void **state)
{
	(void)state;
	assert_true(sensor_hash_host("crm.test") == sensor_hash_host("CRM.Test"));
	assert_true(sensor_hash_host("crm.test") != sensor_hash_host("cRn.test"));
}

/* So that one pass over a name, from its end, meets whatever it may be known by. */
static void a_name_is_hashed_on_from_its_end(void **state)
{
	uint64_t end = sensor_hash_host("*.crm.test"), whole = sensor_hash_host("a.crm.test");

	(void)state;
	assert_true(sensor_hash_host(".crm.test") == end);
	assert_true(hash_on(end, 'a') == whole);
	assert_true(hash_on(sensor_hash_host("crm.test"), '.') == end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_one_in_any_case),
		cmocka_unit_test(a_name_is_hashed_on_from_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
