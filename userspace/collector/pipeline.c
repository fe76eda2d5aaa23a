/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/pipeline_private.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "collector/credentials.h"
#include "collector/ingest/ingest.h"
#include "collector/people/people.h"
#include "collector/status.h"

enum {
	STATUS_EVERY_US = 2000000,
	TIMER_ACCURACY_US = 250000,
};

static void note_damage(struct collector *collector)
{
	uint64_t before = collector->status.store.segments_set_aside;

	if (store_count(collector->store, &collector->status.store) < 0)
		return;
	if (collector->status.store.segments_set_aside > before)
		log_error("a damaged file of events in %s was set aside as *.corrupt; "
			  "the timeline says what is missing",
			  collector->dir);
}

static int on_last_seq(void *userdata, const char *agent, uint64_t *ret_seq)
{
	struct collector *collector = userdata;

	return store_last_seq(collector->store, agent, ret_seq);
}

static void on_note(void *userdata, const char *who, const char *text)
{
	const struct collector *collector = userdata;

	if (!collector->config.is_alone)
		log_warning("%s: %s", who, text);
}

int collector_get_status(struct collector *collector, struct collector_status *ret_status)
{
	static const char *const names[COLLECTOR_N_STAGES] = {"ingest", "people", "store",
							      "correlate"};
	struct collector_status status = collector->status;
	struct collector_stage *correlate = &status.stages[STAGE_CORRELATE];
	struct ingest_counts ingest;
	int r = store_count(collector->store, &status.store);

	if (r < 0)
		return r;
	ingest_count(collector->ingest, &ingest);
	status.stages[STAGE_INGEST] = (struct collector_stage){
		.in = ingest.events_in,
		.out = ingest.events_out,
		.waiting = ingest.events_waiting,
		.dropped = ingest.events_dropped,
	};
	correlate->waiting = correlate->in - correlate->out;
	for (int i = 0; i < COLLECTOR_N_STAGES; i++)
		status.stages[i].name = names[i];
	status.agents = ingest.agents;
	status.connections_refused = ingest.refused;
	status.events_missing = ingest.events_missing;
	status.events_undecodable = ingest.events_undecodable;
	status.port = ingest_port(collector->ingest);
	*ret_status = status;
	return 0;
}

uint16_t collector_port(const struct collector *collector)
{
	return ingest_port(collector->ingest);
}

static void write_status(struct collector *collector)
{
	struct collector_status status;

	/* Without room there is no status either; the log has said so. */
	if (collector_get_status(collector, &status) == 0)
		status_write(collector->dir, &status);
}

static int on_timer(sd_event_source *source, uint64_t time_us, void *userdata)
{
	struct collector *collector = userdata;

	(void)time_us;
	if (collector->is_behind)
		pipeline_note_correlation(
			collector,
			correlate_catch_up(collector->correlate, pipeline_on_incident, collector));
	note_damage(collector);
	write_status(collector);
	return sd_event_source_set_time_relative(source, STATUS_EVERY_US);
}

static int on_settling(sd_event_source *source, void *userdata)
{
	(void)source;
	pipeline_settle(userdata);
	return 0;
}

static int add_settling(struct collector *collector, sd_event *event_loop)
{
	int r = sd_event_add_defer(event_loop, &collector->settling, on_settling, collector);

	if (r >= 0)
		r = sd_event_source_set_enabled(collector->settling, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_priority(collector->settling, SD_EVENT_PRIORITY_IDLE);
	return r;
}

static int open_people(struct collector *collector)
{
	_cleanup_free_ char *key = NULL, *problem = NULL;
	int r;

	if (asprintf(&key, "%s/pseudonym.key", collector->dir) < 0) {
		key = NULL;
		return -ENOMEM;
	}
	r = people_new(collector->config.policy, key, &collector->people, &problem);
	if (r < 0)
		log_error("%s", problem ? problem : strerror(-r));
	return r;
}

static int open_store(struct collector *collector)
{
	int r = store_open(collector->dir, false, &collector->store);

	if (r == -EBUSY)
		log_error("%s is in use by another collector", collector->dir);
	else if (r < 0)
		log_error("cannot open the store in %s: %s", collector->dir, strerror(-r));
	if (r < 0)
		return r;
	note_damage(collector);
	return 0;
}

static int open_correlate(struct collector *collector)
{
	int r = correlate_new(collector->store, collector->config.policy, &collector->correlate);

	if (r < 0) {
		log_error("cannot read the incidents in %s: %s", collector->dir, strerror(-r));
		return r;
	}
	pipeline_note_correlation(collector, correlate_catch_up(collector->correlate,
								pipeline_on_incident, collector));
	return 0;
}

static int open_ingest(struct collector *collector, sd_event *event_loop)
{
	_cleanup_(credentials_done) struct credentials credentials = {};
	const struct collector_config *config = &collector->config;
	_cleanup_free_ char *reason = NULL;
	int r = credentials_init(&credentials, config->identity_dir, config->data_dir);
	struct ingest_config ingest_config = {
		.listen_address = config->listen_address,
		.port = config->listen_port,
		.identity = {credentials.authority, credentials.certificate, credentials.key},
		.last_seq = on_last_seq,
		.on_note = on_note,
	};

	if (r == 0)
		r = ingest_new(event_loop, &ingest_config, pipeline_on_batch, collector,
			       &collector->ingest, &reason);
	if (r < 0)
		log_error("%s", reason ? reason : strerror(-r));
	return r;
}

static int open_dir(struct collector *collector)
{
	int r;

	if (asprintf(&collector->dir, "%s/collector", collector->config.data_dir) < 0) {
		collector->dir = NULL;
		return -ENOMEM;
	}
	r = file_make_dirs(collector->dir, 0700);
	if (r < 0)
		log_error("cannot make %s: %s", collector->dir, strerror(-r));
	return r;
}

int collector_new(sd_event *event_loop, const struct collector_config *config,
		  struct collector **ret_collector)
{
	_cleanup_(collector_freep) struct collector *collector = calloc(1, sizeof(*collector));
	int r;

	if (!collector)
		return -ENOMEM;
	collector->config = *config;
	r = open_dir(collector);
	/* The store first: its lock is what keeps a second collector from making another key. */
	if (r == 0)
		r = open_store(collector);
	if (r == 0)
		r = open_people(collector);
	if (r == 0)
		r = open_correlate(collector);
	if (r == 0)
		r = add_settling(collector, event_loop);
	if (r >= 0)
		r = open_ingest(collector, event_loop);
	if (r == 0)
		r = sd_event_add_time_relative(event_loop, &collector->timer, CLOCK_MONOTONIC,
					       STATUS_EVERY_US, TIMER_ACCURACY_US, on_timer,
					       collector);
	if (r >= 0)
		r = sd_event_source_set_enabled(collector->timer, SD_EVENT_ON);
	if (r < 0)
		return r;
	write_status(collector);
	*ret_collector = TAKE(collector);
	return 0;
}

void collector_free(struct collector *collector)
{
	if (!collector)
		return;
	sd_event_source_disable_unref(collector->settling);
	if (collector->unsettled_since_us != 0)
		pipeline_settle(collector);
	sd_event_source_disable_unref(collector->timer);
	if (collector->ingest) {
		if (collector->timer)
			write_status(collector);
		ingest_free(collector->ingest);
	}
	correlate_free(collector->correlate);
	people_free(collector->people);
	store_close(collector->store);
	free(collector->dir);
	free(collector);
}
