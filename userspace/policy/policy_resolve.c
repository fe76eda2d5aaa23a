/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_resolve.h"

#include <errno.h>
#include <glob.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "policy/policy_value.h"

static int compare_ranges(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct policy_range));
}

/* Sorted and without repeats: a resolver that only shuffles its answers changes nothing. */
static void sort_ranges(struct policy_range *ranges, size_t *n_ranges)
{
	size_t n = 0;

	if (!*n_ranges)
		return;
	qsort(ranges, *n_ranges, sizeof(*ranges), compare_ranges);
	for (size_t i = 1; i < *n_ranges; i++)
		if (compare_ranges(&ranges[n], &ranges[i]))
			ranges[++n] = ranges[i];
	*n_ranges = n + 1;
}

/* like: how they are reached. */
static int add_ranges(struct policy_range **ranges, size_t *n_ranges,
		      const struct policy_range *added, size_t n_added,
		      const struct policy_range *like)
{
	for (size_t i = 0; i < n_added; i++) {
		struct policy_range *range = policy_model_add(ranges, n_ranges, sizeof(*range));

		if (!range)
			return -ENOMEM;
		range->address = added[i].address;
		range->prefix_bits = added[i].prefix_bits;
		range->reach = like->reach;
		range->port = like->port;
	}
	return 0;
}

static bool has_range(const struct policy_range *ranges, size_t n_ranges,
		      const struct policy_range *range)
{
	for (size_t i = 0; i < n_ranges; i++)
		if (policy_value_is_in_range(&ranges[i], &range->address))
			return true;
	return false;
}

/* Whose address is given as such is known by it, whatever names it has besides. */
static int add_named_ranges(struct policy_range **ranges, size_t *n_ranges,
			    const struct policy_hosts *hosts, const struct policy_host *host)
{
	int error = 0;

	for (size_t i = 0; !error && i < host->n_ranges; i++) {
		struct policy_range like = {.reach = POLICY_REACH_ADDRESS};

		if (hosts->is_shared &&
		    !has_range(hosts->literals, hosts->n_literals, &host->ranges[i]))
			like.reach = POLICY_REACH_NAME;
		error = add_ranges(ranges, n_ranges, &host->ranges[i], 1, &like);
	}
	return error;
}

static int collect_ranges(const struct policy_hosts *hosts, struct policy_range **ranges,
			  size_t *n_ranges)
{
	const struct policy_range like = {.reach = POLICY_REACH_ADDRESS};
	int error;

	error = add_ranges(ranges, n_ranges, hosts->literals, hosts->n_literals, &like);
	for (size_t i = 0; !error && i < hosts->n_names; i++)
		error = add_named_ranges(ranges, n_ranges, hosts, &hosts->names[i]);
	for (size_t i = 0; !error && i < hosts->n_ways; i++) {
		const struct policy_range way = {.reach = POLICY_REACH_ASKED,
						 .port = hosts->ways[i].port};

		error = add_ranges(ranges, n_ranges, hosts->ways[i].host.ranges,
				   hosts->ways[i].host.n_ranges, &way);
	}
	return error;
}

/* Puts a zone's literal ranges and resolved names together. 1 when that is something new. */
static int rebuild_ranges(struct policy_zone *zone, const struct policy_hosts *hosts)
{
	_cleanup_free_ struct policy_range *ranges = NULL;
	size_t n_ranges = 0;
	int error = collect_ranges(hosts, &ranges, &n_ranges);

	if (error < 0)
		return error;
	sort_ranges(ranges, &n_ranges);
	if (n_ranges == zone->n_ranges &&
	    (!n_ranges || !memcmp(ranges, zone->ranges, n_ranges * sizeof(*ranges))))
		return 0;
	free(zone->ranges);
	zone->ranges = TAKE(ranges);
	zone->n_ranges = n_ranges;
	return 1;
}

static void free_folders(struct policy_folder *folders, size_t n_folders)
{
	for (size_t i = 0; i < n_folders; i++) {
		free(folders[i].name);
		free(folders[i].path);
	}
	free(folders);
}

static int add_folder(struct policy_folder **folders, size_t *n_folders,
		      const struct policy_pattern *pattern, const char *path)
{
	struct policy_folder *folder;

	folder = policy_model_add(folders, n_folders, sizeof(*folder));
	if (!folder)
		return -ENOMEM;
	folder->role = pattern->role;
	folder->labels = pattern->labels;
	folder->name = strdup(pattern->name);
	folder->path = strdup(path);
	return folder->name && folder->path ? 0 : -ENOMEM;
}

static int match_pattern(const struct policy_pattern *pattern, struct policy_folder **folders,
			 size_t *n_folders)
{
	glob_t matches = {};
	struct stat status;
	int error = 0;

	if (glob(pattern->glob, 0, NULL, &matches)) {
		globfree(&matches);
		return 0;
	}
	for (size_t i = 0; !error && i < matches.gl_pathc; i++) {
		if (*n_folders == POLICY_MAX_FOLDERS)
			break;
		if (!stat(matches.gl_pathv[i], &status) && S_ISDIR(status.st_mode))
			error = add_folder(folders, n_folders, pattern, matches.gl_pathv[i]);
	}
	globfree(&matches);
	return error;
}

