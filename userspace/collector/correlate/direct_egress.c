/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "base/cleanup.h"
#include "collector/correlate/asking.h"
#include "collector/correlate/detector.h"
#include "collector/correlate/episode.h"
#include "collector/correlate/lineage.h"
#include "collector/correlate/received_list.h"
#include "collector/incidents/incident.h"
#include "collector/incidents/incident_format.h"
#include "policy/policy.h"

/*
 * Labelled data went into a sink, by whatever chain. A sink that the policy allows
 * lowers the score and hides nothing; much data raises it.
 */

#define CITED_REPORTS 64 /* of one flow; the incident's own list has them all */

static bool is_web_service(const char *kind)
{
	static const char *const kinds[] = {"im",   "mail", "cloud",  "web",  "chat",
					    "code", "shop", "social", "share"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

/* How it goes out by a sink of this kind; "" where there is no technique of that name. */
static const char *attack_of(const char *kind)
{
	if (is_web_service(kind))
		return "T1048 T1567";
	if (strcmp(kind, "usb") == 0)
		return "T1052.001";
	if (policy_kind_is_removable(kind))
		return "T1052";
	return strcmp(kind, "printer") == 0 ? "" : "T1048";
}

static int cite_egress(const struct episode *episode, struct incident_ids *ids,
		       const char **ret_program)
{
	const struct lineage *lineage = episode->lineage;
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		if (!lineage->flows[i].is_egress)
			continue;
		*ret_program = lineage_program(lineage->flows[i].event);
		r = detector_cite_flow(ids, &lineage->flows[i], CITED_REPORTS);
	}
	return r;
}

static int add_allowed(const struct detector *detector, const struct episode *episode,
		       const struct policy *policy, struct incident *incident,
		       const struct incident_ids *ids)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	int64_t points = policy_detect_value(policy, detector->id, "allowed_weight", -25);

	if (!episode->is_allowed || points == 0)
		return 0;
	if (asprintf(&reason, "The policy allow-lists %s; that lowers the score and hides nothing.",
		     episode->recipient) < 0)
		return -ENOMEM;
	if (asprintf(&reason_zh, "策略将 %s 列入允许名单，因此分值降低，但记录不隐藏。",
		     episode->recipient) < 0)
		return -ENOMEM;
	return detector_add(detector, incident, "", points, reason, reason_zh, ids);
}

static int add_unnamed(const struct detector *detector, const struct episode *episode,
		       const struct policy *policy, struct incident *incident,
		       const struct incident_ids *ids)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	int64_t points = policy_detect_value(policy, detector->id, "unnamed_weight", 0);

	if (points == 0 || incident->n_sinks == 0 || *incident->sinks[0].name)
		return 0;
	if (asprintf(&reason, "The policy does not name %s.", episode->recipient) < 0)
		return -ENOMEM;
	if (asprintf(&reason_zh, "策略中没有登记 %s。", episode->recipient) < 0)
		return -ENOMEM;
	return detector_add(detector, incident, "", points, reason, reason_zh, ids);
}

/* Of a browser that has been to the CRM, everywhere it goes is an egress. */
static int add_asking(const struct detector *detector, const struct episode *episode,
		      const struct policy *policy, struct incident *incident,
		      const struct incident_ids *ids)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	int64_t points = policy_detect_value(policy, detector->id, "asking_weight", -30);
	const struct asking_limits limits = {
		.write_bytes =
			(uint64_t)policy_detect_value(policy, detector->id, "asking_bytes", 4096),
		.connection_bytes = (uint64_t)policy_detect_value(policy, detector->id,
								  "asking_total_bytes", 65536),
	};
	struct incident_number_text bytes = incident_format_number(limits.write_bytes);
	const char *program = "";

	if (points == 0 || !asking_is_all(episode, policy, incident, &limits, &program))
		return 0;
	if (asprintf(&reason,
		     "That is only what a browser sends to ask for a page: %s had the data from "
		     "the CRM itself, not from the clipboard or another program, and no write was "
		     "over %s bytes on average; a few records in a form would look the same.",
		     program, bytes.text) < 0)
		return -ENOMEM;
	if (asprintf(&reason_zh,
		     "这只是浏览器请求网页时发送的内容：数据由 %s "
		     "直接从客户管理系统取得，不是来自剪贴板或其他程序，每次写出平均不超过 %s "
		     "字节；在网页表单中填入少量记录也会是这样。",
		     program, bytes.text) < 0)
		return -ENOMEM;
	return detector_add(detector, incident, "", points, reason, reason_zh, ids);
}

