/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_AUTOMATON_H
#define WEIR_POLICY_POLICY_AUTOMATON_H

/*
 * All records of a policy as one table of states, by which the kernel side reads a byte in one
 * look-up (bpf/record.h).
 */

#include <stddef.h>

#include "abi.h"
#include "base/siphash.h"
#include "policy/policy.h"

/*
 * Fills *ret_table, which is large, with as many of the records, in their order, as fit into it:
 * *ret_n says how many. Returns 0, -EINVAL for a pattern that is none, -ENOMEM.
 */
int policy_automaton_fill(const struct policy_record *records, size_t n_records,
			  const uint8_t key[SIPHASH_KEY_BYTES], struct weir_record_table *ret_table,
			  size_t *ret_n);

#endif
