/* SPDX-License-Identifier: GPL-2.0-only */
#include "support/policy_fixture.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

int policy_fixture_setup(void **state)
{
	struct policy_fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	strcpy(fixture->folder, "/tmp/weir-policy-XXXXXX");
	if (!mkdtemp(fixture->folder)) {
		free(fixture);
		return -1;
	}
	snprintf(fixture->path, sizeof(fixture->path), "%s/policy.conf", fixture->folder);
	*state = fixture;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

int policy_fixture_teardown(void **state)
{
	struct policy_fixture *fixture = *state;

	nftw(fixture->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	policy_free(fixture->policy);
	policy_problems_done(&fixture->problems);
	free(fixture);
	return 0;
}

void policy_fixture_write(struct policy_fixture *fixture, const char *name, const char *text)
{
	const char *slash = strchr(name, '/');
	char path[256];
	FILE *file;

	if (slash) {
		snprintf(path, sizeof(path), "%s/%.*s", fixture->folder, (int)(slash - name), name);
		mkdir(path, 0755);
	}
	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

void policy_fixture_load(struct policy_fixture *fixture, const char *text)
{
	policy_free(fixture->policy);
	policy_problems_done(&fixture->problems);
	fixture->policy = NULL;
	policy_fixture_write(fixture, "policy.conf", text);
	fixture->result = policy_load(fixture->path, &fixture->policy, &fixture->problems);
}

void policy_fixture_assert_problem(struct policy_fixture *fixture, const char *name,
				   unsigned int line, const char *words)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", fixture->folder, name);
	for (size_t i = 0; i < fixture->problems.n_items; i++) {
		const struct policy_problem *problem = &fixture->problems.items[i];

		if (problem->line == line && !strcmp(problem->file, path) &&
		    strstr(problem->message, words))
			return;
	}
	policy_problems_print(&fixture->problems, stderr);
	fail_msg("no problem at %s:%u with \"%s\"", name, line, words);
}

void policy_fixture_assert_loaded(struct policy_fixture *fixture)
{
	policy_problems_print(&fixture->problems, stderr);
	assert_int_equal(fixture->result, 0);
	assert_non_null(fixture->policy);
	assert_int_equal(fixture->problems.n_items, 0);
}
