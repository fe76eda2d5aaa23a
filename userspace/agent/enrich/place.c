/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "policy/policy.h"

static int set_zone(struct event *event, const struct policy_match *match)
{
	event->object.role = match->role;
	if (match->name && !(event->object.zone_name = strdup(match->name)))
		return -ENOMEM;
	if (match->kind && match->kind[0] && !(event->object.zone_kind = strdup(match->kind)))
		return -ENOMEM;
	return 0;
}

static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	}
	return "ip";
}

int place_describe_peer(const struct policy *policy, const struct in6_addr *peer, uint16_t port,
			uint8_t protocol, struct event *event)
{
	struct policy_match match = policy_match_address(policy, peer, port);
	char address[INET6_ADDRSTRLEN] = "";
	bool is_v4 = IN6_IS_ADDR_V4MAPPED(peer);

	if (is_v4)
		inet_ntop(AF_INET, &peer->s6_addr[12], address, sizeof(address));
	else
		inet_ntop(AF_INET6, peer, address, sizeof(address));
	event->object.kind = EVENT_OBJECT_SOCKET;
	event->object.port = port;
	event->object.address = strdup(address);
	if (asprintf(&event->object.name, is_v4 ? "%s:%u/%s" : "[%s]:%u/%s", address, port,
		     protocol_name(protocol)) < 0)
		event->object.name = NULL;
	if (!event->object.address || !event->object.name)
		return -ENOMEM;
	return set_zone(event, &match);
}

static const char *nameless_kind(enum event_object_kind kind)
{
	switch (kind) {
	case EVENT_OBJECT_PIPE:
		return "pipe";
	case EVENT_OBJECT_UNIX:
		return "unix";
	case EVENT_OBJECT_SOCKET:
		return "socket";
	case EVENT_OBJECT_APP:
		return "arguments";
	case EVENT_OBJECT_CLIPBOARD:
		return "clipboard";
	default:
		return "file";
	}
}

int place_describe_path(const struct policy *policy, const char *path, struct event *event)
{
	struct policy_match match = {.role = EVENT_ROLE_LOCAL};
	bool is_memfd = strncmp(path, "/memfd:", 7) == 0;

	if (event->object.kind == EVENT_OBJECT_FILE && is_memfd)
		event->object.kind = EVENT_OBJECT_MEMFD;
	if (path[0] && event->object.kind != EVENT_OBJECT_UNIX) {
		event->object.name = strdup(is_memfd ? path + 1 : path);
		match = policy_match_path(policy, path);
		if (match.role == EVENT_ROLE_NONE)
			match.role = EVENT_ROLE_LOCAL;
	} else if (event->object.kind == EVENT_OBJECT_APP ||
		   event->object.kind == EVENT_OBJECT_CLIPBOARD) {
		event->object.name = strdup(nameless_kind(event->object.kind));
	} else if (asprintf(&event->object.name, "%s:[%" PRIu64 "]",
			    nameless_kind(event->object.kind), event->object.ino) < 0) {
		event->object.name = NULL;
	}
	if (!event->object.name)
		return -ENOMEM;
	return set_zone(event, &match);
}
