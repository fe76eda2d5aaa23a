/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "bpf/weir.skel.h"

static int compare_known(const void *a, const void *b)
{
	return memcmp(&((const struct sensor_known *)a)->key,
		      &((const struct sensor_known *)b)->key, sizeof(struct weir_flow_key));
}

/* The entry of a flow, made when missing. NULL when memory is out: the next sweep tries again. */
static struct sensor_known *find_known(struct sensor *sensor, const struct weir_flow_key *key)
{
	struct sensor_known **slot, *made;

	slot = tfind(key, &sensor->known, compare_known);
	if (slot)
		return *slot;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	made->key = *key;
	slot = tsearch(made, &sensor->known, compare_known);
	if (!slot) {
		free(made);
		return NULL;
	}
	sensor->n_known++;
	return made;
}

static void forget_known(struct sensor *sensor, const struct weir_flow_key *key)
{
	struct sensor_known **slot = tfind(key, &sensor->known, compare_known), *entry;

	if (!slot)
		return;
	entry = *slot;
	tdelete(entry, &sensor->known, compare_known);
	free(entry);
	sensor->n_known--;
}

void sensor_forget_all(struct sensor *sensor)
{
	tdestroy(sensor->known, free);
	sensor->known = NULL;
	sensor->n_known = 0;
}

static enum sensor_object_kind kind_of(const struct weir_flow_key *key,
				       const struct weir_flow *flow)
{
	if (key->object.dev == WEIR_DEV_GAP)
		return SENSOR_OBJECT_GAP;
	if (key->object.dev == WEIR_DEV_APP)
		return SENSOR_OBJECT_APP;
	if (flow->kind == WEIR_KIND_CLIPBOARD)
		return SENSOR_OBJECT_CLIPBOARD;
	if (flow->kind == WEIR_KIND_TERMINAL)
		return SENSOR_OBJECT_TERMINAL;
	if (flow->kind == WEIR_KIND_CONSOLE)
		return SENSOR_OBJECT_CONSOLE;
	if (key->object.dev == WEIR_DEV_SCREEN)
		return SENSOR_OBJECT_SCREEN;
	return flow->kind <= WEIR_KIND_DEVICE ? (enum sensor_object_kind)flow->kind
					      : SENSOR_OBJECT_NONE;
}

int sensor_read_app(struct sensor *sensor, uint64_t app_id, struct weir_app *ret_app,
		    char exe[static WEIR_NAME_BYTES + 1])
{
	struct weir_name name;

	if (bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.apps), &app_id, ret_app) < 0)
		return -ENOENT;
	exe[0] = '\0';
	if (bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.app_paths), &app_id, &name) == 0)
		sensor_name_assemble(&name, exe, WEIR_NAME_BYTES + 1);
	return 0;
}

void sensor_describe_app(const struct sensor *sensor, const struct weir_app *app, const char *exe,
			 struct sensor_app *ret_app)
{
	*ret_app = (struct sensor_app){.id = app->id,
				       .parent_id = app->parent_id,
				       .start_ns = app->start_ns,
				       .ended_ns = app->ended_ns,
				       .labels = sensor_labels_of_kernel(sensor, app->labels),
				       .exe_ino = app->exe.ino,
				       .cgroup_id = app->cgroup_id,
				       .exe_dev = app->exe.dev,
				       .pid = app->pid,
				       .login_uid = app->login_uid,
				       .exe = exe,
				       .comm = app->comm};
}

#define READ_APPS_MAX 64

/* Apps as one sweep has read them: most flows are of few apps. */
struct read_app {
	struct weir_app app; /* id 0: none */
	char exe[WEIR_NAME_BYTES + 1];
};

/* NULL when its entry is gone. */
static const struct read_app *read_app_once(struct sensor *sensor, struct read_app *apps,
					    uint64_t app_id)
{
	/* The lowest eight bits of an id are a processor's, see app_make(). */
	struct read_app *read = &apps[(app_id >> 8) % READ_APPS_MAX];

	/* Its path is there from its first label on, which may have come since it was read. */
	if (read->app.id == app_id && read->exe[0])
		return read;
	if (sensor_read_app(sensor, app_id, &read->app, read->exe) < 0) {
		read->app.id = 0;
		return NULL;
	}
	read->app.comm[sizeof(read->app.comm) - 1] = '\0';
	return read;
}

