/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_LIST_ORDER_H
#define WEIR_COLLECTOR_CORRELATE_LIST_ORDER_H

/*
 * How much of one list of records another one holds, and in which order: by keyed
 * fingerprints, which say that two records are the same and nothing else.
 */

#include <stddef.h>
#include <stdint.h>

struct list_order {
	size_t n_both;     /* records of the list that the answer holds, each once */
	size_t n_in_order; /* the most of them that stand in the answer as in the list */
};

/* Either may repeat a record: its first place counts. 0 or -ENOMEM. */
int list_order_compare(const uint64_t *list, size_t n_list, const uint64_t *answer, size_t n_answer,
		       struct list_order *ret_order);

#endif
