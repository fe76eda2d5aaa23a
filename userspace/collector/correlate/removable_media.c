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
 * The data went onto something that can be carried away. The recipient is the disk,
 * known by its serial, so that what the same disk took before, from whomever, is said.
 */

#define CITED_REPORTS 64 /* of one flow; the incident's own list has them all */
#define MAX_SHOWN_EARLIER 5

struct medium {
	const char *kind, *name, *name_zh;
};

/* Kinds of the policy's "removable". */
static const struct medium media[] = {
	{"usb", "a USB disk", " USB 磁盘"},
	{"mmc", "a memory card", "存储卡"},
	{"firewire", "a FireWire disk", "火线磁盘"},
	{"thunderbolt", "a Thunderbolt disk", "雷电磁盘"},
	{"optical", "an optical disk", "光盘"},
	{"disk", "a removable disk", "可移动磁盘"},
	{"phone", "a phone", "手机"},
};

static const struct medium *find_medium(const char *kind)
{
	for (size_t i = 0; kind && i < sizeof(media) / sizeof(media[0]); i++)
		if (strcmp(media[i].kind, kind) == 0)
			return &media[i];
	return NULL;
}

/* The first of the flows onto it says what it is. */
static int cite_egress(const struct episode *episode, struct incident_ids *ids,
		       const struct event_object **ret_object)
{
	const struct lineage *lineage = episode->lineage;
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];

		if (!flow->is_egress || !find_medium(flow->event->object.zone_kind))
			continue;
		if (!*ret_object)
			*ret_object = &flow->event->object;
		r = detector_cite_flow(ids, flow, CITED_REPORTS);
	}
	return r;
}

/* What the device says of itself, as far as it says it. */
static char *describe(const struct event_object *object, bool zh)
{
	const struct {
		const char *name, *name_zh, *value;
	} facts[] = {
		{"vendor", "厂商", object->vendor},
		{"model", "型号", object->model},
		{"serial", "序列号", object->serial},
		{"file system", "文件系统", object->volume},
	};
	const char *join = zh ? "：" : ": ";
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		if (!facts[i].value || !*facts[i].value)
			continue;
		fprintf(out, "%s%s %s", join, zh ? facts[i].name_zh : facts[i].name,
			facts[i].value);
		join = zh ? "，" : ", ";
	}
	if (!object->serial || !*object->serial)
		fputs(zh ? "（没有序列号）" : " (it has no serial number)", out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int add_medium(const struct detector *detector, const struct policy *policy,
		      struct incident *incident, const struct event_object *object,
		      const struct incident_ids *ids)
{
	_cleanup_free_ char *facts = describe(object, false), *facts_zh = describe(object, true);
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	const struct medium *medium = find_medium(object->zone_kind);
	int64_t points = policy_detect_value(policy, detector->id, "weight", 20);

	if (!facts || !facts_zh)
		return -ENOMEM;
	if (asprintf(&reason, "The data went onto %s%s.", medium->name, facts) < 0) {
		reason = NULL;
		return -ENOMEM;
	}
	if (asprintf(&reason_zh, "数据写入了%s%s。", medium->name_zh, facts_zh) < 0) {
		reason_zh = NULL;
		return -ENOMEM;
	}
	return detector_add(detector, incident,
			    strcmp(medium->kind, "usb") == 0 ? "T1052.001" : "T1052", points,
			    reason, reason_zh, ids);
}

static char *list_earlier(const struct episode *episode, bool zh)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < episode->n_earlier && i < MAX_SHOWN_EARLIER; i++) {
		const struct episode_earlier *earlier = &episode->earlier[i];
		struct incident_time_text first = incident_format_time(earlier->first_ns);

		fprintf(out, zh ? "%s安全事件 %s（%s，%s）" : "%sincident %s (%s, %s)",
			i == 0 ? ""
			: zh   ? "、"
			       : ", ",
			incident_format_number(earlier->incident_id).text, earlier->person,
			first.text);
	}
	if (episode->n_earlier > MAX_SHOWN_EARLIER)
		fprintf(out, zh ? "，另有 %zu 起" : " and %zu more",
			episode->n_earlier - MAX_SHOWN_EARLIER);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static int add_again(const struct detector *detector, const struct episode *episode,
		     const struct policy *policy, struct incident *incident,
		     const struct incident_ids *ids)
{
	_cleanup_free_ char *list = NULL, *list_zh = NULL, *reason = NULL, *reason_zh = NULL;
	int64_t points = policy_detect_value(policy, detector->id, "again_weight", 15);

	if (episode->n_earlier == 0 || points == 0)
		return 0;
	list = list_earlier(episode, false);
	list_zh = list_earlier(episode, true);
	if (!list || !list_zh)
		return -ENOMEM;
	if (asprintf(&reason, "The same device had taken customer data before: %s.", list) < 0) {
		reason = NULL;
		return -ENOMEM;
	}
	if (asprintf(&reason_zh, "同一设备此前已写入过客户数据：%s。", list_zh) < 0) {
		reason_zh = NULL;
		return -ENOMEM;
	}
	return detector_add(detector, incident, "", points, reason, reason_zh, ids);
}

static int run(const struct detector *detector, const struct episode *episode,
	       const struct policy *policy, struct incident *incident)
{
	const struct event_object *object = NULL;
	struct incident_ids ids = {0};
	int r = cite_egress(episode, &ids, &object);

	if (r == 0 && object)
		r = add_medium(detector, policy, incident, object, &ids);
	if (r == 0 && object)
		r = add_again(detector, episode, policy, incident, &ids);
	incident_ids_done(&ids);
	return r;
}

const struct detector detector_removable_media = {
	.id = "removable_media",
	.title = "labelled data went onto a removable disk",
	.title_zh = "带标签的数据被写入可移动介质",
	.attack = "T1052.001 T1052",
	.run = run,
};
