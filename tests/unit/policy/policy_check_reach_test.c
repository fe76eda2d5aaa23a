/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/policy_fixture.h"

#define CRM "[class \"a\"]\n[crm \"crm\"]\nclass = a\n" /* three lines */

static struct in6_addr read_address(const char *text)
{
	struct in6_addr address = {};

	if (inet_pton(AF_INET, text, &address.s6_addr[12]) == 1)
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
	else
		assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

static const struct policy_zone *only_zone(const struct policy_fixture *fixture)
{
	const struct policy_zone *zones;

	assert_int_equal(policy_zones(fixture->policy, &zones), 1);
	return zones;
}

static const struct policy_range *find_range(const struct policy_fixture *fixture, const char *text)
{
	const struct policy_zone *zone = only_zone(fixture);
	struct in6_addr address = read_address(text);

	for (size_t i = 0; i < zone->n_ranges; i++)
		if (memcmp(&zone->ranges[i].address, &address, sizeof(address)) == 0)
			return &zone->ranges[i];
	fail_msg("%s is in no range", text);
	return NULL;
}

static void load(struct policy_fixture *fixture, const char *text)
{
	policy_fixture_load(fixture, text);
	policy_fixture_assert_loaded(fixture);
}

static void the_address_of_a_name_may_be_others_too(void **state)
{
	load(*state, CRM "host = localhost\n");
	assert_int_equal(find_range(*state, "127.0.0.1")->reach, POLICY_REACH_NAME);
	assert_true(only_zone(*state)->may_hide);
	assert_int_equal(only_zone(*state)->n_names, 1);
	assert_string_equal(only_zone(*state)->names[0], "localhost");
}

static void an_address_that_is_given_decides_alone(void **state)
{
	load(*state, CRM "host = localhost, 127.0.0.0/8\n");
	assert_int_equal(find_range(*state, "127.0.0.1")->reach, POLICY_REACH_ADDRESS);
	assert_int_equal(find_range(*state, "127.0.0.0")->reach, POLICY_REACH_ADDRESS);
	load(*state, CRM "host = localhost\nshared = no\nech = no\n");
	assert_int_equal(find_range(*state, "127.0.0.1")->reach, POLICY_REACH_ADDRESS);
	assert_false(only_zone(*state)->may_hide);
}

static void addresses_of_other_places_are_theirs(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_zone *zones;

	load(fixture, CRM "host = crm.invalid\n[trusted \"t\"]\nhost = localhost\n");
	assert_int_equal(policy_zones(fixture->policy, &zones), 2);
	assert_true(zones[1].n_ranges > 0);
	assert_int_equal(zones[1].ranges[0].reach, POLICY_REACH_ADDRESS);
	assert_int_equal(zones[1].n_names, 0);
}

static void ways_have_ports_of_their_own(void **state)
{
	load(*state,
	     CRM "host = crm.invalid\nport = 443\n"
		 "via = 10.0.0.1:3128, 10.1.0.0/16, [fd00::1]:80, fd00::2, localhost:8080\n");
	assert_int_equal(find_range(*state, "10.0.0.1")->reach, POLICY_REACH_ASKED);
	assert_int_equal(find_range(*state, "10.0.0.1")->port, 3128);
	assert_int_equal(find_range(*state, "10.1.0.0")->port, 0);
	assert_int_equal(find_range(*state, "10.1.0.0")->prefix_bits, 112);
	assert_int_equal(find_range(*state, "fd00::1")->port, 80);
	assert_int_equal(find_range(*state, "fd00::2")->port, 0);
	assert_int_equal(find_range(*state, "127.0.0.1")->port, 8080);
}

static struct policy_match match(const struct policy_fixture *fixture, const char *text,
				 uint16_t port, bool is_crm, const char *host)
{
	struct in6_addr address = read_address(text);
	const struct policy_peer peer = {&address, port, is_crm, true, host};

	return policy_match_peer(fixture->policy, &peer);
}

static void a_connection_is_the_crms_by_what_the_sensor_saw(void **state)
{
	load(*state, CRM "host = localhost\nport = 443\nvia = 10.0.0.1:3128\n"
			 "[sink \"proxy\"]\nhost = 10.0.0.1\nkind = web\n");
	assert_int_equal(match(*state, "127.0.0.1", 443, true, NULL).role, EVENT_ROLE_CRM);
	assert_int_equal(match(*state, "127.0.0.1", 443, false, "b.test").role, EVENT_ROLE_LOCAL);
	assert_string_equal(match(*state, "10.0.0.1", 3128, true, NULL).name, "crm");
	assert_string_equal(match(*state, "10.0.0.1", 3128, false, "b.test").name, "proxy");
	assert_string_equal(match(*state, "10.0.0.1", 80, false, NULL).name, "proxy");
}

/* What is written to it, but for TCP, says no name that could be read. */
static void what_says_no_name_is_known_by_address(void **state)
{
	struct in6_addr address = read_address("127.0.0.1");
	const struct policy_peer peer = {.address = &address, .port = 443};
	struct policy_fixture *fixture = *state;

	load(fixture, CRM "host = localhost\n");
	assert_int_equal(policy_match_peer(fixture->policy, &peer).role, EVENT_ROLE_CRM);
}

static void the_name_says_which_crm_it_is(void **state)
{
	load(*state, "[class \"a\"]\n"
		     "[crm \"one\"]\nhost = one.invalid\nclass = a\nvia = 10.0.0.1\n"
		     "[crm \"all\"]\nhost = *.tenants.invalid\nclass = a\nvia = 10.0.0.1\n"
		     "[crm \"two\"]\nhost = two.tenants.invalid\nclass = a\n");
	assert_string_equal(match(*state, "10.0.0.1", 1, true, "ONE.invalid.").name, "one");
	assert_string_equal(match(*state, "10.0.0.1", 1, true, "a.b.tenants.invalid").name, "all");
	assert_string_equal(match(*state, "10.0.0.1", 1, true, "two.tenants.invalid").name, "two");
	assert_string_equal(match(*state, "10.0.0.1", 1, true, "tenants.invalid").name, "one");
}

static void assert_problem(void **state, const char *text, unsigned int line, const char *words)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, text);
	assert_int_equal(fixture->result, -EINVAL);
	policy_fixture_assert_problem(fixture, "policy.conf", line, words);
	assert_int_equal(fixture->problems.n_items, 1);
}

