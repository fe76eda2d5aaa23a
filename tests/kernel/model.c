/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel/model.h"

#include <stdio.h>
#include <stdlib.h>

static void *grow(void *array, int n, size_t size)
{
	if (n & (n - 1))
		return array;
	array = realloc(array, size * (n ? 2 * (size_t)n : 1));
	if (!array)
		abort();
	return array;
}

void model_free(struct model *model)
{
	free(model->apps);
	free(model->objects);
	free(model->flows);
	*model = (struct model){};
}

int model_add_app(struct model *model, uint64_t id, int executable, bool is_hub)
{
	model->apps = grow(model->apps, model->n_apps, sizeof(*model->apps));
	model->apps[model->n_apps] = (struct model_app){
		.id = id, .executable = executable, .is_hub = is_hub, .first_flow = -1};
	return model->n_apps++;
}

int model_add_object(struct model *model, const struct model_object *object)
{
	model->objects = grow(model->objects, model->n_objects, sizeof(*model->objects));
	model->objects[model->n_objects] = *object;
	return model->n_objects++;
}

int model_find_object(const struct model *model, uint32_t dev, uint64_t ino)
{
	for (int i = model->n_objects - 1; i >= 0; i--)
		if (model->objects[i].ino == ino && model->objects[i].dev == dev)
			return i;
	return MODEL_NOTHING;
}

static int find_flow(const struct model *model, int app, int object, bool is_out)
{
	int i = model->apps[app].first_flow;

	while (i >= 0 && (model->flows[i].object != object || model->flows[i].is_out != is_out))
		i = model->flows[i].next;
	return i;
}

const struct model_flow *model_find_flow(const struct model *model, int app, int object,
					 bool is_out)
{
	int i = find_flow(model, app, object, is_out);

	return i < 0 ? NULL : &model->flows[i];
}

static void add_flow(struct model *model, int app, int object, bool is_out, uint64_t bytes,
		     uint64_t labels)
{
	int i = find_flow(model, app, object, is_out);

	if (i < 0) {
		model->flows = grow(model->flows, model->n_flows, sizeof(*model->flows));
		i = model->n_flows++;
		model->flows[i] = (struct model_flow){.app = app,
						      .object = object,
						      .is_out = is_out,
						      .next = model->apps[app].first_flow};
		model->apps[app].first_flow = i;
	}
	model->flows[i].bytes += bytes;
	model->flows[i].calls++;
	model->flows[i].labels |= labels;
}

static void label_app(struct model *model, int app, int object)
{
	if (!model->apps[app].is_hub)
		model->apps[app].labels |= model->objects[object].labels;
}

void model_label_source(struct model *model, int object, uint64_t labels)
{
	model->objects[object].labels |= labels;
}

void model_begin_out(struct model *model, int app, int object)
{
	if (object != MODEL_NOTHING)
		model->objects[object].labels |= model->apps[app].labels;
}

void model_begin_copy(struct model *model, int app, int from, int to)
{
	if (from != MODEL_NOTHING)
		label_app(model, app, from);
	model_begin_out(model, app, to);
}

/* Whoever reads what has no label leaves no trace. */
void model_end_in(struct model *model, int app, int object, long result)
{
	if (object == MODEL_NOTHING || result <= 0 || !model->objects[object].labels)
		return;
	label_app(model, app, object);
	add_flow(model, app, object, false, (uint64_t)result, model->objects[object].labels);
}

void model_end_out(struct model *model, int app, int object, long result)
{
	if (object == MODEL_NOTHING || result <= 0 || !model->apps[app].labels)
		return;
	add_flow(model, app, object, true, (uint64_t)result, model->apps[app].labels);
}
