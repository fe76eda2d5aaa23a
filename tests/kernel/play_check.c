/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "kernel/play.h"

#define LINES_SHOWN 60

static uint64_t translate(uint64_t labels, const uint64_t bits[PLAY_SOURCES])
{
	uint64_t translated = 0;

	for (int i = 0; i < PLAY_SOURCES; i++)
		if (labels >> i & 1)
			translated |= bits[i];
	return translated;
}

/* Whether a line of the story names this app or object. */
static bool names(const char *line, const char *name)
{
	const char *found = line;
	size_t length = strlen(name);

	while (name[0] && (found = strstr(found, name))) {
		if (found[-1] == ' ' && (found[length] < '0' || found[length] > '9'))
			return true;
		found += length;
	}
	return strstr(line, "the agent ") != NULL;
}

/* Tells what the app and the object did lately. */
static bool differ(const struct play *play, int app, int object, const char *what,
		   unsigned long long expected, unsigned long long actual)
{
	int first = play->n_lines > PLAY_LINES_MAX ? play->n_lines - PLAY_LINES_MAX : 0, n = 0;
	char app_name[16] = "", object_name[16] = "";

	if (app >= 0)
		snprintf(app_name, sizeof(app_name), "a%d", app);
	if (object >= 0)
		snprintf(object_name, sizeof(object_name), "o%d", object);
	fprintf(stderr, "step %llu, app %s, object %s: %s: the model has %#llx, the sensor %#llx\n",
		(unsigned long long)play->step, app_name, object_name, what, expected, actual);
	for (int i = play->n_lines - 1; i >= first && n < LINES_SHOWN; i--) {
		const char *line = play->lines[i % PLAY_LINES_MAX];

		if (!names(line, app_name) && !names(line, object_name))
			continue;
		fprintf(stderr, "  %s\n", line);
		n++;
	}
	return false;
}

static void note_how_labelled(struct play *play, uint64_t labels)
{
	if (!labels)
		play->seen_clean++;
	else if (labels == (1u << PLAY_SOURCES) - 1)
		play->seen_full++;
	else
		play->seen_part++;
}

static bool check_apps(struct play *play)
{
	for (int i = 0; i < PUPPETS_MAX; i++) {
		const struct play_process *process = &play->processes[i];
		const struct model_app *app = &play->model.apps[process->app];
		struct weir_app actual;
		uint64_t id, labels;

		if (!process->is_live)
			continue;
		id = tables_app_of(play->tables, process->pid);
		if (id != app->id)
			return differ(play, process->app, -1, "the app of a process", app->id, id);
		if (!tables_read_app(play->tables, id, &actual))
			return differ(play, process->app, -1, "presence", 1, 0);
		labels = translate(app->labels, play->kernel_labels);
		if (actual.labels != labels)
			return differ(play, process->app, -1, "labels", labels, actual.labels);
		if (actual.processes != (uint64_t)app->processes)
			return differ(play, process->app, -1, "processes",
				      (unsigned long long)app->processes, actual.processes);
		note_how_labelled(play, app->labels);
	}
	return true;
}

static bool is_object(const struct model_object *object, const struct weir_object_key *key)
{
	return object->ino == key->ino && object->dev == key->dev &&
	       (!object->has_generation || object->generation == key->generation);
}

/* What no descriptor leads to may have lost its label, but never have got another one. */
static bool check_objects(struct play *play)
{
	size_t n;
	struct tables_object *all = tables_read_objects(play->tables, &n);
	bool is_good = true;

	for (int i = play->model.n_objects - 1; i >= 0 && is_good; i--) {
		const struct model_object *object = &play->model.objects[i];
		uint64_t actual = 0, labels = translate(object->labels, play->kernel_labels);

		for (size_t j = 0; j < n; j++)
			if (is_object(object, &all[j].key))
				actual |= all[j].value.labels;
		if (actual & ~labels || (object->holders > 0 && actual != labels))
			is_good = differ(play, -1, i, "labels", labels, actual);
	}
	for (size_t j = 0; j < n && is_good; j++)
		if (all[j].key.dev == WEIR_DEV_UNIX_SOCK)
			is_good = differ(play, -1, -1, "labels of a socket that is gone", 0,
					 all[j].value.labels);
	free(all);
	return is_good;
}

static int find_app(const struct model *model, uint64_t id)
{
	for (int i = model->n_apps - 1; i >= 0; i--)
		if (model->apps[i].id == id)
			return i;
	return -1;
}

static int find_object(const struct model *model, const struct sensor_object *object)
{
	const struct weir_object_key key = {
		.ino = object->ino, .dev = object->dev, .generation = object->generation};

	for (int i = model->n_objects - 1; i >= 0; i--)
		if (is_object(&model->objects[i], &key))
			return i;
	return MODEL_NOTHING;
}

static bool check_flow(struct play *play, const struct sensor_flow *flow, size_t *found)
{
	int app = find_app(&play->model, flow->app_id);
	int object = find_object(&play->model, &flow->object);
	const struct model_flow *expected;
	uint64_t labels;

	if (app < 0)
		return true; /* of somebody else on this machine */
	expected = model_find_flow(&play->model, app, object, flow->is_out);
	if (!expected)
		return differ(play, app, object, flow->is_out ? "bytes written" : "bytes read", 0,
			      flow->bytes);
	labels = translate(expected->labels, play->policy_labels);
	if (expected->bytes != flow->bytes)
		return differ(play, app, object, flow->is_out ? "bytes written" : "bytes read",
			      expected->bytes, flow->bytes);
	if (expected->calls != flow->calls)
		return differ(play, app, object, "calls", expected->calls, flow->calls);
	if (labels != flow->labels)
		return differ(play, app, object, "labels of a flow", labels, flow->labels);
	(*found)++;
	return true;
}

static bool check_flows(struct play *play)
{
	size_t n, found = 0;
	const struct sensor_flow *flows = kernel_fixture_flows(play->fixture, &n);

	for (size_t i = 0; i < n; i++) {
		/* The stage on which the puppets meet is shared memory, which the sensor says. */
		if (flows[i].object.kind == SENSOR_OBJECT_GAP && flows[i].object.ino == SYS_shmat)
			continue;
		if (!check_flow(play, &flows[i], &found))
			return false;
	}
	if (found != (size_t)play->model.n_flows)
		return differ(play, -1, -1, "flows", (unsigned long long)play->model.n_flows,
			      found);
	return true;
}

bool play_check(struct play *play)
{
	return check_apps(play) && check_objects(play) && check_flows(play);
}
