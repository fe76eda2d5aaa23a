// SPDX-License-Identifier: GPL-2.0-only
/*
 * What every client on this machine says first, as it leaves its socket, in whatever network
 * namespace: TLS hellos, HTTP requests and QUIC's first datagrams. So that a connection has a name
 * that was made before its app held labelled data. All else is passed by unread. Runs at the root
 * of the v2 hierarchy, with the agent alone; a packet always goes on.
 *
 * An object of its own: nothing of it outlives the agent, so nothing is pinned. Softirqs interrupt
 * it on the processor that it runs on, so it has no scratch space but the ring's own.
 */

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define static_assert _Static_assert
#include "abi_edge.h"
#include "greeting.h"

#define RING_BYTES (512 * 1024)
#define HELLO_BYTES_MAX (4 * WEIR_GREETING_BYTES)
#define PARTS_MAX 4
#define UNFINISHED_MAX 1024
#define FRAGMENT_OFFSET 0x1fff /* RFC 791 3.1 */
/* What comes later is no greeting. Ten go out before the first answer, RFC 6928. */
#define SEGMENTS_MAX 16

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} greetings SEC(".maps");

/* A hello that goes on in the next segment. */
struct unfinished {
	__u32 first, next, end; /* sequence numbers */
};

/* By socket cookie. Full: the oldest gives way, and stays without its name; given, less what is
 * there, says how many did. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, UNFINISHED_MAX);
	__type(key, __u64);
	__type(value, struct unfinished);
} unfinished SEC(".maps");

/* For which the ring had no room. */
__u64 parts_dropped;
/* Entries of unfinished, less those deleted since. */
__u64 unfinished_given;

/* A packet's payload. */
struct said {
	struct weir_address peer;
	__u32 at, bytes;
	__u32 sequence;
};

/* The agent looks once a second, and whenever a name is wanted: it is woken only before the ring is
 * full. */
static __always_inline __u64 when_to_wake(void)
{
	return bpf_ringbuf_query(&greetings, BPF_RB_AVAIL_DATA) > RING_BYTES / 2
		       ? BPF_RB_FORCE_WAKEUP
		       : BPF_RB_NO_WAKEUP;
}

