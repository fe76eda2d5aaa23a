/* SPDX-License-Identifier: GPL-2.0-only */
#include "agent/sensor/sensor.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "bpf/weir.skel.h"

/* The program behind a pinned link, which an earlier agent may have loaded. */
static int open_attached(const struct sensor *sensor, const char *program)
{
	_cleanup_free_ char *path = sensor_pin_path(sensor, SENSOR_LINK, program);
	_cleanup_close_ int link_fd = path ? bpf_obj_get(path) : -1;
	struct bpf_link_info link = {};
	uint32_t size = sizeof(link);

	if (link_fd < 0 || bpf_obj_get_info_by_fd(link_fd, &link, &size) < 0)
		return -ENOENT;
	return bpf_prog_get_fd_by_id(link.prog_id);
}

/* They stay the same as long as this agent runs, and each sweep asks what they missed. */
static int open_hooks(struct sensor *sensor)
{
	struct bpf_program *program;

	sensor->hooks = calloc((size_t)sensor->skeleton->skeleton->prog_cnt, sizeof(int));
	if (!sensor->hooks)
		return -ENOMEM;
	bpf_object__for_each_program(program, sensor->skeleton->obj)
	{
		int fd = open_attached(sensor, bpf_program__name(program));

		if (fd >= 0)
			sensor->hooks[sensor->n_hooks++] = fd;
	}
	return 0;
}

/* Order: rules first, then the hooks, then what was there before the hooks. */
static int start(struct sensor *sensor, sd_event *event, const struct sensor_config *config,
		 const struct policy *policy, char **ret_reason)
{
	uint64_t began_ns = clock_boottime_ns();
	int r = sensor_load(sensor, config, ret_reason);

	if (r < 0)
		return r;
	r = sensor_apply_policy(sensor, policy);
	if (r < 0) {
		if (asprintf(ret_reason, "the policy does not fit into the kernel's tables: %s%s",
			     strerror(-r),
			     r == -ENOSPC ? " (labels of earlier policies count until the sensor "
					    "is detached)"
					  : "") < 0)
			*ret_reason = NULL;
		return r;
	}
	r = sensor_open_ring(sensor, event);
	if (r < 0 && asprintf(ret_reason, "cannot read the doorbell: %s", strerror(-r)) < 0)
		*ret_reason = NULL;
	if (r == 0)
		r = sensor_attach(sensor, ret_reason);
	sensor->start.attach_ns = clock_boottime_ns() - began_ns;
	if (r == 0)
		r = open_hooks(sensor);
	if (r == 0)
		r = sensor_mend(sensor);
	if (r == 0) {
		sensor_label_folders(sensor, policy);
		r = sensor_walk(sensor);
	}
	sensor->start.walk_ns = clock_boottime_ns() - began_ns - sensor->start.attach_ns;
	if (r < 0 && !*ret_reason &&
	    asprintf(ret_reason, "cannot walk what is open on this machine: %s", strerror(-r)) < 0)
		*ret_reason = NULL;
	return r;
}

int sensor_new(sd_event *event, const struct sensor_config *config, const struct policy *policy,
	       const struct sensor_handler *handler, struct sensor **ret_sensor, char **ret_reason)
{
	_cleanup_(sensor_freep) struct sensor *sensor = calloc(1, sizeof(*sensor));
	char *reason = NULL;
	int r;

	if (!sensor)
		return -ENOMEM;
	sensor->handler = *handler;
	sensor->pin_dir = strdup(config->pin_dir);
	if (!sensor->pin_dir)
		return -ENOMEM;
	r = start(sensor, event, config, policy, &reason);
	if (r < 0) {
		sensor_abandon(sensor);
		*ret_reason = reason;
		return r;
	}
	sensor->tls.attached_ns = clock_boottime_ns();
	*ret_sensor = TAKE(sensor);
	return 0;
}

