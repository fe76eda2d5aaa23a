/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_FILES_H
#define WEIR_POLICY_POLICY_FILES_H

/*
 * Finds and reads the files of a policy: the named one, then policy.d beside it
 * in name order. A drop-in that cannot be read is a problem like any other,
 * so that nobody runs with half a policy unawares.
 */

#include "policy/policy_model.h"

/* Returns 0 (problems or not), -errno when FILE itself cannot be read, which is then a
 * problem too, or -ENOMEM. */
int policy_files_read(struct policy_draft *draft, const char *path,
		      struct policy_problems *problems);

#endif
