/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_check_value.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/policy_keys.h"
#include "policy/policy_problems.h"

#define PROBLEM(check, entry, ...) \
	policy_problems_add((check)->problems, (entry)->file, (entry)->line, __VA_ARGS__)

static const struct policy_entry *find_given(const struct policy_section *section, const char *key)
{
	const struct policy_entry *entry = policy_section_find(section, key);

	return entry && entry->value[0] ? entry : NULL;
}

bool policy_check_has(const struct policy_section *section, const char *key)
{
	return find_given(section, key);
}

int policy_check_required(struct policy_check *check, const struct policy_section *section,
			  const char *key, const char *example)
{
	if (policy_check_has(section, key))
		return 0;
	return policy_problems_add(check->problems, section->file, section->line,
				   "[%s \"%s\"] needs \"%s\", as in %s = %s",
				   policy_keys_sections[section->kind].section, section->name, key,
				   key, example);
}

int policy_check_text(const struct policy_section *section, const char *key, char **ret_text)
{
	const struct policy_entry *entry = find_given(section, key);

	return text_copy(entry ? entry->value : "", ret_text);
}

int policy_check_list(const struct policy_section *section, const char *key,
		      struct policy_list *ret_list)
{
	const struct policy_entry *entry = find_given(section, key);

	return policy_value_split(entry ? entry->value : "", ret_list);
}

static int report_word(struct policy_check *check, const struct policy_entry *entry,
		       const char *word, const char *const *words, size_t n_words)
{
	const char *nearest = policy_problems_nearest(word, words, n_words);
	char list[512] = "";

	if (nearest)
		return PROBLEM(check, entry, "unknown %s \"%s\", did you mean \"%s\"?", entry->key,
			       word, nearest);
	for (size_t i = 0; i < n_words; i++) {
		strncat(list, i ? ", " : "", sizeof(list) - strlen(list) - 1);
		strncat(list, words[i], sizeof(list) - strlen(list) - 1);
	}
	return PROBLEM(check, entry, "unknown %s \"%s\"; known: %s", entry->key, word, list);
}

