/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_SUPPORT_POLICY_FIXTURE_H
#define WEIR_TESTS_SUPPORT_POLICY_FIXTURE_H

/*
 * A folder of its own for policy files, and what loading them gave. Everything
 * is removed at the end, also the files a test adds.
 */

#include "policy/policy.h"

struct policy_fixture {
	char folder[64];
	char path[96]; /* of the main file */
	struct policy *policy;
	struct policy_problems problems;
	int result; /* of policy_load */
};

/* For cmocka's setup and teardown. */
int policy_fixture_setup(void **state);
int policy_fixture_teardown(void **state);

/* Writes a file below the folder, making one folder above it when it has one. */
void policy_fixture_write(struct policy_fixture *fixture, const char *name, const char *text);

/* Writes text as the main file and loads it. */
void policy_fixture_load(struct policy_fixture *fixture, const char *text);

/* Fails unless there is a problem in the file NAME at that line with these words in it. */
void policy_fixture_assert_problem(struct policy_fixture *fixture, const char *name,
				   unsigned int line, const char *words);
/* Fails with the problems printed unless the policy loaded. */
void policy_fixture_assert_loaded(struct policy_fixture *fixture);

#endif
