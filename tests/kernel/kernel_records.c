/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/kernel_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/scan/scan_text.h"
#include "kernel/kernel_files.h"
#include "policy/policy.h"

static const uint8_t key[SIPHASH_KEY_BYTES] = "a key of a test";

static const char policy_text[] = "[class \"customer\"]\ngrade = C3\ncategory = other\n"
				  "[crm \"crm\"]\nhost = 127.0.0.1\nclass = customer\n"
				  "[record \"number\"]\npattern = P20\\d{8}\nclass = customer\n"
				  "[record \"mobile\"]\nkind = mobile\nclass = customer\n"
				  "[record \"id\"]\nkind = resident_id\nclass = customer\n"
				  "[record \"email\"]\nkind = email\nclass = customer\n"
				  "[record \"card\"]\nkind = bank_card\nclass = customer\n";

static struct policy *load_policy(void)
{
	char path[] = "/tmp/weir-records-XXXXXX";
	struct policy_problems problems = {};
	struct policy *policy = NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	kernel_files_write(path, policy_text, strlen(policy_text), 0600);
	if (policy_load(path, &policy, &problems) < 0)
		policy_problems_print(&problems, stderr);
	policy_problems_done(&problems);
	unlink(path);
	assert_non_null(policy);
	return policy;
}

static bool has(const struct kernel_records *records, uint32_t rule, uint64_t fingerprint)
{
	for (size_t i = 0; i < records->n; i++)
		if (records->list[i].rule == rule && records->list[i].fingerprint == fingerprint)
			return true;
	return false;
}

void kernel_records_put(struct kernel_records *records, const struct sensor_flow *flow,
			const struct sensor_records *found)
{
	for (size_t i = 0; i < found->n_found; i++) {
		const struct sensor_record *record = &found->found[i];

		if (has(records, record->rule, record->fingerprint) ||
		    records->n == KERNEL_RECORDS_MAX)
			continue;
		records->list[records->n++] =
			(struct kernel_record){record->rule, record->fingerprint};
	}
	records->n_told++;
	records->is_whole = found->is_whole;
	records->is_plain = found->is_plain;
	records->kind = flow->object.kind;
	records->bytes = flow->bytes;
}

void kernel_records_look(struct sensor *sensor)
{
	struct policy *policy = load_policy();
	size_t n = 0;

	assert_int_equal(sensor_set_records(sensor, policy, key, &n), 0);
	assert_int_equal(n, 5);
	policy_free(policy);
}

static struct scan_text *make_scanner(void)
{
	struct policy *policy = load_policy();
	struct scan_rule rules[POLICY_MAX_RECORDS] = {};
	struct scan_text *text;
	const struct policy_record *records;
	size_t n = policy_records(policy, &records);

	for (size_t i = 0; i < n; i++) {
		rules[i].kind = records[i].kind;
		snprintf(rules[i].name, sizeof(rules[i].name), "%s", records[i].name);
		snprintf(rules[i].pattern, sizeof(rules[i].pattern), "%s", records[i].pattern);
	}
	assert_int_equal(scan_text_new(rules, n, key, &text), 0);
	policy_free(policy);
	return text;
}

void kernel_records_check(const struct kernel_records *records, const char *text, size_t size,
			  size_t n)
{
	struct scan_text *scanner = make_scanner();
	size_t n_found = 0;

	scan_text_feed(scanner, (const uint8_t *)text, size);
	scan_text_end(scanner);
	for (uint32_t rule = 0; rule < 5; rule++) {
		const struct scan_set *set = scan_text_found(scanner, rule);

		n_found += set->n_items;
		for (size_t i = 0; i < set->n_slots; i++)
			assert_true(!set->slots[i] || has(records, rule, set->slots[i]));
	}
	scan_text_free(scanner);
	assert_int_equal(n_found, n);
	assert_int_equal(records->n, n);
}
