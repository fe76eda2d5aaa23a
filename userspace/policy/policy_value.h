/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_VALUE_H
#define WEIR_POLICY_POLICY_VALUE_H

/*
 * The shapes a value of a policy can have: switches, numbers, lists, hosts,
 * user ids and paths. Strict: what is not wholly of the shape is -EINVAL.
 */

#include "policy/policy_model.h"

enum policy_host_shape {
	POLICY_HOST_RANGE, /* an address or a CIDR */
	POLICY_HOST_NAME,
	POLICY_HOST_NAMES, /* "*.crm.test": each name that ends so */
};

/* Splits at commas. Returns 0 or -ENOMEM. */
int policy_value_split(const char *value, struct policy_list *ret_list);
void policy_list_done(struct policy_list *list);

/* yes, no, true, false, on, off, 1, 0. Returns 1, 0 or -EINVAL. */
int policy_value_parse_switch(const char *value);

/* Decimal. Returns 0, -EINVAL, or -ERANGE outside least..most. */
int policy_value_parse_number(const char *value, int64_t least, int64_t most, int64_t *ret_number);

/* Returns an enum policy_host_shape (ret_range is set for a range) or -EINVAL. */
int policy_value_parse_host(const char *value, struct policy_range *ret_range);

/* The same with ":PORT" behind it or not; an IPv6 address stands in brackets then. Returns what
 * policy_value_parse_host() does, or -ENOMEM. The caller frees *ret_host; *ret_port is 0: any. */
int policy_value_parse_way(const char *value, char **ret_host, unsigned int *ret_port,
			   struct policy_range *ret_range);

bool policy_value_is_in_range(const struct policy_range *range, const struct in6_addr *address);

/* "1000" or "1000-59999". Returns 0 or -EINVAL. */
int policy_value_parse_uids(const char *value, struct policy_uids *ret_uids);

/* Absolute path of value, which may stand relative to folder; no slash at its end, and none
 * doubled. Returns 0 or -ENOMEM. */
int policy_value_make_path(const char *folder, const char *value, char **ret_path);

static inline void policy_list_cleanup(struct policy_list *list)
{
	policy_list_done(list);
}

#endif
