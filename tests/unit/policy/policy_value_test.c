/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "policy/policy_value.h"

static void then_host_is(const char *text, int shape, const char *address, unsigned int bits)
{
	struct policy_range range = {};
	char hex[33] = "";

	assert_int_equal(policy_value_parse_host(text, &range), shape);
	if (shape != POLICY_HOST_RANGE)
		return;
	for (size_t i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", range.address.s6_addr[i]);
	assert_string_equal(hex, address);
	assert_int_equal(range.prefix_bits, bits);
}

static void addresses_of_both_families_are_one_kind_of_range(void **state)
{
	(void)state;
	then_host_is("10.77.0.10", POLICY_HOST_RANGE, "00000000000000000000ffff0a4d000a", 128);
	then_host_is("10.77.0.10/24", POLICY_HOST_RANGE, "00000000000000000000ffff0a4d0000", 120);
	then_host_is("0.0.0.0/0", POLICY_HOST_RANGE, "00000000000000000000ffff00000000", 96);
	then_host_is("fd00::7", POLICY_HOST_RANGE, "fd000000000000000000000000000007", 128);
	then_host_is("fd00:ffff::/20", POLICY_HOST_RANGE, "fd00f000000000000000000000000000", 20);
	then_host_is("::/0", POLICY_HOST_RANGE, "00000000000000000000000000000000", 0);
}

static void what_is_neither_name_nor_address_is_refused(void **state)
{
	(void)state;
	then_host_is("crm.example.com", POLICY_HOST_NAME, NULL, 0);
	then_host_is("crm", POLICY_HOST_NAME, NULL, 0);
	then_host_is("1and1.de", POLICY_HOST_NAME, NULL, 0);
	then_host_is("10.77.0.300", -EINVAL, NULL, 0);
	then_host_is("10.77.0.1/33", -EINVAL, NULL, 0);
	then_host_is("10.77.0.1/", -EINVAL, NULL, 0);
	then_host_is("fd00::/129", -EINVAL, NULL, 0);
	then_host_is("crm.test:443", -EINVAL, NULL, 0);
	then_host_is("https://crm.test", -EINVAL, NULL, 0);
	then_host_is("crm..test", -EINVAL, NULL, 0);
	then_host_is("-crm.test", -EINVAL, NULL, 0);
	then_host_is("crm.test-", -EINVAL, NULL, 0);
	then_host_is("crm test", -EINVAL, NULL, 0);
	then_host_is("crm.test/8", -EINVAL, NULL, 0);
}

static void a_list_may_be_untidy(void **state)
{
	struct policy_list list = {};

	(void)state;
	assert_int_equal(policy_value_split(" a,b ,, c d ,", &list), 0);
	assert_int_equal(list.n_items, 3);
	assert_string_equal(list.items[0], "a");
	assert_string_equal(list.items[1], "b");
	assert_string_equal(list.items[2], "c d");
	policy_list_done(&list);
	assert_int_equal(policy_value_split(" ", &list), 0);
	assert_int_equal(list.n_items, 0);
}

static void numbers_are_whole_decimal_and_within_bounds(void **state)
{
	int64_t number = 7;

	(void)state;
	assert_int_equal(policy_value_parse_number("443", 1, 65535, &number), 0);
	assert_int_equal(number, 443);
	assert_int_equal(policy_value_parse_number("-5", -10, 10, &number), 0);
	assert_int_equal(number, -5);
	assert_int_equal(policy_value_parse_number("65536", 1, 65535, &number), -ERANGE);
	assert_int_equal(policy_value_parse_number("0", 1, 65535, &number), -ERANGE);
	assert_int_equal(policy_value_parse_number("99999999999999999999", 1, INT64_MAX, &number),
			 -ERANGE);
	assert_int_equal(policy_value_parse_number("443x", 1, 65535, &number), -EINVAL);
	assert_int_equal(policy_value_parse_number("0x10", 0, 65535, &number), -EINVAL);
	assert_int_equal(policy_value_parse_number(" 1", 0, 65535, &number), -EINVAL);
	assert_int_equal(policy_value_parse_number("+1", 0, 65535, &number), -EINVAL);
	assert_int_equal(policy_value_parse_number("", 0, 65535, &number), -EINVAL);
	assert_int_equal(number, -5);
}

static void switches_are_yes_and_no_in_the_usual_words(void **state)
{
	(void)state;
	assert_int_equal(policy_value_parse_switch("yes"), 1);
	assert_int_equal(policy_value_parse_switch("On"), 1);
	assert_int_equal(policy_value_parse_switch("no"), 0);
	assert_int_equal(policy_value_parse_switch("0"), 0);
	assert_int_equal(policy_value_parse_switch("maybe"), -EINVAL);
}

static void user_ids_are_one_or_a_rising_range(void **state)
{
	struct policy_uids uids = {};

	(void)state;
	assert_int_equal(policy_value_parse_uids("1000", &uids), 0);
	assert_int_equal(uids.first, 1000);
	assert_int_equal(uids.last, 1000);
	assert_int_equal(policy_value_parse_uids("1000-59999", &uids), 0);
	assert_int_equal(uids.last, 59999);
	assert_int_equal(policy_value_parse_uids("2000-1000", &uids), -EINVAL);
	assert_int_equal(policy_value_parse_uids("-1000", &uids), -EINVAL);
	assert_int_equal(policy_value_parse_uids("1000-", &uids), -EINVAL);
	/* The kernel's "no login uid". */
	assert_int_equal(policy_value_parse_uids("4294967295", &uids), -EINVAL);
}

static void then_path_is(const char *value, const char *expected)
{
	_cleanup_free_ char *path = NULL;

	assert_int_equal(policy_value_make_path("/etc/weir", value, &path), 0);
	assert_string_equal(path, expected);
}

static void relative_paths_start_in_the_folder_of_the_policy(void **state)
{
	(void)state;
	then_path_is("accounts.csv", "/etc/weir/accounts.csv");
	then_path_is("./accounts.csv", "/etc/weir/accounts.csv");
	then_path_is("/srv//crm-exports/", "/srv/crm-exports");
	then_path_is("/", "/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_both_families_are_one_kind_of_range),
		cmocka_unit_test(what_is_neither_name_nor_address_is_refused),
		cmocka_unit_test(a_list_may_be_untidy),
		cmocka_unit_test(numbers_are_whole_decimal_and_within_bounds),
		cmocka_unit_test(switches_are_yes_and_no_in_the_usual_words),
		cmocka_unit_test(user_ids_are_one_or_a_rising_range),
		cmocka_unit_test(relative_paths_start_in_the_folder_of_the_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
