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
 * Apps that hold labelled data asked name servers for many long names below one domain. Whoever
 * answers for the domain gets every name, by whichever server, and so what was written into it.
 */

#define CITED_REPORTS 64 /* of one flow; the incident's own list has them all */

struct tunnel {
	const char *domain; /* the last one, should the sink have several */
	uint64_t questions;
	struct event_questions sum;
};

static int collect(const struct episode *episode, struct tunnel *tunnel, struct incident_ids *ids)
{
	const struct lineage *lineage = episode->lineage;
	int r = 0;

	for (size_t i = 0; i < lineage->n_flows && r == 0; i++) {
		const struct lineage_flow *flow = &lineage->flows[i];
		const struct event_questions *questions = &flow->event->questions;

		if (!flow->is_egress || flow->event->object.kind != EVENT_OBJECT_DOMAIN)
			continue;
		tunnel->domain = flow->event->object.name;
		tunnel->questions += flow->calls;
		tunnel->sum.names += questions->names;
		tunnel->sum.name_bytes += questions->name_bytes;
		tunnel->sum.text += questions->text;
		if (questions->longest_bytes > tunnel->sum.longest_bytes)
			tunnel->sum.longest_bytes = questions->longest_bytes;
		r = detector_cite_flow(ids, flow, CITED_REPORTS);
	}
	return r;
}

static bool is_tunnel(const struct detector *detector, const struct policy *policy,
		      const struct tunnel *tunnel)
{
	uint64_t names = (uint64_t)policy_detect_value(policy, detector->id, "min_names",
						       POLICY_DNS_TUNNEL_NAMES);
	uint64_t bytes = (uint64_t)policy_detect_value(policy, detector->id, "min_bytes",
						       POLICY_DNS_TUNNEL_BYTES);

	return tunnel->domain && tunnel->sum.names >= names &&
	       tunnel->sum.name_bytes >= bytes * tunnel->sum.names;
}

static int add_names(const struct detector *detector, const struct policy *policy,
		     struct incident *incident, const struct tunnel *tunnel,
		     const struct incident_ids *ids)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	struct incident_number_text names = incident_format_number(tunnel->sum.names);
	struct incident_number_text bytes = incident_format_number(tunnel->sum.name_bytes);
	struct incident_number_text longest = incident_format_number(tunnel->sum.longest_bytes);
	struct incident_number_text questions = incident_format_number(tunnel->questions);
	int64_t points = policy_detect_value(policy, detector->id, "weight", 40);

	if (asprintf(&reason,
		     "DNS tunnel: name servers were asked %s times for %s different names below "
		     "%s, %s bytes of names, the longest label %s; such names carry data.",
		     questions.text, names.text, tunnel->domain, bytes.text, longest.text) < 0) {
		reason = NULL;
		return -ENOMEM;
	}
	if (asprintf(&reason_zh,
		     "DNS隧道：向域名服务器查询 %s 次，涉及域名 %s 下 %s 个不同名称，名称共 %s "
		     "字节，最长标签 %s 字节；这样的名称可携带数据。",
		     questions.text, tunnel->domain, names.text, bytes.text, longest.text) < 0) {
		reason_zh = NULL;
		return -ENOMEM;
	}
	return detector_add(detector, incident, detector->attack, points, reason, reason_zh, ids);
}

static int add_text(const struct detector *detector, const struct policy *policy,
		    struct incident *incident, const struct tunnel *tunnel,
		    const struct incident_ids *ids)
{
	_cleanup_free_ char *reason = NULL, *reason_zh = NULL;
	struct incident_number_text text = incident_format_number(tunnel->sum.text);
	int64_t points = policy_detect_value(policy, detector->id, "text_weight", 10);

	if (points == 0 || tunnel->sum.text * 2 < tunnel->questions)
		return 0;
	if (asprintf(&reason,
		     "%s of the questions were for TXT or NULL records, which browsers and "
		     "mail programs hardly ever ask for.",
		     text.text) < 0) {
		reason = NULL;
		return -ENOMEM;
	}
	if (asprintf(&reason_zh,
		     "其中 %s 次查询的是 TXT 或 NULL 记录，浏览器和邮件程序很少这样查询。",
		     text.text) < 0) {
		reason_zh = NULL;
		return -ENOMEM;
	}
	return detector_add(detector, incident, "", points, reason, reason_zh, ids);
}

static int run(const struct detector *detector, const struct episode *episode,
	       const struct policy *policy, struct incident *incident)
{
	struct tunnel tunnel = {};
	struct incident_ids ids = {0};
	int r = collect(episode, &tunnel, &ids);

	if (r == 0 && is_tunnel(detector, policy, &tunnel)) {
		r = add_names(detector, policy, incident, &tunnel, &ids);
		if (r == 0)
			r = add_text(detector, policy, incident, &tunnel, &ids);
	}
	incident_ids_done(&ids);
	return r;
}

const struct detector detector_dns_tunnel = {
	.id = "dns_tunnel",
	.title = "labelled data went out in names that were asked for",
	.title_zh = "带标签的数据经由域名查询外发",
	.attack = "T1071.004 T1048.003",
	.run = run,
};
