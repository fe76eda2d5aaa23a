/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/log.h"

int agent_start_records(struct agent *agent, const uint8_t key[SIPHASH_KEY_BYTES])
{
	const struct policy_record *records;
	size_t n_records = policy_records(agent->policy, &records);
	int r = sensor_set_records(agent->sensor, agent->policy, key, &agent->n_records_read);

	if (r < 0)
		log_error("cannot have pipes and sockets read for records: %s", strerror(-r));
	else if (agent->n_records_read < n_records)
		log_warning("the first %zu of the policy's %zu records are looked for in pipes and "
			    "sockets: there is no room for the others",
			    agent->n_records_read, n_records);
	return r;
}

void agent_watch_tls(struct agent *agent, uint32_t pid)
{
	if (agent->n_records_read > 0)
		(void)sensor_watch_tls(agent->sensor, pid);
}

/* One count for each rule. */
static int add_counts(struct agent *agent, const struct sensor_record *found, size_t n_found,
		      struct event *event)
{
	_cleanup_free_ uint64_t *fingerprints = calloc(n_found + 1, sizeof(*fingerprints));
	const struct policy_record *records;
	size_t n_records = policy_records(agent->policy, &records);

	if (!fingerprints)
		return -ENOMEM;
	for (size_t rule = 0; rule < n_records; rule++) {
		size_t n = 0;
		int r;

		for (size_t i = 0; i < n_found; i++)
			if (found[i].rule == rule)
				fingerprints[n++] = found[i].fingerprint;
		r = n > 0 ? event_add_count(event, records[rule].name, n, fingerprints, n) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int describe(const struct sensor_records *records, struct event *event)
{
	const char *detail = NULL;

	event->kind = EVENT_RECORDS;
	event->certainty = records->is_whole ? EVENT_CERTAINTY_EXACT : EVENT_CERTAINTY_ESTIMATED;
	/* Of the flow: a report of its own tells what moved. */
	event->size_bytes = event->bytes_total;
	event->bytes_total = event->calls_total = event->turns_total = 0;
	if (records->is_plain)
		detail = "read before it was encrypted";
	else if (!records->is_whole)
		detail = "records in what was written by now may be more";
	if (!detail)
		return 0;
	event->detail = strdup(detail);
	return event->detail ? 0 : -ENOMEM;
}

void agent_see_records(void *userdata, const struct sensor_flow *flow, const struct sensor_app *app,
		       const struct sensor_records *records)
{
	struct agent *agent = userdata;
	size_t at = 0;

	if (!(flow->labels & policy_class_mask(agent->policy)))
		return;
	/* Also once for none: of how much is news, too. */
	do {
		size_t n = records->n_found - at;
		struct event *event;

		n = n < EVENT_MAX_FINGERPRINTS ? n : EVENT_MAX_FINGERPRINTS;
		if (report_flow(&agent->report, flow, app, &event) < 0)
			return;
		if (describe(records, event) < 0 ||
		    add_counts(agent, records->found + at, n, event) < 0) {
			event_free(event);
			return;
		}
		agent_see(agent, event);
		at += n;
	} while (at < records->n_found);
}
