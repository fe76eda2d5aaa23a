/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_HOOKS_HELLO_BPF_H
#define WEIR_HOOKS_HELLO_BPF_H

/* The first datagrams that labelled data's sender sends to a peer, where they are QUIC's: they are
 * handed to the agent, which finds the host in them that they are for. At exit, as in host.bpf.h.
 */

#include "../call.bpf.h"
#include "../host.h"

__noinline __u32 hello_is_initial(__u64 address, __u32 bytes)
{
	if (bytes < GREETING_QUIC_BYTES_MIN)
		return 0;
	return greeting_is_quic(host_read8(address, 0),
				host_read16(address, 1) << 16 | host_read16(address, 3));
}

static __noinline int hello_tell(const struct weir_flow *flow, __u64 app_id, __u64 address,
				 __u32 bytes)
{
	struct weir_hello_edge *edge = bpf_ringbuf_reserve(&ring, sizeof(*edge), 0);

	if (!edge) {
		edge_count_loss();
		return 0;
	}
	if (bytes > WEIR_HELLO_BYTES)
		bytes = WEIR_HELLO_BYTES;
	edge_fill(&edge->edge, WEIR_EDGE_HELLO, sizeof(*edge));
	edge->edge.flow.app_id = app_id;
	edge->peer = flow->peer;
	edge->datagram_bytes = bytes;
	edge->padding = 0;
	if (bpf_probe_read_user(edge->datagram, bytes, (const void *)address))
		edge->datagram_bytes = 0;
	bpf_ringbuf_submit(edge, 0);
	return 0;
}

#endif
