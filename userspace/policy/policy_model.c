/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_model.h"

#include <string.h>

#include "policy/policy_value.h"

void *policy_model_add(void *array_pointer, size_t *n_items, size_t item_size)
{
	void **array = array_pointer;
	char *grown;

	grown = reallocarray(*array, *n_items + 1, item_size);
	if (!grown)
		return NULL;
	*array = grown;
	memset(grown + *n_items * item_size, 0, item_size);
	return grown + (*n_items)++ * item_size;
}

void policy_section_done(struct policy_section *section)
{
	for (size_t i = 0; i < section->n_entries; i++) {
		free(section->entries[i].key);
		free(section->entries[i].value);
	}
	free(section->entries);
	free(section->name);
}

const struct policy_entry *policy_section_find(const struct policy_section *section,
					       const char *key)
{
	for (size_t i = 0; i < section->n_entries; i++)
		if (!strcmp(section->entries[i].key, key))
			return &section->entries[i];
	return NULL;
}

void policy_draft_done(struct policy_draft *draft)
{
	for (size_t i = 0; i < draft->n_sections; i++)
		policy_section_done(&draft->sections[i]);
	free(draft->sections);
	for (size_t i = 0; i < draft->n_files; i++)
		free(draft->files[i]);
	free(draft->files);
	free(draft->folder);
	free(draft->bytes);
	*draft = (struct policy_draft){};
}

static void free_zones(struct policy *policy)
{
	for (size_t i = 0; i < policy->n_zones; i++) {
		struct policy_hosts *hosts = &policy->hosts[i];

		for (size_t j = 0; j < hosts->n_names; j++) {
			free(hosts->names[j].name);
			free(hosts->names[j].ranges);
		}
		for (size_t j = 0; j < hosts->n_ways; j++) {
			free(hosts->ways[j].host.name);
			free(hosts->ways[j].host.ranges);
		}
		for (size_t j = 0; j < policy->zones[i].n_names; j++)
			free(policy->zones[i].names[j]);
		free(policy->zones[i].names);
		free(hosts->ways);
		free(hosts->names);
		free(hosts->literals);
		free(policy->zones[i].name);
		free(policy->zones[i].kind);
		free(policy->zones[i].elsewhere);
		free(policy->zones[i].ranges);
		for (size_t j = 0; j < policy->zones[i].n_clients; j++)
			free(policy->zones[i].clients[j]);
		free(policy->zones[i].clients);
	}
	free(policy->zones);
	free(policy->hosts);
}

static void free_places(struct policy *policy)
{
	for (size_t i = 0; i < policy->n_patterns; i++) {
		free(policy->patterns[i].name);
		free(policy->patterns[i].glob);
		free(policy->patterns[i].kind);
	}
	free(policy->patterns);
	for (size_t i = 0; i < policy->n_folders; i++) {
		free(policy->folders[i].name);
		free(policy->folders[i].path);
	}
	free(policy->folders);
	for (size_t i = 0; i < policy->n_devices; i++) {
		free(policy->devices[i].name);
		free(policy->devices[i].kinds);
		policy_list_done(&policy->devices[i].serials);
		policy_list_done(&policy->devices[i].uuids);
	}
	free(policy->devices);
	for (size_t i = 0; i < policy->n_executables; i++) {
		free(policy->executables[i].name);
		free(policy->executables[i].path);
	}
	free(policy->executables);
}

static void free_records(struct policy *policy)
{
	for (size_t i = 0; i < policy->n_records; i++) {
		free(policy->records[i].name);
		free(policy->records[i].pattern);
		free(policy->records[i].title);
		free(policy->records[i].title_zh);
	}
	free(policy->records);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_classes; i++) {
		free(policy->classes[i].name);
		free(policy->classes[i].title);
		free(policy->classes[i].title_zh);
		free(policy->classes[i].grade);
		free(policy->classes[i].category);
	}
	free(policy->classes);
	policy_list_done(&policy->browsers);
	free_records(policy);
	free_zones(policy);
	free_places(policy);
	for (size_t i = 0; i < policy->n_origins; i++)
		free(policy->origins[i].name);
	free(policy->origins);
	free(policy->staff);
	free(policy->accounts_file);
	free(policy->pseudonym_key_file);
	for (size_t i = 0; i < policy->n_settings; i++)
		free(policy->settings[i].detector);
	free(policy->settings);
	free(policy);
}
