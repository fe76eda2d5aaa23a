/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_PROBLEMS_H
#define WEIR_POLICY_POLICY_PROBLEMS_H

/*
 * Collects what is wrong with a policy, all of it and not the first only, each
 * with file and line. Holds at most POLICY_MAX_PROBLEMS; the last then says so.
 */

#include "policy/policy.h"

/* Returns 0, or -ENOMEM (the problem is lost, the caller must fail as a whole). */
int policy_problems_add(struct policy_problems *problems, const char *file, unsigned int line,
			const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Sorts by file and line, as a person walks through them. */
void policy_problems_sort(struct policy_problems *problems);

/* The name nearest to wrong by edit distance, or NULL when none is near enough to be meant. */
const char *policy_problems_nearest(const char *wrong, const char *const *names, size_t n_names);

#endif
