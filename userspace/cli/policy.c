/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "policy/policy.h"

static const char usage[] =
	"Usage: weir policy check FILE\n"
	"Says what is wrong with a policy at its file and line, or what it says in one screen.\n";

static void print_classes(const struct policy *policy)
{
	const struct policy_class *classes;
	size_t n = policy_classes(policy, &classes);

	printf("classes      %zu\n", n);
	for (size_t i = 0; i < n; i++)
		printf("  %-24s %-3s %s\n", classes[i].name, classes[i].grade, classes[i].title);
}

static void print_labels(const struct policy *policy, uint64_t labels)
{
	const struct policy_class *classes;
	size_t n = policy_classes(policy, &classes);
	const char *between = "";

	for (size_t i = 0; i < n; i++) {
		if (labels & UINT64_C(1) << classes[i].index) {
			printf("%s%s", between, classes[i].name);
			between = ", ";
		}
	}
}

/* Those of its own, without proxies and what others share. */
static size_t count_addresses(const struct policy_zone *zone, enum policy_reach reach)
{
	size_t n = 0;

	for (size_t i = 0; i < zone->n_ranges; i++)
		n += zone->ranges[i].reach == reach;
	return n;
}

static void print_crm(const struct policy *policy, const struct policy_zone *zone)
{
	size_t n_named = count_addresses(zone, POLICY_REACH_NAME);
	size_t n_asked = count_addresses(zone, POLICY_REACH_ASKED);

	printf("  ");
	print_labels(policy, zone->labels);
	printf("%s", zone->tls ? "" : " (no TLS)");
	if (n_named)
		printf(", %zu by name", n_named);
	if (n_asked)
		printf(", via %zu", n_asked);
	for (size_t i = 0; i < zone->n_clients; i++)
		printf("%s%s", i ? ", " : "; used with ", zone->clients[i]);
}

static void print_zone(const struct policy *policy, const struct policy_zone *zone)
{
	size_t n_addresses = zone->n_ranges - count_addresses(zone, POLICY_REACH_ASKED);

	printf("  %-24s ", zone->name);
	if (zone->elsewhere && zone->n_ranges == 0)
		printf("%-23s", zone->elsewhere);
	else if (zone->port)
		printf("port %-5u ", (unsigned int)zone->port);
	else
		printf("any port   ");
	if (!zone->elsewhere || zone->n_ranges > 0)
		printf("%2zu address%s", n_addresses, n_addresses == 1 ? "  " : "es");
	if (zone->role == EVENT_ROLE_CRM) {
		print_crm(policy, zone);
	} else if (zone->role == EVENT_ROLE_SINK) {
		printf("  %s%s%s",
		       zone->kind[0]     ? zone->kind
		       : zone->elsewhere ? "by device"
					 : "of no kind",
		       zone->labels ? ", origin followed" : "", zone->allowed ? ", allowed" : "");
	}
	printf("\n");
}

static void print_zones(const struct policy *policy, enum event_role role, const char *title)
{
	const struct policy_zone *zones;
	size_t n_zones = policy_zones(policy, &zones), n = 0;

	for (size_t i = 0; i < n_zones; i++)
		n += zones[i].role == role;
	printf("%-12s %zu\n", title, n);
	for (size_t i = 0; i < n_zones; i++)
		if (zones[i].role == role)
			print_zone(policy, &zones[i]);
}

static void print_records(const struct policy *policy)
{
	const struct policy_record *records;
	size_t n = policy_records(policy, &records);

	printf("records      %zu\n", n);
	for (size_t i = 0; i < n; i++) {
		printf("  %-24s %s  ", records[i].name,
		       records[i].pattern[0] ? records[i].pattern : records[i].title);
		print_labels(policy, records[i].labels);
		printf("\n");
	}
}

static void print_folders(const struct policy *policy)
{
	const struct policy_folder *folders;
	size_t n = policy_folders(policy, &folders);

	printf("folders      %zu that exist now\n", n);
	for (size_t i = 0; i < n; i++)
		printf("  %-24s %s  %s\n", folders[i].name,
		       folders[i].role == EVENT_ROLE_EXPORT ? "export " : "trusted",
		       folders[i].path);
}

static void print_executables(const struct policy *policy)
{
	const struct policy_executable *executables;
	size_t n = policy_executables(policy, &executables), n_hubs = 0;

	for (size_t i = 0; i < n; i++)
		n_hubs += executables[i].is_hub;
	printf("clients      %zu\n", n - n_hubs);
	for (size_t i = 0; i < n; i++) {
		if (executables[i].is_hub)
			continue;
		printf("  %-24s %s  ", executables[i].name, executables[i].path);
		print_labels(policy, executables[i].labels);
		printf("\n");
	}
	printf("hubs         %zu\n", n_hubs);
}

static int check_policy(const char *path)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct policy_problems problems = {};
	unsigned int n_unresolved = 0;
	int error;

	error = policy_load(path, &policy, &problems);
	if (error < 0) {
		policy_problems_print(&problems, stderr);
		if (!problems.n_items)
			fprintf(stderr, "weir: %s: %s\n", path, strerror(-error));
		policy_problems_done(&problems);
		return 1;
	}
	policy_problems_done(&problems);
	printf("%s is a good policy (%.12s)\n", path, policy_fingerprint(policy));
	print_classes(policy);
	print_zones(policy, EVENT_ROLE_CRM, "CRMs");
	print_zones(policy, EVENT_ROLE_TRUSTED, "trusted");
	print_zones(policy, EVENT_ROLE_SINK, "sinks");
	print_records(policy);
	print_folders(policy);
	print_executables(policy);
	if (policy_resolve(policy, &n_unresolved) >= 0 && n_unresolved)
		printf("note         %u host name%s cannot be looked up on this machine now\n",
		       n_unresolved, n_unresolved == 1 ? "" : "s");
	return 0;
}

int cli_policy(int argc, char **argv)
{
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc != 3 || strcmp(argv[1], "check") || argv[2][0] == '-') {
		fputs(usage, stderr);
		return 2;
	}
	return check_policy(argv[2]);
}
