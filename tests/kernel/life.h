/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_LIFE_H
#define WEIR_TESTS_KERNEL_LIFE_H

/* A sensor, its tables, and puppets of two executables that act on the plain folder beside the
 * export one: what stories of single calls by several apps stand on. */

#include <stdint.h>

#include "kernel/kernel_fixture.h"
#include "kernel/puppet.h"
#include "kernel/tables.h"

struct life {
	struct kernel_fixture *fixture;
	struct tables *tables;
	struct puppet_stage *stage;
	char executables[2][PUPPET_PATH_BYTES];
};

#define LIFE_CALL(life, index, ...) life_call((life), (index), (const long[7]){__VA_ARGS__})

/* Setup and teardown of a test; they stop it on failure, as all of these do. */
int life_begin(void **state);
/* The sensor as it is attached from 7.0 on. */
int life_begin_by_perf(void **state);
int life_end(void **state);

/* The number of the call and its arguments; what it returned, or -errno. */
long life_call(struct life *life, uint32_t puppet, const long call[7]);
/* In the plain folder; made when missing. */
long life_open_plain(struct life *life, uint32_t puppet, const char *name);
long life_open_source(struct life *life, uint32_t puppet);
void life_read_source(struct life *life, uint32_t puppet);

uint64_t life_labels_of_pid(struct life *life, pid_t pid);
uint64_t life_labels_of(struct life *life, uint32_t puppet);
/* Of a file in the plain folder. */
uint64_t life_labels_of_file(struct life *life, const char *name);

#endif
