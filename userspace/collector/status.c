/* SPDX-License-Identifier: GPL-2.0-only */
#include "collector/status.h"

#include <string.h>

#include <fcntl.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/pipeline.h"

static json_t *stages_to_json(const struct collector_status *status)
{
	json_t *stages = json_array();

	for (int i = 0; i < COLLECTOR_N_STAGES; i++) {
		const struct collector_stage *stage = &status->stages[i];

		json_array_append_new(stages, json_pack("{s:s, s:I, s:I, s:I, s:I}", "name",
							stage->name, "in", (json_int_t)stage->in,
							"out", (json_int_t)stage->out, "waiting",
							(json_int_t)stage->waiting, "dropped",
							(json_int_t)stage->dropped));
	}
	return stages;
}

static json_t *store_to_json(const struct store_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "events", (json_int_t)counts->events,
			 "duplicates", (json_int_t)counts->duplicates, "segments",
			 (json_int_t)counts->segments, "segments_set_aside",
			 (json_int_t)counts->segments_set_aside, "incidents",
			 (json_int_t)counts->incidents);
}

static json_t *status_to_json(const struct collector_status *status)
{
	return json_pack("{s:I, s:i, s:i, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?, s:o}",
			 "time_ns", (json_int_t)clock_realtime_ns(), "pid", (int)getpid(), "port",
			 (int)status->port, "stages", stages_to_json(status), "duplicates",
			 (json_int_t)status->duplicates, "batches", (json_int_t)status->batches,
			 "batches_refused", (json_int_t)status->batches_refused, "agents",
			 (json_int_t)status->agents, "connections_refused",
			 (json_int_t)status->connections_refused, "events_missing",
			 (json_int_t)status->events_missing, "events_undecodable",
			 (json_int_t)status->events_undecodable, "last_error",
			 status->last_error < 0 ? strerror(-status->last_error) : NULL, "store",
			 store_to_json(&status->store));
}

/* Renamed into place but not synced: after a power cut an old status is as good as none, and a
 * sync every other second is a cost to everything else on the disk. */
static int replace(const char *path, const char *text)
{
	_cleanup_free_ char *draft = NULL;
	_cleanup_close_ int fd = -1;
	size_t size = strlen(text);
	ssize_t n;

	if (asprintf(&draft, "%s.new", path) < 0) {
		draft = NULL;
		return -ENOMEM;
	}
	fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	n = write(fd, text, size);
	if (n < 0)
		return -errno;
	if ((size_t)n < size)
		return -ENOSPC;
	return rename(draft, path) < 0 ? -errno : 0;
}

int status_write(const char *dir, const struct collector_status *status)
{
	_cleanup_free_ char *text = NULL, *path = NULL;
	json_t *json = status_to_json(status);

	if (!json)
		return -ENOMEM;
	text = json_dumps(json, JSON_INDENT(2));
	json_decref(json);
	if (!text)
		return -ENOMEM;
	if (asprintf(&path, "%s/status.json", dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return replace(path, text);
}
