/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/received_list.h"

#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/detector.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/lineage.h"
#include "collector/incidents/incident.h"
#include "collector/incidents/incident_format.h"
#include "policy/policy.h"

/* The fingerprints of one kind of record in all that went out. */
struct answer {
	uint64_t *fingerprints;
	size_t n_fingerprints;
	bool is_ordered, is_exact;
};

static void answer_done(struct answer *answer)
{
	free(answer->fingerprints);
}

/* What a flow took from a file, as it was then. */
static int add_read(const struct lineage *lineage, const struct lineage_flow *flow,
		    struct lineage_scans *scans)
{
	const struct lineage_object *object = lineage_object_of(lineage, flow);
	int r = 0;

	for (size_t i = 0; object && i < flow->n_reports && r == 0; i++) {
		const struct lineage_scan *scan =
			flow->reports[i].bytes > 0
				? lineage_scan_of(object, flow->reports[i].time_ns)
				: NULL;

		if (scan)
			r = lineage_scans_add(scans, scan);
	}
	return r;
}

/* Files with the peer's data and none of a customer are lists; those with a customer's are what a
 * sender has read. */
static int find_files(const struct lineage *lineage, const char *peer, struct lineage_scans *lists,
		      struct lineage_scans *files)
{
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];
		const struct event *event = flow->event;

		if (event->direction != EVENT_DIRECTION_IN ||
		    event->object.kind != EVENT_OBJECT_FILE)
			continue;
		if (event->n_labels == 0 && lineage_has_origin(event, peer))
			r = add_read(lineage, flow, lists);
		else if (event->n_labels > 0 && lineage->apps[flow->app].is_sender)
			r = add_read(lineage, flow, files);
	}
	return r;
}

/* What was sent; is_all: all of it was read on its way out. */
static int find_sent(const struct lineage *lineage, struct lineage_scans *sent, bool *ret_is_all)
{
	bool is_all = true;
	int r = 0;

	for (size_t i = 0; i < lineage->n_apps && r == 0; i++) {
		bool is_whole = false;

		if (!lineage->apps[i].is_sender)
			continue;
		r = lineage_scans_add_sent(sent, lineage, &lineage->apps[i], &is_whole);
		is_all &= is_whole;
	}
	*ret_is_all = is_all;
	return r;
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = (*(const struct lineage_scan *const *)a)->id;
	uint64_t y = (*(const struct lineage_scan *const *)b)->id;

	return (x > y) - (x < y);
}

/* What was made of a list is younger than the list. */
static int compare_ages(const void *a, const void *b)
{
	uint64_t x = (*(const struct lineage_scan *const *)a)->event->content_ns;
	uint64_t y = (*(const struct lineage_scan *const *)b)->event->content_ns;

	return x != y ? (x > y) - (x < y) : compare_ids(a, b);
}

static const struct event_count *count_of(const struct event *event, const char *record)
{
	for (size_t i = 0; i < event->n_counts; i++)
		if (strcmp(event->counts[i].record, record) == 0)
			return &event->counts[i];
	return NULL;
}

