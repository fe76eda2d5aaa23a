/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/policy_fixture.h"

#define CLASS "[class \"policy.property\"]\n"                                     /* one line */
#define SOURCE CLASS "[crm \"main\"]\nhost = 10.0.0.1\nclass = policy.property\n" /* four lines */

static void then_only_problem_is(struct policy_fixture *fixture, unsigned int line,
				 const char *words)
{
	assert_int_equal(fixture->result, -EINVAL);
	assert_null(fixture->policy);
	policy_fixture_assert_problem(fixture, "policy.conf", line, words);
	assert_int_equal(fixture->problems.n_items, 1);
}

static void every_section_of_a_whole_policy_is_understood(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_zone *zones;
	const struct policy_class *classes;

	policy_fixture_load(
		fixture, "[class \"a\"]\ngrade = C3\ncategory = other\ntitle = A\ntitle_zh = 甲\n"
			 "[class \"b\"]\n"
			 "[crm \"plain\"]\nhost = 10.0.0.1, fd00::1\nport = 8080\nclass = a, b\n"
			 "[crm \"secret\"]\nhost = 10.0.0.2\nclass = b\n"
			 "[trusted \"backup\"]\nhost = 10.0.1.0/24\n"
			 "[sink \"chat\"]\nhost = 10.0.2.1\nkind = im\n"
			 "[sink \"disk\"]\nhost = 10.0.2.2\nkind = cloud\nallowed = yes\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_classes(fixture->policy, &classes), 2);
	assert_string_equal(classes[0].grade, "C3");
	assert_string_equal(classes[0].category, "other");
	assert_string_equal(classes[0].title_zh, "甲");
	assert_string_equal(classes[1].title, "");
	assert_int_equal(policy_zones(fixture->policy, &zones), 5);
	assert_int_equal(zones[0].role, EVENT_ROLE_CRM);
	assert_int_equal(zones[0].port, 8080);
	assert_int_equal(zones[0].labels, 3);
	assert_int_equal(zones[0].n_ranges, 2);
	assert_false(zones[0].tls);
	assert_true(zones[1].tls);
	assert_int_equal(zones[1].labels, 2);
	assert_int_equal(zones[2].role, EVENT_ROLE_TRUSTED);
	assert_int_equal(zones[3].role, EVENT_ROLE_SINK);
	assert_string_equal(zones[3].kind, "im");
	assert_false(zones[3].allowed);
	assert_true(zones[4].allowed);
	assert_int_equal(policy_class_mask(fixture->policy), 3);
	assert_int_equal(strlen(policy_fingerprint(fixture->policy)), 64);
}

static void an_im_peer_has_an_origin_of_its_own_above_the_classes(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_zone *zones;

	policy_fixture_load(fixture, SOURCE
			    "[sink \"chat\"]\nhost = 10.0.2.1\nkind = im\n"
			    "[sink \"post\"]\nhost = 10.0.2.2\nkind = mail\norigin = no\n"
			    "[sink \"disk\"]\nhost = 10.0.2.3\nkind = cloud\norigin = yes\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_zones(fixture->policy, &zones), 4);
	assert_int_equal(zones[1].labels, 2);
	assert_int_equal(zones[2].labels, 0);
	assert_int_equal(zones[3].labels, 4);
	assert_int_equal(policy_class_mask(fixture->policy), 1);
}

static void all_problems_are_told_at_once(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, "[clas \"a\"]\n"
				     "grade = C2\n"
				     "[class \"b\"]\n"
				     "grad = C2\n"
				     "grade = C4\n"
				     "[crm \"main\"]\n"
				     "host = 10.0.0.300\n"
				     "port = 70000\n"
				     "tls = maybe\n"
				     "class = c\n"
				     "what is this\n");
	assert_int_equal(fixture->result, -EINVAL);
	policy_fixture_assert_problem(fixture, "policy.conf", 1, "did you mean \"class\"?");
	policy_fixture_assert_problem(fixture, "policy.conf", 4, "did you mean \"grade\"?");
	policy_fixture_assert_problem(fixture, "policy.conf", 5, "did you mean \"C1\"?");
	policy_fixture_assert_problem(fixture, "policy.conf", 7, "10.0.0.300");
	policy_fixture_assert_problem(fixture, "policy.conf", 8, "from 1 to 65535");
	policy_fixture_assert_problem(fixture, "policy.conf", 9, "yes or no");
	policy_fixture_assert_problem(fixture, "policy.conf", 10, "not defined");
	policy_fixture_assert_problem(fixture, "policy.conf", 11, "key = value");
	assert_int_equal(fixture->problems.n_items, 8);
	for (size_t i = 1; i < fixture->problems.n_items; i++)
		assert_true(fixture->problems.items[i - 1].line < fixture->problems.items[i].line);
}

static void an_undefined_class_is_told_where_it_is_used(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    CLASS "[export \"e\"]\nfolder = /srv/e\nclass = policy.propertey\n");
	then_only_problem_is(fixture, 4, "did you mean \"policy.property\"?");
}

