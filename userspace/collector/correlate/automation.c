/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/correlate/detector.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/lineage.h"
#include "collector/correlate/lookup_pace.h"
#include "collector/incidents/incident.h"
#include "collector/incidents/incident_format.h"
#include "policy/policy.h"

/*
 * The lookups behind what went out were made by a program that people do not use
 * for that, or at a pace that no person has: faster than one reads, or as regular
 * as a clock. A person's pauses differ; a loop's do not.
 */

#define CITED_REPORTS 4   /* of one flow */
#define MAX_PROGRAMS 4    /* named in a sentence */
#define LEAST_SECONDS 0.1 /* that a sentence says: what is faster is within it */

struct limits {
	int64_t fast_lookups, fast_seconds;
	int64_t regular_lookups, regular_percent, regular_seconds;
};

static struct limits limits_of(const struct detector *detector, const struct policy *policy)
{
	const char *id = detector->id;

	return (struct limits){
		.fast_lookups = policy_detect_value(policy, id, "fast_lookups", 40),
		.fast_seconds = policy_detect_value(policy, id, "fast_seconds", 20),
		.regular_lookups = policy_detect_value(policy, id, "regular_lookups", 20),
		.regular_percent = policy_detect_value(policy, id, "regular_percent", 10),
		.regular_seconds = policy_detect_value(policy, id, "regular_seconds", 10),
	};
}

static double to_seconds(uint64_t ns)
{
	return (double)ns / (double)CLOCK_NS_PER_SECOND;
}

static int cite_run(const struct lookup_list *list, const struct lookup_run *run,
		    struct incident_ids *ids)
{
	const struct lineage_flow *last = NULL;
	int r = 0;

	for (size_t i = run->first; i < run->first + run->n_lookups && r == 0; i++) {
		if (list->items[i].flow != last)
			r = detector_cite_flow(ids, list->items[i].flow, CITED_REPORTS);
		last = list->items[i].flow;
	}
	return r;
}

static int tell_fast(const struct lookup_run *run, const char *program, const struct limits *limits,
		     char **reason, char **reason_zh)
{
	struct incident_number_text number = incident_format_number(run->n_lookups);
	double seconds = to_seconds(run->span_ns);

	seconds = seconds < LEAST_SECONDS ? LEAST_SECONDS : seconds;
	if (asprintf(reason,
		     "%s made about %s CRM lookups (estimated) within %.1f seconds, faster than "
		     "any person: the policy's line is %" PRId64 " within %" PRId64 " seconds.",
		     program, number.text, seconds, limits->fast_lookups,
		     limits->fast_seconds) < 0 ||
	    asprintf(reason_zh,
		     "程序 %s 在 %.1f 秒内进行了约 %s 次客户管理系统（CRM）查询（估计），快于人工操"
		     "作：策略设定的界线为 %" PRId64 " 秒内 %" PRId64 " 次。",
		     program, seconds, number.text, limits->fast_seconds, limits->fast_lookups) < 0)
		return -ENOMEM;
	return 0;
}

static int tell_regular(const struct lookup_run *run, const char *program,
			const struct limits *limits, char **reason, char **reason_zh)
{
	struct incident_number_text number = incident_format_number(run->n_lookups);
	double seconds = to_seconds(run->span_ns) / (double)(run->n_lookups - 1);
	double percent = run->variation * 100;

	if (asprintf(reason,
		     "%s made about %s CRM lookups (estimated), about one every %.1f seconds, as "
		     "regular as a clock: three of four intervals are within %.1f %% of their "
		     "median, and the policy's line is %" PRId64 " %% over %" PRId64 " lookups.",
		     program, number.text, seconds, percent, limits->regular_percent,
		     limits->regular_lookups) < 0 ||
	    asprintf(
		    reason_zh,
		    "程序 %s 进行了约 %s 次客户管理系统（CRM）查询（估计），约每 %.1f "
		    "秒一次，间隔十"
		    "分均匀：四分之三的间隔与中位数相差不超过 %.1f%%，策略设定的界线为连续 %" PRId64
		    " 次查询不超过 %" PRId64 "%%。",
		    program, number.text, seconds, percent, limits->regular_lookups,
		    limits->regular_percent) < 0)
		return -ENOMEM;
	return 0;
}

