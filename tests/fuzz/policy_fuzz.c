/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A policy from anywhere is either refused with problems or checked into a
 * policy that can be asked; names are not looked up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/policy_check.h"
#include "policy/policy_model.h"
#include "policy/policy_parse.h"
#include "policy/policy_problems.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask_policy(const struct policy *policy)
{
	static const struct in6_addr address = {{{0xfd, 1}}};

	policy_match_address(policy, &address, 443);
	policy_match_path(policy, "/home/li/exports/x.csv");
	policy_match_host(policy, "crm.test");
	policy_match_peer(policy, &(struct policy_peer){&address, 443, true, true, "crm.test."});
	policy_match_peer(policy, &(struct policy_peer){&address, 3128, false, true, NULL});
	policy_match_device(policy, "usb", "A1", NULL);
	policy_is_staff(policy, 1000);
	if (policy_class_mask(policy) && !policy->n_classes)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct policy_problems problems = {};
	struct policy_draft draft = {};
	int error;

	draft.folder = strdup("/etc/weir");
	error = policy_parse_text(&draft, "fuzz", (const char *)data, size, &problems);
	if (!error) {
		error = policy_check_draft(&draft, &problems, &policy);
		/* Refused without a reason, or accepted in spite of one. */
		if (!error != !problems.n_items)
			abort();
	}
	policy_problems_sort(&problems);
	if (policy)
		ask_policy(policy);
	policy_problems_done(&problems);
	policy_draft_done(&draft);
	return 0;
}
