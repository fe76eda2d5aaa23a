/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"

static void an_address_of_four_bytes_is_mapped(void **state)
{
	static const uint8_t wanted[16] = {[10] = 0xff, 0xff, 10, 77, 0, 30};
	struct in6_addr address;

	(void)state;
	assert_int_equal(address_parse("10.77.0.30", &address), 0);
	assert_memory_equal(&address, wanted, sizeof(wanted));
}

static void an_address_of_sixteen_bytes_is_what_it_is(void **state)
{
	static const uint8_t wanted[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 5};
	struct in6_addr address;

	(void)state;
	assert_int_equal(address_parse("2001:db8::5", &address), 0);
	assert_memory_equal(&address, wanted, sizeof(wanted));
}

static void what_is_none_leaves_the_output_alone(void **state)
{
	static const char *const none[] = {"", "pan.test", "10.77.0", "10.77.0.300", "[::1]"};
	struct in6_addr address, before;

	(void)state;
	memset(&before, 7, sizeof(before));
	address = before;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(address_parse(none[i], &address), -EINVAL);
	assert_memory_equal(&address, &before, sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_of_four_bytes_is_mapped),
		cmocka_unit_test(an_address_of_sixteen_bytes_is_what_it_is),
		cmocka_unit_test(what_is_none_leaves_the_output_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
