/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_SLOT_BPF_H
#define WEIR_SLOT_BPF_H

/*
 * What is attached is a program that only jumps to the one in its slot, which the agent exchanges
 * in place: an event runs the old program or the new one, never both and never neither. Links of
 * tracepoints know no such exchange (BPF_LINK_UPDATE is for cgroups, networks and struct_ops), and
 * two programs attached side by side cannot agree, without a lock, who counts an event.
 *
 * The jump is patched into the code where the kernel can (bpf_arch_text_poke(), 5.5); an empty
 * slot lets the event pass.
 */

#include "maps.bpf.h"

/* In front of a program: its slot, and what is attached in its stead. The agent knows them by these
 * names. One slot each: since 6.12 a table of programs belongs to one tracepoint. */
#define HOOK(name, section)                            \
	struct {                                       \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY); \
		__uint(max_entries, 1);                \
		__uint(key_size, sizeof(__u32));       \
		__uint(value_size, sizeof(__u32));     \
	} slot_##name SEC(".maps");                    \
	SEC(section)                                   \
	int hook_##name(void *ctx)                     \
	{                                              \
		bpf_tail_call(ctx, &slot_##name, 0);   \
		return 0;                              \
	}                                              \
	SEC(section)

#endif