void sensor_describe_flow(const struct sensor *sensor, const struct weir_flow_key *key,
			  const struct weir_flow *flow, char path[static WEIR_NAME_BYTES + 1],
			  struct sensor_flow *ret_flow)
{
	path[0] = '\0';
	*ret_flow = (struct sensor_flow){
		.app_id = key->app_id,
		.object = {kind_of(key, flow), key->object.ino, key->object.dev,
			   key->object.generation},
		.is_out = key->direction == WEIR_OUT,
		.is_crm = flow->is_crm,
		.is_estimated = flow->is_estimated,
		.destination = key->destination,
		.pid = flow->pid,
		.hops = flow->hops,
		.bytes = flow->bytes,
		.calls = flow->calls,
		.turns = flow->turns,
		.labels = sensor_labels_of_kernel(sensor, flow->labels),
		.first_ns = flow->first_ns,
		.last_ns = flow->last_ns,
		.port = flow->peer.port,
		.local_port = flow->peer.local_port,
		.protocol = flow->peer.protocol,
		.is_unlinked = flow->name.is_unlinked,
		.path = path,
		.host = "",
		.is_lookup = flow->questions && flow->questions == flow->calls,
	};
	memcpy(&ret_flow->peer, flow->peer.ip, sizeof(ret_flow->peer));
	if (flow->kind != WEIR_KIND_INET) {
		sensor_name_assemble(&flow->name, path, WEIR_NAME_BYTES + 1);
	} else if (sensor_name_host(&flow->name, path, WEIR_NAME_BYTES + 1)) {
		ret_flow->host_source = (enum sensor_host_source)flow->host_source;
		ret_flow->host = path;
		ret_flow->path = "";
	}
}

/* before: as the flow was known until this sweep; nothing of a new one. */
static void report_flow(struct sensor *sensor, struct read_app *apps,
			const struct sensor_known *before, const struct weir_flow *flow,
			bool is_new)
{
	const struct read_app *read = read_app_once(sensor, apps, before->key.app_id);
	char path[WEIR_NAME_BYTES + 1];
	struct sensor_flow report;
	struct sensor_app described;

	sensor_describe_flow(sensor, &before->key, flow, path, &report);
	report.is_new = is_new;
	if (!is_new) {
		report.since_ns = before->swept_ns;
		report.since_calls = before->calls;
	}
	if (read)
		sensor_describe_app(sensor, &read->app, read->exe, &described);
	sensor->handler.flow(sensor->handler.userdata, &report, read ? &described : NULL);
}

static void visit_flow(struct sensor *sensor, struct read_app *apps,
		       const struct weir_flow_key *key, const struct weir_flow *flow,
		       uint64_t began_ns)
{
	struct sensor_known *known, before;
	bool is_new;

	if (!flow->is_ready)
		return; /* its maker is still writing: the next sweep has it */
	known = find_known(sensor, key);
	if (!known)
		return;
	is_new = known->first_ns != flow->first_ns;
	if (!is_new && known->bytes == flow->bytes && known->calls == flow->calls &&
	    known->turns == flow->turns && known->labels == flow->labels) {
		known->swept_ns = began_ns;
		return;
	}
	before = *known;
	known->swept_ns = began_ns;
	known->first_ns = flow->first_ns;
	known->bytes = flow->bytes;
	known->calls = flow->calls;
	known->turns = flow->turns;
	known->labels = flow->labels;
	report_flow(sensor, apps, &before, flow, is_new);
}

/* The app that this process belongs to, 0 while it is not known to the tables. */
static uint64_t own_app(const struct sensor *sensor)
{
	uint32_t tgid = (uint32_t)getpid();
	uint64_t id = 0;

	(void)bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.processes), &tgid, &id);
	return id;
}

/*
 * What Weir itself reads, to hash it or to count its records, is nobody's access to it. Its app is
 * a hub and passes nothing on; its flows are let go at once, as it never ends.
 *
 * Key by key: a batch of this element size saves little, and get_next_key copes
 * with entries that come and go meanwhile (a removed key starts over, which only
 * repeats totals that are known).
 */
static int sweep_flows(struct sensor *sensor, uint64_t began_ns)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.flows);
	uint32_t limit = bpf_map__max_entries(sensor->skeleton->maps.flows) * 2, n = 0;
	_cleanup_free_ struct read_app *apps = calloc(READ_APPS_MAX, sizeof(*apps));
	uint64_t own_id = own_app(sensor);
	struct weir_flow_key key, next;
	struct weir_flow flow;
	bool has_next = apps && bpf_map_get_next_key(fd, NULL, &next) == 0;

	if (!apps)
		return -ENOMEM;
	sensor->flows = 0;
	for (; has_next && n < limit; n++) {
		bool is_own;

		key = next;
		is_own = key.app_id == own_id;
		if (!is_own && bpf_map_lookup_elem(fd, &key, &flow) == 0) {
			/* A call is counted before it is known to be a question. */
			if (flow.questions && flow.questions < flow.calls)
				(void)bpf_map_lookup_elem(fd, &key, &flow);
			visit_flow(sensor, apps, &key, &flow, began_ns);
			sensor->flows++;
		}
		has_next = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (is_own)
			bpf_map_delete_elem(fd, &key);
	}
	return has_next ? -EAGAIN : 0;
}

