/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * What outlives the agent: tables and links, pinned by name. A build of the same ABI takes them
 * over as they are, and puts its programs into the slots of the hooks (bpf/slot.bpf.h); one of
 * another ABI copies the tables (sensor_migrate.c).
 */

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/sensor/sensor_private.h"
#include "base/cleanup.h"
#include "bpf/weir.skel.h"

#define HOOK "hook_"
#define SLOT SENSOR_SLOT
#define LINK SENSOR_LINK

char *sensor_pin_path(const struct sensor *sensor, const char *prefix, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s%s", sensor->pin_dir, prefix, name) < 0 ? NULL : path;
}

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

bool sensor_is_own(const struct bpf_program *program)
{
	return has_prefix(bpf_program__name(program), "walk_") ||
	       has_prefix(bpf_program__name(program), "tls_");
}

static bool is_hook(const struct bpf_program *program)
{
	return has_prefix(bpf_program__name(program), HOOK);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name);

	return length > strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

/* Hooks and what they jump to are known by one name. */
static const char *name_of(const struct bpf_program *program)
{
	return bpf_program__name(program) + (is_hook(program) ? strlen(HOOK) : 0);
}

static bool is_lsm(const struct bpf_program *program)
{
	return has_prefix(name_of(program), "lsm_");
}

/* Whether a program that ends in _btf can be entered as a perf tracepoint, too. */
static bool has_perf_twin(const struct sensor *sensor, const char *name)
{
	_cleanup_free_ char *twin = NULL;

	if (asprintf(&twin, "%.*s_perf", (int)(strlen(name) - strlen("_btf")), name) < 0) {
		twin = NULL;
		return false;
	}
	return bpf_object__find_program_by_name(sensor->skeleton->obj, twin);
}

/* Whether this kernel has what the program is for, and this is the way in that was chosen. Hooks
 * and what they jump to are chosen together. */
static bool is_of_mode(const struct sensor *sensor, const struct bpf_program *program)
{
	const char *name = name_of(program);

	if (has_prefix(name, "uring_") && !sensor->start.follows_uring)
		return false;
	if (has_prefix(name, "uring_overflow_") && !sensor->uring.has_overflow)
		return false;
	if (has_suffix(name, "_perf"))
		return sensor->is_shielded;
	return !sensor->is_shielded || !has_suffix(name, "_btf") || !has_perf_twin(sensor, name);
}

static bool is_pinned(const struct sensor *sensor, const char *prefix, const char *name)
{
	_cleanup_free_ char *path = sensor_pin_path(sensor, prefix, name);

	return path && access(path, F_OK) == 0;
}

int sensor_pins_open(const struct sensor *sensor, const char *name, struct bpf_map_info *ret_info)
{
	_cleanup_free_ char *path = sensor_pin_path(sensor, "", name);
	uint32_t size = sizeof(*ret_info);
	int fd = path ? bpf_obj_get(path) : -ENOMEM;

	memset(ret_info, 0, sizeof(*ret_info));
	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, ret_info, &size) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static int open_pinned(const struct sensor *sensor, const struct bpf_map *map,
		       struct bpf_map_info *ret_info)
{
	return sensor_pins_open(sensor, bpf_map__name(map), ret_info);
}

static bool read_state(const struct sensor *sensor, struct weir_state *ret_state)
{
	_cleanup_(sensor_shield_lower) struct sensor_shield shield = sensor_shield_raise(sensor);
	struct bpf_map_info info;
	_cleanup_close_ int fd = open_pinned(sensor, sensor->skeleton->maps.state, &info);
	uint32_t zero = 0;

	if (fd < 0 || info.value_size != sizeof(*ret_state))
		return false;
	return bpf_map_lookup_elem(fd, &zero, ret_state) == 0 &&
	       ret_state->abi_version == WEIR_ABI_VERSION && ret_state->bytes == sizeof(*ret_state);
}

