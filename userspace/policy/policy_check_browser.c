/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/policy_check_browser.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/policy_value.h"

/* Where packages put them, which their users cannot write to: a name alone anybody can give. */
static const char *const built_in[] = {
	"/usr/lib/chromium/chromium",
	"/usr/lib/chromium-browser/chromium-browser",
	"/snap/chromium/*/usr/lib/chromium-browser/chrome",
	"/opt/google/chrome/chrome",
	"/opt/google/chrome-*/chrome",
	"/usr/lib/firefox/firefox",
	"/usr/lib/firefox/firefox-bin",
	"/usr/lib/firefox-esr/firefox-esr",
	"/snap/firefox/*/usr/lib/firefox/firefox",
	"/opt/firefox/firefox",
	"/opt/firefox/firefox-bin",
	"/opt/microsoft/msedge/msedge",
	"/opt/microsoft/msedge-*/msedge",
	"/opt/brave.com/brave/brave",
	"/opt/vivaldi/vivaldi-bin",
	"/usr/lib/*/opera*/opera",
	"/opt/browser360-cn/browser360-cn",
	"/usr/bin/epiphany",
	"/usr/bin/falkon",
};

int policy_check_browser(struct policy_check *check, const struct policy_section *section)
{
	_cleanup_(policy_list_cleanup) struct policy_list paths = {};
	struct policy *policy = check->policy;
	int error = policy_check_required(check, section, "executable", built_in[0]);

	if (!error)
		error = policy_check_paths(check, section, "executable", &paths);
	for (size_t i = 0; !error && i < paths.n_items; i++) {
		char **path = policy_model_add(&policy->browsers.items, &policy->browsers.n_items,
					       sizeof(*path));

		if (!path)
			return -ENOMEM;
		*path = TAKE(paths.items[i]);
	}
	return error;
}

bool policy_is_browser(const struct policy *policy, const char *exe)
{
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++)
		if (fnmatch(built_in[i], exe, FNM_PATHNAME) == 0)
			return true;
	for (size_t i = 0; i < policy->browsers.n_items; i++)
		if (fnmatch(policy->browsers.items[i], exe, FNM_PATHNAME) == 0)
			return true;
	return false;
}
