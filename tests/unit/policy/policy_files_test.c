/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/policy_fixture.h"

#define SOURCE "[class \"a\"]\n[crm \"m\"]\nhost = 10.0.0.1\nclass = a\n"

static void drop_ins_are_read_in_name_order(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_zone *zones;

	policy_fixture_write(fixture, "policy.d/20-second.conf", "[crm \"m\"]\nport = 20\n");
	policy_fixture_write(fixture, "policy.d/10-first.conf",
			     "[crm \"m\"]\nport = 10\ntls = yes\n");
	policy_fixture_write(fixture, "policy.d/30-third.conf~", "[nonsense]\n");
	policy_fixture_write(fixture, "policy.d/.hidden.conf", "[nonsense]\n");
	policy_fixture_load(fixture, SOURCE);
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_zones(fixture->policy, &zones), 1);
	assert_int_equal(zones[0].port, 20);
	assert_true(zones[0].tls);
}

static void a_drop_in_takes_a_value_back(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_write(fixture, "policy.d/x.conf", "[crm \"m\"]\nclass =\n");
	policy_fixture_load(fixture, SOURCE);
	assert_int_equal(fixture->result, -EINVAL);
	policy_fixture_assert_problem(fixture, "policy.conf", 2, "needs \"class\"");
}

static void a_problem_in_a_drop_in_is_told_there(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_write(fixture, "policy.d/x.conf", "\n[crm \"m\"]\nclass = b\n");
	policy_fixture_load(fixture, SOURCE);
	assert_int_equal(fixture->result, -EINVAL);
	policy_fixture_assert_problem(fixture, "policy.d/x.conf", 3, "not defined");
}

static void a_drop_in_that_cannot_be_read_is_no_small_matter(void **state)
{
	struct policy_fixture *fixture = *state;
	char path[128];

	policy_fixture_write(fixture, "policy.d/y.conf", "");
	snprintf(path, sizeof(path), "%s/policy.d/x.conf", fixture->folder);
	assert_int_equal(mkdir(path, 0755), 0);
	policy_fixture_load(fixture, SOURCE);
	assert_int_equal(fixture->result, -EINVAL);
	policy_fixture_assert_problem(fixture, "policy.d/x.conf", 0, "cannot be read");
}

static void a_policy_that_is_not_there_is_told(void **state)
{
	struct policy_fixture *fixture = *state;

	fixture->result = policy_load(fixture->path, &fixture->policy, &fixture->problems);
	assert_int_equal(fixture->result, -ENOENT);
	assert_null(fixture->policy);
	policy_fixture_assert_problem(fixture, "policy.conf", 0, "No such file");
}

static void the_fingerprint_is_of_everything_that_was_read(void **state)
{
	struct policy_fixture *fixture = *state;
	char first[65];

	policy_fixture_load(fixture, SOURCE);
	strcpy(first, policy_fingerprint(fixture->policy));
	policy_fixture_load(fixture, SOURCE);
	assert_string_equal(policy_fingerprint(fixture->policy), first);
	policy_fixture_write(fixture, "policy.d/x.conf", "# remark\n");
	policy_fixture_load(fixture, SOURCE);
	assert_string_not_equal(policy_fingerprint(fixture->policy), first);
}

static void folders_made_later_are_found_on_the_next_look(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_folder *folders;
	char text[512], path[128];

	snprintf(text, sizeof(text), SOURCE "[export \"e\"]\nfolder = %s/*/exports\nclass = a\n",
		 fixture->folder);
	policy_fixture_load(fixture, text);
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_folders(fixture->policy, &folders), 0);
	assert_int_equal(policy_resolve(fixture->policy, NULL), 0);

	policy_fixture_write(fixture, "li/readme", "");
	snprintf(path, sizeof(path), "%s/li/exports", fixture->folder);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(policy_resolve(fixture->policy, NULL), 1);
	assert_int_equal(policy_folders(fixture->policy, &folders), 1);
	assert_string_equal(folders[0].path, path);
	assert_int_equal(folders[0].role, EVENT_ROLE_EXPORT);
	assert_int_equal(policy_resolve(fixture->policy, NULL), 0);
}

static void names_are_looked_up_and_may_be_unknown(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_zone *zones;
	unsigned int n_unresolved = 9;
	struct in6_addr loopback = {};

	loopback.s6_addr[10] = loopback.s6_addr[11] = 0xff;
	loopback.s6_addr[12] = 127;
	loopback.s6_addr[15] = 1;
	policy_fixture_load(fixture, "[class \"a\"]\n[crm \"m\"]\nclass = a\n"
				     "host = localhost, no-such-host.invalid, 10.0.0.1\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_resolve(fixture->policy, &n_unresolved), 0);
	assert_int_equal(n_unresolved, 1);
	assert_int_equal(policy_zones(fixture->policy, &zones), 1);
	assert_true(zones[0].n_ranges >= 2);
	assert_int_equal(policy_match_address(fixture->policy, &loopback, 1).role, EVENT_ROLE_CRM);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, policy_fixture_setup, policy_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(drop_ins_are_read_in_name_order),
		TEST(a_drop_in_takes_a_value_back),
		TEST(a_problem_in_a_drop_in_is_told_there),
		TEST(a_drop_in_that_cannot_be_read_is_no_small_matter),
		TEST(a_policy_that_is_not_there_is_told),
		TEST(the_fingerprint_is_of_everything_that_was_read),
		TEST(folders_made_later_are_found_on_the_next_look),
		TEST(names_are_looked_up_and_may_be_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
