/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_TABLES_H
#define WEIR_TESTS_KERNEL_TABLES_H

/* The sensor's pinned tables, read past the sensor: what the kernel side holds right now. */

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi.h"

struct tables;

struct tables_object {
	struct weir_object_key key;
	struct weir_object value;
};

/* Stops the test on failure, saying why. */
struct tables *tables_open(const char *pin_dir);
void tables_close(struct tables *tables);

/* Id of the app that a process belongs to; 0 when the process is not known. */
uint64_t tables_app_of(const struct tables *tables, pid_t pid);
bool tables_read_app(const struct tables *tables, uint64_t id, struct weir_app *ret_app);
/* All labelled objects; the caller frees. */
struct tables_object *tables_read_objects(const struct tables *tables, size_t *ret_n);
/* The bit that a class has in the tables. */
uint64_t tables_label(const struct tables *tables, const char *class);
/* Number of entries of "processes", "apps", "objects", ... */
size_t tables_count(const struct tables *tables, const char *name);
/* How many entries it may have. */
size_t tables_max(const struct tables *tables, const char *name);
/* Prints what each large table takes of the kernel's memory; the sum of all. */
uint64_t tables_print_bytes(const struct tables *tables);
/* Takes the program out of a hook, which is blind until it is put back. Returns its descriptor,
 * which putting it back closes. */
int tables_take_program(const struct tables *tables, const char *hook);
void tables_put_program(const struct tables *tables, const char *hook, int program_fd);

/* Entries that should be gone: of processes that ended, of apps without a process. */
size_t tables_count_dead_processes(const struct tables *tables);
size_t tables_count_empty_apps(const struct tables *tables);

#endif
