/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_ZONE_BPF_H
#define WEIR_ZONE_BPF_H

/* What the policy makes of a peer, by its address: it decides, or makes the connection a candidate
 * that decides by what it says. */

#include "object.bpf.h"
#include "maps_zone.bpf.h"

#define ZONE_CRM 1
#define ZONE_CRM_BY_ADDRESS 2

struct zone_peer {
	__u64 labels;       /* by address alone */
	__u64 named_labels; /* unless another name is said */
	__u32 peer;         /* tells the peers of one socket apart */
	__u16 port;         /* of the names that may be said; 0: any */
	__u8 is_crm;        /* ZONE_CRM... */
	__u8 is_candidate;
	__u8 may_hide;
};

static __always_inline bool zone_is_of_port(const struct weir_zone_rule *rule, __u16 port)
{
	return rule->is_set && (!rule->port || !port || rule->port == port);
}

/* Only TCP says a name that can be read here: of other protocols the address decides. */
static __always_inline void zone_add_rule(const struct weir_zone_rule *rule, bool is_tcp,
					  struct zone_peer *ret_zone)
{
	if (rule->reach == WEIR_REACH_ASKED) {
		ret_zone->is_candidate |= is_tcp;
		return;
	}
	if (rule->reach == WEIR_REACH_ADDRESS || !is_tcp) {
		ret_zone->labels |= rule->labels;
		if (rule->is_crm)
			ret_zone->is_crm |= ZONE_CRM_BY_ADDRESS;
		return;
	}
	ret_zone->is_crm |= ZONE_CRM;
	ret_zone->named_labels |= rule->labels;
	ret_zone->may_hide |= rule->may_hide;
	ret_zone->is_candidate = 1;
}

static __always_inline struct weir_zone *zone_find(const struct weir_address *peer)
{
	struct weir_zone_key key = {.prefix_bits = 128};

	__builtin_memcpy(key.ip, peer->ip, sizeof(key.ip));
	return bpf_map_lookup_elem(&zones, &key);
}

/* Of whom a datagram is for. Adds to what is empty. */
static __noinline int zone_find_destination(const struct weir_address *peer,
					    struct zone_peer *ret_zone)
{
	struct weir_zone *zone = zone_find(peer);
	int i;

	if (!zone)
		return 0;
	for (i = 0; i < WEIR_ZONE_RULES; i++)
		if (zone_is_of_port(&zone->rules[i], peer->port))
			zone_add_rule(&zone->rules[i], false, ret_zone);
	return 0;
}

/* Whether a datagram that is for somebody is for the CRM. In one frame: callers have no stack left.
 */
static __noinline bool zone_is_crm(const struct weir_address *peer)
{
	struct weir_zone *zone = zone_find(peer);
	bool is_crm = false;
	int i;

	for (i = 0; zone && i < WEIR_ZONE_RULES; i++)
		if (zone_is_of_port(&zone->rules[i], peer->port) &&
		    zone->rules[i].reach != WEIR_REACH_ASKED)
			is_crm |= zone->rules[i].is_crm;
	return is_crm;
}

/* Adds to what is empty. */
static __noinline int zone_find_peer(struct sock *sock, __u16 family, struct zone_peer *ret_zone)
{
	struct weir_address peer = {};
	struct weir_zone *zone;
	int i;

	object_read_peer(sock, family, &peer);
	zone = zone_find(&peer);
	if (!zone)
		return 0;
	for (i = 0; i < WEIR_ZONE_RULES; i++)
		if (zone_is_of_port(&zone->rules[i], peer.port))
			zone_add_rule(&zone->rules[i], peer.protocol == IPPROTO_TCP, ret_zone);
	if (ret_zone->is_crm & ZONE_CRM_BY_ADDRESS)
		ret_zone->is_candidate = 0;
	if (!ret_zone->is_candidate)
		return 0;
	/* One that is asked for others' names has no port of theirs. */
	if (ret_zone->named_labels)
		ret_zone->port = peer.port;
	ret_zone->peer = object_mix(
		object_mix(object_mix(0, *(__u64 *)peer.ip), *(__u64 *)(peer.ip + 8)), peer.port);
	return 0;
}

#endif
