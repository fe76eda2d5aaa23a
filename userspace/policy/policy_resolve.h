/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_RESOLVE_H
#define WEIR_POLICY_POLICY_RESOLVE_H

/*
 * Keeps a policy's addresses and folders in step with the world: host names
 * are looked up, folder globs matched against what exists.
 */

#include "policy/policy_model.h"

/* Without any name lookup. Returns 1 when a range or folder changed, 0 or -ENOMEM. */
int policy_resolve_literals(struct policy *policy);

#endif
