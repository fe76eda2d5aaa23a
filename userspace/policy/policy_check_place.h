/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_CHECK_PLACE_H
#define WEIR_POLICY_POLICY_CHECK_PLACE_H

/*
 * Checks the sections that say where data comes from and where it may go: hosts,
 * folders, disks and shares. As everywhere in the check, what is wrong becomes a
 * problem, and functions return 0 with or without problems, and -ENOMEM only.
 */

#include "policy/policy_check_value.h"

int policy_check_crm(struct policy_check *check, const struct policy_section *section);
int policy_check_export(struct policy_check *check, const struct policy_section *section);
int policy_check_trusted(struct policy_check *check, const struct policy_section *section);
int policy_check_sink(struct policy_check *check, const struct policy_section *section);

/* The sinks that every policy has, behind those of its own. 0 or -ENOMEM. */
int policy_check_add_default_sinks(struct policy *policy);

#endif
