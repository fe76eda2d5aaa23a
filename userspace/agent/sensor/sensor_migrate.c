/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Tables of another ABI version, or without hooks that fit: what outlasts a call is copied into
 * this build's tables. Values grow at their end, see WEIR_ABI_GROWS_SINCE, so that the shorter
 * layout is the beginning of the longer one; what an older build did not know is zero. Hooks are
 * let go of before: calls until the new ones are attached are not seen, which is told as a gap.
 *
 * A kill at any point loses nothing: a pin is exchanged for that of a copy which is whole, and a
 * mixture of both is migrated as well.
 */

#include <dirent.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

/* What is about calls that were under way, or is read off bytes that are not seen on their way
 * through, is left; the walk finds sockets and names again. */
static const struct kept {
	const char *name;
	bool is_needed; /* without it the others mean nothing */
} kept[] = {
	{"label_names", true},    {"apps", true},          {"processes", true},
	{"open_apps", true},      {"open_hints", true},    {"app_paths", false},
	{"objects", false},       {"volatiles", false},    {"basenames", false},
	{"flows", false},         {"app_mappings", false}, {"clipboards", false},
	{"mapping_pages", false}, {"told_losses", false},
};

#define N_KEPT (sizeof(kept) / sizeof(kept[0]))

static bool is_array(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_ARRAY;
}

static struct bpf_map *find_map(const struct sensor *sensor, const char *name)
{
	return bpf_object__find_map_by_name(sensor->skeleton->obj, name);
}

static bool is_readable(const struct bpf_map *map, const struct bpf_map_info *old)
{
	return old->type == bpf_map__type(map) && old->key_size == bpf_map__key_size(map) &&
	       (!is_array(map) || old->max_entries == bpf_map__max_entries(map));
}

/* Of a state that may be shorter or longer, what is at its beginning. */
static bool read_old_state(const struct sensor *sensor, struct weir_state *ret_state)
{
	struct bpf_map_info info;
	_cleanup_close_ int fd = sensor_pins_open(sensor, "state", &info);
	_cleanup_free_ char *value = NULL;
	uint32_t zero = 0;

	if (fd < 0)
		return false;
	value = calloc(1, info.value_size + sizeof(*ret_state));
	if (!value || bpf_map_lookup_elem(fd, &zero, value) < 0)
		return false;
	memcpy(ret_state, value, sizeof(*ret_state));
	return ret_state->bytes == info.value_size;
}

bool sensor_can_migrate(const struct sensor *sensor, uint64_t *ret_seen_ns)
{
	struct weir_state old;

	if (!read_old_state(sensor, &old) || old.abi_version < WEIR_ABI_GROWS_SINCE)
		return false;
	for (size_t i = 0; i < N_KEPT; i++) {
		struct bpf_map_info info;
		_cleanup_close_ int fd = sensor_pins_open(sensor, kept[i].name, &info);

		if (kept[i].is_needed &&
		    (fd < 0 || !is_readable(find_map(sensor, kept[i].name), &info)))
			return false;
	}
	*ret_seen_ns = old.agent_seen_ns;
	return true;
}