/* Whether all tables that are there are laid out as this build's; their sizes may differ. */
static bool have_tables_this_shape(const struct sensor *sensor)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, sensor->skeleton->obj)
	{
		_cleanup_close_ int fd = -1;
		struct bpf_map_info info;

		if (bpf_map__is_internal(map))
			continue;
		fd = open_pinned(sensor, map, &info);
		if (fd == -ENOENT)
			continue; /* new in this build */
		if (fd < 0 || info.type != bpf_map__type(map) ||
		    info.key_size != bpf_map__key_size(map) ||
		    info.value_size != bpf_map__value_size(map))
			return false;
	}
	return true;
}

/* Whether there are hooks to be shared: none of the other mode, which would count twice. */
static bool are_hooks_pinned(const struct sensor *sensor)
{
	struct bpf_program *program;
	bool is_any = false;

	bpf_object__for_each_program(program, sensor->skeleton->obj)
	{
		const char *name = bpf_program__name(program);

		if (!is_hook(program) || !is_pinned(sensor, LINK, name))
			continue;
		if (!is_of_mode(sensor, program) || !is_pinned(sensor, SLOT, name + strlen(HOOK)))
			return false;
		is_any = true;
	}
	return is_any;
}

void sensor_pins_examine(struct sensor *sensor)
{
	struct sensor_start *start = &sensor->start;
	struct weir_state old = {};

	sensor->is_examined = true;
	if (!is_pinned(sensor, "", "state"))
		return;
	if (read_state(sensor, &old) && have_tables_this_shape(sensor) &&
	    are_hooks_pinned(sensor)) {
		start->agent_seen_ns = old.agent_seen_ns;
		start->takeover = old.build == sensor->build ? SENSOR_RESUMED : SENSOR_UPGRADED;
		start->is_resumed = true;
	} else if (sensor_can_migrate(sensor, &start->agent_seen_ns)) {
		start->takeover = SENSOR_MIGRATED;
	} else {
		start->takeover = SENSOR_REPLACED;
		start->flows_left = sensor_count_pinned(sensor, "flows");
	}
}

/* Tables that are taken over stay as large as they were made, and hold all when they are copied. */
static int keep_size(const struct sensor *sensor, struct bpf_map *map)
{
	struct bpf_map_info info;
	_cleanup_close_ int fd = open_pinned(sensor, map, &info);

	if (fd < 0)
		return 0;
	if (sensor->start.takeover == SENSOR_MIGRATED &&
	    (info.type != bpf_map__type(map) || info.max_entries <= bpf_map__max_entries(map)))
		return 0;
	if (bpf_map__set_max_entries(map, info.max_entries) < 0 ||
	    bpf_map__set_map_flags(map, info.map_flags) < 0)
		return -errno;
	return 0;
}

int sensor_pins_share(struct sensor *sensor)
{
	bool is_copied = sensor->start.takeover == SENSOR_MIGRATED; /* and pinned then */
	struct bpf_map *map;

	bpf_object__for_each_map(map, sensor->skeleton->obj)
	{
		_cleanup_free_ char *path = NULL;

		if (bpf_map__is_internal(map))
			continue;
		path = sensor_pin_path(sensor, "", bpf_map__name(map));
		if (!path)
			return -ENOMEM;
		if (keep_size(sensor, map) < 0 ||
		    (!is_copied && bpf_map__set_pin_path(map, path) < 0))
			return -errno;
	}
	return 0;
}

void sensor_pins_choose(struct sensor *sensor)
{
	bool is_resumed = sensor->start.takeover == SENSOR_RESUMED;
	struct bpf_program *program;

	bpf_object__for_each_program(program, sensor->skeleton->obj)
	{
		const char *name = bpf_program__name(program);
		bool is_wanted = sensor_is_own(program) ||
				 (!is_resumed && is_of_mode(sensor, program) &&
				  (sensor->has_lsm || !is_lsm(program)) &&
				  !(is_hook(program) && is_pinned(sensor, LINK, name)));

		bpf_program__set_autoload(program, is_wanted);
	}
}

