/* SPDX-License-Identifier: GPL-2.0-only */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "policy/policy.h"
#include "bpf/weir.skel.h"

/* From the last letter to the first, so that the kernel meets each end of a name on its way. */
uint64_t sensor_hash_host(const char *name)
{
	uint64_t hash = WEIR_BASENAME_SEED;

	if (name[0] == '*')
		name++;
	for (size_t i = strlen(name); i > 0; i--)
		hash = (hash ^ (uint8_t)tolower((unsigned char)name[i - 1])) * 0x100000001b3ull;
	return hash;
}

static bool is_same_place(const struct weir_zone_rule *a, const struct weir_zone_rule *b)
{
	return a->port == b->port && a->is_crm == b->is_crm && a->reach == b->reach &&
	       a->may_hide == b->may_hide;
}

/* What is to stand in one of the kernel's tables. */
struct table {
	int fd;
	size_t key_bytes, n_rows;
	struct row {
		union {
			struct weir_zone_key address;
			uint64_t name;
		} key;
		struct weir_zone zone;
	} * rows;
};

struct tables {
	struct sensor *sensor;
	struct table zones, names;
	uint32_t candidate_rules;
};

static void tables_done(struct tables *tables)
{
	free(tables->zones.rows);
	free(tables->names.rows);
}

static struct row *find_row(const struct table *table, const void *key)
{
	for (size_t i = 0; i < table->n_rows; i++)
		if (memcmp(&table->rows[i].key, key, table->key_bytes) == 0)
			return &table->rows[i];
	return NULL;
}

static struct row *make_row(struct table *table, const void *key)
{
	struct row *rows = reallocarray(table->rows, table->n_rows + 1, sizeof(*rows)), *row;

	if (!rows)
		return NULL;
	table->rows = rows;
	row = &rows[table->n_rows++];
	memset(row, 0, sizeof(*row));
	memcpy(&row->key, key, table->key_bytes);
	return row;
}

/* What several sections say of one place is one rule: a CDN, a proxy, a name. */
static int add_rule(struct table *table, const void *key, const struct weir_zone_rule *rule)
{
	struct row *row = find_row(table, key);

	if (!row)
		row = make_row(table, key);
	if (!row)
		return -ENOMEM;
	for (int i = 0; i < WEIR_ZONE_RULES; i++) {
		struct weir_zone_rule *own = &row->zone.rules[i];

		if (own->is_set && !is_same_place(own, rule))
			continue;
		if (own->is_set)
			own->labels |= rule->labels;
		else
			*own = *rule;
		return 0;
	}
	return -ENOSPC;
}

/* What stays is there all the while: connections are made meanwhile. */
static int write_table(const struct table *table)
{
	struct row row = {}, next = {};
	bool has_next;

	for (size_t i = 0; i < table->n_rows; i++)
		if (bpf_map_update_elem(table->fd, &table->rows[i].key, &table->rows[i].zone,
					BPF_ANY) < 0)
			return -errno;
	has_next = bpf_map_get_next_key(table->fd, NULL, &next.key) == 0;
	while (has_next) {
		row = next;
		has_next = bpf_map_get_next_key(table->fd, &row.key, &next.key) == 0;
		if (!find_row(table, &row.key))
			(void)bpf_map_delete_elem(table->fd, &row.key);
	}
	return 0;
}

static uint8_t reach_of(const struct policy_range *range)
{
	switch (range->reach) {
	case POLICY_REACH_NAME:
		return WEIR_REACH_NAME;
	case POLICY_REACH_ASKED:
		return WEIR_REACH_ASKED;
	default:
		return WEIR_REACH_ADDRESS;
	}
}

static int add_range(struct tables *tables, const struct policy_zone *zone,
		     const struct weir_zone_rule *of_zone, const struct policy_range *range)
{
	struct weir_zone_key key = {.prefix_bits = range->prefix_bits};
	struct weir_zone_rule rule = *of_zone;

	memcpy(key.ip, &range->address, sizeof(key.ip));
	rule.reach = reach_of(range);
	rule.may_hide = rule.reach == WEIR_REACH_NAME && zone->may_hide;
	if (rule.reach == WEIR_REACH_ASKED) {
		rule.port = (uint16_t)range->port;
		rule.labels = 0; /* the name says whose */
	}
	if (rule.reach != WEIR_REACH_ADDRESS)
		tables->candidate_rules++;
	return add_rule(&tables->zones, &key, &rule);
}

static int add_zone(struct tables *tables, const struct policy_zone *zone)
{
	const struct weir_zone_rule rule = {
		.labels = sensor_labels_to_kernel(tables->sensor, zone->labels),
		.port = zone->port,
		.is_crm = zone->role == EVENT_ROLE_CRM,
		.is_set = 1};
	int r = 0;

	for (size_t i = 0; r == 0 && i < zone->n_ranges; i++)
		r = add_range(tables, zone, &rule, &zone->ranges[i]);
	for (size_t i = 0; r == 0 && i < zone->n_names; i++) {
		uint64_t hash = sensor_hash_host(zone->names[i]);

		r = add_rule(&tables->names, &hash, &rule);
	}
	return r;
}

int sensor_apply_zones(struct sensor *sensor, const struct policy *policy)
{
	_cleanup_(tables_done) struct tables tables = {
		.sensor = sensor,
		.zones = {.fd = bpf_map__fd(sensor->skeleton->maps.zones),
			  .key_bytes = sizeof(struct weir_zone_key)},
		.names = {.fd = bpf_map__fd(sensor->skeleton->maps.names),
			  .key_bytes = sizeof(uint64_t)}};
	const struct policy_zone *zones;
	size_t n_zones = policy_zones(policy, &zones);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n_zones; i++)
		if (zones[i].labels != 0)
			r = add_zone(&tables, &zones[i]);
	if (r == 0)
		r = write_table(&tables.names);
	/* Before the first connection is one. */
	if (r == 0 && tables.candidate_rules)
		sensor->state->candidate_rules = tables.candidate_rules;
	if (r == 0)
		r = write_table(&tables.zones);
	if (r == 0)
		sensor->state->candidate_rules = tables.candidate_rules;
	return r;
}
