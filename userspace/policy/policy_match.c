/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "policy/policy_keys.h"
#include "policy/policy_model.h"
#include "policy/policy_value.h"

/* Not the address of all zeros: it is an unknown one, see bpf/hooks/destination.bpf.h. */
static bool is_local(const struct in6_addr *address)
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		return address->s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(address);
}

/* Which zones an address may be of. */
enum scope {
	SCOPE_ADDRESS, /* all, by address */
	SCOPE_OTHER,   /* those that need no name */
	SCOPE_CRM,     /* CRMs, also those that a proxy leads to */
};

static bool is_in_scope(const struct policy_zone *zone, const struct policy_range *range,
			enum scope scope)
{
	if (scope == SCOPE_CRM)
		return zone->role == EVENT_ROLE_CRM;
	return range->reach == POLICY_REACH_ADDRESS ||
	       (scope == SCOPE_ADDRESS && range->reach == POLICY_REACH_NAME);
}

/* Above 0 where the range has the address, so that the range of all addresses counts, too. */
static unsigned int rank_range(const struct policy_zone *zone, const struct policy_range *range,
			       const struct in6_addr *address, uint16_t port)
{
	unsigned int own = range->reach == POLICY_REACH_ASKED ? range->port : zone->port;

	if ((own && own != port) || !policy_value_is_in_range(range, address))
		return 0;
	return range->prefix_bits * 2 + !!own + 1;
}

static const struct policy_zone *find_zone(const struct policy *policy,
					   const struct in6_addr *address, uint16_t port,
					   enum scope scope)
{
	const struct policy_zone *best = NULL;
	unsigned int best_rank = 0;

	for (size_t i = 0; i < policy->n_zones; i++) {
		const struct policy_zone *zone = &policy->zones[i];

		for (size_t j = 0; j < zone->n_ranges; j++) {
			unsigned int rank = rank_range(zone, &zone->ranges[j], address, port);

			if (rank > best_rank && is_in_scope(zone, &zone->ranges[j], scope)) {
				best = zone;
				best_rank = rank;
			}
		}
	}
	return best;
}

static struct policy_match match_zone(const struct policy_zone *zone,
				      const struct in6_addr *address)
{
	if (!zone)
		return (struct policy_match){
			.role = is_local(address) ? EVENT_ROLE_LOCAL : EVENT_ROLE_SINK,
		};
	return (struct policy_match){
		.role = zone->role,
		.name = zone->name,
		.kind = zone->kind[0] ? zone->kind : NULL,
		.labels = zone->labels,
		.tls = zone->tls,
		.allowed = zone->allowed,
	};
}

struct policy_match policy_match_address(const struct policy *policy,
					 const struct in6_addr *address, uint16_t port)
{
	return match_zone(find_zone(policy, address, port, SCOPE_ADDRESS), address);
}

/* "*.crm.test" has each name that ends in ".crm.test". The root's dot says nothing. */
static bool is_name(const char *wanted, const char *host)
{
	size_t size = strlen(host), tail = strlen(wanted);

	if (size && host[size - 1] == '.')
		size--;
	if (wanted[0] != '*')
		return size == tail && !strncasecmp(wanted, host, size);
	return size > --tail && !strncasecmp(wanted + 1, host + size - tail, tail);
}

/* A CRM by the name that was asked for; one that has the very name goes before ends of names. */
static const struct policy_zone *find_named(const struct policy *policy, const char *host)
{
	const struct policy_zone *best = NULL;
	size_t best_size = 0;

	for (size_t i = 0; host && i < policy->n_zones; i++) {
		const struct policy_zone *zone = &policy->zones[i];

		for (size_t j = 0; j < zone->n_names; j++) {
			size_t size = strlen(zone->names[j]) + (zone->names[j][0] != '*');

			if (size > best_size && is_name(zone->names[j], host)) {
				best = zone;
				best_size = size;
			}
		}
	}
	return best;
}

struct policy_match policy_match_peer(const struct policy *policy, const struct policy_peer *peer)
{
	const struct policy_zone *zone = NULL;

	if (peer->is_crm) {
		zone = find_named(policy, peer->host);
		if (!zone)
			zone = find_zone(policy, peer->address, peer->port, SCOPE_CRM);
	}
	if (!zone)
		zone = find_zone(policy, peer->address, peer->port,
				 peer->may_say && !peer->is_crm ? SCOPE_OTHER : SCOPE_ADDRESS);
	return match_zone(zone, peer->address);
}

/* The length of the part of path with so many slashes, or 0 when it has fewer. */
static size_t measure_folder(const char *path, unsigned int n_slashes)
{
	size_t size = 0;

	for (; path[size]; size++)
		if (path[size] == '/' && n_slashes-- == 0)
			return size;
	return n_slashes == 0 ? size : 0;
}

static unsigned int count_slashes(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '/';
	return n;
}

/* Whether a text can match, by what stands behind the last wildcard: most cannot. */
static bool has_tail_of(const char *glob, const char *text, size_t size)
{
	const char *tail = glob;
	size_t n;

	for (const char *c = glob; *c; c++)
		if (strchr("*?[]\\", *c))
			tail = c + 1;
	n = strlen(tail);
	return n <= size && !memcmp(text + size - n, tail, n);
}

/*
 * The length of the part of path that the glob matches as a folder above it, or 0. No wildcard
 * stands for a slash, so that only the part with as many slashes can. Each report of a flow comes
 * by here with each folder of the policy.
 */
