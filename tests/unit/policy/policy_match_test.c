/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/policy_fixture.h"

#define CLASS "[class \"a\"]\n"

static struct policy_match match(struct policy_fixture *fixture, const char *text, uint16_t port)
{
	struct in6_addr address = {};

	if (inet_pton(AF_INET, text, &address.s6_addr[12]) == 1)
		address.s6_addr[10] = address.s6_addr[11] = 0xff;
	else
		assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return policy_match_address(fixture->policy, &address, port);
}

static void the_narrowest_range_decides(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, CLASS "[trusted \"office\"]\nhost = 10.0.0.0/8, fd00::/8\n"
					   "[crm \"crm\"]\nhost = 10.1.2.3\nport = 443\nclass = a\n"
					   "[sink \"lab\"]\nhost = 10.1.0.0/16\nkind = code\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(match(fixture, "10.9.9.9", 22).role, EVENT_ROLE_TRUSTED);
	assert_int_equal(match(fixture, "fd12::1", 22).role, EVENT_ROLE_TRUSTED);
	assert_string_equal(match(fixture, "10.1.9.9", 22).name, "lab");
	assert_string_equal(match(fixture, "10.1.9.9", 22).kind, "code");
	assert_int_equal(match(fixture, "10.1.2.3", 443).role, EVENT_ROLE_CRM);
	assert_int_equal(match(fixture, "10.1.2.3", 443).labels, 1);
	assert_true(match(fixture, "10.1.2.3", 443).tls);
	/* Another service of the CRM's machine is not the CRM. */
	assert_string_equal(match(fixture, "10.1.2.3", 22).name, "lab");
}

static void an_exact_port_wins_over_any_port(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    CLASS "[crm \"crm\"]\nhost = 10.1.2.3\nclass = a\n"
				  "[sink \"chat\"]\nhost = 10.1.2.3\nport = 5222\nkind = im\n");
	policy_fixture_assert_loaded(fixture);
	assert_string_equal(match(fixture, "10.1.2.3", 5222).name, "chat");
	assert_string_equal(match(fixture, "10.1.2.3", 5223).name, "crm");
}

static void whatever_is_not_named_is_outside_except_this_machine(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    CLASS "[crm \"crm\"]\nhost = 127.0.0.1\nport = 8443\nclass = a\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(match(fixture, "93.184.216.34", 443).role, EVENT_ROLE_SINK);
	assert_null(match(fixture, "93.184.216.34", 443).name);
	assert_int_equal(match(fixture, "2001:db8::1", 443).role, EVENT_ROLE_SINK);
	assert_int_equal(match(fixture, "127.0.0.1", 80).role, EVENT_ROLE_LOCAL);
	assert_int_equal(match(fixture, "127.8.0.1", 80).role, EVENT_ROLE_LOCAL);
	assert_int_equal(match(fixture, "::1", 80).role, EVENT_ROLE_LOCAL);
	/* A CRM behind a local tunnel can be named. */
	assert_int_equal(match(fixture, "127.0.0.1", 8443).role, EVENT_ROLE_CRM);
}

/* The sensor has it where it could not tell whom something was for; a datagram to that address is
 * one to a loopback address there. */
static void the_unknown_address_is_outside(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, CLASS "[crm \"crm\"]\nhost = 10.1.2.3\nclass = a\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(match(fixture, "::", 0).role, EVENT_ROLE_SINK);
	assert_int_equal(match(fixture, "0.0.0.0", 0).role, EVENT_ROLE_SINK);
	assert_null(match(fixture, "::", 0).name);
}

static void ranges_end_where_they_say(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, CLASS "[crm \"crm\"]\nhost = 10.0.0.8/29\nclass = a\n"
					   "[trusted \"v4\"]\nhost = 0.0.0.0/0\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(match(fixture, "10.0.0.7", 1).role, EVENT_ROLE_TRUSTED);
	assert_int_equal(match(fixture, "10.0.0.8", 1).role, EVENT_ROLE_CRM);
	assert_int_equal(match(fixture, "10.0.0.15", 1).role, EVENT_ROLE_CRM);
	assert_int_equal(match(fixture, "10.0.0.16", 1).role, EVENT_ROLE_TRUSTED);
	assert_int_equal(match(fixture, "2001:db8::1", 1).role, EVENT_ROLE_SINK);
}