static __always_inline void tell_part(struct __sk_buff *skb, const struct said *said, __u32 at,
				      __u32 bytes, __u32 offset)
{
	struct weir_greeting *greeting;

	greeting = bpf_ringbuf_reserve(&greetings, sizeof(*greeting), 0);
	if (!greeting) {
		__sync_fetch_and_add(&parts_dropped, 1);
		return;
	}
	bytes = ((bytes - 1) & (WEIR_GREETING_BYTES - 1)) + 1; /* as it is, for the verifier */
	greeting->peer = said->peer;
	greeting->offset = offset;
	greeting->bytes = bytes;
	greeting->padding = 0;
	if (bpf_skb_load_bytes(skb, at, greeting->data, bytes))
		bpf_ringbuf_discard(greeting, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_submit(greeting, when_to_wake());
}

/* So many of its bytes, which stand there in the greeting. */
static __always_inline void tell(struct __sk_buff *skb, const struct said *said, __u32 bytes,
				 __u32 offset)
{
	__u32 done = 0;
	int i;

	for (i = 0; i < PARTS_MAX; i++) {
		__u32 part = bytes - done;

		if (done >= bytes)
			break;
		if (part > WEIR_GREETING_BYTES)
			part = WEIR_GREETING_BYTES;
		tell_part(skb, said, said->at + done, part, offset + done);
		done += part;
	}
}

/* What was said under the same numbers before is over. */
static __always_inline void tell_opening(const struct said *said)
{
	struct weir_greeting *greeting;

	greeting =
		bpf_ringbuf_reserve(&greetings, __builtin_offsetof(struct weir_greeting, data), 0);
	if (!greeting) {
		__sync_fetch_and_add(&parts_dropped, 1);
		return;
	}
	greeting->peer = said->peer;
	greeting->offset = 0;
	greeting->bytes = 0;
	greeting->padding = 0;
	bpf_ringbuf_submit(greeting, when_to_wake());
}

/* Packets begin with their IP header. */
static __always_inline bool read_ip(struct __sk_buff *skb, struct said *said)
{
	struct iphdr four;
	struct ipv6hdr six;

	if (bpf_skb_load_bytes(skb, 0, &four, sizeof(four)))
		return false;
	if (four.version == 4) {
		said->peer.ip[10] = said->peer.ip[11] = 0xff;
		__builtin_memcpy(&said->peer.ip[12], &four.daddr, sizeof(four.daddr));
		said->peer.protocol = four.protocol;
		said->at = four.ihl * 4;
		return !(four.frag_off & bpf_htons(FRAGMENT_OFFSET));
	}
	if (bpf_skb_load_bytes(skb, 0, &six, sizeof(six)))
		return false;
	__builtin_memcpy(said->peer.ip, &six.daddr, sizeof(said->peer.ip));
	said->peer.protocol = six.nexthdr;
	said->at = sizeof(six);
	return true;
}

static __always_inline bool read_tcp(struct __sk_buff *skb, struct said *said)
{
	struct tcphdr header;

	if (!read_ip(skb, said) || said->peer.protocol != IPPROTO_TCP ||
	    bpf_skb_load_bytes(skb, said->at, &header, sizeof(header)))
		return false;
	said->peer.port = bpf_ntohs(header.dest);
	said->peer.local_port = bpf_ntohs(header.source);
	said->sequence = bpf_ntohl(header.seq);
	said->at += header.doff * 4;
	said->bytes = skb->len > said->at ? skb->len - said->at : 0;
	return true;
}

/* How many bytes the greeting has that begins here; 0: none does. */
static __always_inline __u32 measure(struct __sk_buff *skb, const struct said *said)
{
	__u8 head[GREETING_TLS_HEADER_BYTES + 1];
	unsigned int method;

	if (said->bytes < GREETING_BYTES_MIN ||
	    bpf_skb_load_bytes(skb, said->at, head, sizeof(head)))
		return 0;
	if (head[0] == GREETING_TLS_HANDSHAKE)
		return head[1] == GREETING_TLS_VERSION && head[5] == GREETING_TLS_CLIENT_HELLO
			       ? (head[3] << 8 | head[4]) + GREETING_TLS_HEADER_BYTES
			       : 0;
	method = GREETING_METHOD(head[0], head[1], head[2], head[3]);
	if (method != GREETING_CONNECT && !greeting_is_request(method))
		return 0;
	return said->bytes < GREETING_REQUEST_BYTES ? said->bytes : GREETING_REQUEST_BYTES;
}

static __always_inline void begin(struct __sk_buff *skb, const struct said *said, __u32 whole)
{
	struct unfinished rest = {.first = said->sequence, .next = said->sequence + said->bytes};
	__u64 cookie;

	if (whole > HELLO_BYTES_MAX)
		whole = HELLO_BYTES_MAX;
	tell(skb, said, said->bytes < whole ? said->bytes : whole, 0);
	if (said->bytes >= whole)
		return;
	rest.end = rest.first + whole;
	cookie = bpf_get_socket_cookie(skb);
	if (!bpf_map_update_elem(&unfinished, &cookie, &rest, BPF_NOEXIST))
		__sync_fetch_and_add(&unfinished_given, 1);
	else
		bpf_map_update_elem(&unfinished, &cookie, &rest, BPF_EXIST);
}

static __always_inline void go_on(struct __sk_buff *skb, const struct said *said)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct unfinished *rest = bpf_map_lookup_elem(&unfinished, &cookie);
	__u32 missing;

	if (!rest || rest->next != said->sequence)
		return;
	missing = rest->end - rest->next;
	tell(skb, said, said->bytes < missing ? said->bytes : missing, rest->next - rest->first);
	rest->next += said->bytes;
	if (said->bytes >= missing && !bpf_map_delete_elem(&unfinished, &cookie))
		__sync_fetch_and_add(&unfinished_given, -1);
}

static __always_inline void hear_stream(struct __sk_buff *skb, struct bpf_sock *sock)
{
	bool is_opening = sock->state == BPF_TCP_SYN_SENT;
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sock);
	struct said said = {};
	__u32 whole;

	if (!tcp || tcp->data_segs_out > SEGMENTS_MAX || !read_tcp(skb, &said))
		return;
	if (is_opening) {
		tell_opening(&said);
		return;
	}
	if (!said.bytes)
		return;
	whole = measure(skb, &said);
	if (whole)
		begin(skb, &said, whole);
	else
		go_on(skb, &said);
}

static __always_inline void hear_datagram(struct __sk_buff *skb)
{
	struct said said = {};
	struct udphdr header;
	__u8 head[5];

	if (skb->len < GREETING_QUIC_BYTES_MIN || !read_ip(skb, &said) ||
	    said.peer.protocol != IPPROTO_UDP ||
	    bpf_skb_load_bytes(skb, said.at, &header, sizeof(header)))
		return;
	said.at += sizeof(header);
	said.peer.port = bpf_ntohs(header.dest);
	said.peer.local_port = bpf_ntohs(header.source);
	said.bytes = skb->len > said.at ? skb->len - said.at : 0;
	if (said.bytes < GREETING_QUIC_BYTES_MIN ||
	    bpf_skb_load_bytes(skb, said.at, head, sizeof(head)) ||
	    !greeting_is_quic(head[0],
			      (__u32)head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4]))
		return;
	tell_part(skb, &said, said.at,
		  said.bytes < WEIR_HELLO_BYTES ? said.bytes : WEIR_HELLO_BYTES, 0);
}

/* 1: the packet goes on. */
SEC("cgroup_skb/egress")
int greeting_hear(struct __sk_buff *skb)
{
	struct bpf_sock *sock = skb->sk;

	if (sock)
		sock = bpf_sk_fullsock(sock);
	if (!sock)
		return 1;
	if (sock->protocol == IPPROTO_TCP)
		hear_stream(skb, sock);
	else if (sock->protocol == IPPROTO_UDP)
		hear_datagram(skb);
	return 1;
}
