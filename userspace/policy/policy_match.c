/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/policy_model.h"

static bool is_in_range(const struct policy_range *range, const struct in6_addr *address)
{
	unsigned int whole = range->prefix_bits / 8, rest = range->prefix_bits % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	if (memcmp(range->address.s6_addr, address->s6_addr, whole))
		return false;
	return !rest || !((range->address.s6_addr[whole] ^ address->s6_addr[whole]) & mask);
}

static bool is_local(const struct in6_addr *address)
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		return address->s6_addr[12] == 127 || !memcmp(&address->s6_addr[12], "\0\0\0", 4);
	return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address);
}

struct policy_match policy_match_address(const struct policy *policy,
					 const struct in6_addr *address, uint16_t port)
{
	const struct policy_zone *best = NULL;
	unsigned int best_rank = 0;

	for (size_t i = 0; i < policy->n_zones; i++) {
		const struct policy_zone *zone = &policy->zones[i];

		if (zone->port && zone->port != port)
			continue;
		for (size_t j = 0; j < zone->n_ranges; j++) {
			/* Above 0, so that the range of all addresses counts, too. */
			unsigned int rank = zone->ranges[j].prefix_bits * 2 + !!zone->port + 1;

			if (rank > best_rank && is_in_range(&zone->ranges[j], address)) {
				best = zone;
				best_rank = rank;
			}
		}
	}
	if (!best)
		return (struct policy_match){
			.role = is_local(address) ? EVENT_ROLE_LOCAL : EVENT_ROLE_SINK,
		};
	return (struct policy_match){
		.role = best->role,
		.name = best->name,
		.kind = best->kind[0] ? best->kind : NULL,
		.labels = best->labels,
		.tls = best->tls,
		.allowed = best->allowed,
	};
}

/* The length of the part of path that the glob matches as a folder above it, or 0. */
static size_t match_folder(const char *glob, const char *path)
{
	_cleanup_free_ char *folder = strdup(path);
	size_t size = folder ? strlen(folder) : 0;

	while (size) {
		if (!fnmatch(glob, folder, FNM_PATHNAME | FNM_PERIOD))
			return size;
		while (size && folder[size - 1] != '/')
			size--;
		/* "/" itself is the last folder to try. */
		if (size > 1)
			size--;
		else if (size == 1 && !folder[1])
			return 0;
		folder[size] = '\0';
	}
	return 0;
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
		.labels = best->labels,
	};
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
