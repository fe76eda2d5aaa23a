/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_check.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/policy_check_browser.h"
#include "policy/policy_check_detect.h"
#include "policy/policy_check_place.h"
#include "policy/policy_check_record.h"
#include "policy/policy_check_value.h"
#include "policy/policy_keys.h"
#include "policy/policy_problems.h"
#include "policy/policy_value.h"

/* System users of Debian end at 999; nobody is 65534. */
#define DEFAULT_STAFF_FIRST 1000
#define DEFAULT_STAFF_LAST 65533

#define DEFAULT_MAX_HOPS 32
#define MOST_HOPS 1000
/* File names are shorter as a rule. Linux takes 2 MiB where nobody has raised the stack's limit. */
#define DEFAULT_ARGUMENTS_MIN_BYTES 512
#define MOST_ARGUMENTS_BYTES (2 << 20)

static bool is_class_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '.' && *c != '_' && *c != '-')
			return false;
	return true;
}

static int check_class(struct policy_check *check, const struct policy_section *section)
{
	struct policy *policy = check->policy;
	struct policy_class *class;
	int error;

	if (!is_class_name(section->name)) {
		error = policy_problems_add(check->problems, section->file, section->line,
					    "class \"%s\" may have letters, digits, \".\", \"_\" "
					    "and \"-\" only",
					    section->name);
		if (error < 0)
			return error;
	}
	class = policy_model_add(&policy->classes, &policy->n_classes, sizeof(*class));
	if (!class)
		return -ENOMEM;
	class->index = (unsigned int)policy->n_classes - 1;
	error = text_copy(section->name, &class->name);
	if (!error)
		error = policy_check_text(section, "title", &class->title);
	if (!error)
		error = policy_check_text(section, "title_zh", &class->title_zh);
	if (!error)
		error = policy_check_words(check, section, "grade", policy_keys_grades,
					   policy_keys_n_grades, false, &class->grade);
	if (!error)
		error = policy_check_words(check, section, "category", policy_keys_categories,
					   policy_keys_n_categories, true, &class->category);
	return error;
}

/* A copy of WANTED, of this name and path. */
static int add_executable(struct policy *policy, const char *name, const char *path,
			  const struct policy_executable *wanted)
{
	struct policy_executable *executable;
	int error;

	executable =
		policy_model_add(&policy->executables, &policy->n_executables, sizeof(*executable));
	if (!executable)
		return -ENOMEM;
	executable->is_hub = wanted->is_hub;
	executable->is_input_method = wanted->is_input_method;
	executable->labels = wanted->labels;
	error = text_copy(name, &executable->name);
	return error ? error : text_copy(path, &executable->path);
}

static int check_executable(struct policy_check *check, const struct policy_section *section)
{
	_cleanup_(policy_list_cleanup) struct policy_list paths = {};
	int64_t is_input_method = false;
	struct policy_executable wanted = {.is_hub = section->kind == POLICY_SECTION_HUB};
	int error;

	error = policy_check_required(check, section, "executable", "/usr/bin/crm-client");
	if (!error && !wanted.is_hub)
		error = policy_check_classes(check, section, &wanted.labels);
	if (!error)
		error = policy_check_switch(check, section, "input_method", &is_input_method);
	wanted.is_input_method = is_input_method;
	if (!error)
		error = policy_check_paths(check, section, "executable", &paths);
	for (size_t i = 0; !error && i < paths.n_items; i++)
		error = add_executable(check->policy, section->name, paths.items[i], &wanted);
	return error;
}

static int check_sensor(struct policy_check *check, const struct policy_section *section)
{
	struct policy_sensor *sensor = &check->policy->sensor;
	int64_t hops = sensor->max_hops, bytes = sensor->arguments_min_bytes;
	int error;

	/* The kernel side takes 0 for no limit, which nobody means who writes it. */
	error = policy_check_number(check, section, "max_hops", 1, MOST_HOPS, &hops);
	if (!error)
		error = policy_check_number(check, section, "arguments_min_bytes", 0,
					    MOST_ARGUMENTS_BYTES, &bytes);
	*sensor = (struct policy_sensor){.max_hops = (uint32_t)hops,
					 .arguments_min_bytes = (uint32_t)bytes};
	return error;
}

static int check_people(struct policy_check *check, const struct policy_section *section)
{
	struct policy *policy = check->policy;
	int error;

	error = policy_check_staff(check, section);
	if (!error)
		error = policy_check_path(check, section, "accounts", &policy->accounts_file);
	if (!error)
		error = policy_check_path(check, section, "pseudonym_key",
					  &policy->pseudonym_key_file);
	return error;
}

