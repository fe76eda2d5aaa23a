/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_PARSE_H
#define WEIR_POLICY_POLICY_PARSE_H

/*
 * Reads policy text into a draft: known sections and keys only, each value
 * with its file and line. Wrong lines become problems and are left out, so that
 * the values beside them can still be checked in the same run.
 */

#include "policy/policy_model.h"

/* Adds one file's text to the draft. Returns 0 (problems or not) or -ENOMEM. */
int policy_parse_text(struct policy_draft *draft, const char *file, const char *text, size_t size,
		      struct policy_problems *problems);

#endif
