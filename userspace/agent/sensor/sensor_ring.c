/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

/* The queue is bounded: a flood of unlinks is dropped here and counted, and no byte with it. */
static void queue_path(struct sensor *sensor, const struct weir_path_edge *edge)
{
	struct sensor_queued_path *grown;

	sensor->paths_seen++;
	if (sensor->n_paths >= SENSOR_QUEUED_PATHS_MAX) {
		sensor->paths_dropped++;
		return;
	}
	grown = realloc(sensor->paths, (sensor->n_paths + 1) * sizeof(*grown));
	if (!grown) {
		sensor->paths_dropped++;
		return;
	}
	sensor->paths = grown;
	sensor->paths[sensor->n_paths++].edge = *edge;
}

static void report_labelled(struct sensor *sensor, uint64_t app_id)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	char exe[WEIR_NAME_BYTES + 1];
	struct sensor_app described;
	struct weir_app app;

	if (!sensor->handler.app_labelled || sensor_read_app(sensor, app_id, &app, exe) < 0)
		return;
	app.comm[sizeof(app.comm) - 1] = '\0';
	sensor_describe_app(sensor, &app, exe, &described);
	sensor->handler.app_labelled(sensor->handler.userdata, &described);
}

static void report_question(struct sensor *sensor, const struct weir_question *question)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	struct sensor_question report = {.app_id = question->edge.flow.app_id,
					 .time_ns = question->edge.time_ns,
					 .message_bytes = question->message_bytes,
					 .data = question->question,
					 .size = question->question_bytes};
	char exe[WEIR_NAME_BYTES + 1];
	struct sensor_app described;
	struct weir_app app;

	if (!sensor->handler.question || report.size > sizeof(question->question) ||
	    sensor_read_app(sensor, report.app_id, &app, exe) < 0)
		return;
	app.comm[sizeof(app.comm) - 1] = '\0';
	sensor_describe_app(sensor, &app, exe, &described);
	sensor->handler.question(sensor->handler.userdata, &report, &described);
}

static void report_hello(struct sensor *sensor, const struct weir_hello_edge *edge)
{
	struct sensor_hello report = {.app_id = edge->edge.flow.app_id,
				      .port = edge->peer.port,
				      .local_port = edge->peer.local_port,
				      .datagram = edge->datagram,
				      .bytes = edge->datagram_bytes};

	if (edge->datagram_bytes > sizeof(edge->datagram)) {
		sensor->edges_damaged++;
		return;
	}
	memcpy(&report.peer, edge->peer.ip, sizeof(report.peer));
	if (sensor->handler.hello)
		sensor->handler.hello(sensor->handler.userdata, &report);
}

static int on_edge(void *userdata, void *data, size_t size)
{
	struct sensor *sensor = userdata;
	const struct weir_edge *edge = data;
	struct weir_path_edge truncate = {};

	sensor->state->edges_read++;
	if (size < sizeof(*edge) || edge->version != WEIR_ABI_VERSION || edge->bytes > size) {
		sensor->edges_damaged++;
		return 0;
	}
	if (edge->kind == WEIR_EDGE_PATH && edge->bytes >= sizeof(struct weir_path_edge)) {
		queue_path(sensor, data);
	} else if (edge->kind == WEIR_EDGE_TRUNCATE) {
		truncate.edge = *edge;
		truncate.login_uid = UINT32_MAX;
		queue_path(sensor, &truncate);
	} else if (edge->kind == WEIR_EDGE_QUESTION &&
		   edge->bytes >= sizeof(struct weir_question)) {
		report_question(sensor, data);
	} else if (edge->kind == WEIR_EDGE_APP) {
		report_labelled(sensor, edge->flow.app_id);
	} else if (edge->kind == WEIR_EDGE_HELLO && edge->bytes >= sizeof(struct weir_hello_edge)) {
		report_hello(sensor, data);
	}
	if (sensor->handler.rung)
		sensor->handler.rung(sensor->handler.userdata);
	return 0;
}

static int on_ring_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct sensor *sensor = userdata;

	(void)source;
	(void)fd;
	(void)revents;
	ring_buffer__consume(sensor->ring);
	return 0;
}

int sensor_open_ring(struct sensor *sensor, sd_event *event)
{
	sensor->ring =
		ring_buffer__new(bpf_map__fd(sensor->skeleton->maps.ring), on_edge, sensor, NULL);
	if (!sensor->ring)
		return -errno;
	return sd_event_add_io(event, &sensor->ring_source, ring_buffer__epoll_fd(sensor->ring),
			       EPOLLIN, on_ring_readable, sensor);
}

static enum sensor_path_operation operation_of(uint32_t call)
{
	switch (call) {
	case WEIR_CALL_RENAME:
		return SENSOR_PATH_RENAME;
	case WEIR_CALL_TRUNCATE:
		return SENSOR_PATH_TRUNCATE;
	default:
		return SENSOR_PATH_UNLINK;
	}
}

static void report_path(struct sensor *sensor, const struct weir_path_edge *edge)
{
	char path[SENSOR_PATH_BYTES] = "", new_path[SENSOR_PATH_BYTES] = "",
	     exe[WEIR_NAME_BYTES + 1] = "";
	struct sensor_path report = {.app_id = edge->edge.flow.app_id,
				     .time_ns = edge->edge.time_ns,
				     .pid = edge->edge.pid,
				     .path = path,
				     .new_path = new_path};
	struct sensor_app described;
	struct weir_app app;

	if (edge->edge.kind == WEIR_EDGE_TRUNCATE) {
		report.operation = SENSOR_PATH_TRUNCATE;
		report.object.kind = SENSOR_OBJECT_FILE;
		report.object.ino = edge->edge.flow.object.ino;
		report.object.dev = edge->edge.flow.object.dev;
		report.object.generation = edge->edge.flow.object.generation;
	} else {
		report.operation = operation_of(edge->operation);
		sensor_name_join(&edge->directory, edge->path, path, sizeof(path));
		if (report.operation == SENSOR_PATH_RENAME)
			sensor_name_join(&edge->new_directory, edge->new_path, new_path,
					 sizeof(new_path));
	}
	if (sensor_read_app(sensor, report.app_id, &app, exe) < 0) {
		app = (struct weir_app){
			.id = report.app_id, .pid = report.pid, .login_uid = edge->login_uid};
		memcpy(app.comm, edge->comm, sizeof(app.comm));
		exe[0] = '\0';
	}
	app.comm[sizeof(app.comm) - 1] = '\0';
	sensor_describe_app(sensor, &app, exe, &described);
	sensor->handler.path(sensor->handler.userdata, &report, &described);
}

void sensor_drain_paths(struct sensor *sensor)
{
	for (size_t i = 0; i < sensor->n_paths; i++)
		report_path(sensor, &sensor->paths[i].edge);
	sensor->paths_told += sensor->n_paths;
	free(sensor->paths);
	sensor->paths = NULL;
	sensor->n_paths = 0;
}
