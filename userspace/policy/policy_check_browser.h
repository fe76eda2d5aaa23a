/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_CHECK_BROWSER_H
#define WEIR_POLICY_POLICY_CHECK_BROWSER_H

/* Checks a [browser] and adds its paths to the policy's. Problems are added to check; 0 or -ENOMEM.
 */

#include "policy/policy_check_value.h"

int policy_check_browser(struct policy_check *check, const struct policy_section *section);

#endif
