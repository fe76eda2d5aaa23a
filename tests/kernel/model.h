/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_MODEL_H
#define WEIR_TESTS_KERNEL_MODEL_H

/*
 * What Weir promises, as simply as it can be said: which labels apps and objects have
 * and how many bytes each flow carried, from the calls that were made and what they
 * returned. It knows no gate, no table and no limit.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_NOTHING (-1) /* in place of an object: no data can rest there */

struct model_app {
	uint64_t id; /* as the sensor calls it */
	uint64_t labels;
	int executable;
	int processes;
	int first_flow;
	bool is_hub;
};

enum model_kind {
	MODEL_FILE,
	MODEL_PIPE,
	MODEL_UNIX,
};

struct model_object {
	uint64_t ino;
	uint32_t dev; /* as the kernel holds it */
	uint32_t generation;
	bool has_generation; /* whether it could be learned */
	enum model_kind kind;
	uint64_t labels;
	int peer;      /* of MODEL_UNIX: what is written to this one rests there */
	int holders;   /* descriptors of living processes */
	int in_flight; /* messages that carry it; an upper bound */
};

struct model_flow {
	int app, object;
	bool is_out;
	uint64_t bytes, calls, labels;
	int next; /* of the same app */
};

struct model {
	struct model_app *apps;
	struct model_object *objects;
	struct model_flow *flows;
	int n_apps, n_objects, n_flows;
};

void model_free(struct model *model);
int model_add_app(struct model *model, uint64_t id, int executable, bool is_hub);
int model_add_object(struct model *model, const struct model_object *object);
/* The youngest with this identity, or MODEL_NOTHING. */
int model_find_object(const struct model *model, uint32_t dev, uint64_t ino);
const struct model_flow *model_find_flow(const struct model *model, int app, int object,
					 bool is_out);

/* The policy labels an object when it is opened. */
void model_label_source(struct model *model, int object, uint64_t labels);
/* A call was made that can write: the label is there before the first byte. */
void model_begin_out(struct model *model, int app, int object);
/* A copy can be read at its target before the call returns: both ends are labelled first. */
void model_begin_copy(struct model *model, int app, int from, int to);
/* The call returned that it moved so much. */
void model_end_in(struct model *model, int app, int object, long result);
void model_end_out(struct model *model, int app, int object, long result);

#endif