static int note_ended(struct sensor *sensor, uint64_t app_id)
{
	uint64_t *grown = realloc(sensor->ended, (sensor->n_ended + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	sensor->ended = grown;
	sensor->ended[sensor->n_ended++] = app_id;
	return 0;
}

/* Apps that ended before this sweep began have their last totals reported by it. */
static void sweep_apps(struct sensor *sensor, uint64_t began_ns)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.apps);
	uint64_t key, next, in_bytes = 0, out_bytes = 0;
	bool has_next = bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (has_next) {
		char exe[WEIR_NAME_BYTES + 1];
		struct sensor_app described;
		struct weir_app app;

		key = next;
		has_next = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (bpf_map_lookup_elem(fd, &key, &app) < 0)
			continue;
		in_bytes += app.overflow_in_bytes;
		out_bytes += app.overflow_out_bytes;
		if (app.ended_ns == 0 || app.ended_ns >= began_ns || note_ended(sensor, key) < 0)
			continue;
		if (sensor_read_app(sensor, key, &app, exe) < 0)
			continue;
		app.comm[sizeof(app.comm) - 1] = '\0';
		sensor_describe_app(sensor, &app, exe, &described);
		if (app.labels && sensor->handler.app_ended)
			sensor->handler.app_ended(sensor->handler.userdata, &described);
	}
	if (in_bytes > sensor->overflow_in_bytes)
		sensor->overflow_in_bytes = in_bytes;
	if (out_bytes > sensor->overflow_out_bytes)
		sensor->overflow_out_bytes = out_bytes;
}

int sensor_sweep(struct sensor *sensor)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	uint64_t began_ns = clock_boottime_ns(), rung = sensor_count_rung(sensor);
	int r;

	/* Hellos name the flows that they began. */
	ring_buffer__consume(sensor->ring);
	r = sweep_flows(sensor, began_ns);

	if (r == 0) {
		sweep_apps(sensor, began_ns);
		sensor_sweep_records(sensor);
		sensor->edges_swept = rung;
	}
	/* What rang before this sweep comes after the flows that it is about. */
	ring_buffer__consume(sensor->ring);
	sensor_drain_paths(sensor);
	sensor->sweeps++;
	return r;
}

void sensor_report_again(struct sensor *sensor)
{
	sensor_forget_all(sensor);
	sensor_tell_records_again(sensor);
	free(sensor->ended);
	sensor->ended = NULL;
	sensor->n_ended = 0;
}

bool sensor_is_ended(const struct sensor *sensor, uint64_t app_id)
{
	for (size_t i = 0; i < sensor->n_ended; i++)
		if (sensor->ended[i] == app_id)
			return true;
	return false;
}

static void forget_mappings(struct sensor *sensor, uint64_t app_id)
{
	struct weir_mapping_page_key key = {.app_id = app_id};

	bpf_map_delete_elem(bpf_map__fd(sensor->skeleton->maps.app_mappings), &app_id);
	while (bpf_map_delete_elem(bpf_map__fd(sensor->skeleton->maps.mapping_pages), &key) == 0)
		key.page++;
}

int sensor_forget_ended(struct sensor *sensor)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.flows);
	struct weir_flow_key key, next;
	bool has_next;
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);

	sensor_forget_records(sensor);
	if (sensor->n_ended == 0)
		return 0;
	has_next = bpf_map_get_next_key(fd, NULL, &next) == 0;
	while (has_next) {
		key = next;
		has_next = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (!sensor_is_ended(sensor, key.app_id))
			continue;
		bpf_map_delete_elem(fd, &key);
		forget_known(sensor, &key);
	}
	for (size_t i = 0; i < sensor->n_ended; i++) {
		bpf_map_delete_elem(bpf_map__fd(sensor->skeleton->maps.app_paths),
				    &sensor->ended[i]);
		forget_mappings(sensor, sensor->ended[i]);
		bpf_map_delete_elem(bpf_map__fd(sensor->skeleton->maps.apps), &sensor->ended[i]);
	}
	free(sensor->ended);
	sensor->ended = NULL;
	sensor->n_ended = 0;
	return 0;
}