static void a_class_may_be_used_above_its_definition(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    "[crm \"m\"]\nhost = 10.0.0.1\nclass = policy.property\n" CLASS);
	policy_fixture_assert_loaded(fixture);
}

static void what_a_section_needs_is_told_at_its_head(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[sink \"x\"]\nkind = im\n");
	then_only_problem_is(fixture, 5, "a host, a folder, a device");
	policy_fixture_load(fixture, SOURCE "[sink \"x\"]\ndevice = usb\norigin = yes\n");
	then_only_problem_is(fixture, 7, "origin says something of a host");
	policy_fixture_load(fixture, SOURCE "[sink \"x\"]\nfolder = /srv/x\nport = 5\n");
	then_only_problem_is(fixture, 7, "port says something of a host");
	policy_fixture_load(fixture, SOURCE "[sink \"x\"]\ndevice = usb, ubs\n");
	then_only_problem_is(fixture, 6, "unknown device \"ubs\", did you mean \"usb\"?");
	policy_fixture_load(fixture, SOURCE "[crm \"x\"]\nhost = 10.0.0.2\n");
	then_only_problem_is(fixture, 5, "needs \"class\"");
	policy_fixture_load(fixture, SOURCE "[export \"x\"]\nclass = policy.property\n");
	then_only_problem_is(fixture, 5, "needs \"folder\"");
	policy_fixture_load(fixture, SOURCE "[client \"x\"]\nclass = policy.property\n");
	then_only_problem_is(fixture, 5, "needs \"executable\"");
	policy_fixture_load(fixture, SOURCE "[trusted \"x\"]\n");
	then_only_problem_is(fixture, 5, "a host or a folder");
	policy_fixture_load(fixture, SOURCE "[hub \"x\"]\n");
	then_only_problem_is(fixture, 5, "needs \"executable\"");
	policy_fixture_load(fixture, SOURCE "[hub \"x\"]\nexecutable = /a\ninput_method = xim\n");
	then_only_problem_is(fixture, 7, "input_method");
	policy_fixture_load(fixture, SOURCE "[browser \"x\"]\n");
	then_only_problem_is(fixture, 5, "needs \"executable\"");
	policy_fixture_load(fixture, SOURCE "[browser \"x\"]\nexecutables = /a\n");
	policy_fixture_assert_problem(fixture, "policy.conf", 6, "did you mean \"executable\"?");
}

static void a_policy_without_any_source_is_a_mistake(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, CLASS);
	then_only_problem_is(fixture, 0, "no source");
	policy_fixture_load(fixture, "");
	then_only_problem_is(fixture, 0, "no source");
}

static void classes_and_origins_share_64_labels(void **state)
{
	struct policy_fixture *fixture = *state;
	char text[8192] = SOURCE;
	size_t size = strlen(text);

	for (int i = 1; i < 64; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "[class \"c%d\"]\n", i);
	policy_fixture_load(fixture, text);
	policy_fixture_assert_loaded(fixture);
	assert_true(policy_class_mask(fixture->policy) == UINT64_MAX);

	snprintf(text + size, sizeof(text) - size, "[sink \"s\"]\nhost = 10.0.0.9\nkind = im\n");
	policy_fixture_load(fixture, text);
	then_only_problem_is(fixture, 68, "origin = no");

	snprintf(text + size, sizeof(text) - size, "[class \"c64\"]\n");
	policy_fixture_load(fixture, text);
	then_only_problem_is(fixture, 68, "64 classes");
}

static void settings_are_checked_against_their_detector(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    SOURCE "[detect \"round_trip\"]\nmin_turns = 7\nenabled = no\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_detect_value(fixture->policy, "round_trip", "min_turns", 3), 7);
	assert_int_equal(policy_detect_value(fixture->policy, "round_trip", "weight", 3), 3);
	assert_false(policy_detect_enabled(fixture->policy, "round_trip"));
	assert_true(policy_detect_enabled(fixture->policy, "clean_up"));

	policy_fixture_load(fixture, SOURCE "[detect \"roundtrip\"]\n");
	then_only_problem_is(fixture, 5, "did you mean \"round_trip\"?");
	policy_fixture_load(fixture, SOURCE "[detect \"clean_up\"]\nmin_turns = 7\n");
	then_only_problem_is(fixture, 6, "unknown key \"min_turns\"");
	policy_fixture_load(fixture, SOURCE "[detect \"obfuscation\"]\nwindow_hours = 7\n");
	then_only_problem_is(fixture, 6, "unknown key \"window_hours\"");
	policy_fixture_load(fixture, SOURCE "[detect \"clean_up\"]\nweigth = 7\n");
	then_only_problem_is(fixture, 6, "did you mean \"weight\"?");
	policy_fixture_load(fixture, SOURCE "[detect \"clean_up\"]\nweight = 101\n");
	then_only_problem_is(fixture, 6, "from -100 to 100");
}

