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
 * A file that the data had rested in was unlinked or truncated after the data had
 * gone out. What was removed before that is ordinary work on temporary files, so
 * each file is held against the time at which its own data can have left.
 */

#define NS_PER_HOUR (3600ull * 1000000000)
#define MAX_SHOWN_FILES 5

struct removals {
	struct incident_ids events;
	char *names;   /* "a.csv, b.zip" */
	char *program; /* that did the first one */
	uint64_t first_ns;
	size_t n_files;
};

/* Had data of the object left when this happened, and no longer ago than the window? */
static bool is_after_egress(const struct lineage *lineage, const struct lineage_object *object,
			    uint64_t time_ns, uint64_t window_ns, uint64_t *ret_report)
{
	for (size_t i = 0; i < lineage->n_flows; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		for (size_t j = 0; flow->is_egress && j < flow->n_reports; j++) {
			const struct lineage_report *report = &flow->reports[j];
			uint64_t left_ns = report->start_ns > object->leave_ns ? report->start_ns
									       : object->leave_ns;

			if (report->bytes == 0 || report->time_ns < object->leave_ns ||
			    time_ns < left_ns)
				continue;
			if (report->time_ns < time_ns && time_ns - report->time_ns > window_ns)
				continue;
			*ret_report = report->id;
			return true;
		}
	}
	return false;
}

static int note_name(struct removals *removals, const char *name)
{
	char *longer;

	removals->n_files++;
	if (removals->n_files > MAX_SHOWN_FILES)
		return 0;
	if (asprintf(&longer, "%s%s%s", removals->names ? removals->names : "",
		     removals->names ? ", " : "", name) < 0)
		return -ENOMEM;
	free(removals->names);
	removals->names = longer;
	return 0;
}

static int note_removal(struct removals *removals, const struct lineage_object *object,
			const struct lineage_mark *mark, uint64_t egress_report)
{
	const char *name = mark->name        ? mark->name
			   : object->n_names ? object->names[object->n_names - 1].name
					     : "?";
	int r = note_name(removals, lineage_basename(name));

	if (r == 0 && (removals->first_ns == 0 || mark->time_ns < removals->first_ns)) {
		free(removals->program);
		removals->program = strdup(lineage_basename(mark->exe));
		removals->first_ns = mark->time_ns;
		r = removals->program ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = incident_ids_add(&removals->events, mark->id);
	if (r == 0)
		r = incident_ids_add(&removals->events, egress_report);
	return r;
}

static int look_at_object(struct removals *removals, const struct lineage *lineage,
			  const struct lineage_object *object, uint64_t window_ns)
{
	for (size_t i = 0; i < object->n_marks; i++) {
		const struct lineage_mark *mark = &object->marks[i];
		uint64_t egress_report;

		if (mark->kind == EVENT_FILE_RENAME ||
		    !is_after_egress(lineage, object, mark->time_ns, window_ns, &egress_report))
			continue;
		/* One removal of a file is enough; what follows is another file's life. */
		return note_removal(removals, object, mark, egress_report);
	}
	return 0;
}

static int report(const struct detector *detector, const struct policy *policy,
		  struct incident *incident, const struct removals *removals)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	struct incident_time_text first = incident_format_time(removals->first_ns);
	const char *program = *removals->program ? removals->program : "?";
	const char *more = removals->n_files > MAX_SHOWN_FILES ? ", ..." : "";
	int64_t points = policy_detect_value(policy, detector->id, "weight", 20);

	if (asprintf(&reason,
		     "Clean-up: after the data had gone out, %s from %s on removed or emptied %zu "
		     "file(s) that it had rested in (%s%s).",
		     program, first.text, removals->n_files, removals->names, more) < 0)
		return -ENOMEM;
	if (asprintf(&reason_zh,
		     "清理：数据发出之后，自 %s 起，程序 %s 删除或清空了曾存放该数据的 %zu "
		     "个文件（%s%s）。",
		     first.text, program, removals->n_files, removals->names, more) < 0)
		return -ENOMEM;
	return detector_add(detector, incident, "T1070.004", points, reason, reason_zh,
			    &removals->events);
}

static int run(const struct detector *detector, const struct episode *episode,
	       const struct policy *policy, struct incident *incident)
{
	const struct lineage *lineage = episode->lineage;
	int64_t hours = policy_detect_value(policy, detector->id, "window_hours", 24);
	uint64_t window_ns = (hours > 0 ? (uint64_t)hours : 0) * NS_PER_HOUR;
	struct removals removals = {0};
	int r = 0;

	for (size_t i = 0; i < lineage->n_objects && r == 0; i++)
		r = look_at_object(&removals, lineage, &lineage->objects[i], window_ns);
	if (r == 0 && removals.n_files > 0)
		r = report(detector, policy, incident, &removals);
	free(removals.names);
	free(removals.program);
	incident_ids_done(&removals.events);
	return r;
}

const struct detector detector_clean_up = {
	.id = "clean_up",
	.title = "a copy was removed after the data had gone out",
	.title_zh = "数据发出之后，留存的副本被删除或清空",
	.attack = "T1070.004",
	.run = run,
};
