/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "policy/policy.h"
#include "bpf/weir.skel.h"

/* Empties a hash. Deleting while walking starts over, so the first key is taken each time. */
static void clear_map(int fd, void *key)
{
	while (bpf_map_get_next_key(fd, NULL, key) == 0)
		if (bpf_map_delete_elem(fd, key) < 0)
			return;
}

/* More file systems than slots: all of them are watched, at the cost of a walk at each open. */
static void note_folder_device(struct weir_state *state, uint32_t dev)
{
	for (int i = 0; i < WEIR_FOLDER_DEVICES; i++) {
		if (state->folder_devices[i] == dev)
			return;
		if (state->folder_devices[i] == 0) {
			state->folder_devices[i] = dev;
			return;
		}
	}
	state->folder_devices[0] = UINT32_MAX;
}

static int apply_folders(struct sensor *sensor, const struct policy *policy)
{
	int fd = bpf_map__fd(sensor->skeleton->maps.folders);
	const struct policy_folder *folders;
	size_t n_folders = policy_folders(policy, &folders);
	struct weir_folder_key key = {};
	uint32_t count = 0;

	clear_map(fd, &key);
	memset(sensor->state->folder_devices, 0, sizeof(sensor->state->folder_devices));
	for (size_t i = 0; i < n_folders; i++) {
		uint64_t labels = sensor_labels_to_kernel(sensor, folders[i].labels);
		struct stat info;

		if (folders[i].labels == 0 || stat(folders[i].path, &info) < 0)
			continue;
		key.ino = info.st_ino;
		key.dev = file_kernel_dev(info.st_dev);
		key.padding = 0;
		if (bpf_map_update_elem(fd, &key, &labels, BPF_ANY) < 0)
			return -errno;
		note_folder_device(sensor->state, key.dev);
		count++;
	}
	sensor->state->folder_count = count;
	return 0;
}

/* i_generation of a path; file systems without one answer with an error and have 0. */
static int add_executable(int fd, const struct policy_executable *wanted, uint64_t labels)
{
	struct weir_executable rule = {.labels = labels,
				       .is_hub = wanted->is_hub,
				       .is_input_method = wanted->is_input_method};
	struct weir_object_key key = {};
	struct stat info;

	if (stat(wanted->path, &info) < 0)
		return 0; /* not installed here */
	key.ino = info.st_ino;
	key.dev = file_kernel_dev(info.st_dev);
	key.generation = sensor_generation_of(wanted->path);
	return bpf_map_update_elem(fd, &key, &rule, BPF_ANY) < 0 ? -errno : 0;
}

/*
 * The rule for its executable comes too late for an agent of another build than the one whose
 * programs saw it start. Nobody else changes the entry meanwhile but forks and exits of this agent.
 */
static int make_own_app_a_hub(struct sensor *sensor)
{
	int apps_fd = bpf_map__fd(sensor->skeleton->maps.apps);
	uint32_t tgid = (uint32_t)getpid();
	struct weir_app app;
	uint64_t id;

	if (bpf_map_lookup_elem(bpf_map__fd(sensor->skeleton->maps.processes), &tgid, &id) < 0 ||
	    bpf_map_lookup_elem(apps_fd, &id, &app) < 0 || app.is_hub)
		return 0; /* not met yet: then by its executable */
	app.is_hub = 1;
	app.labels = 0;
	return bpf_map_update_elem(apps_fd, &id, &app, BPF_EXIST) < 0 ? -errno : 0;
}

static int apply_executables(struct sensor *sensor, const struct policy *policy)
{
	static const struct policy_executable own = {.path = "/proc/self/exe", .is_hub = true};
	int fd = bpf_map__fd(sensor->skeleton->maps.executables);
	const struct policy_executable *list;
	size_t n_list = policy_executables(policy, &list);
	struct weir_object_key key;
	int r;

	clear_map(fd, &key);
	for (size_t i = 0; i < n_list; i++) {
		r = add_executable(fd, &list[i], sensor_labels_to_kernel(sensor, list[i].labels));
		if (r < 0)
			return r;
	}
	/* Weir itself reads and hashes what others made: it must not carry their labels on. */
	r = add_executable(fd, &own, 0);
	return r < 0 ? r : make_own_app_a_hub(sensor);
}

/* 0 where nobody wants to know. */
static uint32_t screen_recent_s(const struct policy *policy)
{
	if (!policy_detect_enabled(policy, "screen_capture"))
		return 0;
	return (uint32_t)policy_detect_value(policy, "screen_capture", "recent_seconds", 300);
}

int sensor_apply_policy(struct sensor *sensor, const struct policy *policy)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	const struct policy_zone *zones;
	size_t n_zones = policy_zones(policy, &zones);
	uint64_t origins = 0;
	int r = sensor_labels_assign(sensor, policy);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_zones; i++)
		if (zones[i].role == EVENT_ROLE_SINK)
			origins |= zones[i].labels;
	sensor->state->origin_labels = sensor_labels_to_kernel(sensor, origins);
	sensor->state->screen_recent_s = screen_recent_s(policy);
	r = apply_executables(sensor, policy);
	if (r == 0)
		r = sensor_apply_zones(sensor, policy);
	if (r == 0)
		r = apply_folders(sensor, policy);
	return r;
}