static bool are_same_folders(const struct policy *policy, const struct policy_folder *folders,
			     size_t n_folders)
{
	if (policy->n_folders != n_folders)
		return false;
	for (size_t i = 0; i < n_folders; i++)
		if (strcmp(policy->folders[i].path, folders[i].path) ||
		    policy->folders[i].labels != folders[i].labels)
			return false;
	return true;
}

/* Folders made after the agent started count as well. */
static int rebuild_folders(struct policy *policy)
{
	struct policy_folder *folders = NULL;
	size_t n_folders = 0;
	int error = 0;

	for (size_t i = 0; !error && i < policy->n_patterns; i++)
		/* Nothing is done ahead of time with what lies in a sink. */
		if (policy->patterns[i].role != EVENT_ROLE_SINK)
			error = match_pattern(&policy->patterns[i], &folders, &n_folders);
	if (error < 0 || are_same_folders(policy, folders, n_folders)) {
		free_folders(folders, n_folders);
		return error;
	}
	free_folders(policy->folders, policy->n_folders);
	policy->folders = folders;
	policy->n_folders = n_folders;
	return 1;
}

int policy_resolve_literals(struct policy *policy)
{
	int changed, error;

	changed = rebuild_folders(policy);
	if (changed < 0)
		return changed;
	for (size_t i = 0; i < policy->n_zones; i++) {
		error = rebuild_ranges(&policy->zones[i], &policy->hosts[i]);
		if (error < 0)
			return error;
		changed |= error;
	}
	return changed;
}

static void read_address(const struct addrinfo *info, struct policy_range *ret_range)
{
	struct policy_range range = {.prefix_bits = 128};

	if (info->ai_family == AF_INET6) {
		range.address =
			((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr;
	} else {
		range.address.s6_addr[10] = range.address.s6_addr[11] = 0xff;
		memcpy(&range.address.s6_addr[12],
		       &((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr, 4);
	}
	*ret_range = range;
}

/* 0 resolved, or nothing to resolve, 1 not; the host then keeps what it had. is_kept: so it does
 * when there are new ones. */
static int resolve_host(struct policy_host *host, bool is_kept)
{
	const struct policy_range empty = {};
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	_cleanup_free_ struct policy_range *ranges = NULL;
	struct addrinfo *infos;
	size_t n_ranges = 0;
	int error = 0;

	if (!host->name || host->name[0] == '*')
		return 0;
	if (getaddrinfo(host->name, NULL, &hints, &infos))
		return 1;
	for (const struct addrinfo *info = infos; info && !error; info = info->ai_next) {
		struct policy_range range;

		if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
			continue;
		if (n_ranges == POLICY_MAX_ADDRESSES_PER_NAME)
			break;
		read_address(info, &range);
		error = add_ranges(&ranges, &n_ranges, &range, 1, &empty);
	}
	freeaddrinfo(infos);
	if (error < 0)
		return error;
	if (!n_ranges)
		return 1;
	/* A CDN tells others than us other addresses, and us those at another time. */
	for (size_t i = 0; !error && is_kept && i < host->n_ranges; i++)
		if (n_ranges < POLICY_MAX_ADDRESSES_PER_NAME &&
		    !has_range(ranges, n_ranges, &host->ranges[i]))
			error = add_ranges(&ranges, &n_ranges, &host->ranges[i], 1, &empty);
	if (error < 0)
		return error;
	free(host->ranges);
	host->ranges = TAKE(ranges);
	host->n_ranges = n_ranges;
	return 0;
}

/* How many names do not resolve, or -ENOMEM. */
static int resolve_hosts(struct policy_hosts *hosts)
{
	int n_unresolved = 0, error;

	for (size_t i = 0; i < hosts->n_names; i++) {
		error = resolve_host(&hosts->names[i], hosts->is_shared);
		if (error < 0)
			return error;
		n_unresolved += error;
	}
	for (size_t i = 0; i < hosts->n_ways; i++) {
		error = resolve_host(&hosts->ways[i].host, false);
		if (error < 0)
			return error;
		n_unresolved += error;
	}
	return n_unresolved;
}

int policy_resolve(struct policy *policy, unsigned int *ret_unresolved)
{
	unsigned int n_unresolved = 0;
	int r;

	for (size_t i = 0; i < policy->n_zones; i++) {
		r = resolve_hosts(&policy->hosts[i]);
		if (r < 0)
			return r;
		n_unresolved += (unsigned int)r;
	}
	r = policy_resolve_literals(policy);
	if (r >= 0 && ret_unresolved)
		*ret_unresolved = n_unresolved;
	return r;
}
