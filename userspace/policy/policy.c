/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "policy/policy_check.h"
#include "policy/policy_files.h"
#include "policy/policy_model.h"
#include "policy/policy_problems.h"
#include "policy/policy_resolve.h"

static int load_draft(const char *path, struct policy_draft *draft,
		      struct policy_problems *problems, struct policy **ret_policy)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	uint8_t digest[HASH_SHA256_SIZE];
	int error;

	error = policy_files_read(draft, path, problems);
	if (error < 0)
		return error;
	error = policy_check_draft(draft, problems, &policy);
	if (error < 0)
		return error;
	error = hash_sha256(draft->bytes, draft->n_bytes, digest);
	if (error < 0)
		return error;
	hash_to_hex(digest, sizeof(digest), policy->fingerprint);
	error = policy_resolve(policy, NULL);
	if (error < 0)
		return error;
	*ret_policy = TAKE(policy);
	return 0;
}

int policy_load(const char *path, struct policy **ret_policy, struct policy_problems *ret_problems)
{
	struct policy_problems problems = {};
	struct policy_draft draft = {};
	int error;

	error = load_draft(path, &draft, &problems, ret_policy);
	policy_draft_done(&draft);
	policy_problems_sort(&problems);
	*ret_problems = problems;
	return error;
}

size_t policy_classes(const struct policy *policy, const struct policy_class **ret_classes)
{
	*ret_classes = policy->classes;
	return policy->n_classes;
}

size_t policy_zones(const struct policy *policy, const struct policy_zone **ret_zones)
{
	*ret_zones = policy->zones;
	return policy->n_zones;
}

size_t policy_folders(const struct policy *policy, const struct policy_folder **ret_folders)
{
	*ret_folders = policy->folders;
	return policy->n_folders;
}

size_t policy_executables(const struct policy *policy,
			  const struct policy_executable **ret_executables)
{
	*ret_executables = policy->executables;
	return policy->n_executables;
}

size_t policy_records(const struct policy *policy, const struct policy_record **ret_records)
{
	*ret_records = policy->records;
	return policy->n_records;
}

const struct policy_record *policy_record_by_name(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_records; i++)
		if (!strcmp(policy->records[i].name, name))
			return &policy->records[i];
	return NULL;
}

uint64_t policy_class_mask(const struct policy *policy)
{
	/* All 64 bits may be classes, and shifting by 64 is undefined. */
	return policy->n_classes ? UINT64_MAX >> (POLICY_MAX_LABELS - policy->n_classes) : 0;
}

const struct policy_class *policy_class_by_name(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_classes; i++)
		if (!strcmp(policy->classes[i].name, name))
			return &policy->classes[i];
	return NULL;
}

bool policy_is_staff(const struct policy *policy, uint32_t login_uid)
{
	for (size_t i = 0; i < policy->n_staff; i++)
		if (login_uid >= policy->staff[i].first && login_uid <= policy->staff[i].last)
			return true;
	return false;
}

const char *policy_accounts_file(const struct policy *policy)
{
	return policy->accounts_file;
}

const char *policy_pseudonym_key_file(const struct policy *policy)
{
	return policy->pseudonym_key_file;
}

const struct policy_sensor *policy_sensor(const struct policy *policy)
{
	return &policy->sensor;
}

int64_t policy_detect_value(const struct policy *policy, const char *detector, const char *key,
			    int64_t fallback)
{
	for (size_t i = 0; i < policy->n_settings; i++)
		if (!strcmp(policy->settings[i].detector, detector) &&
		    !strcmp(policy->settings[i].key, key))
			return policy->settings[i].value;
	return fallback;
}

bool policy_detect_enabled(const struct policy *policy, const char *detector)
{
	return policy_detect_value(policy, detector, "enabled", true);
}

const char *policy_fingerprint(const struct policy *policy)
{
	return policy->fingerprint;
}
