/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "collector/people/people.h"
#include "policy/policy.h"

static const char BASE_POLICY[] = "[class \"customer.contact\"]\n"
				  "grade = C3\n"
				  "[crm \"crm\"]\n"
				  "host = 127.0.0.9\n"
				  "port = 443\n"
				  "class = customer.contact\n"
				  "[people]\n"
				  "staff = 1000-1999\n";

static char folder[] = "/tmp/weir-people-XXXXXX";
static char policy_path[64], key_path[64], accounts_path[64];
static struct policy *policy;

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_true(fputs(text, stream) >= 0);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void given_a_policy(const char *more)
{
	struct policy_problems problems = {};
	char text[1024];

	snprintf(text, sizeof(text), "%s%s", BASE_POLICY, more);
	write_file(policy_path, text, 0644);
	if (policy_load(policy_path, &policy, &problems) < 0) {
		policy_problems_print(&problems, stderr);
		fail();
	}
	policy_problems_done(&problems);
}

static void given_accounts(const char *text)
{
	char more[256];

	write_file(accounts_path, text, 0600);
	snprintf(more, sizeof(more), "accounts = %s\n", accounts_path);
	given_a_policy(more);
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(policy_path, sizeof(policy_path), "%s/policy.conf", folder);
	snprintf(key_path, sizeof(key_path), "%s/pseudonym.key", folder);
	snprintf(accounts_path, sizeof(accounts_path), "%s/accounts.csv", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	policy_free(policy);
	policy = NULL;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct people *open_people(void)
{
	struct people *people = NULL;
	char *problem = NULL;
	int r = people_new(policy, key_path, &people, &problem);

	if (r < 0)
		print_error("%s\n", problem);
	assert_int_equal(r, 0);
	return people;
}

static struct event *make_event(const char *agent, uint32_t login_uid)
{
	struct event *event = event_new();

	assert_non_null(event);
	event->agent = strdup(agent);
	event->app.id = 5;
	event->app.login_uid = login_uid;
	return event;
}

static char *pseudonym_of(const struct people *people, const char *agent, uint32_t login_uid,
			  bool *is_staff)
{
	struct event *event = make_event(agent, login_uid);
	char *person = NULL;

	assert_int_equal(people_identify(people, event, &person, is_staff), 0);
	assert_int_equal(event->app.login_uid, 0);
	event_free(event);
	return person;
}

static void a_pseudonym_stays_the_same_over_restarts(void **state)
{
	_cleanup_free_ char *first = NULL, *second = NULL;
	struct people *people;
	bool is_staff;

	(void)state;
	given_a_policy("");
	people = open_people();
	first = pseudonym_of(people, "desk-1", 1017, &is_staff);
	assert_true(is_staff);
	people_free(people);
	people = open_people();
	second = pseudonym_of(people, "desk-1", 1017, &is_staff);
	people_free(people);
	assert_string_equal(first, second);
	assert_int_equal(strlen(first), 12);
	assert_memory_equal(first, "P-", 2);
	assert_int_equal(strspn(first + 2, "0123456789abcdef"), 10);
}

static void different_people_and_hosts_have_different_pseudonyms(void **state)
{
	_cleanup_(people_freep) struct people *people = NULL;
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL;
	bool is_staff;

	(void)state;
	given_a_policy("");
	people = open_people();
	a = pseudonym_of(people, "desk-1", 1017, &is_staff);
	b = pseudonym_of(people, "desk-1", 1018, &is_staff);
	c = pseudonym_of(people, "desk-2", 1017, &is_staff);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
	free(TAKE(a));
	a = pseudonym_of(people, "desk-1", 0, &is_staff);
	assert_false(is_staff);
}

static void another_key_is_another_set_of_pseudonyms(void **state)
{
	_cleanup_free_ char *first = NULL, *second = NULL;
	struct people *people;
	bool is_staff;

	(void)state;
	given_a_policy("");
	people = open_people();
	first = pseudonym_of(people, "desk-1", 1017, &is_staff);
	people_free(people);
	assert_int_equal(unlink(key_path), 0);
	people = open_people();
	second = pseudonym_of(people, "desk-1", 1017, &is_staff);
	people_free(people);
	assert_string_not_equal(first, second);
}

static void one_person_on_two_hosts_is_one_pseudonym_by_the_accounts(void **state)
{
	_cleanup_(people_freep) struct people *people = NULL;
	_cleanup_free_ char *a = NULL, *b = NULL, *c = NULL, *d = NULL;
	bool is_staff = false;

	(void)state;
	given_accounts("agent,uid,staff_id\n"
		       "# the back office\n"
		       "desk-1, 1017, E0042\r\n"
		       "desk-2,5005,E0042\n"
		       "*,1017,E0077\n");
	people = open_people();
	a = pseudonym_of(people, "desk-1", 1017, &is_staff);
	b = pseudonym_of(people, "desk-2", 5005, &is_staff);
	/* Not in the policy's range, but the file says who it is. */
	assert_true(is_staff);
	c = pseudonym_of(people, "desk-3", 1017, &is_staff);
	d = pseudonym_of(people, "desk-2", 1017, &is_staff);
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_equal(c, d);
}

static void the_agents_own_events_are_nobodys(void **state)
{
	_cleanup_(people_freep) struct people *people = NULL;
	struct event *event = make_event("desk-1", 0);
	_cleanup_free_ char *person = NULL;
	bool is_staff = true;

	(void)state;
	given_a_policy("");
	people = open_people();
	event->app.id = 0;
	assert_int_equal(people_identify(people, event, &person, &is_staff), 0);
	event_free(event);
	assert_null(person);
	assert_false(is_staff);
}

static void names_in_paths_are_masked(void **state)
{
	_cleanup_(people_freep) struct people *people = NULL;
	struct event *event = make_event("desk-1", 1017);
	_cleanup_free_ char *person = NULL;
	bool is_staff;

	(void)state;
	given_a_policy("");
	people = open_people();
	event->object.name = strdup("/home/zhangsan/Downloads/list.csv");
	event->object.previous_name = strdup("/run/user/1017/list.csv");
	event->app.exe = strdup("/home/zhangsan/bin/zip");
	event->app.cgroup = strdup("/user.slice/user-1017.slice/session-3.scope");
	event->detail = strdup("mapped /home/zhangsan, then left");
	assert_int_equal(people_identify(people, event, &person, &is_staff), 0);
	assert_string_equal(event->object.name, "/home/~/Downloads/list.csv");
	assert_string_equal(event->object.previous_name, "/run/user/~/list.csv");
	assert_string_equal(event->app.exe, "/home/~/bin/zip");
	assert_string_equal(event->app.cgroup, "/user.slice/user-~.slice/session-3.scope");
	assert_string_equal(event->detail, "mapped /home/~, then left");
	event_free(event);
}

static void the_key_is_made_for_its_owner_only(void **state)
{
	struct stat st;

	(void)state;
	given_a_policy("");
	people_free(open_people());
	assert_int_equal(stat(key_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(st.st_size >= 32);
}

static void assert_refused(int error, const char *words)
{
	struct people *people = NULL;
	_cleanup_free_ char *problem = NULL;

	assert_int_equal(people_new(policy, key_path, &people, &problem), error);
	assert_null(people);
	assert_non_null(problem);
	assert_non_null(strstr(problem, words));
	assert_null(strchr(problem, '\n'));
}

static void a_key_that_others_can_read_is_refused(void **state)
{
	(void)state;
	given_a_policy("");
	write_file(key_path, "0123456789abcdef0123456789abcdef", 0640);
	assert_refused(-EPERM, "others can read");
}

static void a_short_key_is_refused(void **state)
{
	(void)state;
	given_a_policy("");
	write_file(key_path, "0123456789abcde\n", 0600);
	assert_refused(-EINVAL, "16 bytes");
}

static void a_key_that_the_policy_names_is_never_made(void **state)
{
	char more[128], named[96];

	(void)state;
	snprintf(named, sizeof(named), "%s/named.key", folder);
	snprintf(more, sizeof(more), "pseudonym_key = %s\n", named);
	write_file(named, "0123456789abcdef0123456789abcdef", 0600);
	given_a_policy(more);
	people_free(open_people());
	assert_int_equal(access(key_path, F_OK), -1);
	assert_int_equal(unlink(named), 0);
	assert_refused(-ENOENT, "named.key");
	assert_int_equal(access(named, F_OK), -1);
}

static void a_wrong_line_of_accounts_is_named(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{"desk-1,1017\n", ":1: three fields"},
		{"desk-1,1017,E1,x\n", ":1: three fields"},
		{"# fine\ndesk-1,zhang,E1\n", ":2: the second field"},
		{"desk-1,4294967295,E1\n", ":1: the second field"},
		{"desk-1,-1,E1\n", ":1: the second field"},
		{"desk-1,1,E1\n\ndesk-1,,E1\n", ":3: three fields"},
		{"desk-1,1017,E1\ndesk-1,1017,E2\n", "two people"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		given_accounts(wrong[i].text);
		assert_refused(-EINVAL, wrong[i].words);
		policy_free(TAKE(policy));
	}
}

static void missing_accounts_are_an_error(void **state)
{
	(void)state;
	given_accounts("desk-1,1017,E1\n");
	assert_int_equal(unlink(accounts_path), 0);
	assert_refused(-ENOENT, "accounts.csv");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(a_pseudonym_stays_the_same_over_restarts),
		TEST(different_people_and_hosts_have_different_pseudonyms),
		TEST(another_key_is_another_set_of_pseudonyms),
		TEST(one_person_on_two_hosts_is_one_pseudonym_by_the_accounts),
		TEST(the_agents_own_events_are_nobodys),
		TEST(names_in_paths_are_masked),
		TEST(the_key_is_made_for_its_owner_only),
		TEST(a_key_that_others_can_read_is_refused),
		TEST(a_short_key_is_refused),
		TEST(a_key_that_the_policy_names_is_never_made),
		TEST(a_wrong_line_of_accounts_is_named),
		TEST(missing_accounts_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
