/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/correlate/detector.h"

#include <stdbool.h>

#include "collector/correlate/lineage.h"
#include "collector/incidents/incident.h"
#include "policy/policy.h"

static const struct detector *const detectors[] = {
	&detector_direct_egress,  &detector_round_trip,      &detector_obfuscation,
	&detector_clean_up,       &detector_removable_media, &detector_automation,
	&detector_screen_capture, &detector_dns_tunnel,
};

size_t detector_list(const struct detector *const **ret_detectors)
{
	*ret_detectors = detectors;
	return sizeof(detectors) / sizeof(detectors[0]);
}

int detector_run_all(const struct episode *episode, const struct policy *policy,
		     struct incident *incident)
{
	for (size_t i = 0; i < sizeof(detectors) / sizeof(detectors[0]); i++) {
		int r = 0;

		if (policy_detect_enabled(policy, detectors[i]->id))
			r = detectors[i]->run(detectors[i], episode, policy, incident);
		if (r < 0)
			return r;
	}
	return 0;
}

int detector_add(const struct detector *detector, struct incident *incident, const char *attack,
		 int64_t points, const char *reason, const char *reason_zh,
		 const struct incident_ids *events)
{
	const struct incident_addend addend = {
		.detector = (char *)detector->id,
		.attack = (char *)attack,
		.points = points,
		.reason = (char *)reason,
		.reason_zh = (char *)reason_zh,
		.events = *events,
	};
	int r = incident_add_addend(incident, &addend);

	/* What shows an addend belongs to the incident's replay too. */
	for (size_t i = 0; i < events->n_items && r == 0; i++)
		r = incident_add_event(incident, events->items[i]);
	return r;
}

int detector_cite_flow(struct incident_ids *ids, const struct lineage_flow *flow, size_t limit)
{
	int r = 0;

	for (size_t i = 0; i < flow->n_reports && i + 1 < limit && r == 0; i++)
		r = incident_ids_add(ids, flow->reports[i].id);
	if (r == 0 && flow->n_reports > 0)
		r = incident_ids_add(ids, flow->reports[flow->n_reports - 1].id);
	return r;
}
