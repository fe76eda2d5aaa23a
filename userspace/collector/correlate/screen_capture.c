/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/detector.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/lineage.h"
#include "collector/incidents/incident.h"
#include "collector/incidents/incident_format.h"
#include "policy/policy.h"

/*
 * A picture of a screen left on which, shortly before, somebody who held customer data had drawn.
 * Whether the data is in the picture nobody has looked: the reason says that it is an estimate.
 */

#define CITED_REPORTS 16 /* of one flow */
#define NS_PER_S 1000000000ull

struct grab {
	const struct lineage_flow *taken; /* by whom, the last of them */
	const struct lineage_flow *shown; /* by whom last before it; NULL: not known */
	const struct lineage_flow *held;  /* what that one had taken in last; NULL: not known */
	const struct lineage_flow *kept;  /* the picture's file; NULL: there was none */
	uint64_t n_grabs;
};

static bool is_of_screen(const struct lineage_flow *flow, enum event_direction direction)
{
	return flow->event->object.kind == EVENT_OBJECT_SCREEN &&
	       flow->event->direction == direction && flow->event->n_labels > 0;
}

static bool is_later(const struct lineage_flow *flow, const struct lineage_flow *than)
{
	return !than || flow->last_ns > than->last_ns;
}

static void find_shown(const struct lineage *lineage, struct grab *grab)
{
	const struct lineage_object *screen = lineage_object_of(lineage, grab->taken);

	for (size_t i = 0; screen && i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (is_of_screen(flow, EVENT_DIRECTION_OUT) &&
		    lineage_object_of(lineage, flow) == screen && is_later(flow, grab->shown))
			grab->shown = flow;
	}
}

static void find_held(const struct lineage *lineage, struct grab *grab)
{
	size_t i = grab->shown ? lineage->apps[grab->shown->app].first_flow : LINEAGE_NO_FLOW;

	for (; i != LINEAGE_NO_FLOW; i = lineage->flows[i].next_of_app) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (flow->event->direction == EVENT_DIRECTION_IN && flow->event->n_labels > 0 &&
		    flow->first_ns <= grab->taken->last_ns && is_later(flow, grab->held))
			grab->held = flow;
	}
}

static void find_kept(const struct lineage *lineage, struct grab *grab)
{
	size_t i = lineage->apps[grab->taken->app].first_flow;

	for (; i != LINEAGE_NO_FLOW; i = lineage->flows[i].next_of_app) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (flow->event->direction == EVENT_DIRECTION_OUT && flow->event->object.name &&
		    flow->event->object.kind == EVENT_OBJECT_FILE && is_later(flow, grab->kept))
			grab->kept = flow;
	}
}

static void find_grab(const struct lineage *lineage, struct grab *grab)
{
	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (!is_of_screen(flow, EVENT_DIRECTION_IN))
			continue;
		grab->n_grabs += flow->calls;
		if (is_later(flow, grab->taken))
			grab->taken = flow;
	}
	if (!grab->taken)
		return;
	find_shown(lineage, grab);
	find_held(lineage, grab);
	find_kept(lineage, grab);
}

static const char *place_of(const struct lineage_flow *flow)
{
	const struct event_object *object = &flow->event->object;

	if (object->zone_name)
		return object->zone_name;
	return object->name ? lineage_basename(object->name)
			    : event_object_kind_to_string(object->kind);
}

static struct incident_number_text seconds_before(const struct lineage_flow *flow,
						  const struct grab *grab)
{
	uint64_t grab_ns = grab->taken->last_ns;

	return incident_format_number(grab_ns > flow->last_ns ? (grab_ns - flow->last_ns) / NS_PER_S
							      : 0);
}

static void write_shown(const struct grab *grab, bool zh, FILE *out)
{
	fprintf(out,
		zh ? "；此前 %s 秒，程序 %s 曾在该屏幕上显示" : "; %s s before, %s had drawn on it",
		seconds_before(grab->shown, grab).text, lineage_program(grab->shown->event));
	if (grab->held)
		fprintf(out,
			zh ? "，该程序持有客户数据，截取前 %s 秒最后一次取自 %s"
			   : ", which held customer data, the last of it taken %s s before the "
			     "grab from %s",
			seconds_before(grab->held, grab).text, place_of(grab->held));
}

static char *explain(const struct episode *episode, const struct grab *grab, bool zh)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, zh ? "%s，程序 %s 截取了屏幕" : "At %s, %s grabbed the screen",
		incident_format_time(grab->taken->last_ns).text,
		lineage_program(grab->taken->event));
	if (grab->n_grabs > 1)
		fprintf(out, zh ? "（共 %s 次，此为最后一次）" : " (the last of %s grabs)",
			incident_format_number(grab->n_grabs).text);
	if (grab->shown)
		write_shown(grab, zh, out);
	fputs(zh ? "。截图" : ". The picture ", out);
	if (grab->kept)
		fprintf(out, zh ? "写入 %s，随后" : "was written to %s and ", place_of(grab->kept));
	fprintf(out, zh ? "发往 %s。" : "went to %s.", episode->recipient);
	fputs(zh ? "截图中是否有客户数据属于估计，含有多少条记录未知。"
		 : " That customer data is in it is estimated; how many records it shows is not "
		   "known.",
	      out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int cite(const struct grab *grab, struct incident_ids *ids)
{
	const struct lineage_flow *const flows[] = {grab->held, grab->shown, grab->taken,
						    grab->kept};
	int r = 0;

	for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]) && r == 0; i++)
		if (flows[i])
			r = detector_cite_flow(ids, flows[i], CITED_REPORTS);
	return r;
}

static int run(const struct detector *detector, const struct episode *episode,
	       const struct policy *policy, struct incident *incident)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	struct incident_ids ids = {0};
	struct grab grab = {0};
	int r;

	find_grab(episode->lineage, &grab);
	if (!grab.taken)
		return 0;
	reason = explain(episode, &grab, false);
	reason_zh = explain(episode, &grab, true);
	r = reason && reason_zh ? cite(&grab, &ids) : -ENOMEM;
	if (r == 0)
		r = detector_add(detector, incident, detector->attack,
				 policy_detect_value(policy, detector->id, "weight", 20), reason,
				 reason_zh, &ids);
	incident_ids_done(&ids);
	return r;
}

const struct detector detector_screen_capture = {
	.id = "screen_capture",
	.title = "a picture of a screen with labelled data on it went out",
	.title_zh = "带标签数据所在的屏幕被截取并发出",
	.attack = "T1113",
	.run = run,
};
