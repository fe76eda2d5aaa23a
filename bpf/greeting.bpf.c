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
#define LETTERS_AT_ONCE 64
#define DATAGRAMS_MAX 8 /* of those that are sent as one, as many as a first flight may have */
#define UNFINISHED_MAX 1024
#define FRAGMENT_OFFSET 0x1fff /* RFC 791 3.1 */
/* What comes later is no greeting. Ten go out before the first answer, RFC 6928. */
#define SEGMENTS_MAX 16

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} greetings SEC(".maps");

/* A greeting that goes on in the next segment. */
struct unfinished {
	__u32 first, next; /* sequence numbers */
	__u32 bytes;       /* it has; see greeting_measure() */
	__u32 padding;
	__u64 heard; /* of a request, see greeting_read(); else its first letters */
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

static __noinline int tell_part(struct __sk_buff *skb, const struct said *said, __u32 at,
				__u32 bytes, __u32 offset)
{
	struct weir_greeting *greeting;

	greeting = bpf_ringbuf_reserve(&greetings, sizeof(*greeting), 0);
	if (!greeting) {
		__sync_fetch_and_add(&parts_dropped, 1);
		return 0;
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
	return 0;
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

/* With what stands here, the first letters of a greeting of which so many were read before. */
static __always_inline __u64 read_head(struct __sk_buff *skb, const struct said *said, __u64 head,
				       __u32 before)
{
	__u8 letters[8] = {}; /* a power of two, for the verifier */
	__u32 bytes = GREETING_HEAD_BYTES - before, i;

	if (bytes > said->bytes)
		bytes = said->bytes;
	if (bpf_skb_load_bytes(skb, said->at, letters, ((bytes - 1) & (sizeof(letters) - 1)) + 1))
		return 0;
	for (i = 0; i < GREETING_HEAD_BYTES; i++)
		if (i < bytes)
			head = head << 8 | letters[i];
	return head;
}

/* Not static, as read_letters() and is_initial() are not: verified once. */
__noinline __u64 measure(__u64 head, __u32 bytes)
{
	return greeting_measure(head, bytes < GREETING_HEAD_BYTES ? bytes : GREETING_HEAD_BYTES);
}

/* Reads on in a request. */
__noinline __u64 read_letters(struct __sk_buff *skb, __u32 at, __u32 bytes, __u64 heard)
{
	__u8 letters[LETTERS_AT_ONCE] = {}; /* up to 6.2 the verifier wants it so */
	__u32 i;

	bytes = ((bytes - 1) & (sizeof(letters) - 1)) + 1; /* as it is, for the verifier */
	if (bpf_skb_load_bytes(skb, at, letters, bytes))
		return heard;
	for (i = 0; i < sizeof(letters); i++) {
		if (i >= bytes || heard & GREETING_IS_OVER)
			break;
		heard = greeting_read(heard, letters[i]);
	}
	return heard;
}

/* To its end, or so many bytes. */
static __always_inline __u64 read_request(struct __sk_buff *skb, __u32 at, __u32 bytes, __u64 heard)
{
	__u32 done, part;

	for (done = 0; done < GREETING_REQUEST_BYTES; done += LETTERS_AT_ONCE) {
		if (done >= bytes || heard & GREETING_IS_OVER)
			break;
		part = bytes - done;
		heard = read_letters(skb, at + done,
				     part < LETTERS_AT_ONCE ? part : LETTERS_AT_ONCE, heard);
	}
	return heard;
}

static __always_inline void keep(__u64 cookie, const struct unfinished *rest)
{
	if (!bpf_map_update_elem(&unfinished, &cookie, rest, BPF_NOEXIST))
		__sync_fetch_and_add(&unfinished_given, 1);
	else
		bpf_map_update_elem(&unfinished, &cookie, rest, BPF_EXIST);
}

static __always_inline void let_go(__u64 cookie)
{
	if (!bpf_map_delete_elem(&unfinished, &cookie))
		__sync_fetch_and_add(&unfinished_given, -1);
}

/* What is said here, behind what was: whether that is a greeting, as far as it can be told. */
static __always_inline bool decide(struct __sk_buff *skb, const struct said *said,
				   struct unfinished *rest)
{
	__u32 before = rest->next - rest->first;
	__u64 head = read_head(skb, said, rest->heard, before);
	__u64 measured = measure(head, before + said->bytes);

	rest->bytes = measured;
	rest->heard = measured & GREETING_IS_REQUEST ? rest->heard | (measured & ~GREETING_LETTERS)
						     : head;
	return measured;
}

/* Whether it goes on with what was said before; a hello never does. */
static __always_inline bool go_on(struct __sk_buff *skb, const struct said *said, __u64 cookie,
				  struct unfinished *ret_rest)
{
	const struct unfinished *known = bpf_map_lookup_elem(&unfinished, &cookie);

	if (!known || known->next != said->sequence)
		return false;
	*ret_rest = *known;
	if (ret_rest->next - ret_rest->first >= GREETING_HEAD_BYTES ||
	    ret_rest->heard & GREETING_IS_REQUEST || decide(skb, said, ret_rest))
		return true;
	let_go(cookie);
	return false;
}

/* Tells what is the greeting's. Whether more of it is to come. */
static __always_inline bool take(struct __sk_buff *skb, const struct said *said,
				 struct unfinished *rest)
{
	__u32 before = rest->next - rest->first, bytes;

	if (rest->bytes > HELLO_BYTES_MAX)
		rest->bytes = HELLO_BYTES_MAX;
	bytes = rest->bytes - before;
	if (bytes > said->bytes)
		bytes = said->bytes;
	tell(skb, said, bytes, before);
	rest->next += said->bytes;
	if (rest->heard & GREETING_IS_REQUEST)
		rest->heard = read_request(skb, said->at, bytes, rest->heard);
	return before + said->bytes < rest->bytes && !(rest->heard & GREETING_IS_OVER);
}

static __always_inline void hear_segment(struct __sk_buff *skb, const struct said *said)
{
	struct unfinished rest = {.first = said->sequence, .next = said->sequence}, older;
	bool is_greeting = decide(skb, said, &rest), is_hello, goes_on;
	__u64 cookie = bpf_get_socket_cookie(skb);

	is_hello = rest.bytes > GREETING_HEAD_BYTES && !(rest.heard & GREETING_IS_REQUEST);
	goes_on = !is_hello && go_on(skb, said, cookie, &older);
	if (goes_on)
		rest = older;
	else if (!is_greeting)
		return;
	if (take(skb, said, &rest))
		keep(cookie, &rest);
	else if (goes_on)
		let_go(cookie);
}

static __always_inline void hear_stream(struct __sk_buff *skb, struct bpf_sock *sock)
{
	bool is_opening = sock->state == BPF_TCP_SYN_SENT;
	struct bpf_tcp_sock *tcp = bpf_tcp_sock(sock);
	struct said said = {};

	if (!tcp || tcp->data_segs_out > SEGMENTS_MAX || !read_tcp(skb, &said))
		return;
	if (is_opening)
		tell_opening(&said);
	else if (said.bytes)
		hear_segment(skb, &said);
}

__noinline __u32 is_initial(struct __sk_buff *skb, __u32 at)
{
	__u8 head[5];

	return !bpf_skb_load_bytes(skb, at, head, sizeof(head)) &&
	       greeting_is_quic(head[0],
				(__u32)head[1] << 24 | head[2] << 16 | head[3] << 8 | head[4]);
}

static __always_inline void hear_datagram(struct __sk_buff *skb)
{
	__u32 size = skb->gso_size, bytes, i;
	struct said said = {};
	struct udphdr header;

	if (skb->len < GREETING_QUIC_BYTES_MIN || !read_ip(skb, &said) ||
	    said.peer.protocol != IPPROTO_UDP ||
	    bpf_skb_load_bytes(skb, said.at, &header, sizeof(header)))
		return;
	said.at += sizeof(header);
	said.peer.port = bpf_ntohs(header.dest);
	said.peer.local_port = bpf_ntohs(header.source);
	said.bytes = skb->len > said.at ? skb->len - said.at : 0;
	/* Of several that UDP_SEGMENT makes of one, those that it begins with. */
	for (i = 0; i < DATAGRAMS_MAX; i++) {
		bytes = size && size < said.bytes ? size : said.bytes;
		if (bytes < GREETING_QUIC_BYTES_MIN || !is_initial(skb, said.at))
			break;
		tell_part(skb, &said, said.at, bytes < WEIR_HELLO_BYTES ? bytes : WEIR_HELLO_BYTES,
			  0);
		said.at += bytes;
		said.bytes -= bytes;
	}
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