static void files_below_a_folder_belong_to_it(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    CLASS "[export \"e\"]\nfolder = /home/*/exports, /srv/e\nclass = a\n"
				  "[trusted \"t\"]\nfolder = /srv/e/clean\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_match_path(fixture->policy, "/home/li/exports/x/y.csv").role,
			 EVENT_ROLE_EXPORT);
	assert_int_equal(policy_match_path(fixture->policy, "/home/li/exports/x/y.csv").labels, 1);
	assert_int_equal(policy_match_path(fixture->policy, "/home/li/deep/exports/y").role,
			 EVENT_ROLE_NONE);
	assert_int_equal(policy_match_path(fixture->policy, "/srv/e2/y").role, EVENT_ROLE_NONE);
	assert_int_equal(policy_match_path(fixture->policy, "/srv/e/y").role, EVENT_ROLE_EXPORT);
	assert_int_equal(policy_match_path(fixture->policy, "/srv/e/clean/y").role,
			 EVENT_ROLE_TRUSTED);
	assert_int_equal(policy_match_path(fixture->policy, "/home/li/Nextcloud/x").role,
			 EVENT_ROLE_SINK);
	assert_string_equal(policy_match_path(fixture->policy, "/home/li/Nextcloud/x").kind,
			    "cloud");
	assert_int_equal(policy_match_path(fixture->policy, "pipe:[5]").role, EVENT_ROLE_NONE);
	assert_int_equal(policy_match_path(fixture->policy, "/").role, EVENT_ROLE_NONE);
	assert_int_equal(policy_match_path(fixture->policy, "").role, EVENT_ROLE_NONE);
}

static void the_longest_folder_wins_however_deep_the_file_lies(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    CLASS "[export \"e\"]\nfolder = /srv/*/e[12]/data\nclass = a\n"
				  "[trusted \"all\"]\nfolder = /\n"
				  "[sink \"s\"]\nfolder = /srv/a/e1/data/?x\nkind = cloud\n");
	policy_fixture_assert_loaded(fixture);
	assert_string_equal(policy_match_path(fixture->policy, "/srv/a/e1/data").name, "e");
	assert_string_equal(policy_match_path(fixture->policy, "/srv/a/e2/data/1/2/3").name, "e");
	assert_string_equal(policy_match_path(fixture->policy, "/srv/a/e3/data/1").name, "all");
	assert_string_equal(policy_match_path(fixture->policy, "/srv/a/b/e1/data").name, "all");
	assert_string_equal(policy_match_path(fixture->policy, "/srv/a/e1/data2").name, "all");
	assert_string_equal(policy_match_path(fixture->policy, "/srv/.a/e1/data").name, "all");
	assert_string_equal(policy_match_path(fixture->policy, "/srv/a/e1/data/yx/1").name, "s");
	assert_string_equal(policy_match_path(fixture->policy, "/srv").name, "all");
	assert_string_equal(policy_match_path(fixture->policy, "/").name, "all");
	assert_null(policy_match_path(fixture->policy, "pipe:[5]").name);
}

static void a_host_is_found_by_the_name_that_the_policy_gives_it(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, CLASS "[crm \"crm\"]\nhost = 10.1.2.3\nclass = a\n"
					   "[trusted \"t\"]\nhost = nas.corp, 10.2.0.0/16\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_match_host(fixture->policy, "NAS.corp").role, EVENT_ROLE_TRUSTED);
	assert_int_equal(policy_match_host(fixture->policy, "10.2.3.4").role, EVENT_ROLE_TRUSTED);
	assert_int_equal(policy_match_host(fixture->policy, "10.3.3.4").role, EVENT_ROLE_NONE);
	assert_int_equal(policy_match_host(fixture->policy, "nas.corp.test").role, EVENT_ROLE_NONE);
	assert_int_equal(policy_match_host(fixture->policy, "").role, EVENT_ROLE_NONE);
}

static void disks_and_shares_are_outside_without_being_listed(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, CLASS "[crm \"crm\"]\nhost = 10.1.2.3\nclass = a\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_match_device(fixture->policy, "usb", "1", NULL).role,
			 EVENT_ROLE_SINK);
	assert_int_equal(policy_match_device(fixture->policy, "nfs", NULL, NULL).role,
			 EVENT_ROLE_SINK);
	assert_int_equal(policy_match_device(fixture->policy, "", "S1", "uuid").role,
			 EVENT_ROLE_NONE);
	assert_false(policy_match_device(fixture->policy, "usb", "1", NULL).allowed);
	assert_true(policy_kind_is_removable("usb") && policy_kind_is_removable("phone"));
	assert_false(policy_kind_is_removable("nfs") || policy_kind_is_removable("im"));
}

