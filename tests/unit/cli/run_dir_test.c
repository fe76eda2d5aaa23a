/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/run_dir.h"

struct story {
	char root[64];
	char data[96];
	struct run_dir dir;
	char *problem;
};

static int set_up(void **state)
{
	struct story *story = calloc(1, sizeof(*story));

	assert_non_null(story);
	strcpy(story->root, "/tmp/weir-run-dir-test-XXXXXX");
	assert_non_null(mkdtemp(story->root));
	snprintf(story->data, sizeof(story->data), "%s/deep/data", story->root);
	story->dir.lock_fd = -1;
	*state = story;
	return 0;
}

static int tear_down(void **state)
{
	struct story *story = *state;
	char *arguments[] = {(char *)"rm", (char *)"-rf", story->root, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execv("/bin/rm", arguments);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	run_dir_done(&story->dir);
	free(story->problem);
	free(story);
	return 0;
}

static int open_again(struct story *story, const char *agent_id)
{
	run_dir_done(&story->dir);
	free(TAKE(story->problem));
	return run_dir_open(story->data, agent_id, &story->dir, &story->problem);
}

static void folders_are_made_for_root_alone(void **state)
{
	struct story *story = *state;
	struct stat status;

	assert_int_equal(open_again(story, "desk-7"), 0);
	assert_int_equal(stat(story->dir.path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(stat(story->dir.agent_dir, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
}

static void a_second_run_is_refused_and_told_who_runs(void **state)
{
	struct story *story = *state;
	struct run_dir second = {.lock_fd = -1};
	_cleanup_free_ char *problem = NULL;
	char pid[32];

	assert_int_equal(open_again(story, NULL), 0);
	assert_true(run_dir_is_locked(story->data));

	assert_int_equal(run_dir_open(story->data, NULL, &second, &problem), -EBUSY);
	snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
	assert_non_null(strstr(problem, pid));
	assert_int_equal(second.lock_fd, -1);

	run_dir_done(&story->dir);
	assert_false(run_dir_is_locked(story->data));
}

static void the_agent_name_stays_with_the_folder(void **state)
{
	struct story *story = *state;

	assert_int_equal(open_again(story, "desk-7"), 0);
	assert_string_equal(story->dir.agent_id, "desk-7");
	assert_int_equal(open_again(story, NULL), 0);
	assert_string_equal(story->dir.agent_id, "desk-7");

	assert_int_equal(open_again(story, "desk-8"), -EEXIST);
	assert_non_null(strstr(story->problem, "desk-7"));
}

static void a_name_that_is_none_is_refused(void **state)
{
	struct story *story = *state;

	assert_int_equal(open_again(story, "../../etc"), -EINVAL);
	assert_non_null(strstr(story->problem, "../../etc"));
	assert_int_equal(open_again(story, ""), -EINVAL);
}

static void without_a_name_there_is_one(void **state)
{
	struct story *story = *state;

	assert_int_equal(open_again(story, NULL), 0);
	assert_true(strlen(story->dir.agent_id) > 0);
}

static void each_folder_has_pins_of_its_own_for_good(void **state)
{
	struct story *story = *state;
	_cleanup_free_ char *first = NULL;

	assert_int_equal(open_again(story, NULL), 0);
	first = strdup(story->dir.pin_dir);
	assert_int_equal(open_again(story, NULL), 0);
	assert_string_equal(story->dir.pin_dir, first);

	snprintf(story->data, sizeof(story->data), "%s/other", story->root);
	assert_int_equal(open_again(story, NULL), 0);
	assert_string_not_equal(story->dir.pin_dir, first);
}

static void a_file_in_the_way_is_named(void **state)
{
	struct story *story = *state;

	snprintf(story->data, sizeof(story->data), "%s/file", story->root);
	assert_int_equal(file_write_durably(story->data, "", 0, 0600), 0);
	assert_true(open_again(story, NULL) < 0);
	assert_non_null(strstr(story->problem, story->data));
}

#define STORY_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY_TEST(folders_are_made_for_root_alone),
		STORY_TEST(a_second_run_is_refused_and_told_who_runs),
		STORY_TEST(the_agent_name_stays_with_the_folder),
		STORY_TEST(a_name_that_is_none_is_refused),
		STORY_TEST(without_a_name_there_is_one),
		STORY_TEST(each_folder_has_pins_of_its_own_for_good),
		STORY_TEST(a_file_in_the_way_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
