/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_check_reach.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/policy_problems.h"

#define PROBLEM(check, entry, ...) \
	policy_problems_add((check)->problems, (entry)->file, (entry)->line, __VA_ARGS__)

static int add_names(struct policy_zone *zone, const struct policy_hosts *hosts)
{
	int error = 0;

	for (size_t i = 0; !error && i < hosts->n_names; i++) {
		char **name = policy_model_add(&zone->names, &zone->n_names, sizeof(*name));

		error = name ? text_copy(hosts->names[i].name, name) : -ENOMEM;
	}
	return error;
}

static int add_way(struct policy_check *check, const struct policy_entry *entry, const char *text,
		   struct policy_hosts *hosts)
{
	_cleanup_free_ struct policy_range *range = calloc(1, sizeof(*range));
	_cleanup_free_ char *host = NULL;
	struct policy_way *way;
	unsigned int port;
	int shape;

	if (!range)
		return -ENOMEM;
	shape = policy_value_parse_way(text, &host, &port, range);
	if (shape == -ENOMEM)
		return shape;
	if (shape != POLICY_HOST_RANGE && shape != POLICY_HOST_NAME)
		return PROBLEM(check, entry,
			       "via \"%s\" is no proxy or shared address, as in proxy.corp:3128, "
			       "198.51.100.0/24:443 or [fd00::1]:3128",
			       text);
	way = policy_model_add(&hosts->ways, &hosts->n_ways, sizeof(*way));
	if (!way)
		return -ENOMEM;
	way->port = port;
	if (shape == POLICY_HOST_NAME) {
		way->host.name = TAKE(host);
	} else {
		way->host.ranges = TAKE(range);
		way->host.n_ranges = 1;
	}
	return 0;
}

static int check_ways(struct policy_check *check, const struct policy_section *section,
		      struct policy_hosts *hosts)
{
	_cleanup_(policy_list_cleanup) struct policy_list list = {};
	const struct policy_entry *entry = policy_section_find(section, "via");
	int error = policy_check_list(section, "via", &list);

	for (size_t i = 0; !error && i < list.n_items; i++)
		error = add_way(check, entry, list.items[i], hosts);
	if (!error && list.n_items && !hosts->n_names)
		error = PROBLEM(
			check, entry,
			"through via a CRM is known by its name, and [crm \"%s\"] has none: "
			"add one to host, as in host = crm.example.com",
			section->name);
	return error;
}

/* Names that end alike have no address of their own. */
static int check_is_anywhere(struct policy_check *check, const struct policy_section *section,
			     const struct policy_hosts *hosts)
{
	if (!hosts->n_names || hosts->n_literals || hosts->n_ways)
		return 0;
	for (size_t i = 0; i < hosts->n_names; i++)
		if (hosts->names[i].name[0] != '*')
			return 0;
	return PROBLEM(check, policy_section_find(section, "host"),
		       "host \"%s\" is not to be found anywhere: add a name without \"*\", an "
		       "address, or a via",
		       hosts->names[0].name);
}

int policy_check_reach(struct policy_check *check, const struct policy_section *section,
		       struct policy_zone *zone, struct policy_hosts *hosts)
{
	int64_t shared = true, ech = true;
	int error;

	error = policy_check_switch(check, section, "shared", &shared);
	if (!error)
		error = policy_check_switch(check, section, "ech", &ech);
	hosts->is_shared = shared;
	zone->may_hide = ech;
	if (!error)
		error = check_ways(check, section, hosts);
	if (!error)
		error = check_is_anywhere(check, section, hosts);
	return error ? error : add_names(zone, hosts);
}
