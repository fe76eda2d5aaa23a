/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_CHECK_REACH_H
#define WEIR_POLICY_POLICY_CHECK_REACH_H

/*
 * Checks what a [crm] says of how it is reached: by which names, whether others share the addresses
 * of these, and through which proxies. As everywhere in the check, what is wrong becomes a problem.
 */

#include "policy/policy_check_value.h"

/* hosts holds what "host" says. 0 or -ENOMEM. */
int policy_check_reach(struct policy_check *check, const struct policy_section *section,
		       struct policy_zone *zone, struct policy_hosts *hosts);

#endif
