/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/labels/kept.h"
#include "agent/labels/record.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "support/policy_fixture.h"

#define CLASS(name)                                                               \
	"[class \"" name "\"]\ngrade = C3\ncategory = other\n[crm \"crm of " name \
	"\"]\nhost = 127.0.0.1\nport = 443\nclass = " name "\n"
#define CHAT "[sink \"chat\"]\nhost = 127.0.0.2\nkind = im\norigin = yes\n"
#define MAX_FILES 50

DEFINE_CLEANUP(kept_freep, struct kept, kept_free)

struct fixture {
	struct policy_fixture *policy;
	struct kept *kept;
	char path[128];
};

static int given_a_table(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	*state = fixture;
	if (policy_fixture_setup((void **)&fixture->policy) < 0)
		return -1;
	policy_fixture_load(fixture->policy, CLASS("contact") CLASS("claims") CHAT);
	policy_fixture_assert_loaded(fixture->policy);
	snprintf(fixture->path, sizeof(fixture->path), "%s/labels", fixture->policy->folder);
	return kept_new(MAX_FILES, &fixture->kept);
}

static int clean_up(void **state)
{
	struct fixture *fixture = *state;

	kept_free(fixture->kept);
	policy_fixture_teardown((void **)&fixture->policy);
	free(fixture);
	return 0;
}

static uint64_t label(const struct fixture *fixture, const char *name)
{
	const struct policy *policy = fixture->policy->policy;
	const struct policy_class *class = policy_class_by_name(policy, name);
	const struct policy_zone *zones;
	size_t n_zones = policy_zones(policy, &zones);

	if (class)
		return UINT64_C(1) << class->index;
	for (size_t i = 0; i < n_zones; i++)
		if (strcmp(zones[i].name, name) == 0)
			return zones[i].labels;
	fail_msg("no label %s", name);
	return 0;
}

static struct kept_file make_file(uint64_t ino, uint64_t labels)
{
	return (struct kept_file){.file_system = {.type = 0xef53, .uuid = {1, 2, 3}},
				  .ino = ino,
				  .generation = (uint32_t)ino * 7,
				  .hops = 2,
				  .labels = labels,
				  .since_ns = 1234567890};
}

static void put_many(const struct fixture *fixture, size_t n)
{
	for (uint64_t i = 1; i <= n; i++) {
		struct kept_file file = make_file(i, label(fixture, "claims"));

		assert_int_equal(kept_put(fixture->kept, &file), 1);
	}
}

static void save(const struct fixture *fixture)
{
	assert_int_equal(kept_save(fixture->kept, fixture->path, fixture->policy->policy), 0);
}

static struct kept_loading load(const struct fixture *fixture, size_t max_files,
				struct kept **ret_kept)
{
	struct kept_loading loading;

	assert_int_equal(kept_new(max_files, ret_kept), 0);
	assert_int_equal(kept_load(*ret_kept, fixture->path, fixture->policy->policy, &loading), 0);
	return loading;
}