static size_t match_folder(const char *glob, const char *path)
{
	size_t head = strcspn(glob, "*?[\\"), size;
	_cleanup_free_ char *folder = NULL;

	if (!strcmp(glob, "/"))
		return path[0] == '/';
	if (strncmp(glob, path, head))
		return 0;
	size = measure_folder(path, count_slashes(glob));
	if (!size || !has_tail_of(glob, path, size))
		return 0;
	folder = strndup(path, size);
	return folder && !fnmatch(glob, folder, FNM_PATHNAME | FNM_PERIOD) ? size : 0;
}

struct policy_match policy_match_path(const struct policy *policy, const char *path)
{
	const struct policy_pattern *best = NULL;
	size_t best_size = 0;

	for (size_t i = 0; i < policy->n_patterns; i++) {
		size_t size = match_folder(policy->patterns[i].glob, path);

		if (size > best_size) {
			best = &policy->patterns[i];
			best_size = size;
		}
	}
	if (!best)
		return (struct policy_match){.role = EVENT_ROLE_NONE};
	return (struct policy_match){
		.role = best->role,
		.name = best->name,
		.kind = best->kind[0] ? best->kind : NULL,
		.labels = best->labels,
		.allowed = best->is_allowed,
	};
}

static bool has_name(const struct policy_hosts *hosts, const char *host)
{
	for (size_t i = 0; i < hosts->n_names; i++)
		if (!strcasecmp(hosts->names[i].name, host))
			return true;
	return false;
}

struct policy_match policy_match_host(const struct policy *policy, const char *host)
{
	struct policy_match match = {.role = EVENT_ROLE_NONE};
	struct policy_range range;

	if (policy_value_parse_host(host, &range) == POLICY_HOST_RANGE) {
		match = policy_match_address(policy, &range.address, 0);
		return match.name ? match : (struct policy_match){.role = EVENT_ROLE_NONE};
	}
	for (size_t i = 0; i < policy->n_zones; i++)
		if (has_name(&policy->hosts[i], host))
			return (struct policy_match){
				.role = policy->zones[i].role,
				.name = policy->zones[i].name,
				.kind = policy->zones[i].kind[0] ? policy->zones[i].kind : NULL,
				.allowed = policy->zones[i].allowed,
			};
	return match;
}

/* Whether a list joined by "," has the word. */
static bool has_word(const char *words, const char *word)
{
	size_t size = strlen(word);

	for (const char *at = words; *word && (at = strstr(at, word)); at += size)
		if ((at == words || at[-1] == ',') && (!at[size] || at[size] == ','))
			return true;
	return false;
}

static bool has_match(const struct policy_list *globs, const char *text)
{
	for (size_t i = 0; text && i < globs->n_items; i++)
		if (!fnmatch(globs->items[i], text, FNM_CASEFOLD))
			return true;
	return false;
}

/* How exactly a section says this device: 0 when it says another one. */
static unsigned int rank_device(const struct policy_device *device, const char *kind,
				const char *serial, const char *uuid)
{
	bool is_kind = has_word(device->kinds, kind) ||
		       has_word(device->kinds, policy_keys_device_group(kind));

	if ((*device->kinds && !is_kind) ||
	    (device->serials.n_items && !has_match(&device->serials, serial)) ||
	    (device->uuids.n_items && !has_match(&device->uuids, uuid)))
		return 0;
	return !!*device->kinds + 2 * !!device->serials.n_items + 2 * !!device->uuids.n_items;
}

struct policy_match policy_match_device(const struct policy *policy, const char *kind,
					const char *serial, const char *uuid)
{
	const struct policy_device *best = NULL;
	unsigned int best_rank = 0;

	for (size_t i = 0; i < policy->n_devices; i++) {
		unsigned int rank = rank_device(&policy->devices[i], kind, serial, uuid);

		if (rank > best_rank) {
			best = &policy->devices[i];
			best_rank = rank;
		}
	}
	if (!best)
		return (struct policy_match){.role = *kind ? EVENT_ROLE_SINK : EVENT_ROLE_NONE};
	return (struct policy_match){
		.role = EVENT_ROLE_SINK, .name = best->name, .allowed = best->is_allowed};
}

static bool is_client(const char *client, const char *exe, const char *exe_sha256)
{
	const char *slash = strrchr(exe, '/');

	if (strncmp(client, POLICY_SHA256_PREFIX, strlen(POLICY_SHA256_PREFIX)) == 0)
		return exe_sha256 && strcmp(client + strlen(POLICY_SHA256_PREFIX), exe_sha256) == 0;
	if (client[0] != '/')
		exe = slash ? slash + 1 : exe;
	return fnmatch(client, exe, FNM_PATHNAME) == 0;
}

bool policy_zone_expects(const struct policy_zone *zone, const char *exe, const char *exe_sha256)
{
	bool is_expected = zone->n_clients == 0;

	for (size_t i = 0; i < zone->n_clients && !is_expected; i++)
		is_expected = is_client(zone->clients[i], exe, exe_sha256);
	return is_expected;
}

bool policy_kind_is_removable(const char *kind)
{
	return !strcmp(policy_keys_device_group(kind), "removable");
}

int policy_describe_labels(const struct policy *policy, uint64_t labels, struct event *event)
{
	int error = 0;

	for (size_t i = 0; !error && i < policy->n_classes; i++)
		if (labels & UINT64_C(1) << policy->classes[i].index)
			error = event_add_label(event, policy->classes[i].name);
	for (size_t i = 0; !error && i < policy->n_origins; i++)
		if (labels & policy->origins[i].label)
			error = event_add_origin(event, policy->origins[i].name);
	return error;
}
