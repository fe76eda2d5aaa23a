/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_CHECK_H
#define WEIR_POLICY_POLICY_CHECK_H

/*
 * Turns a draft into a policy. Every value is looked at even after a first
 * mistake; with any problem there is no policy.
 */

#include "policy/policy_model.h"

/* Returns 0 with a policy whose host names are not resolved yet, -EINVAL (see problems), or
 * -ENOMEM. */
int policy_check_draft(const struct policy_draft *draft, struct policy_problems *problems,
		       struct policy **ret_policy);

#endif
