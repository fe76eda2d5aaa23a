/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_COLLECTOR_CORRELATE_DETECTOR_H
#define WEIR_COLLECTOR_CORRELATE_DETECTOR_H

/*
 * The table of detectors. Each looks at one episode and adds addends to its
 * incident: points, a reason in both languages, an ATT&CK technique and the events
 * that show it. Detectors keep no state, so they can run again at any time.
 */

#include <stddef.h>
#include <stdint.h>

struct episode;
struct incident;
struct incident_ids;
struct lineage_flow;
struct policy;

struct detector {
	const char *id; /* of [detect "ID"] in the policy */
	const char *title;
	const char *title_zh;
	const char *attack; /* techniques it may name, separated by spaces */
	/* Returns 0 or -ENOMEM. */
	int (*run)(const struct detector *detector, const struct episode *episode,
		   const struct policy *policy, struct incident *incident);
};

extern const struct detector detector_direct_egress;
extern const struct detector detector_round_trip;
extern const struct detector detector_obfuscation;
extern const struct detector detector_clean_up;
extern const struct detector detector_removable_media;
extern const struct detector detector_automation;
extern const struct detector detector_screen_capture;
extern const struct detector detector_dns_tunnel;

/* All of them, in the order in which they run. */
size_t detector_list(const struct detector *const **ret_detectors);

/* Runs every detector that the policy does not switch off. 0 or -ENOMEM. */
int detector_run_all(const struct episode *episode, const struct policy *policy,
		     struct incident *incident);

/* Adds one addend; the reasons come formatted. 0 or -ENOMEM. */
int detector_add(const struct detector *detector, struct incident *incident, const char *attack,
		 int64_t points, const char *reason, const char *reason_zh,
		 const struct incident_ids *events);

/* Adds the ids of a flow's reports, at most limit of them, first and last included. */
int detector_cite_flow(struct incident_ids *ids, const struct lineage_flow *flow, size_t limit);

#endif
