/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_check_record.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "policy/policy_keys.h"
#include "policy/policy_problems.h"
#include "policy/policy_shape.h"
#include "policy/policy_table.h"

/* Shorter ones fit a word of any text, and a count of those says nothing. */
#define LEAST_BYTES 6

#define PROBLEM(check, at, ...) \
	policy_problems_add((check)->problems, (at)->file, (at)->line, __VA_ARGS__)

/* What a kind is called where the policy gives no title. */
static const struct {
	const char *title, *title_zh;
} titles[] = {
	[POLICY_RECORD_PATTERN] = {"", ""},
	[POLICY_RECORD_MOBILE] = {"mobile numbers", "手机号码"},
	[POLICY_RECORD_RESIDENT_ID] = {"resident identity numbers", "居民身份证号码"},
	[POLICY_RECORD_EMAIL] = {"e-mail addresses", "电子邮箱地址"},
	[POLICY_RECORD_BANK_CARD] = {"bank card numbers", "银行卡号"},
};

static enum policy_record_kind kind_of(const char *word)
{
	for (size_t i = 0; i < policy_keys_n_record_kinds; i++)
		if (!strcmp(word, policy_keys_record_kinds[i]))
			return (enum policy_record_kind)i;
	return POLICY_RECORD_PATTERN;
}

static int check_pattern(struct policy_check *check, const struct policy_section *section,
			 const struct policy_record *record)
{
	const struct policy_entry *entry = policy_section_find(section, "pattern");
	_cleanup_(policy_table_freep) struct policy_table *table = NULL;
	const char *why = "";
	struct policy_shape shape;
	int error;

	if (record->kind != POLICY_RECORD_PATTERN)
		return record->pattern[0]
			       ? PROBLEM(check, entry,
					 "kind = %s brings its own pattern; leave one of them out",
					 policy_keys_record_kinds[record->kind])
			       : 0;
	if (!record->pattern[0])
		return PROBLEM(
			check, section,
			"[record \"%s\"] needs a kind, as in kind = mobile, or a pattern, as "
			"in pattern = P20\\d{8}",
			section->name);
	if (strlen(record->pattern) > POLICY_RECORD_MAX_PATTERN_BYTES)
		return PROBLEM(check, entry, "a pattern is written in %d bytes at most",
			       POLICY_RECORD_MAX_PATTERN_BYTES);
	if (policy_shape_parse(record->pattern, &shape, &why) < 0)
		return PROBLEM(check, entry, "pattern \"%s\": %s", record->pattern, why);
	if (policy_shape_least_bytes(&shape) < LEAST_BYTES)
		return PROBLEM(check, entry,
			       "pattern \"%s\" fits texts of %zu bytes; one of fewer than %d would "
			       "fit almost anything",
			       record->pattern, policy_shape_least_bytes(&shape), LEAST_BYTES);
	error = policy_table_new(&shape, 1, &table);
	if (error == -E2BIG)
		return PROBLEM(check, entry,
			       "pattern \"%s\" can be read in too many ways; make its repetitions "
			       "fewer or set signs between them that tell them apart",
			       record->pattern);
	return error;
}

static int set_title(const char *fallback, char **title)
{
	if (**title)
		return 0;
	free(*title);
	*title = NULL;
	return text_copy(fallback, title);
}

static int set_titles(const struct policy_section *section, struct policy_record *record)
{
	int error = policy_check_text(section, "title", &record->title);

	if (!error)
		error = policy_check_text(section, "title_zh", &record->title_zh);
	if (!error)
		error = set_title(titles[record->kind].title, &record->title);
	if (!error)
		error = set_title(titles[record->kind].title_zh, &record->title_zh);
	return error;
}

int policy_check_record(struct policy_check *check, const struct policy_section *section)
{
	_cleanup_free_ char *kind = NULL;
	struct policy *policy = check->policy;
	struct policy_record *record;
	int error;

	if (policy->n_records == POLICY_MAX_RECORDS)
		return PROBLEM(check, section,
			       "[record \"%s\"] is one more than the %d records there can be",
			       section->name, POLICY_MAX_RECORDS);
	record = policy_model_add(&policy->records, &policy->n_records, sizeof(*record));
	if (!record)
		return -ENOMEM;
	error = text_copy(section->name, &record->name);
	if (!error)
		error = policy_check_words(check, section, "kind", policy_keys_record_kinds,
					   policy_keys_n_record_kinds, false, &kind);
	if (error < 0)
		return error;
	record->kind = kind ? kind_of(kind) : POLICY_RECORD_PATTERN;
	error = policy_check_text(section, "pattern", &record->pattern);
	if (!error)
		error = set_titles(section, record);
	if (!error && (!policy_check_has(section, "kind") || (kind && *kind)))
		error = check_pattern(check, section, record);
	if (!error)
		error = policy_check_classes(check, section, &record->labels);
	return error;
}
