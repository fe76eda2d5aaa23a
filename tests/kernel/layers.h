/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_LAYERS_H
#define WEIR_TESTS_KERNEL_LAYERS_H

/*
 * Mounts below the folder of a scene, in a mount namespace of the test's own.
 */

#include <stdbool.h>

#include "kernel/scene.h"

/* For cmocka, before a group of tests: what they mount, nobody else sees. */
int layers_leave_namespace(void **state);
/* For cmocka, after a test: unmounts DIR/stack and all in it, and strikes the scene. */
int layers_strike(void **state);

/* A tmpfs at DIR/stack with the folders lower, upper, work and merged. */
void layers_add_stack(const struct scene *scene);
/* An overlay of lower (below DIR) and DIR/stack/upper at DIR/stack/merged. False, saying why, where
 * this kernel has none. */
bool layers_add_overlay(const struct scene *scene, const char *lower);
void layers_remove_overlay(const struct scene *scene);
/* What nobody has open is read from the disk again. */
void layers_drop_caches(void);

/* Bytes that labelled apps wrote to (or read from) DIR/name. */
uint64_t layers_count_bytes(const struct scene *scene, bool is_out, const char *name);

#endif
