/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_CHECK_DETECT_H
#define WEIR_POLICY_POLICY_CHECK_DETECT_H

/*
 * Checks a [detect "id"] section against the table of known detectors and
 * their settings.
 */

#include "policy/policy_check_value.h"

/* Returns 0, with problems or not, or -ENOMEM. */
int policy_check_detect(struct policy_check *check, const struct policy_section *section);

#endif