static bool is_word(const char *word, const char *const *words, size_t n_words)
{
	for (size_t i = 0; i < n_words; i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

int policy_check_words(struct policy_check *check, const struct policy_section *section,
		       const char *key, const char *const *words, size_t n_words, bool many,
		       char **ret_text)
{
	_cleanup_(policy_list_cleanup) struct policy_list list = {};
	const struct policy_entry *entry = find_given(section, key);
	_cleanup_free_ char *text = strdup("");
	int error;

	if (!text)
		return -ENOMEM;
	error = policy_value_split(entry ? entry->value : "", &list);
	if (!error && list.n_items > 1 && !many)
		error = PROBLEM(check, entry, "one %s only, not \"%s\"", key, entry->value);
	for (size_t i = 0; !error && i < list.n_items; i++) {
		char *longer;

		if (!is_word(list.items[i], words, n_words)) {
			error = report_word(check, entry, list.items[i], words, n_words);
			continue;
		}
		if (asprintf(&longer, "%s%s%s", text, *text ? "," : "", list.items[i]) < 0)
			return -ENOMEM;
		free(text);
		text = longer;
	}
	if (!error)
		*ret_text = TAKE(text);
	return error;
}

int policy_check_number(struct policy_check *check, const struct policy_section *section,
			const char *key, int64_t least, int64_t most, int64_t *ret_number)
{
	const struct policy_entry *entry = find_given(section, key);

	if (!entry || !policy_value_parse_number(entry->value, least, most, ret_number))
		return 0;
	return PROBLEM(check, entry, "%s = %s is no number from %lld to %lld", key, entry->value,
		       (long long)least, (long long)most);
}

int policy_check_switch(struct policy_check *check, const struct policy_section *section,
			const char *key, int64_t *ret_switch)
{
	const struct policy_entry *entry = find_given(section, key);
	int value;

	if (!entry)
		return 0;
	value = policy_value_parse_switch(entry->value);
	if (value < 0)
		return PROBLEM(check, entry, "%s = %s must be yes or no", key, entry->value);
	*ret_switch = value;
	return 0;
}

static int report_class(struct policy_check *check, const struct policy_entry *entry,
			const char *name)
{
	_cleanup_free_ const char **names = NULL;
	const struct policy *policy = check->policy;
	const char *nearest;

	names = calloc(policy->n_classes + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_classes; i++)
		names[i] = policy->classes[i].name;
	nearest = policy_problems_nearest(name, names, policy->n_classes);
	if (nearest)
		return PROBLEM(check, entry, "class \"%s\" is not defined, did you mean \"%s\"?",
			       name, nearest);
	return PROBLEM(check, entry, "class \"%s\" is not defined; define it with [class \"%s\"]",
		       name, name);
}

int policy_check_classes(struct policy_check *check, const struct policy_section *section,
			 uint64_t *ret_labels)
{
	_cleanup_(policy_list_cleanup) struct policy_list list = {};
	const struct policy_entry *entry = find_given(section, "class");
	uint64_t labels = 0;
	int error;

	error = policy_check_required(check, section, "class", "policy.property");
	if (error < 0 || !entry)
		return error;
	error = policy_value_split(entry->value, &list);
	for (size_t i = 0; !error && i < list.n_items; i++) {
		const struct policy_class *class =
			policy_class_by_name(check->policy, list.items[i]);

		if (!class)
			error = report_class(check, entry, list.items[i]);
		else if (class->index < POLICY_MAX_LABELS)
			labels |= UINT64_C(1) << class->index;
	}
	if (!error)
		*ret_labels = labels;
	return error;
}

static int add_host_name(const char *text, struct policy_hosts *hosts)
{
	struct policy_host *host = policy_model_add(&hosts->names, &hosts->n_names, sizeof(*host));

	return host ? text_copy(text, &host->name) : -ENOMEM;
}

static int add_host(struct policy_check *check, const struct policy_section *section,
		    const char *text, struct policy_hosts *hosts)
{
	const struct policy_entry *entry = find_given(section, "host");
	struct policy_range range = {}, *added;

	switch (policy_value_parse_host(text, &range)) {
	case POLICY_HOST_RANGE:
		added = policy_model_add(&hosts->literals, &hosts->n_literals, sizeof(*added));
		if (!added)
			return -ENOMEM;
		added->address = range.address;
		added->prefix_bits = range.prefix_bits;
		return 0;
	case POLICY_HOST_NAMES:
		if (section->kind != POLICY_SECTION_CRM)
			return PROBLEM(
				check, entry,
				"host \"%s\": names that end alike can be given for a [crm] "
				"only, whose connections say their name; give each name here",
				text);
		return add_host_name(text, hosts);
	case POLICY_HOST_NAME:
		return add_host_name(text, hosts);
	default:
		return PROBLEM(check, entry,
			       "host \"%s\" is no name, address or CIDR, as in crm.example.com, "
			       "10.1.2.3, 10.1.0.0/16 or fd00::/8 (a port has its own key)",
			       text);
	}
}

int policy_check_hosts(struct policy_check *check, const struct policy_section *section,
		       struct policy_hosts *hosts)
{
	_cleanup_(policy_list_cleanup) struct policy_list list = {};
	const struct policy_entry *entry = find_given(section, "host");
	int error;

	error = policy_check_required(check, section, "host", "crm.example.com");
	if (error < 0 || !entry)
		return error;
	error = policy_value_split(entry->value, &list);
	for (size_t i = 0; !error && i < list.n_items; i++)
		error = add_host(check, section, list.items[i], hosts);
	return error;
}

int policy_check_paths(struct policy_check *check, const struct policy_section *section,
		       const char *key, struct policy_list *ret_paths)
{
	_cleanup_(policy_list_cleanup) struct policy_list list = {}, paths = {};
	const struct policy_entry *entry = find_given(section, key);
	int error;

	error = policy_value_split(entry ? entry->value : "", &list);
	for (size_t i = 0; !error && i < list.n_items; i++) {
		char **path;

		if (list.items[i][0] == '~') {
			error = PROBLEM(check, entry,
					"%s \"%s\": \"~\" is nobody's in a policy; write "
					"/home/*/... for everybody's",
					key, list.items[i]);
			continue;
		}
		path = policy_model_add(&paths.items, &paths.n_items, sizeof(*path));
		if (!path)
			return -ENOMEM;
		error = policy_value_make_path(check->draft->folder, list.items[i], path);
	}
	if (error < 0)
		return error;
	*ret_paths = paths;
	paths = (struct policy_list){};
	return 0;
}

int policy_check_path(struct policy_check *check, const struct policy_section *section,
		      const char *key, char **ret_path)
{
	_cleanup_(policy_list_cleanup) struct policy_list paths = {};
	int error;

	error = policy_check_paths(check, section, key, &paths);
	if (error < 0 || !paths.n_items)
		return error;
	if (paths.n_items > 1)
		return PROBLEM(check, find_given(section, key), "one %s only", key);
	*ret_path = TAKE(paths.items[0]);
	return 0;
}

int policy_check_staff(struct policy_check *check, const struct policy_section *section)
{
	_cleanup_(policy_list_cleanup) struct policy_list list = {};
	const struct policy_entry *entry = find_given(section, "staff");
	struct policy *policy = check->policy;
	int error;

	error = policy_value_split(entry ? entry->value : "", &list);
	for (size_t i = 0; !error && i < list.n_items; i++) {
		struct policy_uids uids, *added;

		error = policy_value_parse_uids(list.items[i], &uids);
		if (error == -EINVAL) {
			error = PROBLEM(check, entry,
					"staff \"%s\" is no user id or range, as in 1000-59999",
					list.items[i]);
			continue;
		}
		if (error < 0)
			return error;
		added = policy_model_add(&policy->staff, &policy->n_staff, sizeof(*added));
		if (!added)
			return -ENOMEM;
		*added = uids;
	}
	return error;
}