static void damage(const struct fixture *fixture, off_t at, const char *bytes)
{
	_cleanup_close_ int fd = open(fixture->path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
}

static bool take_one(void *userdata, const struct kept_file *file)
{
	*(struct kept_file *)userdata = *file;
	return true;
}

static void a_file_is_the_same_after_saving_and_loading(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL;
	struct kept_file file = make_file(12, label(fixture, "contact") | label(fixture, "chat"));
	struct kept_file found = {};
	struct kept_loading loading;

	file.is_source = true;
	assert_int_equal(kept_put(fixture->kept, &file), 1);
	save(fixture);
	loading = load(fixture, MAX_FILES, &again);
	assert_int_equal(loading.outcome, KEPT_LOADED);
	assert_int_equal(loading.lost + loading.unnamed + loading.over, 0);
	assert_int_equal(kept_visit(again, NULL, take_one, &found), 0);
	assert_memory_equal(&found, &file, sizeof(file));
}

static void without_a_record_there_is_nothing_and_nothing_is_lost(void **state)
{
	_cleanup_(kept_freep) struct kept *again = NULL;
	struct kept_loading loading = load(*state, MAX_FILES, &again);

	assert_int_equal(loading.outcome, KEPT_LOADED);
	assert_int_equal(kept_size(again), 0);
}

static void labels_keep_their_names_when_the_policy_numbers_them_anew(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL;
	struct kept_file file = make_file(12, label(fixture, "claims")), found = {};
	uint64_t old = file.labels;

	kept_put(fixture->kept, &file);
	save(fixture);
	policy_fixture_load(fixture->policy, CLASS("new") CLASS("other") CLASS("claims") CHAT);
	load(fixture, MAX_FILES, &again);
	kept_visit(again, NULL, take_one, &found);
	assert_int_equal(found.labels, label(fixture, "claims"));
	assert_int_not_equal(found.labels, old);
}

static void what_the_policy_does_not_name_is_dropped_and_counted(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL;
	struct kept_file both = make_file(1, label(fixture, "claims") | label(fixture, "contact"));
	struct kept_file one = make_file(2, label(fixture, "claims")), found = {};
	struct kept_loading loading;

	kept_put(fixture->kept, &both);
	kept_put(fixture->kept, &one);
	save(fixture);
	policy_fixture_load(fixture->policy, CLASS("contact"));
	loading = load(fixture, MAX_FILES, &again);
	assert_int_equal(loading.unnamed, 2);
	assert_int_equal(kept_size(again), 1);
	kept_visit(again, NULL, take_one, &found);
	assert_int_equal(found.ino, 1);
	assert_int_equal(found.labels, label(fixture, "contact"));
}

/* An origin is no class, whatever its name. */
static void a_class_does_not_inherit_from_a_sink_of_its_name(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL;
	struct kept_file file = make_file(1, label(fixture, "chat"));

	kept_put(fixture->kept, &file);
	save(fixture);
	policy_fixture_load(fixture->policy, CLASS("chat"));
	assert_int_equal(load(fixture, MAX_FILES, &again).unnamed, 1);
	assert_int_equal(kept_size(again), 0);
}

static void of_a_damaged_record_the_whole_part_is_used(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL;
	struct kept_loading loading;
	struct stat info;

	put_many(fixture, 20);
	save(fixture);
	assert_int_equal(stat(fixture->path, &info), 0);
	damage(fixture, info.st_size - 5 * RECORD_FILE_BYTES + 9, "\x55\xaa");
	loading = load(fixture, MAX_FILES, &again);
	assert_int_equal(loading.outcome, KEPT_DAMAGED);
	assert_int_equal(loading.lost, 1);
	assert_false(loading.is_lost_unknown);
	assert_int_equal(kept_size(again), 19);
}

static void of_a_truncated_record_the_whole_part_is_used(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL;
	struct kept_loading loading;
	struct stat info;

	put_many(fixture, 20);
	save(fixture);
	assert_int_equal(stat(fixture->path, &info), 0);
	assert_int_equal(truncate(fixture->path, info.st_size - 4 * RECORD_FILE_BYTES - 3), 0);
	loading = load(fixture, MAX_FILES, &again);
	assert_int_equal(loading.outcome, KEPT_DAMAGED);
	assert_int_equal(loading.lost, 5);
	assert_int_equal(kept_size(again), 15);
}

static void of_a_record_without_a_head_nothing_is_used(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *empty = NULL, *headless = NULL;

	put_many(fixture, 3);
	save(fixture);
	damage(fixture, 17, "x");
	assert_true(load(fixture, MAX_FILES, &headless).is_lost_unknown);
	assert_int_equal(kept_size(headless), 0);
	assert_int_equal(truncate(fixture->path, 0), 0);
	assert_int_equal(load(fixture, MAX_FILES, &empty).outcome, KEPT_DAMAGED);
}

static void a_record_of_a_later_version_is_kept_for_it(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL, *once_more = NULL;
	char beside[160];

	put_many(fixture, 3);
	save(fixture);
	damage(fixture, 4, "\x02");
	assert_int_equal(load(fixture, MAX_FILES, &again).outcome, KEPT_NEWER);
	assert_int_equal(kept_size(again), 0);
	snprintf(beside, sizeof(beside), "%s.newer", fixture->path);
	assert_int_equal(access(beside, F_OK), 0);
	assert_int_equal(load(fixture, MAX_FILES, &once_more).outcome, KEPT_LOADED);
}

static void at_the_limit_new_files_are_refused_and_known_ones_are_not(void **state)
{
	struct fixture *fixture = *state;
	struct kept_file one_more = make_file(MAX_FILES + 1, label(fixture, "claims"));
	struct kept_file known = make_file(3, label(fixture, "contact"));

	put_many(fixture, MAX_FILES);
	assert_int_equal(kept_put(fixture->kept, &one_more), -ENOSPC);
	assert_false(kept_has(fixture->kept, &one_more));
	assert_int_equal(kept_put(fixture->kept, &known), 1);
	assert_int_equal(kept_put(fixture->kept, &known), 0);
	assert_int_equal(kept_size(fixture->kept), MAX_FILES);
}

static void a_record_for_more_files_than_fit_is_counted(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL;

	put_many(fixture, 20);
	save(fixture);
	assert_int_equal(load(fixture, 12, &again).over, 8);
	assert_int_equal(kept_size(again), 12);
}

static bool is_even(void *userdata, const struct kept_file *file)
{
	(void)userdata;
	return file->ino % 2 == 0;
}

static void another_life_of_an_inode_number_is_another_file(void **state)
{
	struct fixture *fixture = *state;
	struct kept_file first = make_file(1, label(fixture, "claims")), second = first,
			 third = first;

	second.generation++;
	third.file_system.uuid[15] = 9;
	assert_int_equal(kept_put(fixture->kept, &first), 1);
	assert_false(kept_has(fixture->kept, &second));
	assert_int_equal(kept_put(fixture->kept, &second), 1);
	assert_int_equal(kept_put(fixture->kept, &third), 1);
	assert_int_equal(kept_visit(fixture->kept, &third.file_system, is_even, NULL), 1);
	assert_true(kept_has(fixture->kept, &first) && kept_has(fixture->kept, &second));
	assert_false(kept_has(fixture->kept, &third));
}

/* The child saves a table of all, then one of nothing, over and over, and is killed in between. */
static void save_until_killed(const struct fixture *fixture)
{
	struct kept *empty;

	if (kept_new(1, &empty) < 0)
		_exit(1);
	for (;;)
		if (kept_save(fixture->kept, fixture->path, fixture->policy->policy) < 0 ||
		    kept_save(empty, fixture->path, fixture->policy->policy) < 0)
			_exit(2);
}

static void a_crash_leaves_the_old_record_or_the_new_one(void **state)
{
	struct fixture *fixture = *state;

	put_many(fixture, MAX_FILES);
	save(fixture);
	for (int round = 0; round < 20; round++) {
		_cleanup_(kept_freep) struct kept *again = NULL;
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			save_until_killed(fixture);
		usleep((useconds_t)(1000 * round));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(load(fixture, MAX_FILES, &again).outcome, KEPT_LOADED);
		assert_true(kept_size(again) == 0 || kept_size(again) == MAX_FILES);
	}
}

static void a_record_that_cannot_be_written_stays_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(kept_freep) struct kept *again = NULL;
	struct rlimit before, none;

	put_many(fixture, 3);
	save(fixture);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = (struct rlimit){.rlim_cur = 100, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(kept_save(fixture->kept, fixture->path, fixture->policy->policy), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(load(fixture, MAX_FILES, &again).outcome, KEPT_LOADED);
	assert_int_equal(kept_size(again), 3);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, given_a_table, clean_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_file_is_the_same_after_saving_and_loading),
		STORY(without_a_record_there_is_nothing_and_nothing_is_lost),
		STORY(labels_keep_their_names_when_the_policy_numbers_them_anew),
		STORY(what_the_policy_does_not_name_is_dropped_and_counted),
		STORY(a_class_does_not_inherit_from_a_sink_of_its_name),
		STORY(of_a_damaged_record_the_whole_part_is_used),
		STORY(of_a_truncated_record_the_whole_part_is_used),
		STORY(of_a_record_without_a_head_nothing_is_used),
		STORY(a_record_of_a_later_version_is_kept_for_it),
		STORY(at_the_limit_new_files_are_refused_and_known_ones_are_not),
		STORY(a_record_for_more_files_than_fit_is_counted),
		STORY(another_life_of_an_inode_number_is_another_file),
		STORY(a_crash_leaves_the_old_record_or_the_new_one),
		STORY(a_record_that_cannot_be_written_stays_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