static int unhook(int dir_fd, const char *pin_dir, const char *name)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *path = NULL;
	uint32_t zero = 0;

	if (strncmp(name, SENSOR_LINK, strlen(SENSOR_LINK)) == 0)
		return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
	if (strncmp(name, SENSOR_SLOT, strlen(SENSOR_SLOT)) != 0)
		return 0;
	if (asprintf(&path, "%s/%s", pin_dir, name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	/* Links end some time after their last reference; a hook with an empty slot does nothing.
	 */
	fd = bpf_obj_get(path);
	if (fd >= 0)
		(void)bpf_map_delete_elem(fd, &zero);
	return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

int sensor_unhook(const char *pin_dir)
{
	DIR *dir = opendir(pin_dir);
	const struct dirent *entry;
	int r = 0, error;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		error = unhook(dirfd(dir), pin_dir, entry->d_name);
		r = error < 0 ? error : r;
	}
	closedir(dir);
	/* Waits for a grace period of RCU: programs that were running then have ended. */
	(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0);
	return r;
}

typedef int (*visit_fn)(void *userdata, const void *key, const void *value);

/* Nobody writes to the table meanwhile. Returns 0, what visit returned, or -errno. */
static int visit_entries(int fd, const struct bpf_map_info *info, visit_fn visit, void *userdata)
{
	_cleanup_free_ char *key = calloc(2, info->key_size), *value = calloc(1, info->value_size);
	char *next = key + info->key_size;
	int r = key && value ? 0 : -ENOMEM;
	bool has_next = r == 0 && bpf_map_get_next_key(fd, NULL, next) == 0;

	while (r == 0 && has_next) {
		memcpy(key, next, info->key_size);
		has_next = bpf_map_get_next_key(fd, key, next) == 0;
		if (bpf_map_lookup_elem(fd, key, value) == 0)
			r = visit(userdata, key, value);
	}
	return r;
}

static int count_entry(void *userdata, const void *key, const void *value)
{
	(void)key;
	(void)value;
	(*(uint64_t *)userdata)++;
	return 0;
}

uint64_t sensor_count_pinned(const struct sensor *sensor, const char *name)
{
	struct bpf_map_info info;
	_cleanup_close_ int fd = sensor_pins_open(sensor, name, &info);
	uint64_t n = 0;

	if (fd >= 0)
		(void)visit_entries(fd, &info, count_entry, &n);
	return n;
}

struct copy {
	struct sensor *sensor;
	const struct bpf_map *to;
	size_t known_bytes; /* of a value, by both */
	void *value;
};

static int copy_entry(void *userdata, const void *key, const void *value)
{
	struct copy *copy = userdata;

	memcpy(copy->value, value, copy->known_bytes);
	if (bpf_map_update_elem(bpf_map__fd(copy->to), key, copy->value, BPF_ANY) == 0)
		return 0;
	if (errno != E2BIG && errno != ENOMEM)
		return -errno;
	copy->sensor->start.entries_left++;
	return 0;
}

static int copy_table(struct sensor *sensor, const char *name)
{
	struct copy copy = {.sensor = sensor, .to = find_map(sensor, name)};
	struct bpf_map_info info;
	_cleanup_close_ int fd = sensor_pins_open(sensor, name, &info);
	_cleanup_free_ void *value = NULL;

	if (fd == -ENOENT)
		return 0; /* new in this build */
	if (fd < 0)
		return fd;
	if (!is_readable(copy.to, &info)) {
		sensor->start.entries_left += sensor_count_pinned(sensor, name);
		return 0;
	}
	value = calloc(1, bpf_map__value_size(copy.to));
	if (!value)
		return -ENOMEM;
	copy.value = value;
	copy.known_bytes = info.value_size < bpf_map__value_size(copy.to)
				   ? info.value_size
				   : bpf_map__value_size(copy.to);
	return visit_entries(fd, &info, copy_entry, &copy);
}

static int add_hint(void *userdata, const void *key, const void *value)
{
	struct weir_state *state = userdata;

	(void)key;
	state->hot += *(const uint64_t *)value;
	return 0;
}

static int add_volatile(void *userdata, const void *key, const void *value)
{
	struct weir_state *state = userdata;

	(void)key;
	state->volatile_objects++;
	state->unsettled_objects += *(const uint64_t *)value != WEIR_VOLATILE_SETTLED;
	return 0;
}

static int add_object(void *userdata, const void *key, const void *value)
{
	struct weir_state *state = userdata;

	(void)key;
	state->labelled_files += ((const struct weir_object *)value)->kind == WEIR_KIND_FILE;
	return 0;
}

static int count_table(const struct bpf_map *map, visit_fn visit, struct weir_state *state)
{
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &size) < 0)
		return -errno;
	return visit_entries(bpf_map__fd(map), &info, visit, state);
}

/* Counts of entries are those of what was copied. */
static int fill_state(struct sensor *sensor)
{
	struct weir_state old, *state = sensor->state;
	int r;

	if (!read_old_state(sensor, &old))
		return -EINVAL;
	state->openings = old.openings;
	state->epoch = old.epoch;
	state->losses = old.losses;
	state->label_changes = old.label_changes;
	state->inodes_full = old.inodes_full;
	state->edges = state->edges_read = old.edges_read;
	/* What rang and was not read is in the ring of then: as if it had been full. */
	state->losses.ring_full += old.edges - old.edges_read;
	state->hot = state->volatile_objects = state->unsettled_objects = state->labelled_files = 0;
	r = count_table(sensor->skeleton->maps.open_hints, add_hint, state);
	if (r == 0)
		r = count_table(sensor->skeleton->maps.volatiles, add_volatile, state);
	return r < 0 ? r : count_table(sensor->skeleton->maps.objects, add_object, state);
}

static int exchange_pin(const struct sensor *sensor, const struct bpf_map *map)
{
	_cleanup_free_ char *path = sensor_pin_path(sensor, "", bpf_map__name(map));
	_cleanup_free_ char *fresh = sensor_pin_path(sensor, "new_", bpf_map__name(map));

	if (!path || !fresh)
		return -ENOMEM;
	if (unlink(fresh) < 0 && errno != ENOENT)
		return -errno;
	if (bpf_obj_pin(bpf_map__fd(map), fresh) < 0 || rename(fresh, path) < 0)
		return -errno;
	return 0;
}

/* The state last: until then the next agent reads the layouts of then, and both kinds of tables. */
static int exchange_pins(const struct sensor *sensor)
{
	const struct bpf_map *state = sensor->skeleton->maps.state, *map;
	int r = 0;

	bpf_object__for_each_map(map, sensor->skeleton->obj)
	{
		if (r == 0 && !bpf_map__is_internal(map) && map != state)
			r = exchange_pin(sensor, map);
	}
	return r < 0 ? r : exchange_pin(sensor, state);
}

int sensor_migrate(struct sensor *sensor)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < N_KEPT; i++)
		r = copy_table(sensor, kept[i].name);
	if (r == 0)
		r = fill_state(sensor);
	return r < 0 ? r : exchange_pins(sensor);
}
