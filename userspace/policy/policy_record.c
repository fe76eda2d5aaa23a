/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_record.h"

#include <errno.h>

#include "policy/policy_shape.h"

#define MAX_SHAPES 3

/* NULL behind the last. */
static const char *const shapes[][MAX_SHAPES + 1] = {
	[POLICY_RECORD_PATTERN] = {NULL},
	[POLICY_RECORD_MOBILE] = {"1[3-9]\\d[ -]?\\d{4}[ -]?\\d{4}",
				  "\\+?86[ -]?1[3-9]\\d[ -]?\\d{4}[ -]?\\d{4}",
				  "0086[ -]?1[3-9]\\d[ -]?\\d{4}[ -]?\\d{4}"},
	[POLICY_RECORD_RESIDENT_ID] = {"[1-9]\\d{16}[0-9Xx]"},
	/* RFC 5321: a local part has at most 64 bytes. */
	[POLICY_RECORD_EMAIL] = {"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+\\.\\a{2,24}"},
	[POLICY_RECORD_BANK_CARD] = {"[3-6]\\d{14,18}",
				     "[3-6]\\d{3}[ -]\\d{4}[ -]\\d{4}[ -]\\d{3,4}",
				     "[3-6]\\d{3}[ -]\\d{4}[ -]\\d{4}[ -]\\d{4}[ -]\\d{1,3}"},
};

int policy_record_table_new(enum policy_record_kind kind, const char *pattern,
			    struct policy_table **ret_table)
{
	struct policy_shape parsed[MAX_SHAPES];
	const char *why;
	size_t n = 0;

	if ((size_t)kind >= sizeof(shapes) / sizeof(shapes[0]))
		return -EINVAL;
	if (kind == POLICY_RECORD_PATTERN) {
		if (policy_shape_parse(pattern, &parsed[n++], &why) < 0)
			return -EINVAL;
	} else {
		for (; shapes[kind][n]; n++)
			if (policy_shape_parse(shapes[kind][n], &parsed[n], &why) < 0)
				return -EINVAL;
	}
	return policy_table_new(parsed, n, ret_table);
}