static int add_bulk(const struct detector *detector, const struct policy *policy,
		    struct incident *incident, const struct incident_ids *ids)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	int64_t points = policy_detect_value(policy, detector->id, "bulk_weight", 10);
	uint64_t records =
		(uint64_t)policy_detect_value(policy, detector->id, "bulk_records", 1000);
	uint64_t bytes =
		(uint64_t)policy_detect_value(policy, detector->id, "bulk_bytes", 10 << 20);
	bool is_many = incident->records_certainty != EVENT_CERTAINTY_UNKNOWN &&
		       incident->records >= records;

	if (points == 0 || (!is_many && incident->bytes_out < bytes))
		return 0;
	if (asprintf(&reason, "The amount is large: the policy's line is %s records or %s bytes.",
		     incident_format_number(records).text, incident_format_number(bytes).text) < 0)
		return -ENOMEM;
	if (asprintf(&reason_zh, "数量较大：策略设定的界线为 %s 条记录或 %s 字节。",
		     incident_format_number(records).text, incident_format_number(bytes).text) < 0)
		return -ENOMEM;
	return detector_add(detector, incident, "", points, reason, reason_zh, ids);
}

/* Counted records only: lookups are told with the place that they were made at. */
static int format_records(const struct incident *incident, bool zh, char **ret_text)
{
	if (incident->n_counts == 0) {
		*ret_text = strdup("");
		return *ret_text ? 0 : -ENOMEM;
	}
	return asprintf(ret_text, zh ? "，共 %s 条记录（%s）" : ", %s records (%s),",
			incident_format_number(incident->records).text,
			incident_format_certainty(incident->records_certainty, zh ? "zh" : "en")) <
			       0
		       ? -ENOMEM
		       : 0;
}

static int add_egress(const struct detector *detector, const struct episode *episode,
		      const struct policy *policy, struct incident *incident,
		      const struct incident_ids *ids, const char *program)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	const char *kind = incident->n_sinks > 0 ? incident->sinks[0].kind : "";
	int64_t points = policy_detect_value(policy, detector->id, "weight", 40);
	const char *bytes = incident_format_certainty(episode->bytes_certainty, "en");
	const char *bytes_zh = incident_format_certainty(episode->bytes_certainty, "zh");
	_cleanup_free_ char *records = NULL, *records_zh = NULL;

	if (format_records(incident, false, &records) < 0 ||
	    format_records(incident, true, &records_zh) < 0)
		return -ENOMEM;
	if (asprintf(&reason, "%s sent %s bytes (%s) of labelled data%s to %s.", program,
		     incident_format_number(episode->bytes).text, bytes, records,
		     episode->recipient) < 0)
		return -ENOMEM;
	if (asprintf(&reason_zh, "程序 %s 向 %s 发送了 %s 字节（%s）带标签的数据%s。", program,
		     episode->recipient, incident_format_number(episode->bytes).text, bytes_zh,
		     records_zh) < 0)
		return -ENOMEM;
	return detector_add(detector, incident, attack_of(kind), points, reason, reason_zh, ids);
}

/* A list by one way, its records by another: no round trip, and yet an answer. */
static int add_list_of(const struct detector *detector, const struct episode *episode,
		       const struct policy *policy, struct incident *incident, const char *peer)
{
	struct received_list list;
	int r = received_list_find(episode->lineage, peer, &list);

	if (r <= 0 || !received_list_is_most(&list))
		return r < 0 ? r : 0;
	return received_list_tell(&list, detector, policy, episode, peer,
				  policy_detect_value(policy, detector->id, "list_weight", 15),
				  incident);
}

static bool is_new_origin(const struct lineage *lineage, size_t flow, const char *origin)
{
	for (size_t i = 0; i < flow; i++)
		if (lineage_has_origin(lineage->flows[i].event, origin))
			return false;
	return true;
}

/* Of every peer but the recipient, whose lists are the round trip's. */
static int add_lists(const struct detector *detector, const struct episode *episode,
		     const struct policy *policy, struct incident *incident)
{
	const struct lineage *lineage = episode->lineage;
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct event *event = lineage->flows[i].event;

		for (size_t j = 0; j < event->n_origins && r == 0; j++)
			if (strcmp(event->origins[j], episode->recipient) != 0 &&
			    is_new_origin(lineage, i, event->origins[j]))
				r = add_list_of(detector, episode, policy, incident,
						event->origins[j]);
	}
	return r;
}

static int run(const struct detector *detector, const struct episode *episode,
	       const struct policy *policy, struct incident *incident)
{
	struct incident_ids ids = {0};
	const char *program = "";
	int64_t least = policy_detect_value(policy, detector->id, "min_bytes", 0);
	int r;

	if (episode->bytes < (uint64_t)(least > 0 ? least : 0))
		return 0;
	r = cite_egress(episode, &ids, &program);
	if (r == 0)
		r = add_egress(detector, episode, policy, incident, &ids, program);
	if (r == 0)
		r = add_allowed(detector, episode, policy, incident, &ids);
	if (r == 0)
		r = add_unnamed(detector, episode, policy, incident, &ids);
	if (r == 0)
		r = add_asking(detector, episode, policy, incident, &ids);
	if (r == 0)
		r = add_bulk(detector, policy, incident, &ids);
	if (r == 0)
		r = add_lists(detector, episode, policy, incident);
	incident_ids_done(&ids);
	return r;
}

const struct detector detector_direct_egress = {
	.id = "direct_egress",
	.title = "labelled data went into a sink",
	.title_zh = "带标签的数据被发往外部",
	.attack = "T1048 T1567 T1052 T1052.001",
	.run = run,
};
