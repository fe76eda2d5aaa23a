/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_LRU_BPF_H
#define WEIR_LRU_BPF_H

/*
 * Tables in which a new entry takes the place of the one that was not used for the longest time.
 * The kernel does not say when that happens, so what they are given is counted here.
 */

#include "kernel.h"

#include <bpf/bpf_helpers.h>

#include "abi.h"

/* How many entries each of them was given, less those deleted since, by enum weir_lru. Of these the
 * agent counts what is there: the rest was let go. An array: cannot be full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WEIR_LRU_TABLES);
	__type(key, __u32);
	__type(value, __u64);
} lru_given SEC(".maps");

static __always_inline void lru_count(__u32 which, __s64 entries)
{
	__u64 *given = bpf_map_lookup_elem(&lru_given, &which);

	if (given)
		__sync_fetch_and_add(given, entries);
}

/* An int, see maps_is_full(). */
#define LRU_ADD(table, which, key, value)                                           \
	({                                                                          \
		int error = bpf_map_update_elem(&(table), key, value, BPF_NOEXIST); \
                                                                                    \
		if (!error)                                                         \
			lru_count(which, 1);                                        \
		error;                                                              \
	})

#define LRU_SET(table, which, key, value)                                     \
	do {                                                                  \
		if (LRU_ADD(table, which, key, value))                        \
			bpf_map_update_elem(&(table), key, value, BPF_EXIST); \
	} while (0)

#define LRU_DELETE(table, which, key)                           \
	do {                                                    \
		int error = bpf_map_delete_elem(&(table), key); \
                                                                \
		if (!error)                                     \
			lru_count(which, -1);                   \
	} while (0)

#endif