/* One of the two: what is as fast as that is regular as well. */
static int judge_pace(const struct detector *detector, const struct policy *policy,
		      const struct lookup_list *list, struct incident *incident)
{
	const struct limits limits = limits_of(detector, policy);
	struct lookup_run run =
		lookup_pace_fastest(list, (size_t)limits.fast_lookups,
				    (uint64_t)limits.fast_seconds * CLOCK_NS_PER_SECOND);
	bool is_fast = run.n_lookups > 0;
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	struct incident_ids events = {0};
	const char *program;
	int r;

	if (!is_fast)
		run = lookup_pace_most_regular(list, (size_t)limits.regular_lookups,
					       (uint64_t)limits.regular_seconds *
						       CLOCK_NS_PER_SECOND,
					       (double)limits.regular_percent / 100);
	if (run.n_lookups == 0)
		return 0;
	program = lineage_program(list->items[run.first].flow->event);
	r = is_fast ? tell_fast(&run, program, &limits, &reason, &reason_zh)
		    : tell_regular(&run, program, &limits, &reason, &reason_zh);
	if (r == 0)
		r = cite_run(list, &run, &events);
	if (r == 0)
		r = detector_add(detector, incident, "T1119",
				 policy_detect_value(policy, detector->id, "weight", 10), reason,
				 reason_zh, &events);
	incident_ids_done(&events);
	return r;
}

/* What programs that the policy does not expect have looked up. */
struct strangers {
	const char *programs[MAX_PROGRAMS];
	size_t n_programs;
	const char *crm;
	uint64_t n_lookups;
	struct incident_ids events;
};

static bool is_stranger(const struct policy *policy, const struct lineage_flow *flow)
{
	const struct event *event = flow->event;
	const struct policy_zone *zone;

	if (event->object.role != EVENT_ROLE_CRM || event->direction != EVENT_DIRECTION_IN ||
	    !event->app.exe)
		return false;
	zone = episode_find_zone(policy, EVENT_ROLE_CRM, event->object.zone_name);
	return zone && !policy_zone_expects(zone, event->app.exe, event->app.exe_sha256);
}

static void add_program(struct strangers *strangers, const char *program)
{
	for (size_t i = 0; i < strangers->n_programs; i++)
		if (strcmp(strangers->programs[i], program) == 0)
			return;
	if (strangers->n_programs < MAX_PROGRAMS)
		strangers->programs[strangers->n_programs++] = program;
}

static int find_strangers(const struct lineage *lineage, const struct policy *policy,
			  struct strangers *strangers)
{
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];
		uint64_t n_lookups =
			is_stranger(policy, flow) ? episode_lookups(policy, flow, 0) : 0;

		if (n_lookups == 0)
			continue;
		add_program(strangers, lineage_program(flow->event));
		strangers->crm = flow->event->object.zone_name;
		strangers->n_lookups += n_lookups;
		r = detector_cite_flow(&strangers->events, flow, CITED_REPORTS);
	}
	return r;
}

static int tell_strangers(const struct detector *detector, const struct policy *policy,
			  const struct strangers *strangers, struct incident *incident)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	char names[256] = "", names_zh[256] = "";
	struct incident_number_text number = incident_format_number(strangers->n_lookups);

	for (size_t i = 0; i < strangers->n_programs; i++) {
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%.48s",
			 i ? ", " : "", strangers->programs[i]);
		snprintf(names_zh + strlen(names_zh), sizeof(names_zh) - strlen(names_zh),
			 "%s%.48s", i ? "、" : "", strangers->programs[i]);
	}
	if (asprintf(&reason,
		     "About %s CRM lookups (estimated) at %s were made by %s, which is none of the "
		     "programs that the policy expects there.",
		     number.text, strangers->crm, names) < 0 ||
	    asprintf(&reason_zh,
		     "对 %s 的约 %s 次客户管理系统（CRM）查询（估计）由程序 %s 进行，不属于策略预"
		     "期的客户端程序。",
		     strangers->crm, number.text, names_zh) < 0)
		return -ENOMEM;
	return detector_add(detector, incident, "T1119",
			    policy_detect_value(policy, detector->id, "client_weight", 15), reason,
			    reason_zh, &strangers->events);
}

static int run(const struct detector *detector, const struct episode *episode,
	       const struct policy *policy, struct incident *incident)
{
	_cleanup_(lookup_list_done) struct lookup_list list = {};
	struct strangers strangers = {};
	int r = lookup_pace_collect(episode->lineage, policy, &list);

	if (r == 0)
		r = judge_pace(detector, policy, &list, incident);
	if (r == 0)
		r = find_strangers(episode->lineage, policy, &strangers);
	if (r == 0 && strangers.n_lookups > 0)
		r = tell_strangers(detector, policy, &strangers, incident);
	incident_ids_done(&strangers.events);
	return r;
}

const struct detector detector_automation = {
	.id = "automation",
	.title = "lookups by a program or at a pace that no person has",
	.title_zh = "由非预期程序或以非人工的节奏进行查询",
	.attack = "T1119",
	.run = run,
};