static int fill_slot(const struct sensor *sensor, const struct bpf_program *program)
{
	_cleanup_free_ char *name = NULL;
	uint32_t zero = 0;
	int program_fd = bpf_program__fd(program), fd;

	if (asprintf(&name, SLOT "%s", bpf_program__name(program)) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	fd = bpf_object__find_map_fd_by_name(sensor->skeleton->obj, name);
	if (fd < 0)
		return fd;
	return bpf_map_update_elem(fd, &zero, &program_fd, BPF_ANY) < 0 ? -errno : 0;
}

/* The hooks that stay jump to the new programs from here on, one after the other: within an ABI
 * version, what one build pins at the entry of a call is understood at the exit by the other. */
static int fill_slots(const struct sensor *sensor, char **ret_reason)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, sensor->skeleton->obj)
	{
		int r;

		if (!bpf_program__autoload(program) || sensor_is_own(program) || is_hook(program))
			continue;
		r = fill_slot(sensor, program);
		if (r < 0)
			return sensor_fail(ret_reason, r, "cannot put %s in place: %s",
					   bpf_program__name(program), strerror(-r));
	}
	return 0;
}

static int pin_link(const struct sensor *sensor, struct bpf_link *link, const char *name,
		    char **ret_reason)
{
	_cleanup_free_ char *path = sensor_pin_path(sensor, LINK, name);
	int r = path ? bpf_link__pin(link, path) : -ENOMEM;

	if (r == 0) {
		/* The pin keeps it. libbpf does not close what is disconnected, and the
		 * descriptor would keep the program attached when the pin is gone. */
		close(bpf_link__fd(link));
		bpf_link__disconnect(link);
	}
	bpf_link__destroy(link);
	return r < 0 ? sensor_fail(ret_reason, r, "cannot pin %s: %s", name, strerror(-r)) : 0;
}

static struct bpf_link *attach_hook(const struct sensor *sensor, const struct bpf_program *program)
{
	if (strcmp(bpf_program__name(program), HOOK "uring_submit_perf") == 0)
		return bpf_program__attach_tracepoint(program, "io_uring",
						      sensor->uring.submit_event);
	return bpf_program__attach(program);
}

static int attach_hooks(struct sensor *sensor, char **ret_reason)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, sensor->skeleton->obj)
	{
		struct bpf_link *link;
		int r;

		if (!bpf_program__autoload(program) || !is_hook(program))
			continue;
		link = attach_hook(sensor, program);
		if (!link && is_lsm(program)) {
			sensor_lsm_refuse(sensor, -errno);
			continue;
		}
		if (!link)
			return sensor_fail(ret_reason, -errno, "cannot attach %s: %s",
					   bpf_program__name(program), strerror(errno));
		r = pin_link(sensor, link, bpf_program__name(program), ret_reason);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_known(const struct sensor *sensor, const char *pin)
{
	const struct bpf_object *object = sensor->skeleton->obj;

	if (has_prefix(pin, LINK))
		return bpf_object__find_program_by_name(object, pin + strlen(LINK));
	/* A build that comes back finds its tables again, unless they were copied meanwhile. */
	return pin[0] == '.' || sensor->start.takeover != SENSOR_MIGRATED ||
	       bpf_object__find_map_by_name(object, pin);
}

/* What an earlier build hooked and this one does not. */
static void drop_stale_pins(const struct sensor *sensor)
{
	DIR *dir = opendir(sensor->pin_dir);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!is_known(sensor, entry->d_name))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

int sensor_attach(struct sensor *sensor, char **ret_reason)
{
	int r;

	if (sensor->start.takeover == SENSOR_RESUMED)
		return 0;
	/* An agent that is killed in here leaves a mixture, which the next one completes. */
	sensor->state->build = 0;
	r = fill_slots(sensor, ret_reason);
	if (r == 0)
		r = attach_hooks(sensor, ret_reason);
	if (r < 0)
		return r;
	drop_stale_pins(sensor);
	sensor->state->build = sensor->build;
	return 0;
}