/* Several files went out one after the other: so their records stand, too. */
static int join_answer(const struct lineage_scans *scans, const char *record, struct answer *answer)
{
	answer->is_ordered = answer->is_exact = true;
	for (size_t i = 0; i < scans->n_items; i++) {
		const struct event *event = scans->items[i]->event;
		const struct event_count *count = count_of(event, record);
		uint64_t *grown;

		answer->is_exact &= event->certainty == EVENT_CERTAINTY_EXACT;
		if (!count || count->n_fingerprints == 0)
			continue;
		grown = reallocarray(answer->fingerprints,
				     answer->n_fingerprints + count->n_fingerprints,
				     sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		memcpy(grown + answer->n_fingerprints, count->fingerprints,
		       count->n_fingerprints * sizeof(*grown));
		answer->fingerprints = grown;
		answer->n_fingerprints += count->n_fingerprints;
		answer->is_ordered &= count->is_in_order;
	}
	return 0;
}

/* Takes the list over into best if more of it has come back. */
static int weigh(const struct lineage_scan *list, const struct event_count *count,
		 const struct lineage_scans *answers, struct received_list *best)
{
	_cleanup_(answer_done) struct answer answer = {};
	struct list_order order;
	int r = join_answer(answers, count->record, &answer);

	if (r == 0)
		r = list_order_compare(count->fingerprints, count->n_fingerprints,
				       answer.fingerprints, answer.n_fingerprints, &order);
	if (r < 0 || order.n_both <= best->order.n_both)
		return r;
	*best = (struct received_list){
		.record = count->record,
		.n_records = count->n_fingerprints,
		.order = order,
		.is_ordered = count->is_in_order && answer.is_ordered,
		.is_exact = answer.is_exact && list->event->certainty == EVENT_CERTAINTY_EXACT,
		.event = list->id,
	};
	return 0;
}

/* The list of which the most is in the answers. */
static int find_best(const struct lineage_scans *lists, struct lineage_scans *answers,
		     struct received_list *best)
{
	int r = 0;

	if (answers->n_items > 0)
		qsort(answers->items, answers->n_items, sizeof(*answers->items), compare_ids);
	for (size_t i = 0; i < lists->n_items && r == 0; i++) {
		const struct event *event = lists->items[i]->event;

		for (size_t j = 0; j < event->n_counts && r == 0; j++)
			if (event->counts[j].n_fingerprints > 0)
				r = weigh(lists->items[i], &event->counts[j], answers, best);
	}
	return r;
}

/* In which order things were sent is not told; those of a file that was sent whole stand as in the
 * file. */
static bool is_all_of(const struct received_list *sent, const struct received_list *files)
{
	return sent->order.n_both > 0 && sent->event == files->event &&
	       sent->order.n_both == files->order.n_both &&
	       strcmp(sent->record, files->record) == 0;
}

int received_list_find(const struct lineage *lineage, const char *peer,
		       struct received_list *ret_list)
{
	_cleanup_(lineage_scans_done) struct lineage_scans lists = {}, files = {}, sent = {};
	struct received_list best = {}, best_sent = {};
	bool is_all_sent = false;
	int r = find_files(lineage, peer, &lists, &files);

	if (r == 0)
		r = find_sent(lineage, &sent, &is_all_sent);
	if (r == 0 && lists.n_items > 0)
		qsort(lists.items, lists.n_items, sizeof(*lists.items), compare_ages);
	if (r == 0)
		r = find_best(&lists, &files, &best);
	if (r == 0 && is_all_sent)
		r = find_best(&lists, &sent, &best_sent);
	if (r < 0)
		return r;
	if (is_all_sent && !is_all_of(&best_sent, &best))
		best = best_sent;
	if (best.order.n_both == 0)
		return 0;
	*ret_list = best;
	return 1;
}

/* All in the list's order, most of them, or in an order of its own. */
static const char *describe_order(const struct received_list *list, bool zh)
{
	size_t n_both = list->order.n_both, n_in_order = list->order.n_in_order;

	if (!list->is_ordered || n_both < 2)
		return "";
	if (n_in_order == n_both)
		return zh ? "，顺序相同" : ", in the same order";
	if (n_in_order * 4 >= n_both * 3)
		return zh ? "，顺序大致相同" : ", mostly in the same order";
	return zh ? "，顺序不同" : ", in another order";
}

static int describe(const struct received_list *list, const struct policy *policy,
		    const struct episode *episode, const char *peer, enum event_certainty certainty,
		    char **reason, char **reason_zh)
{
	const struct policy_record *record = policy_record_by_name(policy, list->record);
	const char *title = record && *record->title ? record->title : list->record;
	const char *title_zh = record && *record->title_zh ? record->title_zh : title;
	struct incident_number_text n_list = incident_format_number(list->n_records);
	struct incident_number_text n_both = incident_format_number(list->order.n_both);

	if (asprintf(reason, "%s of the %s %s in the list from %s went to %s%s (%s).", n_both.text,
		     n_list.text, title, peer, episode->recipient, describe_order(list, false),
		     incident_format_certainty(certainty, "en")) < 0 ||
	    asprintf(reason_zh, "%s 发来的名单中有 %s 个%s，其中 %s 个被发往 %s%s（%s）。", peer,
		     n_list.text, title_zh, n_both.text, episode->recipient,
		     describe_order(list, true), incident_format_certainty(certainty, "zh")) < 0)
		return -ENOMEM;
	return 0;
}

int received_list_tell(const struct received_list *list, const struct detector *detector,
		       const struct policy *policy, const struct episode *episode, const char *peer,
		       int64_t points, struct incident *incident)
{
	bool is_exact = list->is_exact && incident->records_certainty == EVENT_CERTAINTY_EXACT;
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	struct incident_ids events = {0};
	int r = describe(list, policy, episode, peer,
			 is_exact ? EVENT_CERTAINTY_EXACT : EVENT_CERTAINTY_ESTIMATED, &reason,
			 &reason_zh);

	if (r == 0)
		r = incident_ids_add(&events, list->event);
	if (r == 0)
		r = detector_add(detector, incident, "", received_list_is_most(list) ? points : 0,
				 reason, reason_zh, &events);
	incident_ids_done(&events);
	return r;
}
