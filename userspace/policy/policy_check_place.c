/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_check_place.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/policy_check_reach.h"
#include "policy/policy_keys.h"
#include "policy/policy_problems.h"
#include "policy/policy_value.h"

static struct policy_zone *add_zone(struct policy *policy)
{
	size_t n_hosts = policy->n_zones;
	struct policy_hosts *hosts;

	hosts = policy_model_add(&policy->hosts, &n_hosts, sizeof(*hosts));
	if (!hosts)
		return NULL;
	return policy_model_add(&policy->zones, &policy->n_zones, sizeof(struct policy_zone));
}

/* A zone with its name and the hosts it has; role and the rest are the caller's. */
static int check_zone(struct policy_check *check, const struct policy_section *section,
		      struct policy_zone **ret_zone)
{
	struct policy *policy = check->policy;
	struct policy_zone *zone = add_zone(policy);
	int error;

	if (!zone)
		return -ENOMEM;
	error = text_copy(section->name, &zone->name);
	if (!error)
		error = text_copy("", &zone->kind);
	/* A sink may be a folder or a device just as well. */
	if (!error && (section->kind != POLICY_SECTION_SINK || policy_check_has(section, "host")))
		error = policy_check_hosts(check, section, &policy->hosts[policy->n_zones - 1]);
	if (!error)
		*ret_zone = zone;
	return error;
}

static bool is_sha256(const char *text)
{
	const char *digits = text + strlen(POLICY_SHA256_PREFIX);

	return strncmp(text, POLICY_SHA256_PREFIX, strlen(POLICY_SHA256_PREFIX)) == 0 &&
	       strlen(digits) == POLICY_SHA256_DIGITS &&
	       strspn(digits, "0123456789abcdef") == POLICY_SHA256_DIGITS;
}

/* A path, a name without a folder, or a hash. */
static int check_clients(struct policy_check *check, const struct policy_section *section,
			 struct policy_zone *zone)
{
	const struct policy_entry *entry = policy_section_find(section, "client");
	_cleanup_(policy_list_cleanup) struct policy_list list = {};
	int error = policy_check_list(section, "client", &list);

	for (size_t i = 0; !error && i < list.n_items; i++) {
		const char *item = list.items[i];

		if (item[0] == '/' || is_sha256(item) || (!strchr(item, '/') && !strchr(item, ':')))
			continue;
		error = policy_problems_add(
			check->problems, entry->file, entry->line,
			"client \"%s\" is no program; write its path, as in /usr/bin/firefox, its "
			"name, as in firefox, or sha256: and %d hexadecimal digits in lower case",
			item, POLICY_SHA256_DIGITS);
	}
	if (error < 0)
		return error;
	zone->clients = TAKE(list.items);
	zone->n_clients = list.n_items;
	list.n_items = 0;
	return 0;
}

int policy_check_crm(struct policy_check *check, const struct policy_section *section)
{
	int64_t port = 0, tls;
	struct policy_zone *zone;
	int error;

	error = check_zone(check, section, &zone);
	if (error < 0)
		return error;
	zone->role = EVENT_ROLE_CRM;
	error = policy_check_number(check, section, "port", 1, UINT16_MAX, &port);
	zone->port = (uint16_t)port;
	tls = !port || port == 443;
	if (!error)
		error = policy_check_switch(check, section, "tls", &tls);
	zone->tls = tls;
	if (!error)
		error = check_clients(check, section, zone);
	if (!error)
		error = policy_check_reach(check, section, zone,
					   &check->policy->hosts[check->policy->n_zones - 1]);
	return error ? error : policy_check_classes(check, section, &zone->labels);
}

static int add_pattern(struct policy *policy, const struct policy_pattern *made, const char *name,
		       const char *kind)
{
	struct policy_pattern *pattern;
	int error;

	pattern = policy_model_add(&policy->patterns, &policy->n_patterns, sizeof(*pattern));
	if (!pattern) {
		free(made->glob);
		return -ENOMEM;
	}
	*pattern = *made;
	error = text_copy(name, &pattern->name);
	return error ? error : text_copy(kind, &pattern->kind);
}

/* made: role, labels and what else is the same for all folders of the section. */
static int check_folders(struct policy_check *check, const struct policy_section *section,
			 const struct policy_pattern *made, const char *kind)
{
	_cleanup_(policy_list_cleanup) struct policy_list paths = {};
	int error;

	error = policy_check_paths(check, section, "folder", &paths);
	for (size_t i = 0; !error && i < paths.n_items; i++) {
		struct policy_pattern pattern = *made;

		pattern.glob = TAKE(paths.items[i]);
		error = add_pattern(check->policy, &pattern, section->name, kind);
	}
	return error;
}

int policy_check_export(struct policy_check *check, const struct policy_section *section)
{
	struct policy_pattern made = {.role = EVENT_ROLE_EXPORT};
	int error;

	error = policy_check_required(check, section, "folder", "/home/*/crm-exports");
	if (!error)
		error = policy_check_classes(check, section, &made.labels);
	if (!error)
		error = check_folders(check, section, &made, "");
	return error;
}

int policy_check_trusted(struct policy_check *check, const struct policy_section *section)
{
	const struct policy_pattern made = {.role = EVENT_ROLE_TRUSTED};
	bool has_host = policy_check_has(section, "host");
	struct policy_zone *zone;
	int error;

	if (!has_host && !policy_check_has(section, "folder"))
		return policy_problems_add(check->problems, section->file, section->line,
					   "[trusted \"%s\"] needs a host or a folder",
					   section->name);
	if (has_host) {
		error = check_zone(check, section, &zone);
		if (error < 0)
			return error;
		zone->role = EVENT_ROLE_TRUSTED;
	}
	return check_folders(check, section, &made, "");
}

