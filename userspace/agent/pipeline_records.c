/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/pipeline_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
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

static size_t count_unread(const struct agent *agent)
{
	const struct policy_record *records;

	return policy_records(agent->policy, &records) - agent->n_records_read;
}

char *agent_describe_unread_records(const struct agent *agent)
{
	const struct policy_record *records;
	size_t n_records = policy_records(agent->policy, &records), size = 0;
	char *text = NULL;
	FILE *stream;

	if (count_unread(agent) == 0)
		return NULL;
	stream = open_memstream(&text, &size);
	if (!stream)
		return NULL;
	fputs("the kernel's table has no room for these records of the policy:", stream);
	for (size_t i = agent->n_records_read; i < n_records; i++)
		fprintf(stream, "%s %s", i > agent->n_records_read ? "," : "", records[i].name);
	fputs("; counts of the others are estimates", stream);
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

void agent_report_unread_records(struct agent *agent)
{
	_cleanup_free_ char *detail = agent_describe_unread_records(agent);

	if (detail)
		agent_emit_note(agent, EVENT_COVERAGE_GAP, clock_realtime_ns(), 0, 0, detail);
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

static int describe(const struct agent *agent, const struct sensor_records *records,
		    struct event *event)
{
	bool is_exact = records->is_whole && count_unread(agent) == 0;
	const char *detail = NULL;

	event->kind = EVENT_RECORDS;
	event->certainty = is_exact ? EVENT_CERTAINTY_EXACT : EVENT_CERTAINTY_ESTIMATED;
	/* Of the flow: a report of its own tells what moved. */
	event->size_bytes = event->bytes_total;
	event->bytes_total = event->calls_total = event->turns_total = 0;
	if (records->is_plain)
		detail = "read before it was encrypted";
	else if (!is_exact)
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
		if (describe(agent, records, event) < 0 ||
		    add_counts(agent, records->found + at, n, event) < 0) {
			event_free(event);
			return;
		}
		agent_see(agent, event);
		at += n;
	} while (at < records->n_found);
}
