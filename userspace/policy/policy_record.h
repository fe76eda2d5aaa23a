/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_RECORD_H
#define WEIR_POLICY_POLICY_RECORD_H

/* What texts of each kind of record look like, as a table of states. */

#include "policy/policy.h"
#include "policy/policy_table.h"

/* pattern is of kind PATTERN only. Returns 0, -EINVAL for a pattern that is none, -E2BIG for one
 * with too many states, -ENOMEM. */
int policy_record_table_new(enum policy_record_kind kind, const char *pattern,
			    struct policy_table **ret_table);

#endif