static void limits_of_a_pace_are_such_that_they_can_be_met(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[detect \"automation\"]\nregular_percent = 0\n"
					    "fast_lookups = 3\nclient_weight = -5\n");
	policy_fixture_assert_loaded(fixture);
	policy_fixture_load(fixture, SOURCE "[detect \"automation\"]\nregular_lookups = 2\n");
	then_only_problem_is(fixture, 6, "from 3 to 1000");
	policy_fixture_load(fixture, SOURCE "[detect \"automation\"]\nregular_percent = 101\n");
	then_only_problem_is(fixture, 6, "from 0 to 100");
	policy_fixture_load(fixture, SOURCE "[detect \"automation\"]\nfast_seconds = 0\n");
	then_only_problem_is(fixture, 6, "from 1 to 86400");
	policy_fixture_load(fixture, SOURCE "[detect \"round_trip\"]\nfast_seconds = 7\n");
	then_only_problem_is(fixture, 6, "unknown key \"fast_seconds\"");
	policy_fixture_load(fixture, SOURCE "[detect \"automaton\"]\n");
	then_only_problem_is(fixture, 5, "did you mean \"automation\"?");
}

static void a_client_of_a_crm_is_a_path_a_name_or_a_hash(void **state)
{
	struct policy_fixture *fixture = *state;
	const struct policy_zone *zones;

	policy_fixture_load(fixture, SOURCE "client = /opt/crm/bin/*, firefox,\n"
					    "  sha256:"
					    "0123456789abcdef0123456789abcdef"
					    "0123456789abcdef0123456789abcdef\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(policy_zones(fixture->policy, &zones), 1);
	assert_int_equal(zones[0].n_clients, 3);
	policy_fixture_load(fixture, SOURCE "client = firefox, bin/crm\n");
	then_only_problem_is(fixture, 5, "client \"bin/crm\" is no program; write its path");
	policy_fixture_load(fixture, SOURCE "client = sha256:0123\n");
	then_only_problem_is(fixture, 5, "64 hexadecimal digits in lower case");
	policy_fixture_load(fixture, SOURCE "[sink \"s\"]\nhost = 10.0.0.9\nclient = firefox\n");
	then_only_problem_is(fixture, 7, "client");
}

static void how_long_a_screen_is_recent_is_the_policys(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE "[detect \"screen_capture\"]\nrecent_seconds = 60\n"
					    "allowed_is_silent = no\n");
	policy_fixture_assert_loaded(fixture);
	assert_int_equal(
		policy_detect_value(fixture->policy, "screen_capture", "recent_seconds", 3), 60);
	assert_int_equal(
		policy_detect_value(fixture->policy, "screen_capture", "allowed_is_silent", 1), 0);
	policy_fixture_load(fixture, SOURCE "[detect \"screen_capture\"]\nrecent_seconds = 0\n");
	then_only_problem_is(fixture, 6, "from 1 to 86400");
}

static void staff_are_ordinary_accounts_unless_the_policy_says_who(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture, SOURCE);
	policy_fixture_assert_loaded(fixture);
	assert_true(policy_is_staff(fixture->policy, 1000));
	assert_false(policy_is_staff(fixture->policy, 999));
	assert_false(policy_is_staff(fixture->policy, 65534));
	assert_false(policy_is_staff(fixture->policy, UINT32_MAX));
	assert_null(policy_accounts_file(fixture->policy));

	policy_fixture_load(fixture, SOURCE "[people]\nstaff = 0, 2000-2999\naccounts = a.csv\n");
	policy_fixture_assert_loaded(fixture);
	assert_true(policy_is_staff(fixture->policy, 0));
	assert_true(policy_is_staff(fixture->policy, 2999));
	assert_false(policy_is_staff(fixture->policy, 1000));
	assert_true(strstr(policy_accounts_file(fixture->policy), fixture->folder) ==
		    policy_accounts_file(fixture->policy));

	policy_fixture_load(fixture, SOURCE "[people]\nstaff = alice\n");
	then_only_problem_is(fixture, 6, "1000-59999");
}