static void the_section_that_says_most_of_a_device_decides(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, CLASS "[crm \"crm\"]\nhost = 10.1.2.3\nclass = a\n"
					   "[sink \"any\"]\ndevice = removable\n"
					   "[sink \"ours\"]\ndevice = usb, mmc\nserial = OUR-*, 7\n"
					   "allowed = yes\n"
					   "[sink \"shares\"]\ndevice = network\nallowed = yes\n"
					   "[sink \"one\"]\nuuid = 1a2b-3c4d\n");
	policy_fixture_assert_loaded(fixture);
	assert_string_equal(policy_match_device(fixture->policy, "usb", "OUR-5", NULL).name,
			    "ours");
	assert_true(policy_match_device(fixture->policy, "mmc", "7", NULL).allowed);
	assert_string_equal(policy_match_device(fixture->policy, "usb", "70", NULL).name, "any");
	assert_string_equal(policy_match_device(fixture->policy, "usb", NULL, NULL).name, "any");
	assert_string_equal(policy_match_device(fixture->policy, "optical", "7", NULL).name, "any");
	assert_string_equal(policy_match_device(fixture->policy, "smb", NULL, NULL).name, "shares");
	assert_string_equal(policy_match_device(fixture->policy, "", NULL, "1A2B-3C4D").name,
			    "one");
	assert_null(policy_match_device(fixture->policy, "printer", NULL, NULL).name);
}

static void a_client_is_known_by_path_by_name_or_by_what_is_in_it(void **state)
{
	static const char hash[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct policy_fixture *fixture = *state;
	const struct policy_zone *zones;
	char text[512];

	snprintf(text, sizeof(text),
		 CLASS "[crm \"crm\"]\nhost = 10.1.2.3\nclass = a\n"
		       "client = /opt/crm/*/desktop, firefox*, sha256:%s\n",
		 hash);
	policy_fixture_load(fixture, text);
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_zones(fixture->policy, &zones), 1);
	assert_true(policy_zone_expects(zones, "/opt/crm/bin/desktop", NULL));
	assert_false(policy_zone_expects(zones, "/opt/crm/old/bin/desktop", NULL));
	assert_true(policy_zone_expects(zones, "/usr/lib/firefox-esr/firefox-esr", NULL));
	assert_false(policy_zone_expects(zones, "/home/li/firefox/curl", NULL));
	assert_true(policy_zone_expects(zones, "/usr/bin/curl", hash));
	assert_false(policy_zone_expects(zones, "/usr/bin/curl", "0123"));
	policy_fixture_load(fixture, CLASS "[crm \"crm\"]\nhost = 10.1.2.3\nclass = a\n");
	assert_int_equal(policy_zones(fixture->policy, &zones), 1);
	assert_true(policy_zone_expects(zones, "/usr/bin/curl", NULL));
}

static void labels_are_named_as_classes_and_origins(void **state)
{
	struct policy_fixture *fixture = *state;
	struct event *event = event_new();

	policy_fixture_load(fixture, CLASS "[class \"b\"]\n"
					   "[crm \"crm\"]\nhost = 10.1.2.3\nclass = a, b\n"
					   "[sink \"chat\"]\nhost = 10.1.2.4\nkind = im\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_describe_labels(fixture->policy, 2 | 4 | 1ull << 63, event), 0);
	assert_int_equal(event->n_labels, 1);
	assert_string_equal(event->labels[0], "b");
	assert_int_equal(event->n_origins, 1);
	assert_string_equal(event->origins[0], "chat");
	event_free(event);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, policy_fixture_setup, policy_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_narrowest_range_decides),
		TEST(an_exact_port_wins_over_any_port),
		TEST(whatever_is_not_named_is_outside_except_this_machine),
		TEST(the_unknown_address_is_outside),
		TEST(ranges_end_where_they_say),
		TEST(files_below_a_folder_belong_to_it),
		TEST(the_longest_folder_wins_however_deep_the_file_lies),
		TEST(a_host_is_found_by_the_name_that_the_policy_gives_it),
		TEST(disks_and_shares_are_outside_without_being_listed),
		TEST(the_section_that_says_most_of_a_device_decides),
		TEST(a_client_is_known_by_path_by_name_or_by_what_is_in_it),
		TEST(labels_are_named_as_classes_and_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
