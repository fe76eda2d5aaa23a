/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef WEIR_TESTS_KERNEL_KERNEL_FIXTURE_H
#define WEIR_TESTS_KERNEL_KERNEL_FIXTURE_H

/*
 * A real sensor on the running kernel, with a policy whose CRM is 127.0.0.1, whose
 * export folder is a temporary one and whose chat is 127.0.0.2. The test itself is a
 * hub, as every Weir program is, so what acts is a copy of the test's executable:
 * an app of its own.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/sensor/sensor.h"

struct kernel_fixture;
struct kernel_records;

struct kernel_options {
	uint32_t ring_bytes;
	uint32_t flows_max;
	uint32_t objects_max;
	uint32_t max_hops; /* 0: no limit */
	bool use_perf;
};

struct kernel_inode {
	uint64_t ino, dev; /* as stat(2) tells them */
};

struct kernel_totals {
	uint64_t bytes, calls, turns, flows;
};

/* Stops the test on failure, saying why. */
struct kernel_fixture *kernel_fixture_start(const struct kernel_options *options);
void kernel_fixture_stop(struct kernel_fixture *fixture);

/* Ends the sensor as kill -9 would: what is pinned stays. And comes back. */
void kernel_fixture_kill_sensor(struct kernel_fixture *fixture);
/* As a machine where Weir never ran. */
void kernel_fixture_remove_sensor(struct kernel_fixture *fixture);
void kernel_fixture_restart_sensor(struct kernel_fixture *fixture);

/* For the next (re)start: the sections of BEFORE come first, CRM and exports hold CLASS. */
void kernel_fixture_change_policy(struct kernel_fixture *fixture, const char *before,
				  const char *class);
/* Whether what apps wrote to DIR/name is labelled with this class of the policy. */
bool kernel_fixture_is_of_class(struct kernel_fixture *fixture, const char *name,
				const char *class);

/* Its bit in what the sensor reports. */
uint64_t kernel_fixture_label(struct kernel_fixture *fixture, const char *class);

const char *kernel_fixture_folder(const struct kernel_fixture *fixture); /* outside the export */
const char *
kernel_fixture_source(const struct kernel_fixture *fixture); /* 1 MiB file in the export */
struct sensor *kernel_fixture_sensor(struct kernel_fixture *fixture);
/* The sensor's start as seen by the last (re)start. */
struct sensor_start kernel_fixture_start_info(struct kernel_fixture *fixture);

/* DIR/name: one more copy of this executable, and so another app. */
void kernel_fixture_add_actor(struct kernel_fixture *fixture, const char *name);
/* Runs the copy of this executable with these arguments and gives its output. */
pid_t kernel_fixture_spawn(struct kernel_fixture *fixture, char *const arguments[],
			   int *ret_output_fd);
/* A shell, with SRC (the labelled file) and DIR (the folder outside the export) in its environment.
 */
pid_t kernel_fixture_spawn_shell(struct kernel_fixture *fixture, const char *script,
				 int *ret_output_fd);
/* Runs it to its end; it must succeed. */
void kernel_fixture_shell(struct kernel_fixture *fixture, const char *script);
/* Inode of DIR/name. */
uint64_t kernel_fixture_ino(struct kernel_fixture *fixture, const char *name);
/* Bytes that apps which carry a label wrote to DIR/name. */
uint64_t kernel_fixture_written(struct kernel_fixture *fixture, const char *name);
/* Waits; the exit status must be 0. Fills text with what it wrote. */
void kernel_fixture_wait(pid_t pid, int output_fd, char *ret_text, size_t size);

/* Sweeps and sums what the tables hold, by inode (0: any) or peer port (0: any). */
struct kernel_totals kernel_fixture_sum(struct kernel_fixture *fixture, bool is_out, uint64_t ino,
					uint16_t port);
/* Sweeps; the latest totals of every flow since the start, those of ended apps included. */
const struct sensor_flow *kernel_fixture_flows(struct kernel_fixture *fixture, size_t *ret_n);
/* The bytes of one object: unlike a sum by inode number alone, no other file system's are in it. */
uint64_t kernel_fixture_bytes(struct kernel_fixture *fixture, bool is_out,
			      const struct kernel_inode *inode);
/* The host that was named last, or "". Sweeps. */
const char *kernel_fixture_host(struct kernel_fixture *fixture,
				enum sensor_host_source *ret_source);
/* Sweeps; the records in what was written since the start, see kernel_records.h. */
const struct kernel_records *kernel_fixture_records(struct kernel_fixture *fixture);
/* As a spool without room: what was told of records by now is gone. */
void kernel_fixture_drop_records(struct kernel_fixture *fixture);
/* Any flow at all since the start. */
uint64_t kernel_fixture_count_flows(struct kernel_fixture *fixture);
struct sensor_counts kernel_fixture_counts(struct kernel_fixture *fixture);
/* Path calls since the start, of a kind. */
uint64_t kernel_fixture_count_paths(struct kernel_fixture *fixture,
				    enum sensor_path_operation operation);

#endif
