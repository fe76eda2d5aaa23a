/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_AGENT_REPORT_H
#define WEIR_AGENT_REPORT_H

/* From what the sensor reports to the event that is sent: where sensor and enrich meet. */

#include <stdbool.h>
#include <stdint.h>

#include "event/event.h"

struct cgroup_names;
struct exe_hash;
struct greeted_name;
struct host_names;
struct policy;
struct quic_names;
struct sensor_app;
struct sensor_flow;
struct volumes;

struct report_context {
	const struct policy *policy;
	struct exe_hash *hashes;
	struct cgroup_names *cgroups;
	struct volumes *volumes;
	const struct host_names *hosts;
	const struct quic_names *quic;
	/* Whom a connection was for before its app held labels. */
	bool (*find_greeted)(void *userdata, const struct sensor_flow *flow,
			     struct greeted_name *ret_name);
	void *greeted_userdata;
	const char *boot_id;
	uint64_t boot_offset_ns;  /* CLOCK_REALTIME minus CLOCK_BOOTTIME, now */
	uint64_t first_offset_ns; /* the same for first times of flows: one value all boot long */
};

/* An event of a kind with time and boot id. 0 or -ENOMEM. */
int report_event(const struct report_context *context, enum event_kind kind, uint64_t time_ns,
		 struct event **ret_event);
/* Fills the app; NULL leaves it empty. 0 or -ENOMEM. */
int report_app(const struct report_context *context, const struct sensor_app *app,
	       struct event *event);
/* A flow as FLOW, EGRESS, CRM_ACCESS or COVERAGE_GAP. 0 or -ENOMEM. */
int report_flow(const struct report_context *context, const struct sensor_flow *flow,
		const struct sensor_app *app, struct event **ret_event);

#endif
