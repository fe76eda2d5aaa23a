/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_CHECK_RECORD_H
#define WEIR_POLICY_POLICY_CHECK_RECORD_H

/* Checks a [record "NAME"]: what a customer's record is recognised by. */

#include "policy/policy_check_value.h"

/* Returns 0, with problems or without, or -ENOMEM. */
int policy_check_record(struct policy_check *check, const struct policy_section *section);

#endif