static int add_origin(struct policy_check *check, const struct policy_section *section,
		      struct policy_zone *zone)
{
	struct policy *policy = check->policy;
	size_t bit = check->n_classes + policy->n_origins;
	struct policy_origin *origin;

	if (bit >= POLICY_MAX_LABELS)
		return policy_problems_add(
			check->problems, section->file, section->line,
			"[sink \"%s\"] would need label %zu of %d: %zu classes and the sinks with "
			"origins share them; set origin = no where it is not needed",
			section->name, bit + 1, POLICY_MAX_LABELS, check->n_classes);
	origin = policy_model_add(&policy->origins, &policy->n_origins, sizeof(*origin));
	if (!origin)
		return -ENOMEM;
	origin->label = zone->labels = UINT64_C(1) << bit;
	return text_copy(section->name, &origin->name);
}

/* What the section says of folders and devices, in its own words. */
static int describe_elsewhere(const struct policy_section *section, struct policy_zone *zone)
{
	static const char *const keys[] = {"folder", "device", "serial", "uuid"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct policy_entry *entry = policy_section_find(section, keys[i]);
		char *longer;

		if (!entry || !entry->value[0])
			continue;
		if (asprintf(&longer, "%s%s%s %s", zone->elsewhere ? zone->elsewhere : "",
			     zone->elsewhere ? ", " : "", keys[i], entry->value) < 0)
			return -ENOMEM;
		free(zone->elsewhere);
		zone->elsewhere = longer;
	}
	return 0;
}

static int check_sink_zone(struct policy_check *check, const struct policy_section *section,
			   struct policy_zone *zone)
{
	int64_t port = 0, allowed = 0, origin;
	int error;

	zone->role = EVENT_ROLE_SINK;
	free(zone->kind);
	zone->kind = NULL;
	error = policy_check_words(check, section, "kind", policy_keys_sink_kinds,
				   policy_keys_n_sink_kinds, false, &zone->kind);
	if (error < 0)
		return error;
	origin = policy_check_has(section, "host") && policy_keys_kind_has_origin(zone->kind);
	error = policy_check_number(check, section, "port", 1, UINT16_MAX, &port);
	if (!error)
		error = policy_check_switch(check, section, "origin", &origin);
	if (!error)
		error = policy_check_switch(check, section, "allowed", &allowed);
	zone->port = (uint16_t)port;
	zone->allowed = allowed;
	if (!error)
		error = describe_elsewhere(section, zone);
	if (!error && origin)
		error = add_origin(check, section, zone);
	return error;
}

/* Where a disk or share is named by what it is: "device", "serial" and "uuid". */
static int check_device(struct policy_check *check, const struct policy_section *section,
			bool is_allowed)
{
	struct policy *policy = check->policy;
	struct policy_device *device;
	int error;

	if (!policy_check_has(section, "device") && !policy_check_has(section, "serial") &&
	    !policy_check_has(section, "uuid"))
		return 0;
	device = policy_model_add(&policy->devices, &policy->n_devices, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->is_allowed = is_allowed;
	error = text_copy(section->name, &device->name);
	if (!error)
		error = policy_check_words(check, section, "device", policy_keys_devices,
					   policy_keys_n_devices, true, &device->kinds);
	if (!error)
		error = policy_check_list(section, "serial", &device->serials);
	return error ? error : policy_check_list(section, "uuid", &device->uuids);
}

static int check_sink_keys(struct policy_check *check, const struct policy_section *section)
{
	static const char *const places[] = {"host", "folder", "device", "serial", "uuid"};
	static const char *const of_hosts[] = {"port", "origin"};
	bool has_place = false;
	int error = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		has_place |= policy_check_has(section, places[i]);
	if (!has_place)
		return policy_problems_add(check->problems, section->file, section->line,
					   "[sink \"%s\"] needs a host, a folder, a device, a "
					   "serial or a uuid, as in host = im.example.com",
					   section->name);
	for (size_t i = 0; !error && i < sizeof(of_hosts) / sizeof(of_hosts[0]); i++) {
		const struct policy_entry *entry = policy_section_find(section, of_hosts[i]);

		if (entry && entry->value[0] && !policy_check_has(section, "host"))
			error = policy_problems_add(check->problems, entry->file, entry->line,
						    "%s says something of a host, and [sink "
						    "\"%s\"] has none",
						    of_hosts[i], section->name);
	}
	return error;
}

int policy_check_sink(struct policy_check *check, const struct policy_section *section)
{
	struct policy_pattern made = {.role = EVENT_ROLE_SINK};
	struct policy_zone *zone;
	int error;

	error = check_sink_keys(check, section);
	if (!error)
		error = check_zone(check, section, &zone);
	if (!error)
		error = check_sink_zone(check, section, zone);
	if (error < 0)
		return error;
	made.is_allowed = zone->allowed;
	error = check_device(check, section, zone->allowed);
	return error ? error : check_folders(check, section, &made, zone->kind);
}

int policy_check_add_default_sinks(struct policy *policy)
{
	int error = 0;

	for (size_t i = 0; !error && i < policy_keys_n_default_sinks; i++) {
		struct policy_pattern pattern = {.role = EVENT_ROLE_SINK};

		error = text_copy(policy_keys_default_sinks[i].glob, &pattern.glob);
		if (!error)
			error = add_pattern(policy, &pattern, policy_keys_default_sinks[i].name,
					    policy_keys_default_sinks[i].kind);
	}
	return error;
}
