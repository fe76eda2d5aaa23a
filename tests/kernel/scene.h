/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_SCENE_H
#define WEIR_TESTS_KERNEL_SCENE_H

/*
 * A sensor and two puppets, each an app of its own: the clerk may open the source, the thief
 * wants what the clerk holds. Their calls are made one at a time, on order.
 */

#include "kernel/kernel_fixture.h"
#include "kernel/puppet.h"

#define SCENE_BYTES 3000      /* of the source, that are read at once */
#define SCENE_FILE_BYTES 4096 /* of a file that is made */
#define SCENE_TRACE_BYTES 77  /* that show whether an app is labelled */

enum {
	CLERK,
	THIEF,
	SECOND
};

struct scene {
	struct kernel_fixture *fixture;
	struct puppet_stage *stage;
};

/* What the call returned in the puppet, or -errno. */
#define SCENE_CALL(scene, who, number, ...) \
	puppet_call((scene)->stage, who, number, (const long[6]){__VA_ARGS__})

/* For cmocka: before and after a test. */
int scene_set(void **state);
int scene_strike(void **state);

/* One more app; the test ends it. */
void scene_start(const struct scene *scene, uint32_t who, const char *name);
pid_t scene_pid(const struct scene *scene, uint32_t who);
char *scene_data(const struct scene *scene, uint32_t who);
/* DIR/name, until the next call. */
const char *scene_path(const struct scene *scene, const char *name);
/* A descriptor of the puppet; it must open. */
int scene_open(const struct scene *scene, uint32_t who, const char *path, int flags);
/* Into its data. */
void scene_read_source(const struct scene *scene, uint32_t who);
/* Writes to DIR/name; 0 when the app is not labelled. */
uint64_t scene_labelled_bytes(const struct scene *scene, uint32_t who, const char *name);
/* Writes SCENE_BYTES of its data to DIR/name. */
void scene_write(const struct scene *scene, uint32_t who, const char *name, int flags);
/* Whether SECOND, an app that held nothing, is labelled by reading DIR/name. It leaves a new file
 * DIR/trace. */
bool scene_is_labelled(const struct scene *scene, const char *name, const char *trace);
/* A page of zeros in DIR/name; a descriptor of the puppet, which may write there. */
int scene_make_file(const struct scene *scene, uint32_t who, const char *name);

/* Between apps, in one direction; all of them must be of this kind. */
uint64_t scene_passed_bytes(const struct scene *scene, bool is_out, bool is_estimated);
/* Flows that say of this name that it is not followed. */
uint64_t scene_gaps(const struct scene *scene, const char *name);

#endif