static void a_way_that_is_none_is_told_at_its_line(void **state)
{
	static const char *const ways[] = {"proxy.corp:0",  "proxy.corp:99999", "a b",
					   "[fd00::1",      "[fd00::1]80",      "*.corp:80",
					   "10.0.0.1:port", "http://proxy"};
	char text[256];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(text, sizeof(text), CRM "host = crm.invalid\nvia = %s\n", ways[i]);
		assert_problem(state, text, 5,
			       "is no proxy or shared address, as in proxy.corp:3128");
	}
}

static void a_way_to_nobody_is_told(void **state)
{
	assert_problem(state, CRM "host = 10.0.0.1\nvia = proxy.invalid:3128\n", 5,
		       "known by its name, and [crm \"crm\"] has none");
}

static void names_that_are_nowhere_are_told(void **state)
{
	assert_problem(state, CRM "host = *.crm.invalid\n", 4,
		       "host \"*.crm.invalid\" is not to be found anywhere");
	assert_problem(state, "[trusted \"t\"]\nhost = *.corp.invalid\n", 2, "for a [crm] only");
	assert_problem(state, CRM "host = crm.*.invalid\n", 4, "is no name, address or CIDR");
}

static void a_switch_that_is_none_is_told(void **state)
{
	assert_problem(state, CRM "host = crm.invalid\nshared = maybe\n", 5,
		       "shared = maybe must be yes or no");
	assert_problem(state, CRM "host = crm.invalid\nech = 2\n", 5, "ech = 2 must be yes or no");
	assert_problem(state, "[trusted \"t\"]\nhost = a.invalid\nvia = b.invalid\n", 3, "via");
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, policy_fixture_setup, policy_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_address_of_a_name_may_be_others_too),
		TEST(an_address_that_is_given_decides_alone),
		TEST(addresses_of_other_places_are_theirs),
		TEST(ways_have_ports_of_their_own),
		TEST(a_connection_is_the_crms_by_what_the_sensor_saw),
		TEST(what_says_no_name_is_known_by_address),
		TEST(the_name_says_which_crm_it_is),
		TEST(a_way_that_is_none_is_told_at_its_line),
		TEST(a_way_to_nobody_is_told),
		TEST(names_that_are_nowhere_are_told),
		TEST(a_switch_that_is_none_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
