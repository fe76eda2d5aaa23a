/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_POLICY_POLICY_CHECK_VALUE_H
#define WEIR_POLICY_POLICY_CHECK_VALUE_H

/*
 * Checks one key of one section. A wrong value becomes a problem at its own
 * line and leaves a harmless value behind, so that checking goes on; functions
 * therefore return 0 with or without problems, and -ENOMEM only.
 */

#include "policy/policy_model.h"
#include "policy/policy_value.h"

struct policy_check {
	const struct policy_draft *draft;
	struct policy_problems *problems;
	struct policy *policy;
	size_t n_classes; /* all of them, while policy->n_classes still grows */
};

/* A key with an empty value counts as not given: a drop-in takes a value back that way. */
bool policy_check_has(const struct policy_section *section, const char *key);
int policy_check_required(struct policy_check *check, const struct policy_section *section,
			  const char *key, const char *example);

/* Text as it stands, "" when not given. */
int policy_check_text(const struct policy_section *section, const char *key, char **ret_text);

/* Whatever a list holds, empty when not given. */
int policy_check_list(const struct policy_section *section, const char *key,
		      struct policy_list *ret_list);

/* One of words (or a list of them when many), "" when not given. */
int policy_check_words(struct policy_check *check, const struct policy_section *section,
		       const char *key, const char *const *words, size_t n_words, bool many,
		       char **ret_text);

/* ret_number and ret_switch keep their value when the key is not given. */
int policy_check_number(struct policy_check *check, const struct policy_section *section,
			const char *key, int64_t least, int64_t most, int64_t *ret_number);
int policy_check_switch(struct policy_check *check, const struct policy_section *section,
			const char *key, int64_t *ret_switch);

/* The required "class" as a label mask. */
int policy_check_classes(struct policy_check *check, const struct policy_section *section,
			 uint64_t *ret_labels);

/* The required "host". */
int policy_check_hosts(struct policy_check *check, const struct policy_section *section,
		       struct policy_hosts *hosts);

/* Absolute paths of a list; one absolute path, NULL when not given. */
int policy_check_paths(struct policy_check *check, const struct policy_section *section,
		       const char *key, struct policy_list *ret_paths);
int policy_check_path(struct policy_check *check, const struct policy_section *section,
		      const char *key, char **ret_path);

/* "staff" of [people]. */
int policy_check_staff(struct policy_check *check, const struct policy_section *section);

#endif