static void browsers_are_known_by_path_without_being_named(void **state)
{
	struct policy_fixture *fixture = *state;

	policy_fixture_load(fixture,
			    SOURCE "[browser \"ours\"]\nexecutable = /opt/ours-*/browser,\n"
				   "  /opt/b\n");
	policy_fixture_assert_loaded(fixture);
	assert_true(policy_is_browser(fixture->policy, "/usr/lib/chromium/chromium"));
	assert_true(policy_is_browser(fixture->policy, "/opt/google/chrome/chrome"));
	assert_true(policy_is_browser(fixture->policy, "/usr/lib/firefox-esr/firefox-esr"));
	assert_true(policy_is_browser(fixture->policy, "/opt/microsoft/msedge/msedge"));
	assert_true(policy_is_browser(fixture->policy, "/opt/ours-12/browser"));
	assert_true(policy_is_browser(fixture->policy, "/opt/b"));
	assert_false(policy_is_browser(fixture->policy, "/opt/ours-12/x/browser"));
	assert_false(policy_is_browser(fixture->policy, "/home/li/chromium"));
	assert_false(policy_is_browser(fixture->policy, "/usr/bin/curl"));
	assert_false(policy_is_browser(fixture->policy, ""));
}

static void hubs_of_a_desktop_are_known_without_being_named(void **state)
{
	/* What all talk to: a bus, displays of each kind, and what all type by. */
	static const char *const known[] = {
		"/usr/bin/dbus-daemon", "/usr/bin/Xtigervnc",   "/usr/bin/Xnest",
		"/usr/bin/wayfire",     "/usr/bin/ibus-daemon", "/usr/libexec/ibus-x11",
		"/usr/bin/fcitx",       "/usr/bin/fcitx5",      "/opt/hub"};
	const struct policy_executable *executables;
	struct policy_fixture *fixture = *state;
	size_t n, found = 0, typing = 0;

	policy_fixture_load(fixture, SOURCE
			    "[hub \"mine\"]\nexecutable = /opt/hub\n"
			    "[hub \"by\"]\nexecutable = /opt/type\ninput_method = yes\n"
			    "[client \"c\"]\nexecutable = /opt/c\nclass = policy.property\n");
	policy_fixture_assert_loaded(fixture);
	n = policy_executables(fixture->policy, &executables);
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < sizeof(known) / sizeof(known[0]); j++)
			found += executables[i].is_hub && !strcmp(executables[i].path, known[j]);
		if (!strcmp(executables[i].path, "/opt/c"))
			assert_int_equal(executables[i].labels, 1);
		if (!executables[i].is_input_method)
			continue;
		assert_true(executables[i].is_hub);
		typing += !strcmp(executables[i].path, "/opt/type") ||
			  !strcmp(executables[i].path, "/usr/libexec/ibus-x11") ||
			  !strcmp(executables[i].path, "/usr/bin/fcitx5");
		assert_string_not_equal(executables[i].path, "/opt/hub");
		assert_string_not_equal(executables[i].path, "/usr/bin/sway");
	}
	assert_int_equal(typing, 3);
	assert_int_equal(found, sizeof(known) / sizeof(known[0]));
}

static void the_policy_that_ships_is_good(void **state)
{
	struct policy_fixture *fixture = *state;

	fixture->result =
		policy_load("userspace/policy/example.conf", &fixture->policy, &fixture->problems);
	policy_fixture_assert_loaded(fixture);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, policy_fixture_setup, policy_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_section_of_a_whole_policy_is_understood),
		TEST(an_im_peer_has_an_origin_of_its_own_above_the_classes),
		TEST(all_problems_are_told_at_once),
		TEST(an_undefined_class_is_told_where_it_is_used),
		TEST(a_class_may_be_used_above_its_definition),
		TEST(what_a_section_needs_is_told_at_its_head),
		TEST(a_policy_without_any_source_is_a_mistake),
		TEST(classes_and_origins_share_64_labels),
		TEST(settings_are_checked_against_their_detector),
		TEST(limits_of_a_pace_are_such_that_they_can_be_met),
		TEST(a_client_of_a_crm_is_a_path_a_name_or_a_hash),
		TEST(how_long_a_screen_is_recent_is_the_policys),
		TEST(staff_are_ordinary_accounts_unless_the_policy_says_who),
		TEST(browsers_are_known_by_path_without_being_named),
		TEST(hubs_of_a_desktop_are_known_without_being_named),
		TEST(the_policy_that_ships_is_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
