/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_EDGE_BPF_H
#define WEIR_EDGE_BPF_H

/* Edges: the doorbell. A record that does not fit is counted; the tables still hold what it said.
 */

#include "maps.bpf.h"

static __always_inline void edge_fill(struct weir_edge *edge, __u32 kind, __u32 bytes)
{
	struct weir_state *gate = state_get();

	__builtin_memset(edge, 0, sizeof(*edge));
	edge->version = WEIR_ABI_VERSION;
	edge->bytes = bytes;
	edge->kind = kind;
	edge->time_ns = bpf_ktime_get_boot_ns();
	edge->pid = bpf_get_current_pid_tgid() >> 32;
	if (gate)
		COUNT(gate->edges);
}

static __always_inline void edge_count_loss(void)
{
	struct weir_state *gate = state_get();

	if (gate)
		COUNT(gate->losses.ring_full);
}

static __always_inline void edge_ring(__u32 kind, const struct weir_flow_key *flow, __u32 syscall)
{
	struct weir_edge *edge = bpf_ringbuf_reserve(&ring, sizeof(*edge), 0);

	if (!edge) {
		edge_count_loss();
		return;
	}
	edge_fill(edge, kind, sizeof(*edge));
	edge->flow = *flow;
	edge->syscall = syscall;
	bpf_ringbuf_submit(edge, 0);
}

static __always_inline void edge_ring_app(__u32 kind, __u64 app_id, __u32 syscall)
{
	struct weir_flow_key key = {.app_id = app_id};

	edge_ring(kind, &key, syscall);
}

#endif
