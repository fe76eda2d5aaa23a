/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_check_detect.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "policy/policy_keys.h"
#include "policy/policy_problems.h"

#define MAX_KEYS 32

static int report_detector(struct policy_check *check, const struct policy_section *section)
{
	const char *nearest = policy_problems_nearest(section->name, policy_keys_detectors,
						      policy_keys_n_detectors);

	if (nearest)
		return policy_problems_add(check->problems, section->file, section->line,
					   "unknown detector \"%s\", did you mean \"%s\"?",
					   section->name, nearest);
	return policy_problems_add(
		check->problems, section->file, section->line,
		"unknown detector \"%s\"; known: direct_egress, round_trip, "
		"obfuscation, clean_up, removable_media, automation, screen_capture, "
		"dns_tunnel",
		section->name);
}

static int report_key(struct policy_check *check, const struct policy_section *section,
		      const struct policy_entry *entry)
{
	const char *keys[MAX_KEYS], *nearest;
	char list[512] = "";
	size_t n_keys = 0;

	for (size_t i = 0; i < policy_keys_n_settings && n_keys < MAX_KEYS; i++) {
		const struct policy_setting_key *setting = &policy_keys_settings[i];

		if (setting->detector && strcmp(setting->detector, section->name))
			continue;
		strncat(list, n_keys ? ", " : "", sizeof(list) - strlen(list) - 1);
		strncat(list, setting->key, sizeof(list) - strlen(list) - 1);
		keys[n_keys++] = setting->key;
	}
	nearest = policy_problems_nearest(entry->key, keys, n_keys);
	if (nearest)
		return policy_problems_add(check->problems, entry->file, entry->line,
					   "unknown key \"%s\" in [detect \"%s\"], did you mean "
					   "\"%s\"?",
					   entry->key, section->name, nearest);
	return policy_problems_add(check->problems, entry->file, entry->line,
				   "unknown key \"%s\" in [detect \"%s\"]; known: %s", entry->key,
				   section->name, list);
}

static int check_setting(struct policy_check *check, const struct policy_section *section,
			 const struct policy_entry *entry)
{
	const struct policy_setting_key *known =
		policy_keys_find_setting(section->name, entry->key);
	struct policy *policy = check->policy;
	struct policy_setting *setting;
	int64_t value = 0;
	int error;

	if (!known)
		return report_key(check, section, entry);
	if (!entry->value[0])
		return 0;
	error = known->is_switch ? policy_check_switch(check, section, entry->key, &value)
				 : policy_check_number(check, section, entry->key, known->least,
						       known->most, &value);
	if (error < 0)
		return error;
	setting = policy_model_add(&policy->settings, &policy->n_settings, sizeof(*setting));
	if (!setting)
		return -ENOMEM;
	setting->key = known->key;
	setting->value = value;
	return text_copy(section->name, &setting->detector);
}

int policy_check_detect(struct policy_check *check, const struct policy_section *section)
{
	int error = 0;

	for (size_t i = 0; i < policy_keys_n_detectors; i++) {
		if (strcmp(policy_keys_detectors[i], section->name))
			continue;
		for (size_t j = 0; !error && j < section->n_entries; j++)
			error = check_setting(check, section, &section->entries[j]);
		return error;
	}
	return report_detector(check, section);
}
