/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/asking.h"

#include <string.h>

#include "collector/correlate/episode.h"
#include "collector/correlate/lineage.h"
#include "collector/incidents/incident.h"
#include "policy/policy.h"

/* What was started several times, or again the next day, with one profile or with several. */
struct browser {
	const struct lineage *lineage;
	const struct policy *policy;
	const char *exe, *agent;
};

static const char *exe_of(const struct lineage_app *app)
{
	return app->event && app->event->app.exe ? app->event->app.exe : "";
}

static bool is_browser(const struct browser *browser, const struct lineage_app *app)
{
	return strcmp(exe_of(app), browser->exe) == 0 && strcmp(app->agent, browser->agent) == 0;
}

/* One browser, of which all senders are. */
static bool find_browser(const struct lineage *lineage, const struct policy *policy,
			 struct browser *ret_browser)
{
	struct browser browser = {.lineage = lineage, .policy = policy};

	for (size_t i = 0; i < lineage->n_apps; i++) {
		const struct lineage_app *app = &lineage->apps[i];

		if (!app->is_sender)
			continue;
		if (!browser.exe) {
			browser.exe = exe_of(app);
			browser.agent = app->agent;
		}
		if (!is_browser(&browser, app))
			return false;
	}
	*ret_browser = browser;
	return browser.exe && policy_is_browser(policy, browser.exe);
}

static bool has_counts(const struct lineage_scan *scans, size_t n_scans)
{
	for (size_t i = 0; i < n_scans; i++)
		for (size_t j = 0; j < scans[i].event->n_counts; j++)
			if (scans[i].event->counts[j].n_records > 0)
				return true;
	return false;
}

static bool looks_like_asking(const struct lineage_flow *egress, const struct asking_limits *limits)
{
	if (egress->event->object.kind != EVENT_OBJECT_SOCKET ||
	    egress->bytes > limits->connection_bytes || has_counts(egress->scans, egress->n_scans))
		return false;
	for (size_t i = 0; i < egress->n_reports; i++)
		if (egress->reports[i].bytes > limits->write_bytes * egress->reports[i].calls)
			return false;
	return true;
}

/* Where browsers keep what they have for themselves; what is fetched for its user is not hidden. */
static bool is_in_profile(const struct event_object *object)
{
	return object->name && strstr(object->name, "/.");
}

/* By this browser; by another one of its kind, into its profile. */
static bool is_written_within(const struct browser *browser, const struct lineage_flow *in)
{
	const struct lineage *lineage = browser->lineage;
	bool is_written = false;

	for (size_t i = 0; in->object != LINEAGE_NO_OBJECT && i < lineage->n_flows; i++) {
		const struct lineage_flow *out = &lineage->flows[i];

		if (out->object != in->object || out->event->direction != EVENT_DIRECTION_OUT)
			continue;
		if (!is_browser(browser, &lineage->apps[out->app]) ||
		    (out->app != in->app && !is_in_profile(&in->event->object)))
			return false;
		is_written = true;
	}
	return is_written;
}

static bool has_records(const struct lineage *lineage, const struct lineage_flow *in)
{
	const struct lineage_object *object = lineage_object_of(lineage, in);

	return object && has_counts(object->scans, object->n_scans);
}

/* Sockets and memory that a browser shares with its helpers bring back what they had from it: where
 * else they can have had it from is asked of the helpers. */
static bool is_from_within(const struct browser *browser, const struct lineage_flow *in)
{
	switch (in->event->object.kind) {
	case EVENT_OBJECT_UNIX:
	case EVENT_OBJECT_MEMFD:
		return true;
	case EVENT_OBJECT_FILE:
		/* A table that was fetched from the CRM, and that may go on to somebody else. */
		if (in->event->object.role == EVENT_ROLE_EXPORT ||
		    (!is_in_profile(&in->event->object) && has_records(browser->lineage, in)))
			return false;
		return lineage_is_nameless(&in->event->object) ||
		       lineage_is_own(browser->lineage, in) || is_written_within(browser, in);
	case EVENT_OBJECT_PIPE:
		return lineage_is_own(browser->lineage, in) || is_written_within(browser, in);
	default:
		return false;
	}
}

/* Whether all that the browser took in was the CRM's, and nobody else took anything from a source.
 */
static bool is_from_crm_alone(const struct browser *browser)
{
	const struct lineage *lineage = browser->lineage;
	bool has_crm = false;

	for (size_t i = 0; i < lineage->n_apps; i++)
		if (episode_app_is_client(browser->policy, &lineage->apps[i]))
			return false;
	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *in = &lineage->flows[i];
		bool is_ours = is_browser(browser, &lineage->apps[in->app]);

		if (in->event->direction != EVENT_DIRECTION_IN || in->event->n_labels == 0)
			continue;
		if (is_ours && in->is_crm)
			has_crm = true;
		else if (is_ours ? !is_from_within(browser, in)
				 : in->is_crm || in->event->object.role == EVENT_ROLE_EXPORT)
			return false;
	}
	return has_crm;
}

bool asking_is_all(const struct episode *episode, const struct policy *policy,
		   const struct incident *incident, const struct asking_limits *limits,
		   const char **ret_program)
{
	const struct lineage *lineage = episode->lineage;
	struct browser browser;

	if (incident->n_counts > 0 || lineage->n_cut > 0 || lineage->n_cut_reports > 0 ||
	    !find_browser(lineage, policy, &browser))
		return false;
	for (size_t i = 0; i < lineage->n_flows; i++)
		if (lineage->flows[i].is_egress && !looks_like_asking(&lineage->flows[i], limits))
			return false;
	*ret_program = lineage_basename(browser.exe);
	return is_from_crm_alone(&browser);
}
