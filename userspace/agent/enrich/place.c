/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/enrich/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/enrich/volume.h"
#include "base/cleanup.h"
#include "base/text.h"
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

/* IPP, LPD and the port of printers that take what comes: IANA's list of ports. */
static bool is_printer(uint16_t port, uint8_t protocol)
{
	return protocol == IPPROTO_TCP && (port == 631 || port == 515 || port == 9100);
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

static int name_peer(const struct policy_peer *peer, uint8_t protocol, struct event *event)
{
	bool is_v4 = IN6_IS_ADDR_V4MAPPED(peer->address);
	char address[INET6_ADDRSTRLEN] = "";

	if (is_v4)
		inet_ntop(AF_INET, &peer->address->s6_addr[12], address, sizeof(address));
	else
		inet_ntop(AF_INET6, peer->address, address, sizeof(address));
	event->object.kind = EVENT_OBJECT_SOCKET;
	event->object.port = peer->port;
	event->object.address = strdup(address);
	if (asprintf(&event->object.name, is_v4 ? "%s:%u/%s" : "[%s]:%u/%s", address, peer->port,
		     protocol_name(protocol)) < 0)
		event->object.name = NULL;
	return event->object.address && event->object.name ? 0 : -ENOMEM;
}

int place_describe_peer(const struct policy *policy, const struct policy_peer *peer,
			uint8_t protocol, struct event *event)
{
	struct policy_match match = policy_match_peer(policy, peer);

	if (name_peer(peer, protocol, event) < 0)
		return -ENOMEM;
	if (!match.name && is_printer(peer->port, protocol)) {
		/* A print server on this machine is the way to a printer elsewhere. */
		if (match.role == EVENT_ROLE_LOCAL)
			match.name = "printer";
		match.kind = "printer";
		match.role = EVENT_ROLE_SINK;
	}
	return set_zone(event, &match);
}

static const char *nameless_kind(enum event_object_kind kind)
{
	switch (kind) {
	case EVENT_OBJECT_PIPE:
		return "pipe";
	case EVENT_OBJECT_SOCKET:
		return "socket";
	case EVENT_OBJECT_APP:
		return "arguments";
	case EVENT_OBJECT_CLIPBOARD:
		return "clipboard";
	case EVENT_OBJECT_TERMINAL:
		return "terminal";
	case EVENT_OBJECT_SCREEN:
		return "screen";
	case EVENT_OBJECT_CONSOLE:
		return "console";
	default:
		return "file";
	}
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static int describe_disk(const struct volume *volume, struct event *event)
{
	struct event_object *object = &event->object;

	if (text_copy(text_or_null(volume->disk.vendor), &object->vendor) < 0 ||
	    text_copy(text_or_null(volume->disk.model), &object->model) < 0 ||
	    text_copy(text_or_null(volume->disk.serial), &object->serial) < 0)
		return -ENOMEM;
	return text_copy(text_or_null(volume->uuid), &object->volume);
}

/* What a volume is to the policy; NONE for one that stays where it is. */
static struct policy_match match_volume(const struct policy *policy, const struct volume *volume)
{
	struct policy_match match =
		policy_match_device(policy, volume->disk.kind, text_or_null(volume->disk.serial),
				    text_or_null(volume->uuid));

	/* The recipient is the disk; the section says only what is thought of it. */
	if (match.role == EVENT_ROLE_SINK) {
		match.name = volume->title;
		match.kind = volume->disk.kind[0] ? volume->disk.kind : "disk";
	}
	return match;
}

/* Of a share that a user mounted, the host is what he says. */
static bool is_of_known_host(const struct policy *policy, const struct volume *volume,
			     struct policy_match *ret_match)
{
	struct policy_match match;

	if (!volume->host[0] || volume->is_claimed)
		return false;
	match = policy_match_host(policy, volume->host);
	if (match.role != EVENT_ROLE_TRUSTED && match.role != EVENT_ROLE_SINK)
		return false;
	*ret_match = match;
	return true;
}

/*
 * Who may mount chooses the path, so a path says little about what can be carried away or was
 * mounted by a user. Of all else it is the policy's word: a home on the company's server is a
 * trusted folder.
 */
static struct policy_match match_file(const struct policy *policy, const char *path,
				      const struct volume *volume, bool is_out)
{
	struct policy_match by_path = policy_match_path(policy, path), by_volume, by_host;
	bool is_word = by_path.role != EVENT_ROLE_NONE;

	if (by_path.role == EVENT_ROLE_NONE)
		by_path.role = EVENT_ROLE_LOCAL;
	if (!volume || (by_path.role == EVENT_ROLE_EXPORT && !is_out))
		return by_path;
	by_volume = match_volume(policy, volume);
	if (by_volume.role == EVENT_ROLE_NONE)
		return by_path;
	if (!volume->disk.kind[0] || policy_kind_is_removable(volume->disk.kind))
		return by_volume;
	if (is_word && !(by_path.role == EVENT_ROLE_TRUSTED && volume->is_claimed))
		return by_path;
	return is_of_known_host(policy, volume, &by_host) ? by_host : by_volume;
}

/* Of sockets with a path, those of the print server are the way to a printer. */
static int describe_unix(const struct policy *policy, const char *path, struct event *event)
{
	struct policy_match match = policy_match_path(policy, path);

	if (match.role != EVENT_ROLE_SINK) {
		match = (struct policy_match){.role = EVENT_ROLE_LOCAL};
		path = "";
	}
	if ((path[0] ? asprintf(&event->object.name, "unix:%s", path)
		     : asprintf(&event->object.name, "unix:[%" PRIu64 "]", event->object.ino)) < 0)
		event->object.name = NULL;
	return event->object.name ? set_zone(event, &match) : -ENOMEM;
}

int place_describe_path(const struct policy *policy, const char *path, const struct volume *volume,
			bool is_out, struct event *event)
{
	struct policy_match match = {.role = EVENT_ROLE_LOCAL};
	bool is_memfd = strncmp(path, "/memfd:", 7) == 0;
	struct volume share;

	if (event->object.kind == EVENT_OBJECT_UNIX)
		return describe_unix(policy, path, event);
	if (event->object.kind == EVENT_OBJECT_FILE && is_memfd)
		event->object.kind = EVENT_OBJECT_MEMFD;
	if (volume && volume->has_shares && volume_of_share(path, &share) == 1)
		volume = &share;
	if (path[0])
		event->object.name = strdup(is_memfd ? path + 1 : path);
	else if (event->object.kind == EVENT_OBJECT_APP ||
		 event->object.kind == EVENT_OBJECT_CLIPBOARD ||
		 event->object.kind == EVENT_OBJECT_TERMINAL ||
		 event->object.kind == EVENT_OBJECT_SCREEN ||
		 event->object.kind == EVENT_OBJECT_CONSOLE)
		event->object.name = strdup(nameless_kind(event->object.kind));
	else if (asprintf(&event->object.name, "%s:[%" PRIu64 "]",
			  nameless_kind(event->object.kind), event->object.ino) < 0)
		event->object.name = NULL;
	if (!event->object.name)
		return -ENOMEM;
	if (path[0] || volume)
		match = match_file(policy, path, volume, is_out);
	if (volume && match.name == volume->title && describe_disk(volume, event) < 0)
		return -ENOMEM;
	return set_zone(event, &match);
}