void sensor_free(struct sensor *sensor)
{
	if (!sensor)
		return;
	sd_event_source_disable_unref(sensor->ring_source);
	ring_buffer__free(sensor->ring);
	sensor_unwatch_tls(sensor);
	while (sensor->n_hooks > 0)
		close(sensor->hooks[--sensor->n_hooks]);
	free(sensor->hooks);
	if (sensor->state)
		munmap(sensor->state, (size_t)sysconf(_SC_PAGESIZE));
	weir_bpf__destroy(sensor->skeleton);
	sensor_forget_all(sensor);
	free(sensor->told);
	free(sensor->paths);
	free(sensor->ended);
	free(sensor->pin_dir);
	free(sensor);
}

/* Half a sensor is none. */
void sensor_abandon(struct sensor *sensor)
{
	if (!sensor->is_examined)
		return; /* nothing of what is there is its own */
	if (sensor->start.takeover == SENSOR_MIGRATED)
		sensor_unhook(sensor->pin_dir);
	else if (!sensor->start.is_resumed)
		sensor_unpin(sensor->pin_dir);
}

int sensor_unpin(const char *pin_dir)
{
	DIR *dir = opendir(pin_dir);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			r = -errno;
	closedir(dir);
	if (rmdir(pin_dir) < 0 && r == 0)
		r = -errno;
	return r;
}

void sensor_describe_start(const struct sensor *sensor, struct sensor_start *ret_start)
{
	*ret_start = sensor->start;
}

uint64_t sensor_count_rung(const struct sensor *sensor)
{
	return sensor->state->edges + sensor->state->losses.ring_full;
}

bool sensor_is_idle(const struct sensor *sensor)
{
	/* An app may have come and gone since the last sweep: its flows wait, its doorbell rang. */
	return sensor->state->hot == 0 && sensor->state->volatile_objects == 0 &&
	       sensor->n_known == 0 && sensor->n_paths == 0 && sensor->flows == 0 &&
	       sensor_count_rung(sensor) == sensor->edges_swept;
}

void sensor_mark_seen(struct sensor *sensor, uint64_t now_ns)
{
	sensor->state->agent_seen_ns = now_ns;
}

bool sensor_has_volatiles(const struct sensor *sensor)
{
	return sensor->state->volatile_objects > 0;
}

static void count_programs(const struct sensor *sensor, struct sensor_counts *ret_counts)
{
	for (size_t i = 0; i < sensor->n_hooks; i++) {
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(sensor->hooks[i], &info, &size) < 0)
			continue;
		ret_counts->programs++;
		ret_counts->losses.programs_missed += info.recursion_misses;
	}
}

void sensor_count(const struct sensor *sensor, struct sensor_counts *ret_counts)
{
	const struct weir_losses *losses = &sensor->state->losses;

	*ret_counts = (struct sensor_counts){
		.edges_rung = sensor_count_rung(sensor),
		.edges_read = sensor->state->edges_read,
		.edges_damaged = sensor->edges_damaged,
		.paths_seen = sensor->paths_seen,
		.paths_told = sensor->paths_told,
		.paths_waiting = sensor->n_paths,
		.flows = sensor->flows,
		.objects = sensor->state->labelled_files,
		.hot_apps = sensor->state->hot,
		.unsettled_objects = sensor->state->unsettled_objects,
		.sweeps = sensor->sweeps,
		.losses = {.processes_full = losses->processes_full,
			   .apps_full = losses->apps_full,
			   .objects_full = losses->objects_full,
			   .flows_full = losses->flows_full,
			   .ring_full = losses->ring_full,
			   .unknown_calls = losses->unknown_calls,
			   .inflight_full = losses->inflight_full,
			   .labels_too_far = losses->labels_too_far,
			   .names_full = losses->names_full,
			   .volatiles_full = losses->volatiles_full,
			   .mappings_full = losses->mappings_full,
			   .inodes_full = sensor->state->inodes_full,
			   .records_full = sensor_count_records_full(sensor),
			   .paths_dropped = sensor->paths_dropped,
			   .overflow_in_bytes = sensor->overflow_in_bytes,
			   .overflow_out_bytes = sensor->overflow_out_bytes},
	};
	count_programs(sensor, ret_counts);
}