static int check_section(struct policy_check *check, const struct policy_section *section)
{
	switch (section->kind) {
	case POLICY_SECTION_CRM:
		return policy_check_crm(check, section);
	case POLICY_SECTION_EXPORT:
		return policy_check_export(check, section);
	case POLICY_SECTION_CLIENT:
	case POLICY_SECTION_HUB:
		return check_executable(check, section);
	case POLICY_SECTION_BROWSER:
		return policy_check_browser(check, section);
	case POLICY_SECTION_TRUSTED:
		return policy_check_trusted(check, section);
	case POLICY_SECTION_SINK:
		return policy_check_sink(check, section);
	case POLICY_SECTION_RECORD:
		return policy_check_record(check, section);
	case POLICY_SECTION_SENSOR:
		return check_sensor(check, section);
	case POLICY_SECTION_PEOPLE:
		return check_people(check, section);
	case POLICY_SECTION_DETECT:
		return policy_check_detect(check, section);
	case POLICY_SECTION_CLASS:
	case POLICY_N_SECTION_KINDS:
		break;
	}
	return 0;
}

static int check_classes(struct policy_check *check)
{
	const struct policy_draft *draft = check->draft;
	int error = 0;

	for (size_t i = 0; !error && i < draft->n_sections; i++) {
		const struct policy_section *section = &draft->sections[i];

		if (section->kind != POLICY_SECTION_CLASS)
			continue;
		check->n_classes++;
		if (check->n_classes == POLICY_MAX_LABELS + 1)
			error = policy_problems_add(check->problems, section->file, section->line,
						    "[class \"%s\"] is one more than the %d "
						    "classes there can be",
						    section->name, POLICY_MAX_LABELS);
		if (!error)
			error = check_class(check, section);
	}
	return error;
}

static int add_defaults(struct policy *policy)
{
	int error = 0;

	for (size_t i = 0; !error && i < policy_keys_n_hubs; i++) {
		const struct policy_hub *hub = &policy_keys_hubs[i];
		const struct policy_executable wanted = {
			.is_hub = true,
			.is_input_method = !strcmp(hub->name, POLICY_KEYS_INPUT_METHOD)};

		error = add_executable(policy, hub->name, hub->path, &wanted);
	}
	if (!error)
		error = policy_check_add_default_sinks(policy);
	if (!error && !policy->n_staff) {
		struct policy_uids *uids;

		uids = policy_model_add(&policy->staff, &policy->n_staff, sizeof(*uids));
		if (!uids)
			return -ENOMEM;
		uids->first = DEFAULT_STAFF_FIRST;
		uids->last = DEFAULT_STAFF_LAST;
	}
	return error;
}

/* A policy that finds nothing is a mistake more often than a wish. */
static int check_has_source(struct policy_check *check)
{
	const struct policy_draft *draft = check->draft;

	for (size_t i = 0; i < draft->n_sections; i++)
		if (draft->sections[i].kind == POLICY_SECTION_CRM ||
		    draft->sections[i].kind == POLICY_SECTION_EXPORT ||
		    draft->sections[i].kind == POLICY_SECTION_CLIENT)
			return 0;
	if (check->problems->n_items)
		return 0;
	return policy_problems_add(check->problems, draft->n_files ? draft->files[0] : "policy", 0,
				   "no source: at least one [crm \"NAME\"], [export \"NAME\"] or "
				   "[client \"NAME\"] says where customer data comes from");
}

int policy_check_draft(const struct policy_draft *draft, struct policy_problems *problems,
		       struct policy **ret_policy)
{
	_cleanup_(policy_freep) struct policy *policy = calloc(1, sizeof(*policy));
	struct policy_check check = {.draft = draft, .problems = problems, .policy = policy};
	int error;

	if (!policy)
		return -ENOMEM;
	policy->sensor = (struct policy_sensor){.max_hops = DEFAULT_MAX_HOPS,
						.arguments_min_bytes = DEFAULT_ARGUMENTS_MIN_BYTES};
	error = check_classes(&check);
	for (size_t i = 0; !error && i < draft->n_sections; i++)
		error = check_section(&check, &draft->sections[i]);
	if (!error)
		error = check_has_source(&check);
	if (!error)
		error = add_defaults(policy);
	if (error < 0)
		return error;
	if (problems->n_items)
		return -EINVAL;
	*ret_policy = TAKE(policy);
	return 0;
}
