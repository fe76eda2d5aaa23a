/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "support/transport_fixture.h"
#include "wire/identity.h"

static char *given_content(const char *dir, const char *file)
{
	_cleanup_free_ char *path = NULL;
	char *content;

	assert_true(asprintf(&path, "%s/%s", dir, file) > 0);
	assert_int_equal(file_read_all(path, 65536, &content, NULL), 0);
	return content;
}

static mode_t mode_of(const char *dir, const char *file)
{
	_cleanup_free_ char *path = NULL;
	struct stat status;

	assert_true(asprintf(&path, "%s/%s", dir, file) > 0);
	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static void keys_are_for_their_owner_only(void **state)
{
	assert_int_equal(identity_ensure(*state, "desk-1"), 0);
	assert_int_equal(mode_of(*state, "ca.key"), 0600);
	assert_int_equal(mode_of(*state, "agent.key"), 0600);
	assert_int_equal(mode_of(*state, "collector.key"), 0600);
	assert_int_equal(mode_of(*state, "agent.crt"), 0644);
}

static void what_is_good_is_kept(void **state)
{
	_cleanup_free_ char *before = NULL, *after = NULL, *renamed = NULL;

	assert_int_equal(identity_ensure(*state, "desk-1"), 0);
	before = given_content(*state, "agent.crt");
	assert_int_equal(identity_ensure(*state, "desk-1"), 0);
	after = given_content(*state, "agent.crt");
	assert_string_equal(before, after);
	assert_int_equal(identity_ensure(*state, "desk-2"), 0);
	renamed = given_content(*state, "agent.crt");
	assert_string_not_equal(before, renamed);
	assert_int_equal(identity_make_authority(*state), -EEXIST);
}

static void what_ends_soon_is_renewed(void **state)
{
	const struct identity_request request = {
		.file = "agent", .name = "desk-1", .role = IDENTITY_AGENT, .valid_for_s = 86400};
	_cleanup_free_ char *before = NULL, *after = NULL;

	assert_int_equal(identity_ensure(*state, "desk-1"), 0);
	assert_int_equal(identity_issue(*state, &request), 0);
	before = given_content(*state, "agent.crt");
	assert_int_equal(identity_ensure(*state, "desk-1"), 0);
	after = given_content(*state, "agent.crt");
	assert_string_not_equal(before, after);
}

static void odd_names_and_missing_authorities_are_refused(void **state)
{
	struct identity_request request = {
		.file = "agent", .name = "desk-1", .role = IDENTITY_AGENT};
	char long_name[IDENTITY_NAME_MAX_BYTES + 2];

	assert_int_equal(identity_issue(*state, &request), -ENOENT);
	assert_int_equal(identity_make_authority(*state), 0);
	request.name = "desk 1,CN=admin";
	assert_int_equal(identity_issue(*state, &request), -EINVAL);
	request.name = "desk-1";
	request.file = "../agent";
	assert_int_equal(identity_issue(*state, &request), -EINVAL);
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(identity_check_name(long_name), -EINVAL);
	assert_int_equal(identity_check_name(long_name + 1), 0);
	assert_int_equal(identity_check_name(""), -EINVAL);
	assert_int_equal(identity_check_name(NULL), -EINVAL);
}

static int set_up(void **state)
{
	*state = transport_make_dir();
	return 0;
}

static int tear_down(void **state)
{
	transport_remove_dir(*state);
	return 0;
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(keys_are_for_their_owner_only),
		STORY(what_is_good_is_kept),
		STORY(what_ends_soon_is_renewed),
		STORY(odd_names_and_missing_authorities_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
